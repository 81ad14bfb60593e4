"""The process the language models live in: texts in, spans out, on its standard streams. Nothing of the gateway's is open here.

Each message is four bytes of length (big endian) and JSON. Run as `python -m gateway.detect.names.worker`.
"""

from __future__ import annotations

import re
import resource
import sys
from collections.abc import Sequence
from typing import BinaryIO, Protocol

import orjson

from gateway.detect.piped import read, write
from gateway.detect.span import Span

MAX_MEMORY = (
    3 << 30
)  # bytes of address space: ten times what the models need; over it this process dies, not the gateway
_HAN = re.compile(r"[\u3400-\u9fff]{2}")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]{3}")


class Model(Protocol):
    """A language's models."""

    def find(self, texts: Sequence[str]) -> list[list[Span]]: ...


class Models:
    """Both languages, each loaded when its first text comes."""

    def __init__(self) -> None:
        self._loaded: dict[str, Model] = {}

    def find(self, texts: Sequence[str]) -> list[list[Span]]:
        found: list[list[Span]] = [[] for _ in texts]
        for language, wanted in (("zh", _HAN), ("en", _LATIN)):
            chosen = [index for index, text in enumerate(texts) if wanted.search(text)]
            if chosen:
                spans = self._model(language).find([texts[index] for index in chosen])
                for index, some in zip(chosen, spans, strict=True):
                    found[index] += some
        return found

    def _model(self, language: str) -> Model:
        if language not in self._loaded:
            self._loaded[language] = _load(language)
        return self._loaded[language]


def _load(language: str) -> Model:
    if language == "zh":
        from gateway.detect.names.chinese import Chinese

        return Chinese()
    from gateway.detect.names.english import English

    return English()


def serve(source: BinaryIO, target: BinaryIO, models: Model) -> None:
    """Answers until the other side goes away. Whatever fails ends the process: the asker sees it and shuts."""
    models.find(["张三在北京。", "John Smith lives in Paris."])  # loaded before anybody waits
    write(target, b"[]")
    while (message := read(source)) is not None:
        texts = orjson.loads(message)
        write(target, orjson.dumps([[tuple(span) for span in spans] for spans in models.find(texts)]))


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    target = sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints must not look like an answer
    serve(sys.stdin.buffer, target, Models())


if __name__ == "__main__":
    main()
