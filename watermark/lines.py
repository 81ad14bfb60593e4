"""What the beginning of a line tells: prose, or something a machine reads.

Judged by the first 32 characters. In doubt the answer is "not prose". Not here: what stands within the line
(`watermark.prose`).
"""

from __future__ import annotations

import re
from functools import lru_cache

LINE_CHARS = 32  # enough for list markers, indentation and the first words

# A line of prose begins with a capital, a Han, kana, Hangul, Greek or Cyrillic letter, or an opening quote, perhaps
# behind a list or quote marker. Lines that begin with a small letter, a digit or a sign are as often code, YAML, CSV.
_MARKER = re.compile(
    r"(?:[ \u3000]*(?:[-*+•·●○▪]|\d{1,3}[.)、．）]|（\d{1,2}）|[一二三四五六七八九十]{1,3}、|>)[ \u3000]*)+"
)
_PROSE_START = re.compile(
    r"\u3000*(?:\*\*|__|[*_])?[“‘「『《（【]?"
    r"(?:[A-ZÀ-Þ][A-Za-zÀ-ɏ'’]*(?:-[A-Za-z]+)*(?:[ ,.;!?，。；！？、：—…”’]|:(?:\*\*|__)? |\*|__|$|(?=[\u3400-\u9fff]))"
    r"|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\u0370-\u052f]"
    r"|\d{1,4} ?[\u3400-\u9fff]"
    r"|[A-Z][^\s=(){};<>\"]{0,24},? [a-z]{2,}[ ,.]"  # Win32 uses, README.md says
    r"|`[^`]{1,24}`(?: [A-Za-z]{2}|[\u3400-\u9fff，]))"
)
_CODE_START = re.compile(
    r"(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|WITH|GRANT|FROM|RUN|COPY|CMD|ENV|ENTRYPOINT|BEGIN|END"
    r"|LABEL|WORKDIR|ARG|EXPOSE|ADD|USER|VOLUME|GET|POST|PUT|PATCH|HTTP|Dim) |\w+(?:-\w+)+: "
)

# A text whose first line is one of these is a file, to its last line.
_MACHINE_START = re.compile(
    r"[a-z_][\w.-]*:(?:\s|$)|---$|%YAML|#!|//|/\*|\"\"\"|\\[a-z]|@\w|\$\w+ ?=|[a-z_][\w.]* ?(?:=|\()|[A-Z_]{2,}=|diff --git |"
    r"#(?:include|define|pragma|ifn?def)\b|(?:import|package|using|namespace|module|require|export|func|fn|use|mod|pub|type|interface"
    r"|struct|enum|trait|impl|const|let|var|function|async|public|private|protected|static|final|abstract|class|def|local) "
    r"(?:[\w.*{\"'<:]+[;({:=<]|[\w.]+ (?:\w+ ?[;({:=]|[{=(])|[\w./{}\"'*]+$)|from [\w.]+ import\b"
)
_CELLS = re.compile(r"[^,.;:!?()]+,[\"'A-Za-z\d]")  # a first comma without a space: columns, not clauses

# The very first line may go on with a sentence that the prompt began: " Paris, and it has been so since".
_CONTINUATION = re.compile(
    r"(?: |[,.;:] )[A-Za-z][a-z'’]*[,.;:]? [A-Za-z][a-z'’]*[ ,.;:]| ?[，。、；：！？”」』》）]{1,2}[\u3400-\u9fff]"
)
FIRST_LINE = "\x1e"  # stands before the first line's prefix; white space to `strip`


@lru_cache(maxsize=32)  # a line is asked about again at each of its sites; few, since this is text of answers
def is_prose_line(prefix: str) -> bool:
    """Does a line that begins with `prefix` (at most 32 characters) read as prose?"""
    if prefix.startswith(FIRST_LINE):
        prefix = prefix[1:]
        if _CONTINUATION.match(prefix):
            return True
    rest = without_marker(prefix)
    return _PROSE_START.match(rest) is not None and _CODE_START.match(rest) is None and _CELLS.match(rest) is None


def without_marker(line: str) -> str:
    """The line behind its indentation, list and quote markers."""
    line = line.removeprefix(FIRST_LINE)
    marker = _MARKER.match(line)
    return line[marker.end() :] if marker else line


def begins_machine_text(line: str) -> bool:
    """Is a text whose first line this is a file?"""
    return _MACHINE_START.match(line.removeprefix(FIRST_LINE)) is not None
