"""A small rule set of our own in the core rule set's layout, for tests, and processes that behave badly in place of its workers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gateway.detect.crs.engine import EngineMissing, library
from gateway.detect.piped import Piped

SQL = """# A comment.
SecRule ARGS "@rx (?i)union\\s+select" \\
    "id:942999,phase:2,block,t:none,t:urlDecodeUni,\\
    msg:'SQL, or what looks like it',\\
    tag:'attack-sqli',tag:'paranoia-level/1',\\
    severity:'CRITICAL'"

SecRule TX:DETECTION_PARANOIA_LEVEL "@lt 2" "id:942013,phase:2,pass,nolog,skipAfter:END-942"
SecRule ARGS "@pmFromFile words.data" "id:942998,phase:2,block,msg:'words',tag:'attack-sqli',severity:'WARNING'"
SecMarker "END-942"
"""
AGENTS = """SecRule REQUEST_HEADERS:User-Agent "@contains jndi" "id:944999,phase:1,block,msg:'lookup',tag:'attack-rce',severity:'CRITICAL'"
"""
NO_REPLIES = 'SecRule RESPONSE_BODY "@rx (" "id:950999,phase:4,block"\n'  # broken, and not ours to load


def a_directory(place: Path) -> Path:
    rules = place / "rules"
    rules.mkdir(parents=True)
    (rules / "REQUEST-942-SQL.conf").write_text(SQL)
    (rules / "REQUEST-944-JAVA.conf").write_text(AGENTS)
    (rules / "RESPONSE-950-LEAKS.conf").write_text(NO_REPLIES)
    (rules / "words.data").write_text("sleep(\nbenchmark(\n")
    return place


def the_library() -> str:
    """libmodsecurity, or a skip: it is an optional extra, and has no wheel for every platform."""
    try:
        return library()
    except EngineMissing as missing:
        pytest.skip(str(missing))


BEGIN = """
import sys, time, os
def read():
    head = sys.stdin.buffer.read(4)
    if len(head) < 4: sys.exit()
    return sys.stdin.buffer.read(int.from_bytes(head, "big"))
def say(data):
    sys.stdout.buffer.write(len(data).to_bytes(4, "big") + data); sys.stdout.buffer.flush()
say(b"{}")
while True:
    message = read()
    if b'"load"' in message: say(b"{}"); continue
    DOES
"""


def a_worker_that(does: str) -> Piped:
    """A process that loads whatever it is told to, and then does this for each question."""
    return Piped([sys.executable, "-c", BEGIN.replace("DOES", does)])
