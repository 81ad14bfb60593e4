"""Invisible marks in answers, fingerprints of answers, and the way from a leaked text back to its exchange.

Usable alone: `python -m watermark embed|detect --key FILE`. Imports nothing of ours beyond this folder.
"""

from watermark.codebook import Codebook
from watermark.decoder import Bind, Decoded, Hit, decode, glance
from watermark.embed import PROFILES, Embedder, Profile, embed
from watermark.fingerprints import fingerprint
from watermark.ignorables import Removed, Scrubbed, may_be_marked, scrub, visible
from watermark.index import Index
from watermark.keys import EpochKeys, KeyFileError, Keys
from watermark.payload import new_mark_id
from watermark.registry import Issued, Registry, SqliteRegistry
from watermark.tracer import Candidate, Trace, trace

__all__ = [
    "PROFILES",
    "Bind",
    "Candidate",
    "Codebook",
    "Decoded",
    "Embedder",
    "EpochKeys",
    "Hit",
    "Index",
    "Issued",
    "KeyFileError",
    "Keys",
    "Profile",
    "Registry",
    "Removed",
    "Scrubbed",
    "SqliteRegistry",
    "Trace",
    "decode",
    "embed",
    "fingerprint",
    "glance",
    "may_be_marked",
    "new_mark_id",
    "scrub",
    "trace",
    "visible",
]
