"""One visit as plain values: which page, by whom, in which language, with which query. Sockets stay outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from gateway.core.exchange import Principal

LANGUAGES = ("en", "zh")
AUDITOR = "auditor"  # the role that may read recorded texts
MAX_RANGES = 16  # of an Accept-Language header: browsers send four


@dataclass(frozen=True, slots=True)
class Asked:
    """A visit. `chosen` is the language that the address names, empty where the browser's is taken."""

    path: str
    who: Principal
    language: str = "en"
    chosen: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] | None = None  # of a form that was sent
    reads: bool = True  # False for HEAD: nothing is shown

    @property
    def may_read_texts(self) -> bool:
        return AUDITOR in self.who.roles

    def link(self, path: str, **query: object) -> str:
        """An address on this console, in the language that was chosen."""
        given = {name: str(value) for name, value in query.items() if value not in ("", None)}
        if self.chosen:
            given.setdefault("lang", self.chosen)
        return f"{path}?{urlencode(given)}" if given else path

    def in_language(self, language: str) -> str:
        """The same page in another language."""
        return f"{self.path}?{urlencode({**self.query, 'lang': language})}"


def asked(path: str, who: Principal, query: Mapping[str, str], accepted: str, **more: object) -> Asked:
    """The visit that a request means. `accepted` is its Accept-Language."""
    chosen = query.get("lang", "")
    chosen = chosen if chosen in LANGUAGES else ""
    return Asked(path, who, chosen or preferred(accepted), chosen, query, **more)  # type: ignore[arg-type]


def preferred(accepted: str) -> str:
    """The first of our languages by the weights of an Accept-Language header (RFC 9110, 12.5.4); English otherwise."""
    weighed = [_weighed(part, place) for place, part in enumerate(accepted.split(",")[:MAX_RANGES])]
    known = [(-weight, place, language) for weight, place, language in weighed if weight > 0 and language in LANGUAGES]
    return min(known)[2] if known else LANGUAGES[0]


def _weighed(part: str, place: int) -> tuple[float, int, str]:
    name, _, parameter = part.partition(";")
    key, _, value = parameter.strip().partition("=")
    try:
        weight = float(value) if key == "q" else 1.0
    except ValueError:
        weight = 0.0
    return weight, place, name.strip().lower().partition("-")[0]
