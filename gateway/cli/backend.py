"""`hangu backend`: the embedded TGI-compatible backend, with a real small model, on loopback."""

from __future__ import annotations

import argparse
import sys

from gateway.cli.words import say

NAME = "backend"
HELP = {
    "en": "run the embedded TGI-compatible backend",
    "zh": "运行内嵌的 TGI 兼容后端",
}


def configure(parser: argparse.ArgumentParser) -> None:
    from tgi.embedded.serving import DEFAULT_PORT

    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """0 when stopped by a signal, 2 when it could not start."""
    # Imported here: the other verbs need not pay for loading an HTTP server.
    from tgi.embedded.engine import EngineFailed
    from tgi.embedded.serving import CannotListen, serve
    from tgi.embedded.weights import WeightsMissing

    try:
        serve(args.port)
    except (WeightsMissing, EngineFailed, CannotListen) as error:
        print(f"{say('error', '错误')}: {error}", file=sys.stderr)
        return 2
    return 0
