"""A set of rules from a directory of the core rule set and a site's own files: checked, pinned, and copied aside for the workers.

The core rule set is never edited: a site's `before*.conf` come before it, its other files after it. Workers read the
copy, so that what was checked is what is loaded.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.detect.crs.lint import About, Source, lint
from policies.problem import PolicyInvalid, Problem

MAX_BYTES = 32 << 20  # of one directory: the core rule set has three
LEFT_OUT = re.compile(
    r"REQUEST-(?:903|910|912|949|980|999)|RESPONSE-"
)  # other products' exclusions, address lists, counters, the sum (ours), replies
SETUP_NAME = "hangu-setup.conf"


@dataclass(frozen=True, slots=True)
class Options:
    """`paranoia` 1 to 4. `whole`: also what `LEFT_OUT` leaves out, as the rules' own test suite needs; `setup` is put before."""

    paranoia: int = 1
    whole: bool = False
    setup: str = ""


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Files in the order they are loaded, word lists beside them, and what each rule is. `key` is their SHA-256."""

    key: str
    files: tuple[tuple[str, bytes], ...]
    data: Mapping[str, bytes]
    rules: Mapping[int, About]

    def write(self, directory: Path) -> list[str]:
        """Copy everything to `directory/key`, once; the paths of the rule files in order."""
        place = directory / self.key
        if not place.exists():
            place.mkdir(mode=0o700)
            for name, content in (*self.files, *self.data.items()):
                (place / name).write_bytes(content)
        return [str(place / name) for name, _ in self.files]


def read(
    directory: Path, sha256: str = "", own: Sequence[tuple[str, bytes]] = (), options: Options | None = None
) -> Ruleset:
    """Raises `PolicyInvalid` naming every problem: no rules, another digest than pinned, or rules out of order."""
    options = options or Options()
    rules, data = _gather(directory, whole=options.whole)
    found = digest({**rules, **data})
    if sha256 and sha256.lower() != found:
        hint = f"if these are the rules you want, write sha256 = {found!r}"
        raise PolicyInvalid([Problem(str(directory), "", "the rules are not those of their digest", hint)])
    own_files = sorted(own, key=lambda one: (not _comes_before(one[0]), one[0]))
    sources = [Source(name, _text(content), own=True) for name, content in own_files]
    sources += [Source(name, _text(content)) for name, content in rules.items()]
    known, problems = lint(sources, data)
    if problems:
        raise PolicyInvalid(problems)
    setup = (SETUP_NAME, _setup(options).encode())
    mine = [(f"own-{index:03}-{Path(name).name}", content) for index, (name, content) in enumerate(own_files)]
    before = [one for one, (name, _) in zip(mine, own_files, strict=True) if _comes_before(name)]
    files = (setup, *before, *rules.items(), *mine[len(before) :])
    return Ruleset(digest({**dict(files), **data}), files, data, known)


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 in hex over each sorted name and its bytes, lengths first."""
    hashed = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name]):
            hashed.update(len(part).to_bytes(8, "big") + part)
    return hashed.hexdigest()


def _gather(directory: Path, *, whole: bool) -> tuple[dict[str, bytes], dict[str, bytes]]:
    place = directory / "rules" if (directory / "rules").is_dir() else directory
    rules: dict[str, bytes] = {}
    data: dict[str, bytes] = {}
    total = 0
    for file in sorted(place.glob("*")):
        if file.suffix not in (".conf", ".data") or (
            file.suffix == ".conf" and not whole and LEFT_OUT.match(file.name)
        ):
            continue
        content = file.read_bytes()
        total += len(content)
        (rules if file.suffix == ".conf" else data)[file.name] = content
    if not rules or total > MAX_BYTES:
        what = "holds no rules" if not rules else f"holds more than {MAX_BYTES} bytes"
        hint = "name a directory of the OWASP core rule set, e.g. install modsecurity-crs"
        raise PolicyInvalid([Problem(str(directory), "", what, hint)])
    return rules, data


def _comes_before(name: str) -> bool:
    return Path(name).name.startswith("before")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _setup(options: Options) -> str:
    """Detection only: what a match means is decided by policy, not by the library."""
    level = options.paranoia
    levels = [f"{name}={level}" for name in ("blocking_paranoia_level", "detection_paranoia_level")]
    older = [f"{name}={level}" for name in ("paranoia_level", "executing_paranoia_level")]  # as 3.x called them
    sets = ",".join(f"setvar:'tx.{one}'" for one in ("crs_setup_version=400", *levels, *older))
    return f"""SecRuleEngine DetectionOnly
SecRequestBodyAccess On
SecResponseBodyAccess {"On" if options.whole else "Off"}
SecAuditEngine Off
{options.setup}
SecAction "id:900990,phase:1,pass,t:none,nolog,{sets}"
"""
