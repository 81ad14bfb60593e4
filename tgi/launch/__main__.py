"""`python -m tgi.launch`: prints how to start TGI with a profile."""

from __future__ import annotations

import argparse
import sys

from tgi.launch import profile, render
from tgi.launch.profile import Profile, ProfileError
from tgi.launch.render import Bind, Launch


def main(argv: list[str] | None = None) -> int:
    """0 when something was printed, 2 when there is no such profile."""
    parser = argparse.ArgumentParser(prog="python -m tgi.launch", description=__doc__)
    parser.add_argument("profile", nargs="?", help="a profile's name; without one, they are listed")
    parser.add_argument("--as", dest="form", choices=("command", "docker", "download", "needs"), default="command")
    parser.add_argument("--weights", default="/srv/models", help="where the weights are on this machine")
    parser.add_argument("--allow-grammar", action="store_true", help="let callers hold answers to a grammar or tools")
    parser.add_argument("--private-network", action="store_true", help="listen on every address, not on loopback")
    asked = parser.parse_args(argv)
    try:
        return _show(asked)
    except ProfileError as error:
        print(f"tgi.launch: {error}", file=sys.stderr)
        return 2


def _show(asked: argparse.Namespace) -> int:
    if asked.profile is None:
        for name in profile.names():
            print(f"{name:18} {render.needs(profile.load(name))}")
        return 0
    print(_form(profile.load(asked.profile), asked))
    return 0


def _form(chosen: Profile, asked: argparse.Namespace) -> str:
    bind = Bind.PRIVATE_NETWORK if asked.private_network else Bind.LOOPBACK
    launch = Launch(bind, asked.weights, asked.allow_grammar)
    match asked.form:
        case "docker":
            return render.docker(chosen, launch, asked.weights)
        case "download":
            return render.download(chosen, asked.weights)
        case "needs":
            return render.needs(chosen)
        case _:
            return render.command(chosen, launch)


if __name__ == "__main__":
    sys.exit(main())
