"""Images that tell somebody, and HTML that acts: made plain outside of code, left alone in it. Lines of code are `fences`."""

from __future__ import annotations

from collections.abc import Callable

from gateway.detect.waf.urls import is_inline_image, may_fetch
from gateway.stages.output.fences import LONGEST_LINE, Fences
from gateway.stages.output.lexer import End, Grammar, Lexer, Match
from policies.output import Active, OutputPolicy

_TAGS = (
    "script|iframe|object|embed|applet|svg|math|form|input|button|textarea|select|img|image|video|audio|source|track|picture"
    "|link|meta|base|style|frame|frameset|template|slot|pre|portal|dialog|marquee|isindex|xmp|plaintext|noscript|noembed|noframes"
)
CODE = r"`[^`\n]{1,200}`"
IMAGE = r"!\[(?:[^\[\]\n]{0,200}\]\([ \t]{0,4}<?[^)\s]{0,600})?"
TAG = rf"</?(?:{_TAGS})\b"
COMMENT = r"<!(?:--|\[CDATA|DOCTYPE)|<\?"
HANDLER = (
    r"<[a-z][a-z0-9-]{0,20}[\s/][^<]{0,400}"
    r"(?:\b(?:on[a-z]{3,30}|style|srcdoc|background)\s{0,4}=|\b(?:javascript|vbscript)\s{0,4}:)"
)
SCRIPT_LINK = r"\](?:\(|:)[ \t]{0,4}<?(?:javascript|vbscript|data:text)"
PATTERNS = (CODE, IMAGE, TAG, COMMENT, HANDLER, SCRIPT_LINK)
SIGNS = "`!<\\]"  # what every one of them begins with
GRAMMAR = Grammar(PATTERNS, [False] * len(PATTERNS), SIGNS)

Seen = Callable[[str, str, int, int], None]
"""Told of every match: rule, family, start, end."""


class Markup:
    """One text under way: code passes, the rest goes through the lexer. Stops at nothing itself; `seen` is told."""

    def __init__(self, policy: OutputPolicy, seen: Seen) -> None:
        self._policy, self._seen = policy, seen
        self._fences = Fences()
        self._line = ""
        self._done = 0
        self.ended = False
        self._lexer = Lexer(GRAMMAR, self._plain)

    def feed(self, text: str) -> str:
        if "\n" not in text:
            return self._part(text) if text else ""
        out = []
        for line in _lines(text):
            out.append(self._part(line))
            if self.ended:
                break
            if line.endswith("\n"):
                out.append(self._end_of_line())
        return "".join(out)

    def finish(self) -> str:
        rest = self._lexer.finish()
        self.ended = self.ended or self._lexer.ended
        return rest

    def _part(self, text: str) -> str:
        """Part of a line: code goes as it is, everything else through the lexer."""
        self._line += text[: LONGEST_LINE - len(self._line)]
        self._done += len(text)
        if self._fences.inside:
            return text
        kept = self._lexer.feed(text)
        self.ended = self._lexer.ended
        return kept

    def _end_of_line(self) -> str:
        was = self._fences.inside
        self._fences.line(self._line.rstrip("\n"))
        self._line = ""
        if was == self._fences.inside:
            return ""
        rest = self.finish()  # no image and no tag reaches over the edge of a fence
        self._lexer = Lexer(GRAMMAR, self._plain, "\n", self._done)
        return rest

    def _plain(self, match: Match) -> str | type[End] | None:
        kind = PATTERNS[match.number]
        if kind is CODE:
            return match.text
        if kind is IMAGE:
            return self._image(match)
        effect = self._policy.markup.effect
        if effect is Active.ALLOW:
            return match.text
        self._seen("OUT-902", "active-markup", match.start, match.start + len(match.text))
        if kind is SCRIPT_LINK:
            return self._instead(match, effect, f"{match.text[:2]}unsafe:{match.text[2:]}")
        return self._instead(match, effect, f"&lt;{match.text[1:]}")

    def _image(self, match: Match) -> str | type[End]:
        effect = self._policy.images.effect
        if effect is Active.ALLOW or _may_show(match.text, self._policy.images.hosts):
            return match.text
        self._seen("OUT-901", "remote-image", match.start, match.start + len(match.text))
        return self._instead(match, effect, f"! {match.text[1:]}")

    def _instead(self, match: Match, effect: Active, plain: str) -> str | type[End]:
        if self._policy.mode == "shadow":
            return match.text
        return End if effect is Active.BLOCK else plain


def _may_show(image: str, hosts: tuple[str, ...]) -> bool:
    """An inline image is code enough; a remote one needs a named host."""
    _, opened, url = image.partition("](")
    if not opened:
        return False
    url = url.strip(" \t<>")
    return is_inline_image(url + "AAAA") is not None or may_fetch(url, hosts)


def _lines(text: str) -> list[str]:
    """Lines by line feeds alone: `splitlines` would end one at other characters too."""
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
