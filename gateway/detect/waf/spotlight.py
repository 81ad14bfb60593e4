"""Texts of tools and documents set apart, so that a model can tell data from orders: after Hines et al., "Defending against
indirect prompt injection attacks with spotlighting" (2024). Whose texts, and how, is policy's matter.

What sets a text apart is made from the text under a key: whoever wrote the text cannot foresee it, and the same text looks the
same in every turn, so that a server's prefix cache still knows it.
"""

from __future__ import annotations

import re
from hashlib import blake2b

SIGN_BYTES = 5
_GAP = re.compile(r"(?<=\S)[ \t]+(?=\S)")
_STOP = re.compile(r"([，。；：！？、])(?=\S)")


def sign(text: str, key: bytes) -> str:
    """Ten letters and digits that nobody without the key could have put into the text."""
    return blake2b(
        text.encode("utf-8", "surrogatepass"), key=key[:64], digest_size=SIGN_BYTES, person=b"hangu-spotlight"
    ).hexdigest()


def delimited(text: str, note: str, key: bytes) -> str:
    """The text between two lines that only we could write, after a note that says what they mean. `{sign}` in it is the sign."""
    mark = sign(text, key)
    return f"{note.replace('{sign}', mark)}\n[data {mark}]\n{text}\n[/data {mark}]"


def datamarked(text: str, note: str, marker: str) -> str:
    """The text with a marker in place of the gaps between words, and after the stops of Chinese; the note says so."""
    own = text.replace(marker, " ")
    marked = _STOP.sub(lambda stop: stop[0] + marker, _GAP.sub(marker, own))
    return f"{note.replace('{marker}', marker)}\n{marked}"
