"""Recall and precision on the second generator's cases: `python -m benchmarks.pii_second [--each N] [--seed N] [--show N]`.

Its values, sentences and disguises were written from the public standards before the recognisers were read, and are drawn
afresh for every seed. Recall: the whole value is covered by finds. Typed: one of them has its name, or a name that means the
same. Precision: finds that touch a value, among all finds in these texts.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Iterable

from benchmarks import pii_second_cases as cases
from benchmarks import pii_second_disguises as disguises
from benchmarks.pii_report import machine, save, table
from benchmarks.pii_second_cases import Case
from gateway.detect.patterns import Patterns
from gateway.detect.span import Span

THRESHOLD = 0.5
ALIKE = [
    {"CN_BANK_CARD", "CREDIT_CARD"},
    {"CN_MOBILE", "PHONE_NUMBER", "CN_LANDLINE"},
    {"CN_ID_CARD", "CN_RESIDENCE_PERMIT", "CN_REGISTRATION"},
    {"CN_ID_CARD", "HK_ID_CARD", "TW_ID_CARD", "MO_ID_CARD"},
    {"US_PASSPORT", "CN_PASSPORT"},
    {"BANK_ACCOUNT", "CN_BANK_CARD", "IBAN_CODE"},
    {"US_SSN", "US_ITIN"},
    {"CN_HK_MO_PERMIT", "CN_HOME_PERMIT", "CN_TW_PERMIT"},
]


def _covered(spans: Iterable[Span], case: Case) -> bool:
    signs = set(range(case.start, case.end))
    for span in spans:
        signs -= set(range(span.start, span.end))
    return not signs


def _touching(spans: Iterable[Span], case: Case) -> list[Span]:
    return [span for span in spans if span.start < case.end and span.end > case.start]


def _named(spans: Iterable[Span], case: Case) -> bool:
    names = {case.entity} | {name for group in ALIKE if case.entity in group for name in group}
    return any(span.entity in names or (case.entity == "PASSWORD" and span.kind == "secret") for span in spans)


def _row(group: str, entity: str, judged: list[tuple[Case, list[Span]]]) -> dict[str, object]:
    touching = [_touching(spans, case) for case, spans in judged]
    found = sum(map(len, touching))
    every = sum(len(spans) for _, spans in judged)
    covered = sum(_covered(spans, case) for case, spans in judged)
    typed = sum(_named(spans, case) for spans, (case, _) in zip(touching, judged, strict=True))
    count = len(judged)
    return {
        "group": group,
        "entity": entity,
        "cases": count,
        "recall": round(covered / count, 4),
        "typed": round(typed / count, 4),
        "precision": round(found / every, 4) if every else None,
        "false": every - found,
    }


def drawn(rng: random.Random, each: int) -> list[Case]:
    """Cases of every group."""
    made = [
        *cases.plain(rng, each),
        *cases.columns(rng, each // 4),
        *cases.wrong(rng, each * 3),
        *cases.told(rng, each // 4),
    ]
    return [*made, *disguises.disguised(rng, each // 4)]


def main() -> None:
    """Draw, look, count, print, save."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--each", type=int, default=100)
    arguments.add_argument("--seed", type=int, default=20261124)
    arguments.add_argument("--show", type=int, default=0, help="print so many misses of each row")
    asked = arguments.parse_args()
    rng = random.Random(asked.seed)
    patterns = Patterns()
    judged: dict[tuple[str, str], list[tuple[Case, list[Span]]]] = defaultdict(list)
    for case in drawn(rng, asked.each):
        spans = [span for span in patterns.find(case.text) if span.score >= THRESHOLD]
        judged[case.group, case.entity].append((case, spans))
    rows = [_row(group, entity, some) for (group, entity), some in judged.items()]
    near = [
        (case, [s for s in patterns.find(case.text) if s.score >= THRESHOLD])
        for case in disguises.near_misses(rng, asked.each)
    ]
    misses: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for case, spans in near:
        misses[case.entity][0] += 1
        misses[case.entity][1] += len(spans)
    near_rows = [{"near miss": name, "cases": count, "false": false} for name, (count, false) in misses.items()]
    totals = _totals(judged)
    print(table(rows), table(near_rows), table(totals), sep="\n")
    _show(judged, near, asked.show)
    save(
        "pii_second",
        {
            "seed": asked.seed,
            "cases of each": asked.each,
            "totals": totals,
            "rows": rows,
            "near misses": near_rows,
            "machine": machine(),
        },
    )


def _totals(judged: dict[tuple[str, str], list[tuple[Case, list[Span]]]]) -> list[dict[str, object]]:
    groups: dict[str, list[tuple[Case, list[Span]]]] = defaultdict(list)
    for (group, _), some in judged.items():
        groups[group.split(":")[0]].extend(some)
    return [_row(group, "all", some) for group, some in groups.items()]


def _show(
    judged: dict[tuple[str, str], list[tuple[Case, list[Span]]]], near: list[tuple[Case, list[Span]]], most: int
) -> None:
    for key, some in judged.items():
        bad = [
            (c, s)
            for c, s in some
            if not _covered(s, c) or len(_touching(s, c)) < len(s) or not _named(_touching(s, c), c)
        ]
        for case, spans in bad[:most]:
            print(
                *key,
                repr(case.text),
                repr(case.text[case.start : case.end]),
                [(s.entity, case.text[s.start : s.end], s.rule) for s in spans],
            )
    for case, spans in [pair for pair in near if pair[1]][: most * 10]:
        print(
            "near miss", case.entity, repr(case.text), [(s.entity, case.text[s.start : s.end], s.rule) for s in spans]
        )


if __name__ == "__main__":
    main()
