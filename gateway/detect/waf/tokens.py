"""Control tokens that only a chat template may write, and remote images in text: found and made harmless.

Making harmless keeps every visible character and adds a space, so that a tokenizer sees plain text: `< |im_start| >`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from gateway.detect.waf.urls import HTTPS_URL, is_inline_image, may_fetch

# ChatML, Llama 3, Phi, harmony and others write <|word|>; DeepSeek writes it with U+FF5C and U+2581. Llama 2 and Mistral
# write [INST]; Gemma <start_of_turn>; GLM [gMASK]. The bars are folded before scanning, so one pattern sees both.
_SQUARE_WORDS = "INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|gMASK"
_ANGLE_WORDS = "start_of_turn|end_of_turn|start_of_image|end_of_utterance|bos|eos"
MARKS = (
    ("token", r"<\|[^|<>\s]{1,60}\|>"),
    ("token", rf"\[/?(?:{_SQUARE_WORDS})\]|<</?SYS>>"),
    ("token", rf"</?(?:{_ANGLE_WORDS})>"),
    ("image", r"!\[\s{0,8}\]\("),
)
_INLINE = "data:"  # how an image begins that comes along
TOKEN = re.compile(
    rf"<(?P<bar>[|｜][^|｜<>\s]{{1,60}}[|｜])>|\[(?P<square>/?(?:{_SQUARE_WORDS}))\]|<(?P<angle></?SYS>|/?(?:{_ANGLE_WORDS}))>"
)
IMAGE = re.compile(r"!(?P<rest>\[\s{0,8}\]\()")  # what TGI's router looks for and fetches: an image with no description


def tokens(text: str) -> Iterator[tuple[int, int]]:
    """Where control tokens stand."""
    return (match.span() for match in TOKEN.finditer(text))


def without_tokens(text: str) -> str:
    """The text with every control token made plain. What comes out holds none."""
    return TOKEN.sub(lambda match: f"{match[0][0]} {match[match.lastgroup or 0]} {match[0][-1]}", text)


def plain_json(text: str) -> str:
    """JSON with every control token in its strings made plain, however its characters are written; the same where there is none."""
    spelt = _ESCAPED.sub(lambda one: one[1] + chr(int(one[2], 16)), text) if "\\u" in text else text
    return text if TOKEN.search(spelt) is None else without_tokens(spelt)


# `<`, `>`, `|`, `[`, `]`, `/` and the wide bar as JSON may also write them, where the backslash is not one of a pair.
_ESCAPED = re.compile(r"(?i)(?<!\\)((?:\\\\)*)\\u(003c|003e|007c|005b|005d|002f|ff5c)")


def remote_images(text: str, hosts: Collection[str]) -> Iterator[tuple[int, int]]:
    """Where Markdown images stand whose URL may not be fetched: those not inline, and not of these hosts."""
    return (match.span() for match in _remote(text, hosts))


def without_images(text: str, hosts: Collection[str]) -> str:
    """Every such image with a space after its mark: who fetches images does not see one any more."""
    if not hosts and _INLINE not in text:
        return IMAGE.sub(r"! \g<rest>", text)
    pieces, last = [], 0
    for match in _remote(text, hosts):
        pieces += [text[last : match.start()], "! ", match["rest"]]
        last = match.end()
    return "".join([*pieces, text[last:]])


def _remote(text: str, hosts: Collection[str]) -> Iterator[re.Match[str]]:
    return (match for match in IMAGE.finditer(text) if not _may_stay(text, match.end(), hosts))


def _may_stay(text: str, start: int, hosts: Collection[str]) -> bool:
    end = is_inline_image(text, start)
    if end is not None:
        return text[end : end + 1] == ")"
    url = HTTPS_URL.match(text, start) if hosts else None
    return url is not None and text[url.end() : url.end() + 1] == ")" and may_fetch(url[0], hosts)
