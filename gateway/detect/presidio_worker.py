"""The process that a site's own Presidio registry lives in: clauses in, spans out, as `names.worker` has it.

A process of its own, since what others wrote may take its time over a text, and with a deadline it can be ended.
Run as `python -m gateway.detect.presidio_worker REGISTRY`, where REGISTRY is JSON. With `--check` it says what is wrong.
"""

from __future__ import annotations

import json
import resource
import sys

from gateway.detect.names.worker import MAX_MEMORY, serve


def main(arguments: list[str]) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    target = sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints must not look like an answer
    from gateway.detect.presidio import FromRegistry, RegistryError  # seconds: nobody but this process waits for it

    try:
        made = FromRegistry(json.loads(arguments[-1]))
    except RegistryError as error:
        target.write(str(error).encode())
        return 1
    if "--check" not in arguments:
        serve(sys.stdin.buffer, target, made)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
