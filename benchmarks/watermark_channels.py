"""What survives real programs: Chromium's clipboard, LibreOffice's docx and rtf, tesseract on Chromium's pictures.

Beside them GB 18030, GBK, marks stripped, and one question put by five users. Each trial is a fresh random excerpt of
a stored answer; columns as in `watermark_survival`, plus the exact 95 % lower bound of the share in the set. What is
not installed is left out with its reason, on record. Writes results/watermark_channels.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import watermark_browser as browser
import watermark_corpus as corpus
from markdown_it import MarkdownIt
from watermark_survival import KEYS, Store, outcome, store

from watermark import Issued, embed, fingerprint, trace
from watermark.documents import from_docx

RESULT = Path(__file__).parent / "results" / "watermark_channels.json"
TESSERACT = {"en": "eng", "zh": "chi_sim"}
OCR_SIZES = {"en": 400, "zh": 200}
OCR_BATCH = 20  # pictures a process: the model is loaded once, and the time left is looked at between
CONVERT_SECONDS = 300
SAME_SENTENCE = 0.5  # share of sentences that two answers to one question have in common, drawn with different seeds


@dataclass(frozen=True)
class Leak:
    """A passage as it left, and whose it is."""

    exchange: str
    text: str


def leaks(kept: Store, size: int, trials: int, chance: Random) -> list[Leak]:
    numbers = [chance.randrange(len(kept.marked)) for _ in range(trials)]
    return [Leak(f"{kept.language}-{n}", corpus.excerpt(kept.marked[n], size, chance)) for n in numbers]


def row(sent: list[Leak], arrived: list[str], kept: Store, marks_only: bool) -> dict[str, float]:
    counts = dict.fromkeys(("proven", "named", "set", "missed", "wrong"), 0)
    kept_marks = 0
    for leak, text in zip(sent, arrived, strict=True):
        counts[outcome(trace(text, KEYS, kept.registry, None if marks_only else kept.index), leak.exchange)] += 1
        kept_marks += len(corpus.MARKS.findall(text)) >= len(corpus.MARKS.findall(leak.text))
    total = max(1, len(sent))
    alone = counts["proven"] + counts["named"]
    return {
        "n": len(sent),
        "named": round(100 * alone / total, 2),
        "in_set": round(100 * (alone + counts["set"]) / total, 2),
        "in_set_at_least": round(100 * lower_bound(alone + counts["set"], total), 2),
        "proven": round(100 * counts["proven"] / total, 2),
        "missed": counts["missed"],
        "wrong": counts["wrong"],
        "every_mark_arrived": round(100 * kept_marks / total, 2),
    }


def lower_bound(hits: int, total: int) -> float:
    """Clopper and Pearson's 95 % bound from below, one-sided: the share at which `hits` or more come once in twenty."""
    low, high = 0.0, hits / total
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_least(hits, total, middle) < 0.05 else (low, middle)
    return low


def _at_least(hits: int, total: int, share: float) -> float:
    """Chance of `hits` or more of `total`, added up from the top, where the terms are few."""
    term, added = share**total, 0.0
    for count in range(total, hits - 1, -1):
        added += term
        term *= count / (total - count + 1) * (1 - share) / share if share else 0.0
    return added


def rendered(text: str) -> str:
    return MarkdownIt("commonmark", {"html": False}).enable("table").render(text)


async def browse(sent: list[Leak]) -> tuple[list[str], list[str]]:
    async with browser.tab() as tab:
        both = [await tab.copied(rendered(leak.text)) for leak in sent]
    return [copied for copied, _ in both], [shown for _, shown in both]


async def photograph(sent: list[Leak], folder: Path) -> list[Path]:
    async with browser.tab() as tab:
        paths = []
        for number, leak in enumerate(sent):
            paths.append(folder / f"{number}.png")
            paths[-1].write_bytes(await tab.picture(rendered(leak.text)))
    return paths


def read_pictures(paths: list[Path], language: str, deadline: float) -> Iterator[str]:
    for at in range(0, len(paths), OCR_BATCH):
        if time.monotonic() > deadline:
            return
        names = paths[at].parent / "names.txt"
        names.write_text("".join(f"{path}\n" for path in paths[at : at + OCR_BATCH]))
        done = subprocess.run(
            ["tesseract", str(names), "stdout", "-l", TESSERACT[language], "--psm", "6"],
            capture_output=True,
            check=True,
            env=os.environ | {"OMP_THREAD_LIMIT": "1"},
        )
        read = done.stdout.decode().split("\f")[: len(paths[at : at + OCR_BATCH])]
        if len(read) != len(paths[at : at + OCR_BATCH]):
            raise RuntimeError("tesseract gave fewer pages than it was given pictures")
        yield from read


def office(sent: list[Leak], kind: str, folder: Path) -> dict[str, list[str]]:
    """All excerpts as paragraphs of one document, written by LibreOffice, opened again and saved as text."""
    lines = "".join(f"§§{number}§§\n{leak.text}\n" for number, leak in enumerate(sent))
    (folder / "sent.txt").write_text(lines + "§§end§§\n", "utf-8-sig")
    convert(folder, "sent.txt", kind, "Text (encoded):UTF8")
    (folder / f"sent.{kind}").rename(folder / f"back.{kind}")
    convert(folder, f"back.{kind}", "txt:Text (encoded):UTF8", None)
    read = {f"{kind}, opened and saved as text": (folder / "back.txt").read_text("utf-8-sig")}
    if kind == "docx":
        read["docx, read as hangu trace does"] = from_docx((folder / "back.docx").read_bytes(), "back.docx")
    return {name: apart(text, len(sent)) for name, text in read.items()}


def convert(folder: Path, name: str, kind: str, reader: str | None) -> None:
    command = ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless"]
    command += [f"--infilter={reader}"] if reader else []
    subprocess.run(
        [*command, "--convert-to", kind, "--outdir", str(folder), str(folder / name)],
        check=True,
        capture_output=True,
        timeout=CONVERT_SECONDS,
    )


def apart(text: str, count: int) -> list[str]:
    return [text.partition(f"§§{number}§§")[2].partition("§§")[0].strip("\n") for number in range(count)]


def five_users(kept: Store, trials: int, seeded: bool, chance: Random) -> dict[str, float]:
    """One question, five users. With seeds their answers share half of their sentences; without, all of them."""
    space, asked = (" " if kept.language == "en" else ""), []
    for number in range(max(20, trials // 5)):
        first = [corpus.sentence(kept.language, chance) for _ in range(16)]
        for user in range(5):
            own = [
                corpus.sentence(kept.language, chance) if seeded and chance.random() > SAME_SENTENCE**0.5 else line
                for line in first
            ]
            text, exchange = space.join(own), f"five-{seeded}-{number}-{user}"
            hashes, mark = tuple(fingerprint(text, KEYS.fingerprint)), chance.getrandbits(34)
            kept.registry.add(Issued(exchange, "t", f"u{user}", "2026-11-24", mark, 1, text, hashes))
            kept.index.add(exchange, hashes)
            asked.append(Leak(exchange, embed(text, KEYS, mark)))
    sent = [chance.choice(asked) for _ in range(trials)]
    stripped = [corpus.MARKS.sub("", corpus.excerpt(leak.text, 400, chance)) for leak in sent]
    return row(sent, stripped, kept, False)


def in_memory(kept: Store, trials: int, chance: Random) -> dict[str, dict[str, float]]:
    rows, size = {}, OCR_SIZES[kept.language]
    for name, attack, length in (
        ("GB 18030", corpus.gb18030, 150),
        ("GBK", corpus.gbk, size),
        ("marks stripped", corpus.strip_marks, size),
        ("marks stripped, 20 % of words", corpus.both(corpus.strip_marks, corpus.reword(0.2)), size),
        ("GBK, 20 % of words", corpus.both(corpus.gbk, corpus.reword(0.2)), size),
    ):
        sent = leaks(kept, length, trials, chance)
        arrived = [attack(leak.text, chance) for leak in sent]
        rows[f"{name}, N={length}"] = row(sent, arrived, kept, length == 150)
    rows["same answer to five, stripped, N=400"] = five_users(kept, trials, False, chance)
    rows["same question of five, a seed each, stripped, N=400"] = five_users(kept, trials, True, chance)
    return rows


def clipboard(kept: Store, trials: int, chance: Random) -> dict[str, dict[str, float]]:
    sent = leaks(kept, 150, trials, chance)
    copied, shown = asyncio.run(browse(sent))
    return {
        "Chromium: select all, copy, paste, N=150": row(sent, copied, kept, True),
        "Chromium: innerText, N=150": row(sent, shown, kept, True),
    }


def offices(kept: Store, trials: int, chance: Random) -> dict[str, dict[str, float]]:
    rows, sent = {}, leaks(kept, 150, trials, chance)
    for kind in ("docx", "rtf"):
        with tempfile.TemporaryDirectory() as folder:
            for name, arrived in office(sent, kind, Path(folder)).items():
                rows[f"LibreOffice: {name}, N=150"] = row(sent, arrived, kept, True)
    return rows


def pictures(kept: Store, trials: int, seconds: float, chance: Random) -> dict[str, dict[str, float]]:
    size = OCR_SIZES[kept.language]
    sent = leaks(kept, size, trials, chance)
    with tempfile.TemporaryDirectory() as folder:
        paths = asyncio.run(photograph(sent, Path(folder)))
        read = list(read_pictures(paths, kept.language, time.monotonic() + seconds))
    sent = sent[: len(read)]
    rows = {f"tesseract on Chromium's picture, N={size}": row(sent, read, kept, False)}
    for share in (0.1, 0.2):
        edited = [corpus.reword(share)(text, chance) for text in read]
        rows[f"the same, {100 * share:.0f} % of words, N={size}"] = row(sent, edited, kept, False)
    return rows


def missing() -> dict[str, str]:
    reasons = {}
    if browser.program() is None:
        reasons["clipboard"] = "no chromium"
    if shutil.which("soffice") is None:
        reasons["office"] = "no soffice (LibreOffice)"
    if shutil.which("tesseract") is None or browser.program() is None:
        reasons["pictures"] = "no tesseract, or no chromium to take pictures with"
    return reasons


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--answers", type=int, default=4000)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--ocr-seconds", type=float, default=3600.0, help="a language; what is read by then counts")
    parser.add_argument("--languages", default="en,zh")
    parser.add_argument("--seed", type=int, default=20261127)
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args()
    began, absent = time.time(), missing()
    rows: dict[str, dict[str, float]] = {}
    facts: dict[str, object] = {
        "command": f"benchmarks/watermark_channels.py --trials {args.trials} --answers {args.answers} --pictures {args.pictures} --ocr-seconds {args.ocr_seconds:g} --seed {args.seed}",
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "left_out": absent,
        "rows": rows,
    }
    for language in args.languages.split(","):
        chance = Random(f"{args.seed}-{language}")
        kept = store(language, args.answers, True, chance)
        for name, steps in (
            ("clipboard", partial(clipboard, kept, args.trials)),
            ("office", partial(offices, kept, args.trials)),
            ("pictures", partial(pictures, kept, args.pictures, args.ocr_seconds)),
            ("memory", partial(in_memory, kept, args.trials)),
        ):
            for title, figures in ({} if name in absent else steps(chance)).items():
                rows[f"{language} {title}"] = figures
                print(f"{language} {title:60} {figures}", flush=True)
            facts |= {"seconds": round(time.time() - began), "wrong": sum(r["wrong"] for r in rows.values())}
            args.out.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
