"""The command line: `python -m watermark VERB`, also mounted as `hangu watermark VERB`.

`configure` adds the verbs to a parser, `run` carries one out and returns the exit code: 0 fine, 1 nothing found,
2 could not tell. Not here: tracing to a person, which needs a registry (`watermark.tracer`).
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from watermark import keys
from watermark.decoder import decode
from watermark.documents import DocumentError, read_text
from watermark.embed import PROFILES, embed
from watermark.ignorables import scrub
from watermark.payload import ID_BITS, new_mark_id
from watermark.survival_page import page

FINE, NOTHING, UNSURE = 0, 1, 2

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def configure(parser: argparse.ArgumentParser) -> Verbs:
    """Add the verbs; returned so that more can be added."""
    verbs = parser.add_subparsers(dest="watermark_verb", required=True, metavar="VERB")
    _verb(verbs, "keygen", "write a fresh key file", _keygen, source=False)
    _verb(verbs, "rotate", "begin the next key epoch", _rotate, source=False)
    distrust = _verb(verbs, "distrust", "after a compromise: an epoch's marks become leads", _distrust, source=False)
    distrust.add_argument("--epoch", type=int, required=True)
    mark = _verb(verbs, "embed", "mark a text (standard output)", _embed)
    mark.add_argument(
        "--mark-id", type=int, help=f"0 … 2^{ID_BITS}-1; random when left out, and said on standard error"
    )
    mark.add_argument("--profile", choices=sorted(PROFILES), default="normal")
    detect = _verb(verbs, "detect", "which marks a text carries (JSON)", _detect, key=False)
    detect.add_argument("--key", type=Path, help="the key file (not needed with --tgi)")
    detect.add_argument("--tgi", action="store_true", help="look for the backend's own green-list mark instead")
    detect.add_argument("--tokenizer", type=Path, help="tokenizer.json of the model (with --tgi)")
    detect.add_argument(
        "--ids", action="store_true", help="the source is a JSON list of token ids, as TGI's details give"
    )
    detect.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="where the text was generated")
    detect.add_argument("--vocab", type=int, help="rows of the model's output layer; default: the tokenizer's size")
    detect.add_argument("--gamma", type=float, default=0.5)
    detect.add_argument(
        "--multiprocessors", type=int, default=132, help="of the generating GPU: H100 132, A100 108, L4 58"
    )
    _verb(verbs, "page", "a page to test by hand what survives a channel (HTML)", _page, source=False)
    _verb(verbs, "scrub", "remove invisible characters (standard output)", _scrub, key=False)
    return verbs


def run(args: argparse.Namespace) -> int:
    """Carry out what `configure`'s parser read."""
    action: Callable[[argparse.Namespace], int] = args.watermark_run
    try:
        return action(args)
    except (keys.KeyFileError, DocumentError, OSError, ValueError) as fault:
        print(f"watermark {args.watermark_verb}: {fault}", file=sys.stderr)
        return UNSURE


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="watermark", description=__doc__.split("\n")[0])
    configure(parser)
    return run(parser.parse_args(arguments))


def _verb(
    verbs: Verbs,
    name: str,
    words: str,
    action: Callable[[argparse.Namespace], int],
    *,
    key: bool = True,
    source: bool = True,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=words, description=words)
    if key:
        parser.add_argument("--key", type=Path, required=True, help="the key file")
    if source:
        parser.add_argument(
            "source", nargs="?", default="-", help="a text, .docx, .html or .pdf file; - is standard input"
        )
    parser.set_defaults(watermark_run=action)
    return parser


def _keygen(args: argparse.Namespace) -> int:
    keys.generate(args.key)
    print(f"wrote {args.key}: keep a copy in a safe place, without it no leak can be traced", file=sys.stderr)
    return FINE


def _rotate(args: argparse.Namespace) -> int:
    print(f"epoch {keys.rotate(args.key).current.epoch} begins", file=sys.stderr)
    return FINE


def _distrust(args: argparse.Namespace) -> int:
    print(
        f"epoch {args.epoch} is a lead only; marking with epoch {keys.distrust(args.key, args.epoch).current.epoch}",
        file=sys.stderr,
    )
    return FINE


def _embed(args: argparse.Namespace) -> int:
    loaded = keys.load(args.key)
    mark_id = args.mark_id if args.mark_id is not None else new_mark_id(secrets.randbits)
    sys.stdout.write(embed(read_text(args.source), loaded, mark_id, args.profile))
    print(f"mark id {mark_id}, epoch {loaded.current.epoch}", file=sys.stderr)
    return FINE


def _detect(args: argparse.Namespace) -> int:
    if args.tgi:
        return _detect_tgi(args)
    if args.key is None:
        raise ValueError("--key is missing; hint: the file that watermark keygen wrote")
    decoded = decode(read_text(args.source), keys.load(args.key))
    marks = [
        {
            "mark_id": hit.mark_id,
            "epoch": hit.epoch,
            "p": hit.p,
            "method": hit.method,
            "bound": hit.bind.holds,
            "bind": {"matched": hit.bind.matched, "examined": hit.bind.examined, "p": hit.bind.p},
            "spans": hit.spans,
        }
        for hit in decoded.hits
    ]
    print(json.dumps({"marked": bool(marks), "bursts": decoded.bursts, "marks": marks}, ensure_ascii=False))
    return FINE if marks else NOTHING


def _detect_tgi(args: argparse.Namespace) -> int:
    from watermark import tgi_greenlist as tgi  # rarely needed

    setting = tgi.Setting(args.vocab, args.gamma, args.device, args.multiprocessors)
    source = read_text(args.source)
    if args.ids:
        report = tgi.detect(_ids(source), setting)
    elif args.tokenizer is None:
        raise ValueError("--tokenizer is missing; hint: the model's tokenizer.json, or --ids")
    else:
        report = tgi.detect_text(source, args.tokenizer, setting)
    print(json.dumps(report.as_json(), ensure_ascii=False))
    return FINE if report.marked else NOTHING


def _ids(source: str) -> list[int]:
    ids = json.loads(source)
    if not isinstance(ids, list) or not all(type(token) is int and token >= 0 for token in ids):
        raise ValueError("not a JSON list of token ids; hint: [token.id for token in details.tokens]")
    return ids


def _page(args: argparse.Namespace) -> int:
    sys.stdout.write(page(keys.load(args.key), new_mark_id(secrets.randbits)))
    return FINE


def _scrub(args: argparse.Namespace) -> int:
    scrubbed = scrub(read_text(args.source))
    sys.stdout.write(scrubbed.text)
    print(
        f"removed {sum(run.length for run in scrubbed.removed)} invisible characters in {len(scrubbed.removed)} runs",
        file=sys.stderr,
    )
    return FINE
