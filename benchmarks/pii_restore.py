"""Pseudonyms: conversations of several turns with two people of one name, tags that models mangle, streams cut anywhere.

    python -m benchmarks.pii_restore [--conversations 1000]

Each turn sends the history again, as the client saw it (values back) or as the model did (tags). Right is: the value put
back, or the tag left as it is. Every reply is also tried on another tenant, another caller and another conversation that
begin with the same words. results/pii_restore.json.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

from benchmarks.pii_report import machine, save, table
from gateway.core.exchange import Action, Exchange, Passage, Peer, Principal
from gateway.core.reply import Channel, Kind
from gateway.core.verdict import Amend, Refuse
from gateway.stages.pii import Redaction, detectors
from policies.pii import parse

POLICY = b"""
default: {request: redact, response: redact}
rules: [{name: readers, roles: [reader], direction: request, action: pseudonymise}]
restore: {roles: [reader]}
names: {request: rules}
"""
NAMES = ("张伟", "王芳", "李娜", "刘洋", "陈静", "欧阳娜娜", "赵敏", "孙悦")


def wide(tag: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) for sign in tag)


MANGLES: dict[str, Callable[[str], str]] = {
    "as it is": lambda tag: tag,
    "lower": str.lower,
    "upper": str.upper,
    "title": str.title,
    "no brackets": lambda tag: tag.strip("<>"),
    "spaces inside": lambda tag: f"< {tag.strip('<>')} >",
    "spaces for underscores": lambda tag: tag.replace("_", " "),
    "spaces about underscores": lambda tag: tag.replace("_", " _ "),
    "broken over a line": lambda tag: tag.replace("_", "_\n"),
    "nothing for underscores": lambda tag: tag.replace("_", ""),
    "hyphens": lambda tag: tag.replace("_", "-"),
    "escaped": lambda tag: tag.replace("_", r"\_"),
    "square": lambda tag: f"[{tag.strip('<>')}]",
    "corner": lambda tag: f"【{tag.strip('<>')}】",
    "twice": lambda tag: f"<{tag}>",
    "full-width brackets": lambda tag: f"＜{tag.strip('<>')}＞",
    "full-width": wide,
    "entities": lambda tag: tag.replace("<", "&lt;").replace(">", "&gt;"),
    "half a bracket": lambda tag: tag.rstrip(">"),
    "cut short": lambda tag: tag[:-4],
    "a sign changed": lambda tag: tag[:-3] + ("a" if tag[-3] != "a" else "b") + tag[-2:],
    "invented": lambda tag: f"<PERSON_{tag[-7:-1][::-1]}>" if tag[-7:-1] != tag[-7:-1][::-1] else "<PERSON_zzzzzz>",
}
LOST = frozenset({"cut short", "a sign changed", "invented"})  # no longer a tag: must stay as it is
CHANNELS = (Channel(), Channel(1), Channel(0, Kind.REASONING), Channel(0, Kind.ARGUMENTS))
TURNS = 4
SYSTEM = "You are a helpful assistant. It is {} o'clock."


class Talk:
    """One conversation: what the client has on its screen, and who is talking."""

    def __init__(self, r: random.Random, number: int, caller: tuple[str, str]) -> None:
        self.r, self.caller = r, caller
        self.person = r.choice(NAMES)
        self.phones = [f"138{r.randint(10**7, 10**8 - 1)}" for _ in range(2)]
        self.mail = f"u{r.randint(1000, 9999)}@corp{number}.com"
        self.history = [f"第{number}个会话。客户：{self.person}，电话{self.phones[0]}。"]
        self.asks = [
            f"另一位联系人：{self.person}，电话{self.phones[1]}。",
            f"请写信给{self.person}，抄送 {self.mail}",
            "再总结一次",
        ]

    @property
    def secrets(self) -> list[str]:
        return [self.person, *self.phones, self.mail]


def exchange(caller: tuple[str, str], clock: int, said: Sequence[str]) -> Exchange:
    roles = ("user", "assistant")
    passages = [Passage("model", "parameter", "m"), Passage("messages[0].content", "system", SYSTEM.format(clock))]
    passages += [Passage(f"messages[{at + 1}].content", roles[at % 2], text) for at, text in enumerate(said)]
    name, tenant = caller
    return Exchange(
        "x", 0.0, Peer(""), "/", Action.CHAT, "m", tuple(passages), principal=Principal(name, tenant, ("reader",))
    )


def judged(one: Redaction, asked: Exchange) -> Exchange:
    verdict = one.judge(asked)
    assert not isinstance(verdict, Refuse)
    return verdict.exchange if isinstance(verdict, Amend) else asked


def reply(one: Redaction, asked: Exchange, text: str, r: random.Random, channel: Channel) -> str:
    transform, out, at = one.transform(asked, channel), [], 0
    while at < len(text):
        size = r.randint(1, 6)
        out.append(transform.feed(text[at : at + size]).text)
        at += size
    return "".join([*out, transform.finish().text])


def written(pairs: Sequence[tuple[str, str]], mangle: str, channel: Channel) -> tuple[str, str]:
    """What the model writes, and what shall be read."""
    wrote = "；".join(f"第{at}是{MANGLES[mangle](tag)}" for at, (tag, _) in enumerate(pairs))
    right = "；".join(
        f"第{at}是{MANGLES[mangle](tag) if mangle in LOST else value}" for at, (tag, value) in enumerate(pairs)
    )
    if channel.kind is Kind.ARGUMENTS:
        return json.dumps({"to": wrote}, ensure_ascii=False), json.dumps({"to": right}, ensure_ascii=False)
    return wrote, right


def turn(one: Redaction, talk: Talk, clock: int, counts: Counter[str], by_mangle: dict[str, Counter[str]]) -> Exchange:
    """The client sends everything again; the model's reply is put back together, and becomes history."""
    r = talk.r
    asked = judged(one, exchange(talk.caller, clock, talk.history))
    seen = "\n".join(passage.text for passage in asked.passages)
    counts["turns"] += 1
    counts["values the model saw"] += sum(value in seen for value in talk.secrets)
    value_of = dict(asked.pseudonyms)
    counts["one person, several tags"] += len(set(value_of.values())) < len(value_of)
    pairs = r.sample(sorted(value_of.items()), r.randint(1, len(value_of)))
    mangle, channel = r.choice(sorted(MANGLES)), r.choice(CHANNELS)
    wrote, right = written(pairs, mangle, channel)
    read = reply(one, asked, wrote, r, channel)
    by_mangle[mangle]["right" if read == right else "wrong"] += 1
    for name, other in (("tenant", ("ann", "other")), ("caller", ("eve", talk.caller[1]))):
        strange = judged(one, exchange(other, clock, [f"张伟的电话13900000000。{clock}", "好", f"再说一遍：{wrote}"]))
        counts[f"values that another {name} got"] += any(
            value in reply(one, strange, wrote, r, channel) for value in (*talk.phones, talk.mail)
        )
    talk.history.append(read if r.random() < 0.7 else wrote)
    if clock < len(talk.asks) + 1:
        talk.history.append(talk.asks[clock - 1])
    return asked


def run(conversations: int, seed: int) -> tuple[Counter[str], list[dict[str, object]]]:
    policy = parse({"pii/policy.yaml": POLICY})
    one = Redaction(policy, bytes(range(32)), detectors(policy))
    counts: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
    by_mangle: dict[str, Counter[str]] = {name: Counter() for name in MANGLES}
    owners: dict[str, tuple[int, str]] = {}
    for number in range(conversations):
        r = random.Random(seed * 7919 + number)
        talk = Talk(r, number, (r.choice(["ann", "bob"]), r.choice(["a", "b", "c"])))
        first: dict[str, str] = {}
        for clock in range(1, TURNS + 1):
            asked = turn(one, talk, clock, counts, by_mangle)
            tag_of = {value: tag for tag, value in asked.pseudonyms}
            counts["a tag that changed between turns"] += any(
                first.setdefault(value, tag) != tag for value, tag in tag_of.items()
            )
        counts["two people's numbers, one tag"] += len({first[phone] for phone in talk.phones}) != 2
        counts["tags shared between conversations"] += sum(
            owners.setdefault(tag, (number, value)) != (number, value) for value, tag in first.items()
        )
    rows = [
        {"tag written": name, "right": found["right"], "wrong": found["wrong"]} for name, found in by_mangle.items()
    ]
    return counts, rows


COUNTED = (
    "turns",
    "values the model saw",
    "one person, several tags",
    "values that another tenant got",
    "values that another caller got",
    "a tag that changed between turns",
    "two people's numbers, one tag",
    "tags shared between conversations",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    began = time.process_time()
    counts, rows = run(args.conversations, args.seed)
    print(table(rows))
    print(*(f"{name}: {count}" for name, count in counts.items()), sep="\n")
    save(
        "pii_restore",
        {
            "conversations": args.conversations,
            "turns each": TURNS,
            "seed": args.seed,
            "counts": dict(counts),
            "by mangling": rows,
            "CPU s": round(time.process_time() - began, 1),
            "machine": machine(),
        },
    )


if __name__ == "__main__":
    main()
