"""Is the gateway in this container healthy? Asks its admin port as the operator would: with certificate and token.

Standard library only, and nothing of ours: a check should not fail for the reasons it looks for.
Exit 0: it answered 200. Exit 1: it did not.
"""

from __future__ import annotations

import http.client
import ssl
import sys
from pathlib import Path

TIMEOUT_S = 4.0  # below the container's own limit of 5 s, so that the reason is printed


def check(site: Path, port: int) -> str:
    """What is wrong, or nothing."""
    operator = site / "clients" / "operator"
    try:
        context = ssl.create_default_context(cafile=str(site / "pki" / "ca.pem"))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(operator / "cert.pem", operator / "key.pem")
        token = (operator / "token.jwt").read_text().strip()
        asking = http.client.HTTPSConnection("localhost", port, timeout=TIMEOUT_S, context=context)
        asking.request("GET", "/healthz", headers={"authorization": f"Bearer {token}"})
        status = asking.getresponse().status
        asking.close()
    except (OSError, http.client.HTTPException) as error:
        return f"port {port}: {error}"
    return "" if status == 200 else f"port {port}: /healthz answered {status}"


def main(arguments: list[str]) -> int:
    """`healthcheck.py SITE [PORT]`"""
    site = Path(arguments[0] if arguments else "/site")
    problem = check(site, int(arguments[1]) if len(arguments) > 1 else 9443)
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
