"""Where policies are tried before they count: a process of its own, under limits. Run as `python -m gateway.trial`.

It reads a site's policies, compiles them, and runs their cases and the harmless texts through the gate they make. It has none
of the site's keys, asks no server, and answers with the digest of what it found good, or with what is wrong. What it compiled
it leaves on the site's shelf. Who asks it, and how long that may take, is `trying`'s matter.
"""

from __future__ import annotations

import resource
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import orjson

import watermark
from gateway import app, crs
from gateway.app import Lasting, Site
from gateway.core.errors import GatewayError, PolicyError
from gateway.core.pipeline import fault_of
from gateway.detect import compiled, piped
from gateway.stages.identity import KeySet

NOBODY_S_KEY = bytes(32)  # decisions depend on no key; what is replaced or marked here leaves this process never
MEGABYTE = 1 << 20


def tried(directory: Path) -> str:
    """The digest of the site's policies, now that they were compiled and kept their promises. Raises GatewayError."""
    site = app.open_site(directory, complete=False)
    bundle = app.load_bundle(site)
    with ExitStack() as after:
        gate = app.build_gate(bundle, site.settings, _nobody_s(site, after))
        if site.settings.policies.run_cases and (failed := app.unmet_cases(bundle, gate, site.settings)):
            raise PolicyError("\n".join(failed), "cases", app.UNMET_HINT)
    return bundle.digest


def _nobody_s(site: Site, after: ExitStack) -> Lasting:
    """No keys, no outside classifier; the core rules are asked, since cases may depend on them."""
    core = crs.of_site(site.settings.crs)
    if core is not None:
        after.callback(core.close)
    marks = watermark.Keys.from_master(NOBODY_S_KEY)
    return Lasting(keys=lambda: KeySet(()), marks=marks, pseudonym_key=NOBODY_S_KEY, core_rules=core)


def answer(message: bytes) -> bytes:
    """`{"site": …, "seconds": …, "shelf": …, "key": …}` → `{"digest": …}` or `{"what": …, "where": …, "hint": …}`."""
    asked: dict[str, Any] = orjson.loads(message)
    _bound(asked["seconds"])
    compiled.use(compiled.Shelf(Path(asked["shelf"]), bytes.fromhex(asked["key"])) if asked["shelf"] else None)
    try:
        return orjson.dumps({"digest": tried(Path(asked["site"]))})
    except GatewayError as error:
        return orjson.dumps({"what": error.what, "where": error.where, "hint": error.hint})
    except MemoryError:
        return orjson.dumps({"memory": True})
    except Exception as error:  # whatever it is, these policies were not found good, and somebody must be told
        return orjson.dumps({"what": f"could not be tried: {fault_of(error)}", "where": "policies", "hint": ""})


def _bound(seconds: float) -> None:
    """So much of the processor's time from now on, should nobody be left to end this process."""
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + seconds) + 1, most))


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Answers until the asker goes away. Its first word says that everything it needs is loaded."""
    piped.write(target, b"ready")
    while (message := piped.read(source)) is not None:
        piped.write(target, answer(message))


def main() -> None:
    megabytes = int(sys.argv[1])
    _, most = resource.getrlimit(resource.RLIMIT_AS)  # workers it begins have limits of their own, and may set them
    resource.setrlimit(resource.RLIMIT_AS, (megabytes * MEGABYTE, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a key pressed in the gateway's terminal is the gateway's
    target = sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints must not look like an answer
    serve(sys.stdin.buffer, target)


if __name__ == "__main__":
    main()
