"""English or Chinese, as the person's locale asks. Which words to say is each verb's own matter."""

from __future__ import annotations

import os


def language() -> str:
    """ "zh" when the locale is Chinese, else "en"; LC_ALL before LC_MESSAGES before LANG, as POSIX orders them."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def say(english: str, chinese: str) -> str:
    """The sentence in the reader's language."""
    return chinese if language() == "zh" else english
