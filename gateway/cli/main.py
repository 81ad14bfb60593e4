"""The command line: finds the verb and hands over. One file per verb; a verb's module is loaded only when it is used."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from gateway import __version__
from gateway.cli.words import say
from gateway.core.errors import GatewayError

# Each verb and what it does, here so that `hangu --help` loads none of them; a test keeps the two equal.
VERBS: dict[str, tuple[str, str]] = {
    "init": ("make a ready site", "创建一个可直接运行的站点"),
    "serve": ("run the gateway", "运行网关"),
    "backend": ("run the embedded TGI-compatible backend", "运行内嵌的 TGI 兼容后端"),
    "tour": ("send the tour of the product through a site", "用一组示例请求演示整个产品"),
    "inspect": ("check texts from standard input", "检查来自标准输入的文本"),
    "policy": ("check, test, explain, compare policies", "校验、测试、解释、比较策略"),
    "audit": ("verify and read the record", "校验与查阅审计记录"),
    "trace": ("trace a leaked text to its exchange", "将泄露的文本追溯到其交互"),
    "watermark": ("mark a text or find a mark in one", "为文本加标记，或在文本中查找标记"),
    "report": ("write or verify a compliance report", "生成或校验合规报告"),
    "deploy": ("install Elasticsearch and Kibana assets", "安装 Elasticsearch 与 Kibana 资源"),
    "pki": ("certificates for small sites", "小型站点的证书管理"),
    "doctor": ("live checks of a site", "对站点进行实时检查"),
}

FINE, FOUND, COULD_NOT_TELL = 0, 1, 2


def main(argv: list[str] | None = None) -> int:
    """Exit 0: fine; 1: found a problem; 2: could not tell."""
    arguments = sys.argv[1:] if argv is None else argv
    verb = arguments[0] if arguments and arguments[0] in VERBS else None
    parser = _parser(verb)
    parsed = parser.parse_args(arguments)
    if verb is None:
        parser.print_help()
        return FINE
    try:
        return int(import_module(f"gateway.cli.{verb}").run(parsed))
    except GatewayError as error:
        print(f"{say('error', '错误')}: {error}", file=sys.stderr)
        return COULD_NOT_TELL
    except KeyboardInterrupt:
        return COULD_NOT_TELL


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hangu",
        description=say("the security and compliance gateway for your own models", "自有大模型的安全与合规网关"),
    )
    parser.add_argument("--version", action="version", version=f"hangu {__version__}")
    verbs = parser.add_subparsers(title=say("verbs", "命令"), metavar="VERB")
    for name, (english, chinese) in VERBS.items():
        sub = verbs.add_parser(name, help=say(english, chinese), description=say(english, chinese))
        if name == chosen:
            import_module(f"gateway.cli.{name}").configure(sub)
    return parser


def entry() -> None:
    """The `hangu` command."""
    sys.exit(main())


if __name__ == "__main__":
    entry()
