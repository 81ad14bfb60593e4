"""Invisible marks in answers, fingerprints of answers, and the way from a leaked text back to its exchange.

Usable alone: `python -m watermark embed|detect --key FILE`. Imports nothing of ours beyond this folder.
"""

from watermark.embed import PROFILES, Embedder, Profile, embed
from watermark.keys import EpochKeys, KeyFileError, Keys
from watermark.payload import new_mark_id

__all__ = ["PROFILES", "Embedder", "EpochKeys", "KeyFileError", "Keys", "Profile", "embed", "new_mark_id"]
