"""Pseudonyms: conversations with two people of one name, tags that models mangle, streams cut anywhere, other tenants.

    python -m benchmarks.pii_restore [--conversations 1000]

Right is: the value put back, or the tag left as it is. results/pii_restore.json.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable

from benchmarks.pii_report import machine, save, table
from gateway.core.exchange import Action, Exchange, Passage, Peer, Principal
from gateway.core.reply import Channel
from gateway.stages.pii import Redaction, detectors
from policies.pii import parse

POLICY = b"""
default: {request: redact, response: redact}
rules: [{name: readers, roles: [reader], direction: request, action: pseudonymise}]
restore: {roles: [reader]}
names: {request: rules}
"""
NAMES = ("张伟", "王芳", "李娜", "刘洋", "陈静", "欧阳娜娜", "赵敏", "孙悦")
MANGLES: dict[str, Callable[[str], str]] = {
    "as it is": lambda tag: tag,
    "lower": str.lower,
    "upper": str.upper,
    "title": str.title,
    "no brackets": lambda tag: tag.strip("<>"),
    "spaces inside": lambda tag: f"< {tag.strip('<>')} >",
    "spaces for underscores": lambda tag: tag.replace("_", " "),
    "hyphens": lambda tag: tag.replace("_", "-"),
    "escaped": lambda tag: tag.replace("_", r"\_"),
    "square": lambda tag: f"[{tag.strip('<>')}]",
    "full width": lambda tag: f"＜{tag.strip('<>')}＞",
    "entities": lambda tag: tag.replace("<", "&lt;").replace(">", "&gt;"),
    "half a bracket": lambda tag: tag.rstrip(">"),
    "cut short": lambda tag: tag[:-4],
    "a sign changed": lambda tag: tag[:-3] + ("a" if tag[-3] != "a" else "b") + tag[-2:],
}
LOST = frozenset({"cut short", "a sign changed"})  # no longer a tag: must stay as it is


def exchange(name: str, tenant: str, *said: str) -> Exchange:
    passages = tuple(Passage(f"messages[{at}].content", "user", text) for at, text in enumerate(said))
    return Exchange("x", 0.0, Peer(""), "/", Action.CHAT, "m", passages, principal=Principal(name, tenant, ("reader",)))


def reply(one: Redaction, asked: Exchange, text: str, r: random.Random) -> str:
    transform, out, at = one.transform(asked, Channel()), [], 0
    while at < len(text):
        size = r.randint(1, 6)
        out.append(transform.feed(text[at : at + size]).text)
        at += size
    return "".join([*out, transform.finish().text])


def run(conversations: int, seed: int) -> tuple[Counter[str], list[dict[str, object]]]:
    policy = parse({"pii/policy.yaml": POLICY})
    one = Redaction(policy, bytes(range(32)), detectors(policy))
    counts: Counter[str] = Counter()
    by_mangle: dict[str, Counter[str]] = {name: Counter() for name in MANGLES}
    seen: dict[str, tuple[str, str]] = {}
    for number in range(conversations):
        r = random.Random(seed * 7919 + number)
        shared = r.choice(NAMES)
        phones = [f"138{r.randint(10**7, 10**8 - 1)}" for _ in range(2)]
        opening = f"第{number}个会话。客户：{shared}，电话{phones[0]}。"
        tenant = r.choice(["a", "b"])
        asked = one.judge(exchange("ann", tenant, opening, f"另一位联系人：{shared}，电话{phones[1]}。")).exchange  # type: ignore[union-attr]
        value_of = dict(asked.pseudonyms)
        for tag, value in value_of.items():
            owner = seen.setdefault(tag, (f"{tenant}:{number}", value))
            counts["tags shared between conversations"] += owner != (f"{tenant}:{number}", value)
        counts["same name, one tag"] += len({tag for tag, value in value_of.items() if value == shared}) == 1
        counts["two phones, two tags"] += len({tag for tag, value in value_of.items() if value in phones}) == 2
        mangle = r.choice(sorted(MANGLES))
        chosen = list(value_of)
        text = "；".join(f"第{at}是{MANGLES[mangle](tag)}" for at, tag in enumerate(chosen))
        expected = "；".join(
            f"第{at}是{MANGLES[mangle](tag) if mangle in LOST else value_of[tag]}" for at, tag in enumerate(chosen)
        )
        right = reply(one, asked, text, r) == expected
        by_mangle[mangle]["right" if right else "wrong"] += 1
        other = one.judge(exchange("ann", "other", opening, "x")).exchange  # type: ignore[union-attr]
        counts["restored for another tenant"] += any(
            value in reply(one, other, "、".join(chosen), r) for value in phones
        )
    rows = [
        {"tag written": name, "right": found["right"], "wrong": found["wrong"]} for name, found in by_mangle.items()
    ]
    return counts, rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    counts, rows = run(args.conversations, args.seed)
    print(table(rows))
    print(dict(counts))
    save(
        "pii_restore",
        {
            "conversations": args.conversations,
            "seed": args.seed,
            "counts": dict(counts),
            "by mangling": rows,
            "machine": machine(),
        },
    )


if __name__ == "__main__":
    main()
