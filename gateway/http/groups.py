"""Elliptic-curve key exchange only. OpenSSL reads this before Python's first line, so the process has to begin anew with it.

A configuration that the operator names in OPENSSL_CONF (a FIPS module, say) is left alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

CONFIGURATION = Path(__file__).with_name("openssl.conf")

Exec = Callable[[str, list[str], Mapping[str, str]], object]


def narrow(begin_anew: Exec = os.execve) -> None:
    """Start this process again under our OpenSSL configuration, unless it has one. Call before anything is open."""
    if "OPENSSL_CONF" in os.environ:
        return
    arguments = [sys.executable, *sys.orig_argv[1:]]
    begin_anew(sys.executable, arguments, {**os.environ, "OPENSSL_CONF": str(CONFIGURATION)})
