"""Changed policies are tried in a process of its own: what hangs, grows or breaks there is refused, and nothing else happens."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import policies
from gateway import site
from gateway.core.errors import PolicyError
from gateway.detect.compiled import Shelf
from gateway.detect.piped import Piped
from gateway.trying import Kept, Limits, Trials
from policies import bundle

DEFAULT = Path(policies.__file__).parent / "default"
ENOUGH = Limits(60, 1024)
KEY = b"k" * 32


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("trial") / "site"
    site.create(made, datetime(2026, 11, 1, tzinfo=UTC))
    return made


@pytest.fixture
def changing(fresh: Path) -> Iterator[Path]:
    """The site's policies, put back afterwards."""
    yield fresh / "policies"
    shutil.rmtree(fresh / "policies")
    shutil.copytree(DEFAULT, fresh / "policies")


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(PolicyError) as refused:
        work()
    return str(refused.value)


def test_good_policies_are_found_good_and_what_was_compiled_is_kept(fresh: Path, tmp_path: Path) -> None:
    kept = Kept(tmp_path / "cache", KEY)
    trials = Trials(fresh, ENOUGH, kept)
    now = bundle.digest(bundle.gather(fresh / "policies"))
    assert trials.digest(now) == now
    assert len(list((tmp_path / "cache").glob("*.hs"))) >= 4
    assert kept.shelf.get(f"good-{now}") is not None


def test_policies_that_break_their_promise_are_refused_with_what_is_wrong(changing: Path) -> None:
    rules = changing / "access" / "policy.csv"
    rules.write_text(rules.read_text() + "p, user:analyst, *, *, chat, deny, -\n")
    assert "not_permitted" in refusal(lambda: Trials(changing.parent, ENOUGH, None).digest("new"))


def test_policies_that_cannot_be_read_are_refused_with_file_and_line(changing: Path) -> None:
    (changing / "waf" / "own.yaml").write_text("version: 1\nrules: [{id: no}]\n")
    assert "waf/own.yaml" in refusal(lambda: Trials(changing.parent, ENOUGH, None).digest("new"))


# A rule's own test that Python's matcher needs years for: `(a{0,9}){0,60}b` on many an a.
HANGS = """
  - id: OWN-101
    family: hang
    any: ['(?:a{0,9}a{0,9}){0,40}b']
    effect: note
    owner: sec
    expires: 2099-01-01
    tests: {hit: ["ab"], miss: ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]}
"""


def test_policies_that_take_too_long_are_refused_and_the_process_is_ended(changing: Path) -> None:
    output = changing / "output.yaml"
    output.write_text(output.read_text() + HANGS)
    begun: list[Piped] = []

    def start(megabytes: int) -> Piped:
        begun.append(Piped((sys.executable, "-m", "gateway.trial", str(megabytes))))
        return begun[-1]

    trials = Trials(changing.parent, Limits(2, 1024), None, ready=True, start=start)
    said = refusal(lambda: trials.digest("new"))
    assert "took longer than 2 s" in said and "stay" in said
    assert begun[0].gone


def test_policies_that_need_too_much_memory_are_refused(changing: Path) -> None:
    (changing / "waf" / "own.yaml").write_text("version: 1\nrules: [" + "1," * 400_000 + "1]\n")
    said = refusal(lambda: Trials(changing.parent, Limits(60, 300), None).digest("new"))
    assert "need more than 300 MB" in said and "stay" in said


@pytest.mark.parametrize("program", ["", "import sys; sys.stdout.write('ok'); sys.exit(0)", "import os; os.abort()"])
def test_a_trial_that_dies_is_a_refusal_and_the_next_one_begins_anew(fresh: Path, program: str) -> None:
    starts: list[int] = []

    def start(megabytes: int) -> Piped:
        starts.append(megabytes)
        return Piped((sys.executable, "-c", program))

    trials = Trials(fresh, ENOUGH, None, ready=True, start=start)
    for _ in range(2):
        assert "broke" in refusal(lambda: trials.digest("new"))
    assert starts == [1024, 1024]


ANSWERS = """
import json, sys, time
from gateway.detect import piped
piped.write(sys.stdout.buffer, b"ready")
while (message := piped.read(sys.stdin.buffer)) is not None:
    {work}
"""
GOOD = 'piped.write(sys.stdout.buffer, b\'{"digest": "new"}\')'


def answering(count: list[int], work: str = GOOD) -> Callable[[int], Piped]:
    def start(megabytes: int) -> Piped:
        count.append(megabytes)
        return Piped((sys.executable, "-c", ANSWERS.format(work=work)))

    return start


def test_what_is_in_force_needs_no_trial(fresh: Path) -> None:
    starts: list[int] = []
    trials = Trials(fresh, ENOUGH, None, start=answering(starts))
    trials.trust("new")
    assert trials.digest("new") == "new" and starts == []


def test_a_process_kept_ready_is_asked_again(fresh: Path) -> None:
    starts: list[int] = []
    trials = Trials(fresh, ENOUGH, None, ready=True, start=answering(starts))
    trials.prepare()
    assert trials.digest("new") == trials.digest("other") == "new"
    trials.close()
    assert len(starts) == 1


def test_one_workers_word_is_enough_for_the_others_if_it_is_sealed_and_new(fresh: Path, tmp_path: Path) -> None:
    starts: list[int] = []
    kept = Kept(tmp_path / "cache", KEY)
    assert Trials(fresh, ENOUGH, kept, start=answering(starts)).digest("new") == "new"
    assert Trials(fresh, ENOUGH, kept, start=answering(starts)).digest("new") == "new"
    assert len(starts) == 1
    kept.shelf.put("good-new", b"1000.0")  # of long ago
    assert Trials(fresh, ENOUGH, kept, start=answering(starts)).digest("new") == "new"
    Shelf(tmp_path / "cache", b"o" * 32).put("good-new", b"9e99")  # a stranger's
    assert Trials(fresh, ENOUGH, kept, start=answering(starts)).digest("new") == "new"
    assert len(starts) == 3


def test_closing_ends_a_trial_under_way(fresh: Path) -> None:
    trials = Trials(fresh, ENOUGH, None, ready=True, start=answering([], "time.sleep(60)"))
    said: list[str] = []
    asking = threading.Thread(target=lambda: said.append(refusal(lambda: trials.digest("new"))))
    asking.start()
    asking.join(1.0)
    trials.close()
    asking.join(10.0)
    assert not asking.is_alive() and "broke" in said[0]
