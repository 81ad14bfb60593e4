"""`python -m tgi.embedded --port N`: the embedded backend without the rest of the product."""

from __future__ import annotations

import argparse
import sys

from tgi.embedded.engine import EngineFailed
from tgi.embedded.serving import DEFAULT_PORT, CannotListen, serve
from tgi.embedded.weights import WeightsMissing


def main() -> int:
    """0 when stopped by a signal, 2 when it could not start."""
    parser = argparse.ArgumentParser(prog="python -m tgi.embedded", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
    try:
        serve(parser.parse_args().port)
    except (WeightsMissing, EngineFailed, CannotListen) as error:
        print(f"embedded backend: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
