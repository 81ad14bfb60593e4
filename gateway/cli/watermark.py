"""`hangu watermark …`: marks on text alone, and the mark keys of a site: rotate, distrust, epochs, the key that labels verify with.

The verbs on text are `watermark.cli`'s; a site's master stays where it is, only the list of its epochs is written here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import keys, settings, tracing
from gateway.audit.marks import RecordedMarks
from gateway.audit.projection import Projection
from gateway.audit.record import event
from gateway.cli.marking import identified, recorded
from gateway.cli.words import say
from gateway.core.errors import GatewayError
from gateway.settings.inside import Watermark
from watermark import chance, cli, epochs, labels, sampler
from watermark.documents import read_text
from watermark.epochs import Epochs
from watermark.keys import KeyFileError
from watermark.tgi_greenlist import tokenised

NAME = "watermark"
HELP = {"en": "mark a text or find a mark in one", "zh": "为文本加标记，或在文本中查找标记"}

Change = Callable[[Epochs], Epochs]


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = cli.configure(parser)
    for name in ("rotate", "distrust"):  # of a key file by itself, or of a site
        verb = verbs.choices[name]
        verb.add_argument("site", metavar="DIR", nargs="?", type=Path, help=say("a site, not a key file", "站点目录"))
        verb.add_argument("--reason", default="", help=say("goes on the record", "将写入审计记录"))
        verb.add_argument("--token", type=Path, metavar="FILE", help=say("token of who does it", "操作者的令牌"))
        verb.set_defaults(key_run=verb.get_default("watermark_run"), watermark_run=_changed)
        next(action for action in verb._actions if action.dest == "key").required = False
    words = say("the master itself was seen: nothing made with it proves any more", "主密钥已泄露：其标记不再构成证明")
    verbs.choices["distrust"].add_argument("--master", action="store_true", help=words)
    next(action for action in verbs.choices["distrust"]._actions if action.dest == "epoch").required = False
    words = say("texts that everybody has: they lead to nobody any more", "人人都有的文本：不再指向任何人")
    shared = _site_verb(verbs, "background", _background, words)
    shared.add_argument("files", metavar="FILE", nargs="+", help=say(".txt .docx .html .pdf", ".txt .docx .html .pdf"))
    words = say("an answer as Markdown, its label in front", "将某次回答导出为带标识的 Markdown")
    export = _site_verb(verbs, "export", _export, words)
    export.add_argument("exchange", metavar="ID", help=say("the exchange", "交互编号"))
    export.add_argument(
        "--eu", action="store_true", help=say("with the notice of Art. 50(2) AI Act", "附欧盟第五十条提示")
    )
    words = say("whose key the embedded backend drew a text by (JSON)", "内嵌后端以谁的密钥抽取了该文本")
    drawn = _site_verb(verbs, "detect-user", _detect_user, words)
    drawn.add_argument("source", metavar="FILE", help=say(".txt .docx .html .pdf, or -", ".txt .docx .html .pdf 或 -"))
    drawn.add_argument(
        "--tokenizer", type=Path, required=True, help=say("tokenizer.json of the model", "模型的 tokenizer.json")
    )
    words = say(
        "index the answers on record now, so that the next trace need not", "现在索引已记录的回答，以加快下次追溯"
    )
    _site_verb(verbs, "index", _index, words)
    _site_verb(verbs, "epochs", _epochs, say("a site's key epochs (JSON)", "站点的密钥纪元（JSON）"))
    _site_verb(
        verbs, "label-key", _label_key, say("the public key that labels verify with (PEM)", "验证标识的公钥（PEM）")
    )


def run(args: argparse.Namespace) -> int:
    try:
        return cli.run(args)
    except KeyFileError as fault:
        raise GatewayError(str(fault)) from fault


def _site_verb(
    verbs: cli.Verbs, name: str, work: Callable[[argparse.Namespace], int], words: str
) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=words, description=words)
    verb.add_argument("site", metavar="DIR", type=Path, help=say("the site", "站点目录"))
    verb.set_defaults(watermark_run=work)
    return verb


def _changed(args: argparse.Namespace) -> int:
    """`rotate` and `distrust`: a site's list of epochs, or the key file that `--key` names."""
    if (args.site is None) == (args.key is None):
        raise GatewayError("name a site or a key file, one of the two", hint="hangu watermark rotate DIR")
    distrusts = args.watermark_verb == "distrust"
    if distrusts and (args.epoch is None) != bool(getattr(args, "master", False)):
        raise GatewayError("what is not trusted any more?", hint="--epoch N, or --master")
    if args.key is not None:
        return int(args.key_run(args))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    if not distrusts:
        return _write(args, lambda known: known.rotated(now), "watermark.rotated")
    if not args.reason:
        raise GatewayError("say why", hint='--reason "…"')
    if args.master:
        return _write(args, lambda known: known.with_new_master(args.reason, now), "watermark.distrusted")
    return _write(args, lambda known: known.distrusting(args.epoch, args.reason, now), "watermark.distrusted")


def _write(args: argparse.Namespace, change: Change, kind: str) -> int:
    """The record first: a new epoch of which nobody knows why it began is worse than none."""
    site = _site(args.site)
    changed = change(epochs.load(site.epochs))
    who = identified(args.site, args.token)
    facts = {"reason": args.reason, "epoch": getattr(args, "epoch", None) or "", "current": changed.current}
    if not asyncio.run(recorded(args.site, event(kind, time.time(), facts, actor=who.name))):
        print(say("not recorded: the signing key is not here", "未写入记录：本机没有签名密钥"), file=sys.stderr)
    epochs.save(site.epochs, changed)
    print(say(f"epoch {changed.current} begins", f"纪元 {changed.current} 开始"))
    print(
        say(
            "restart the gateway (it drains): running processes keep the old key",
            "请重启网关（会先排空）：运行中的进程仍用旧密钥",
        )
    )
    if kind.endswith("distrusted") and args.master:
        print(
            say(
                "now name the old file as master_key_before, a new one as master_key, and delete the index",
                "请将旧文件写为 master_key_before，新文件写为 master_key，并删除索引目录",
            )
        )
    return cli.FINE


def _epochs(args: argparse.Namespace) -> int:
    known = epochs.load(_site(args.site).epochs)
    rows = [{"epoch": e.number, "since": e.since, "trusted": e.trusted, "why": e.why} for e in known.live]
    print(json.dumps({"current": known.current, "epochs": rows}, ensure_ascii=False, indent=2))
    return cli.FINE


def _background(args: argparse.Namespace) -> int:
    site = settings.load(args.site, complete=False)
    places = tracing.Places(Path(site.audit.directory), Path(site.watermark.index))
    with tracing.indices(places, keys.marks(site.watermark)) as both:
        new = sum(both.learn_document(read_text(file)) for file in args.files)
    print(say(f"{new} of {len(args.files)} are new", f"共 {len(args.files)} 份，新增 {new} 份"))
    return cli.FINE


def _export(args: argparse.Namespace) -> int:
    """What was given, as it was given: mark and visible line included."""
    site = settings.load(args.site, complete=False)
    with Projection.open(Path(site.audit.directory)) as record:
        issued = RecordedMarks(record).by_exchange(args.exchange)
    if issued is None or issued.text is None:
        raise GatewayError("no answer of this exchange is kept", args.exchange, "see `hangu audit query`")
    label = labels.Aigc(site.watermark.provider_code or site.watermark.provider, issued.exchange)
    key = Ed25519PrivateKey.from_private_bytes(keys.marks(site.watermark).current.label)
    notice = labels.EU_NOTICE[labels.language_of(issued.text)] if args.eu else ""
    print(labels.front_matter(issued.text, label, labels.sign(label, key), notice))
    return cli.FINE


def _detect_user(args: argparse.Namespace) -> int:
    """Every user on record is tried under every live epoch, and all that are tried count against the figure."""
    site = settings.load(args.site, complete=False)
    tokens, size = tokenised(read_text(args.source), args.tokenizer)
    with Projection.open(Path(site.audit.directory)) as record:
        users = sorted({sampler.user_of(tenant, user) for tenant, user in record.everybody()})
    epochs_tried = keys.marks(site.watermark).epochs
    found = [(epoch.epoch, best) for epoch in epochs_tried if (best := sampler.best(tokens, epoch, users, size))]
    epoch, best = min(found, key=lambda each: each[1].p, default=(0, None))
    if best is None:
        raise GatewayError("nobody is on record", str(args.site))
    p = min(1.0, best.p * len(epochs_tried))
    told = {
        "drawn": p <= chance.PROVEN,
        "user": best.user if p <= chance.PROVEN else None,
        "epoch": epoch,
        "p": p,
        "contexts": best.contexts,
        "users_tried": len(users),
    }
    print(json.dumps(told, ensure_ascii=False))
    return cli.FINE if told["drawn"] else cli.NOTHING


def _index(args: argparse.Namespace) -> int:
    site = settings.load(args.site, complete=False)
    places = tracing.Places(Path(site.audit.directory), Path(site.watermark.index))
    with Projection.open(places.audit) as record, tracing.indices(places, keys.marks(site.watermark)) as both:
        tracing.catch_up(record, both, places.index / "indexed")
        print(say(f"{len(both.answers)} answers in the index", f"索引中共有 {len(both.answers)} 条回答"))
    return cli.FINE


def _label_key(args: argparse.Namespace) -> int:
    for epoch in keys.marks(_site(args.site)).epochs:
        print(f"# epoch {epoch.epoch}\n{labels.public_key(epoch.label).decode()}", end="")
    return cli.FINE


def _site(directory: Path) -> Watermark:
    return settings.load(directory, complete=False).watermark
