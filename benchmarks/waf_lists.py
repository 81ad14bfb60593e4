"""What the structure checks do with other people's lists: `python -m benchmarks.waf_lists DIRECTORY [--crs RULES]`.

DIRECTORY holds checkouts, by these names; one that is not there is left out, and none belongs into this repository:
  httpparams    Morzeux/HttpParamsDataset        payload_full.csv: normal values of a shop, and attacks
  mgm           openappsec/mgm-web-attack-payloads
  libinjection  libinjection/libinjection        data/sqli-*.txt, data/xss-*.txt, data/false_positives.txt
  patt          swisskyrepo/PayloadsAllTheThings */Intruder*/*.txt
  gotestwaf     wallarm/gotestwaf                testcases/: never looked at when rules were written
  fuzzdb        fuzzdb-project/fuzzdb            attack/: the same
  pb-sql        payloadbox/sql-injection-payload-list  Intruder/: what no other list has
  pb-xss        payloadbox/xss-payload-list      the same
  intruder      1N3/IntruderPayloads             FuzzLists/: the same
  uap           ua-parser/uap-core               tests/ and test_resources/: User-Agent lines as browsers and programs send them
With --crs, what no grammar proves is asked of the core rule set there as well, as on a site with [crs].
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import unquote_to_bytes
from zlib import crc32

import yaml

from benchmarks.waf_prompts import DEFAULT, exchange, upper
from benchmarks.waf_usual import usual
from gateway.core.exchange import Kind, Passage
from gateway.core.verdict import Refuse
from gateway.detect.crs.engine import library
from gateway.detect.crs.residue import Crs
from gateway.detect.crs.ruleset import Options
from gateway.detect.crs.workers import Workers
from gateway.stages.waf import Waf
from policies import waf

RESULTS = Path(__file__).parent / "results" / "waf_lists.json"
PLACES = {
    "name": "model",
    "tool": "tools[0].function.name",
    "label": "user",
    "stop": "stop[0]",
    "header": "headers.x-client-info",
}
AGENTS = (
    "tests/test_ua.yaml",
    "tests/test_os.yaml",
    "tests/test_device.yaml",
    "test_resources/firefox_user_agent_strings.yaml",
    "test_resources/opera_mini_user_agent_strings.yaml",
    "test_resources/pgts_browser_list.yaml",
    "test_resources/podcasting_user_agent_strings.yaml",
)
LONGEST = 8000  # characters: longer lines are files, and over every grammar's length anyway
SECONDS = 5.0


@dataclass(frozen=True)
class Texts:
    """A list by family; `places` it makes sense in."""

    source: str
    family: str
    texts: tuple[str, ...]
    places: tuple[str, ...] = tuple(PLACES)


def attacks(where: Path) -> Iterable[Texts]:
    yield from _http_params(where / "httpparams" / "payload_full.csv", attack=True)
    families = {"sqli": "sql", "xss": "script", "traversal": "traversal", "cmdexe": "command"}
    for name, family in families.items():
        yield from _lines("mgm", family, [where / f"mgm/nuclei/payloads/{name}/true-positives.txt"], _plain)
    data = where / "libinjection" / "data"
    yield from _lines("libinjection", "sql", sorted(data.glob("sqli-*.txt")), _plain)
    yield from _lines("libinjection", "script", sorted(data.glob("xss-*.txt")), _plain)
    for folder, family in {
        "SQL Injection": "sql",
        "XSS Injection": "script",
        "Directory Traversal": "traversal",
        "Command Injection": "command",
    }.items():
        yield from _lines("PayloadsAllTheThings", family, _payload_files(where / "patt" / folder))


def unseen(where: Path) -> Iterable[Texts]:
    """Lists that no rule was mended on: what strangers' payloads meet."""
    cases = where / "gotestwaf" / "testcases"
    for name, family in {
        "owasp/sql-injection": "sql", "community/community-sqli": "sql", "owasp/xss-scripting": "script", "community/community-xss": "script",
        "owasp/path-traversal": "traversal", "community/community-lfi": "traversal", "owasp/shell-injection": "command", "owasp/rce": "command", "community/community-rce": "command",
    }.items():  # fmt: skip
        file = cases / f"{name}.yml"
        if file.exists():
            yield Texts(f"gotestwaf {name}", family, _distinct(map(_plain, _cases(file))))
    attack = where / "fuzzdb" / "attack"
    yield from _lines("fuzzdb", "sql", sorted((attack / "sql-injection").glob("*/*.txt")))
    yield from _lines(
        "fuzzdb",
        "script",
        [attack / "xss" / name for name in ("xss-rsnake.txt", "XSSPolyglot.txt", "xss-other.txt", "xss-uri.txt")],
    )
    yield from _lines("fuzzdb", "traversal", sorted((attack / "path-traversal").glob("*.txt")))
    yield from _lines("fuzzdb", "command", [attack / "os-cmd-execution" / "command-execution-unix.txt"])


def fresh(where: Path) -> Iterable[Texts]:
    """What further lists have that none of those above has: the half of it that was not looked at when rules were mended."""
    known = {text for one in (*attacks(where), *unseen(where)) for text in one.texts}
    lists = where / "intruder" / "FuzzLists"
    for source, family, files in (
        ("payloadbox", "sql", sorted((where / "pb-sql" / "Intruder").rglob("*.txt"))),
        ("payloadbox", "script", sorted((where / "pb-xss" / "Intruder").glob("*.txt"))),
        ("IntruderPayloads", "traversal", [lists / "lfi.txt", lists / "traversal.txt", lists / "traversal-short.txt"]),
        ("IntruderPayloads", "command", [lists / "command_exec.txt"]),
    ):
        for one in _lines(source, family, files):
            new = (text for text in one.texts if text not in known and crc32(text.encode("utf-8", "replace")) & 1)
            yield replace(one, texts=tuple(text for text in new if _MORE_THAN_A_WORD.search(text)))


_MORE_THAN_A_WORD = re.compile(
    r"\w\W+\w|\w\W{2,}|\W{2,}\w"
)  # lone words and signs prove nothing: names are made of them


def harmless(where: Path) -> Iterable[Texts]:
    yield from _http_params(where / "httpparams" / "payload_full.csv", attack=False)
    texts = where / "gotestwaf" / "testcases" / "false-pos" / "texts.yml"
    if texts.exists():
        yield Texts("gotestwaf", "false-pos", _distinct(_cases(texts)), ("label", "stop"))
    lines = _agents(where / "uap")
    if lines:
        yield Texts("uap-core", "user agents", lines, ("header",))
    for place, values in usual().items():
        yield Texts("composed", place, tuple(values), (place,))


def _agents(where: Path) -> tuple[str, ...]:
    """User-Agent lines of browsers, programs, telephones and robots, each once."""
    lines: dict[str, None] = {}
    for name in AGENTS:
        if (where / name).exists():
            told = yaml.load((where / name).read_text("utf-8"), Loader=yaml.CSafeLoader)
            lines |= dict.fromkeys(str(one["user_agent_string"]) for one in told["test_cases"])
    return tuple(lines)


def _http_params(file: Path, *, attack: bool) -> Iterable[Texts]:
    if not file.exists():
        return
    names = {"sqli": "sql", "xss": "script", "path-traversal": "traversal", "cmdi": "command", "norm": "values"}
    found: dict[str, list[str]] = {}
    with file.open(newline="", encoding="utf-8", errors="replace") as lines:
        for row in csv.DictReader(lines):
            found.setdefault(names[row["attack_type"]], []).append(row["payload"].replace("{file}", "etc/passwd"))
    for family, texts in found.items():
        if (family != "values") is attack:
            yield Texts(
                "HttpParams", family, _distinct(texts), tuple(PLACES) if attack else ("label", "stop", "header")
            )


def _cases(file: Path) -> list[str]:
    """The payloads of a gotestwaf file; line by line where it is no YAML, as one of them is."""
    try:
        return [str(one) for one in yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)["payload"]]
    except yaml.YAMLError:
        lines = file.read_text("utf-8").partition("encoder:")[0].splitlines()
        return [line.strip()[2:].strip("'\"") for line in lines if line.strip().startswith("- ")]


def _lines(source: str, family: str, files: Iterable[Path], read: Callable[[str], str] = str) -> Iterable[Texts]:
    texts: list[str] = []
    for file in files:
        if file.exists():
            lines = file.read_text("utf-8", errors="replace").splitlines()
            texts += [read(line).replace("{FILE}", "etc/passwd") for line in lines if not line.startswith("#")]
    if texts:
        yield Texts(source, family, _distinct(texts))


def _payload_files(folder: Path) -> list[Path]:
    """The lists that hold payloads; some hold names of events or spellings of one character to make payloads of."""
    return [file for file in sorted(folder.glob("Intruder*/*.txt")) if "event" not in file.name.lower()]


def _plain(line: str) -> str:
    """A line without its escapes, as it stands in JSON; with them where they hide bytes that JSON cannot hold."""
    try:
        return unquote_to_bytes(line.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        return line


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text.strip() and len(text) <= LONGEST))


def _thinned(most: int, one: Texts) -> Texts:
    step = max(1, len(one.texts) // most) if most else 1
    return replace(one, texts=one.texts[::step])


def _has_texts(one: Texts) -> bool:
    return bool(one.texts)


def refuses(stage: Waf, place: str, text: str) -> bool:
    passage = Passage(
        PLACES[place], {"header": "header", "tool": "tool_definition"}.get(place, "parameter"), text, Kind.IDENTIFIER
    )
    return isinstance(stage.judge(exchange(passage)), Refuse)


def stage(crs: Crs | None) -> Waf:
    policy = waf.parse({f"waf/{path.name}": path.read_bytes() for path in (DEFAULT / "waf").glob("*.yaml")})
    return Waf(policy, core=crs.loaded((), Options(policy.settings.core_rules.paranoia)) if crs else None)


def measure(waf_stage: Waf, lists: Iterable[Texts], *, want: bool, show: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for one in lists:
        for place in one.places:
            refused = partial(refuses, waf_stage, place)
            wrong = [text for text in one.texts if refused(text) is not want]
            hits = len(one.texts) - len(wrong) if want else len(wrong)
            row = {"source": one.source, "family": one.family, "place": place, "texts": len(one.texts), "refused": hits}
            bound = (
                {"share": round(hits / len(one.texts), 5)}
                if want
                else {"at_most_95": round(upper(hits, len(one.texts)), 5)}
            )
            rows.append(row | bound)
            print(*(f"{value!s:20}" for value in rows[-1].values()), [text[:70] for text in wrong[:show]])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--crs", type=Path)
    parser.add_argument("--show", type=int, default=0, help="how many of the wrong ones to print")
    parser.add_argument("--each", type=int, default=0, help="at most so many texts of a list, drawn evenly; 0: all")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/waf_lists.json")
    args = parser.parse_args()
    crs = Crs(args.crs, "", Workers(library(), 1), SECONDS) if args.crs else None
    judged = stage(crs)
    thin = partial(_thinned, args.each)
    figures = {
        "at most of each list": args.each or "all",
        "attacks": measure(judged, map(thin, attacks(args.directory)), want=True, show=args.show),
        "unseen": measure(judged, map(thin, unseen(args.directory)), want=True, show=args.show),
        "fresh": measure(judged, map(thin, filter(_has_texts, fresh(args.directory))), want=True, show=args.show),
        "harmless": measure(judged, map(thin, harmless(args.directory)), want=False, show=args.show),
    }
    if crs:
        crs.close()
    if args.save:
        kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
        kept["with the core rules" if crs else "without the core rules"] = figures
        machine = {"python": platform.python_version(), "machine": platform.machine()}
        how = "python -m benchmarks.waf_lists DIRECTORY [--crs RULES] --save"
        RESULTS.write_text(json.dumps({"how": how, "machine": machine, **kept}, indent=1) + "\n")


if __name__ == "__main__":
    main()
