"""Streams: does the joined stream equal the redaction of the joined text, how much is held, what does a token cost?

    python -m benchmarks.pii_stream [--runs 100000] [--named 6000] [--seed 1] [--processes N]

Random texts are pieces that are found, torn pieces and what stands between, cut at random: by patterns alone, with names
(`--named` runs, secrets longer than a window among them), and through the policy's own transforms in every channel of a
reply, where several choices arrive interleaved. results/pii_stream.json.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import re
import time

from benchmarks import pii_cases
from benchmarks.pii_report import machine, save, table
from benchmarks.pii_speed import text
from gateway.core.exchange import Action, Exchange, Peer
from gateway.core.reply import Channel, Kind
from gateway.detect.clauses import Clauses
from gateway.detect.detectors import by_rules, detectors
from gateway.detect.names import rules
from gateway.detect.patterns import Patterns
from gateway.detect.span import Span
from gateway.detect.watch import Part, Source, Watch
from gateway.stages.pii import Redaction
from policies.pii import parse
from tests.detect.strategies import BETWEEN, FOUND


def drawn(r: random.Random) -> str:
    """Pieces whole or torn, and fresh values in sentences."""
    pieces = []
    for _ in range(r.randint(1, 12)):
        kind = r.random()
        if kind < 0.25:
            draw, sentences = r.choice(list((pii_cases.ZH | pii_cases.EN).values()))
            piece = r.choice(sentences).format(draw(r))
        elif kind < 0.6:
            piece = r.choice(FOUND)
        else:
            piece = r.choice(BETWEEN)
        torn = r.random()
        at = r.randint(0, len(piece))
        pieces.append(piece[:at] if torn < 0.15 else piece[at:] if torn < 0.3 else piece)
    return "".join(pieces)


def cut(r: random.Random, whole: str) -> list[str]:
    most = r.choice([1, 4, 12, 80])
    pieces, at = [], 0
    while at < len(whole):
        size = r.randint(1, most)
        pieces.append(whole[at : at + size])
        at += size
    return pieces


def joined(parts: list[Part]) -> tuple[str, list[Span]]:
    out = "".join(part.text if part.span is None else f"<{part.span.entity}>" if part.text else "" for part in parts)
    return out, [part.span for part in parts if part.span is not None and not part.begun]


LONG = (
    "sk-" + "aB3_" * 60, "A1b2" * 200, "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIx" * 80 + ".abcdefghijk" * 30, "password=" + "Zz9!" * 150,
    "glpat-" + "a1B2c3" * 60, "-----BEGIN PRIVATE KEY-----" + "MIIEvQ" * 150, "1" * 600, "https://u:p4ss@h.com/" + "a" * 600,
)  # fmt: skip
SPOKEN = (
    "姓名：张三，", "联系人王小明", "Mr John Smith lives. ", "李医生", "Dear Anna Lee, ", "上海市浦东新区世纪大道100号",
    "my name is Bob Stone.", "。", "，", " ", "! ", "\n",
)  # fmt: skip


def spoken(r: random.Random) -> str:
    """Names among what is found, with secrets longer than any window."""
    pieces = []
    for _ in range(r.randint(1, 9)):
        kind = r.random()
        piece = r.choice(LONG if kind < 0.25 else SPOKEN if kind < 0.5 else FOUND if kind < 0.75 else BETWEEN)
        torn, at = r.random(), r.randint(0, len(piece))
        pieces.append(piece[:at] if torn < 0.15 else piece[at:] if torn < 0.3 else piece)
    return "".join(pieces)


def named_mismatches(runs: int, seed: int) -> tuple[int, list[str]]:
    """With names by rules: the stream, the whole text in one piece, and the whole text at once."""
    source, wrong = Clauses(Patterns(), by_rules, rules.may_find), []
    for run in range(runs):
        r = random.Random(seed * 1_000_003 + run)
        whole = spoken(r)
        streams = []
        for pieces in (cut(r, whole), [whole]):
            watch = Watch(source)
            streams.append(joined([part for piece in pieces for part in watch.feed(piece)] + watch.finish()))
        if streams[0] != streams[1] or streams[0] != batch(source, whole):
            wrong.append(whole[:200])
    return len(wrong), wrong[:5]


CHANNELS = tuple(
    Channel(choice, kind, index)
    for choice in (0, 1, 2)
    for kind, index in ((Kind.CONTENT, 0), (Kind.REASONING, 0), (Kind.ARGUMENTS, 0), (Kind.ARGUMENTS, 1))
)
CHANNEL_POLICY = b"default: {request: redact, response: redact}\nnames: {response: rules}"


def channel_mismatches(runs: int, seed: int) -> tuple[int, list[str]]:
    """Every channel of one reply at once, in fragments that arrive in any order: each reads as if it had come alone and whole."""
    policy = parse({"pii/policy.yaml": CHANNEL_POLICY})
    one = Redaction(policy, bytes(32), detectors(policy))
    asked = Exchange("x", 0.0, Peer(""), "/", Action.CHAT, "m")
    wrong = []
    for run in range(runs):
        r = random.Random(seed * 1_000_003 + run)
        texts = {channel: _written(channel, spoken(r)) for channel in r.sample(CHANNELS, r.randint(2, 5))}
        rest = {channel: cut(r, text) for channel, text in texts.items()}
        transforms = {channel: one.transform(asked, channel) for channel in texts}
        out = dict.fromkeys(texts, "")
        while waiting := [channel for channel in rest if rest[channel]]:
            channel = r.choice(waiting)
            out[channel] += transforms[channel].feed(rest[channel].pop(0)).text
        for channel, whole in texts.items():
            alone = one.transform(asked, channel)
            if out[channel] + transforms[channel].finish().text != alone.feed(whole).text + alone.finish().text:
                wrong.append(f"{channel}: {whole[:1600]}")
    return len(wrong), wrong[:5]


def _written(channel: Channel, text: str) -> str:
    return json.dumps({"value": text}, ensure_ascii=False) if channel.kind is Kind.ARGUMENTS else text


def batch(patterns: Source, whole: str) -> tuple[str, list[Span]]:
    spans, out, at = patterns.read(whole, 0, ended=True).spans, [], 0
    for span in spans:
        out += [whole[at : span.start], f"<{span.entity}>"]
        at = span.end
    return "".join([*out, whole[at:]]), spans


def mismatches(patterns: Patterns, runs: int, seed: int) -> tuple[int, list[str]]:
    wrong, samples = 0, []
    for run in range(runs):
        r = random.Random(seed * 1_000_003 + run)
        whole = drawn(r)
        watch = Watch(patterns)
        parts = [part for piece in cut(r, whole) for part in watch.feed(piece)] + watch.finish()
        if joined(parts) != batch(patterns, whole):
            wrong += 1
            samples.append(whole[:200])
    return wrong, samples[:5]


def tokens(said: str, language: str) -> list[str]:
    """About what a tokenizer makes of it: words with the space before them, one or two Han characters."""
    if language == "en":
        return re.findall(r" ?[A-Za-z]{1,9}| ?[0-9]{1,3}|\s|[^\sA-Za-z0-9]", said)
    return re.findall(r"[\u3400-\u9fff]{1,2}|[A-Za-z]{1,8}|[0-9]{1,3}|[^\u3400-\u9fffA-Za-z0-9]", said)


def held(patterns: Patterns, language: str, share: float) -> dict[str, object]:
    said = text(random.Random(9), language, 30_000, share)
    pieces = tokens(said, language)
    watch, waiting = Watch(patterns), []
    for piece in pieces:
        watch.feed(piece)
        waiting.append(watch.held)
    best = float("inf")
    for _ in range(5):
        watch, began = Watch(patterns), time.process_time()
        for piece in pieces:
            watch.feed(piece)
        watch.finish()
        best = min(best, (time.process_time() - began) / len(pieces))
    waiting.sort()
    shown = {f"p{p}": waiting[int(len(waiting) * p / 100)] for p in (50, 90, 99)}
    return {
        "text": language,
        "sentences with data": share,
        "tokens": len(pieces),
        **{f"held {name}": size for name, size in shown.items()},
        "held max": waiting[-1],
        "CPU µs a token": round(best * 1e6, 1),
    }


PARTS = 50  # a run is drawn in so many parts, by seeds of their own


def _part(job: tuple[str, int, int]) -> tuple[str, tuple[int, list[str]]]:
    kind, runs, seed = job
    if kind == "patterns":
        return kind, mismatches(Patterns(), runs, seed)
    return kind, (named_mismatches if kind == "names" else channel_mismatches)(runs, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--named", type=int, default=6_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=None, help="as many as there are cores, unless said")
    args = parser.parse_args()
    patterns = Patterns()
    rows = [held(patterns, language, share) for language in ("en", "zh") for share in (0.0, 0.15, 0.3)]
    print(table(rows))
    asked = {"patterns": args.runs, "names": args.named, "channels": args.named // 2}
    wrong = dict.fromkeys(asked, 0)
    jobs = [(kind, runs // PARTS, args.seed * PARTS + part) for kind, runs in asked.items() for part in range(PARTS)]
    with multiprocessing.Pool(args.processes) as pool:
        for kind, (count, samples) in pool.imap_unordered(_part, jobs):
            wrong[kind] += count
            print(*(f"{kind}: {sample!a}" for sample in samples), sep="\n", end="\n" if samples else "")
    print(*(f"{count} mismatches in {asked[kind]} runs of {kind}" for kind, count in wrong.items()), sep="\n")
    told = {"runs": args.runs, "seed": args.seed, "mismatches": wrong["patterns"], "held": rows, "machine": machine()}
    told |= {"runs with names": args.named, "mismatches with names": wrong["names"]}
    told |= {"replies of several channels": args.named // 2, "mismatches in channels": wrong["channels"]}
    save("pii_stream", told)


if __name__ == "__main__":
    main()
