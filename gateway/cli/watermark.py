"""`hangu watermark …`: marks on text alone, with a key file. The verbs themselves are `watermark.cli`'s."""

from __future__ import annotations

from watermark.cli import configure, run

NAME = "watermark"
HELP = {"en": "mark a text or find a mark in one", "zh": "为文本加标记，或在文本中查找标记"}

__all__ = ["HELP", "NAME", "configure", "run"]
