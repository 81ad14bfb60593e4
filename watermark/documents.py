"""A leaked file → its text: plain text in the usual encodings, .docx, .html, .pdf. Nothing is normalised: marks must survive.

Files come from strangers: archives are unpacked under a limit, XML with entity declarations is refused. A PDF seldom
keeps invisible characters; what it gives is for the fingerprint.
Not here: pictures of text (run OCR first, then trace its output).
"""

from __future__ import annotations

import sys
import zipfile
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

MAX_BYTES = 64 << 20  # of a file, and of a document part once unpacked: a book of 20 million characters
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
MAX_PAGES = 400  # as many characters as a trace reads
# What a damaged file makes the PDF library raise besides its own errors.
_PDF_FAULTS = (
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    RecursionError,
    OverflowError,
    AssertionError,
)
_ENCODINGS = ("utf-8-sig", "gb18030")


class DocumentError(ValueError):
    """A file that cannot be read as text."""


def read_text(source: str) -> str:
    """The text of a file (`-`: standard input, plain text). Raises DocumentError or OSError."""
    if source == "-":
        return from_plain(sys.stdin.buffer.read(MAX_BYTES), "standard input")
    path = Path(source)
    if path.stat().st_size > MAX_BYTES:
        raise DocumentError(f"{path}: over {MAX_BYTES >> 20} MiB; hint: cut out the passage in question")
    return from_bytes(path.read_bytes(), path.name)


def from_bytes(data: bytes, name: str) -> str:
    """As `read_text`, for what is in memory; the kind is told by content first, by `name` second."""
    if data.startswith(b"PK\x03\x04"):
        return from_docx(data, name)
    if data.startswith(b"%PDF-"):
        return from_pdf(data, name)
    text = from_plain(data, name)
    head = text[:1000].lstrip().lower()
    return (
        from_html(text)
        if name.lower().endswith((".html", ".htm")) or head.startswith(("<!doctype html", "<html"))
        else text
    )


def from_plain(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    for encoding in _ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DocumentError(f"{name}: neither UTF-8, UTF-16 nor GB 18030; hint: save it as UTF-8 text")


def from_docx(data: bytes, name: str) -> str:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            parts = sorted(part for part in archive.namelist() if _is_text_part(part))
            return "\n".join(_word_text(_part(archive, part, name), name) for part in parts)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError) as fault:
        raise DocumentError(f"{name}: not a readable .docx file") from fault


def _is_text_part(part: str) -> bool:
    return (
        part.startswith("word/")
        and part.removeprefix("word/").startswith(("document", "footnotes", "endnotes", "comments", "header", "footer"))
        and part.endswith(".xml")
    )


def _part(archive: zipfile.ZipFile, part: str, name: str) -> bytes:
    with archive.open(part) as file:
        body = file.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise DocumentError(f"{name}: {part} unpacks to over {MAX_BYTES >> 20} MiB")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise DocumentError(f"{name}: {part} declares XML entities, which no word processor writes")
    return body


def _word_text(body: bytes, name: str) -> str:
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 (declarations were refused above)
    except ElementTree.ParseError as fault:
        raise DocumentError(f"{name}: damaged document text") from fault
    return "\n".join("".join(_run_text(node) for node in paragraph.iter()) for paragraph in root.iter(f"{_WORD}p"))


def _run_text(node: ElementTree.Element) -> str:
    if node.tag in (f"{_WORD}t", f"{_WORD}delText"):
        return node.text or ""
    return {f"{_WORD}tab": "\t", f"{_WORD}br": "\n", f"{_WORD}cr": "\n"}.get(node.tag, "")


class _Text(HTMLParser):
    """Collects text; block elements end lines; scripts and styles are left out."""

    _BLOCKS = frozenset(
        [
            "p",
            "div",
            "br",
            "li",
            "tr",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "pre",
            "blockquote",
            "section",
            "article",
            "table",
            "ul",
            "ol",
            "dd",
            "dt",
        ]
    )
    _SILENT = frozenset(("script", "style", "template"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self._SILENT
        if tag in self._BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in self._SILENT))
        if tag in self._BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


def from_html(text: str) -> str:
    parser = _Text()
    parser.feed(text)
    parser.close()
    return "".join(parser.pieces)


def from_pdf(data: bytes, name: str) -> str:
    try:
        import pypdf  # only for this kind of file: the marks themselves need nothing of it
    except ModuleNotFoundError as fault:
        raise DocumentError(f"{name}: reading PDF needs the package pypdf; hint: pip install pypdf") from fault
    try:
        pages = pypdf.PdfReader(BytesIO(data)).pages
        return "\n".join(page.extract_text() for page in pages[:MAX_PAGES])
    except (*_PDF_FAULTS, pypdf.errors.PyPdfError) as fault:
        raise DocumentError(f"{name}: not a readable PDF file") from fault
