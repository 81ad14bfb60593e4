"""Leaked files: the marks come through, hostile files do not."""

from __future__ import annotations

import zipfile
from io import BytesIO, TextIOWrapper
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from conftest import prose

from watermark import Keys, decode, embed
from watermark.documents import DocumentError, from_bytes, read_text

KEYS = Keys.from_master(bytes(range(32)))
MARKED = embed(prose("en", 1) + "\n" + prose("zh", 1), KEYS, 42)


def _docx(body: str, part: str = "word/document.xml", declaration: str = "") -> bytes:
    paragraphs = "".join(
        f'<w:p><w:r><w:t xml:space="preserve">{escape(line)}</w:t></w:r></w:p>' for line in body.split("\n")
    )
    xml = f'<?xml version="1.0"?>{declaration}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{paragraphs}</w:body></w:document>'
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(part, xml)
    return buffer.getvalue()


FILES = {
    "plain": (MARKED.encode(), "leak.txt"),
    "with a byte order mark": (b"\xef\xbb\xbf" + MARKED.encode(), "leak.txt"),
    "utf-16": (MARKED.encode("utf-16"), "leak.txt"),
    "gb18030": (MARKED.encode("gb18030"), "leak.txt"),
    "docx": (_docx(MARKED), "leak.docx"),
    "docx without its name": (_docx(MARKED), "leak"),
    "docx footnote": (_docx(MARKED, "word/footnotes.xml"), "leak.docx"),
    "html": (
        f"<html><head><style>p {{}}</style></head><body><p>{MARKED}</p><script>x()</script></body></html>".encode(),
        "leak.html",
    ),
    "html with entities": ("<p>" + "".join(f"&#x{ord(c):x};" if ord(c) > 0xFFFF else c for c in MARKED), "leak.htm"),
}


@pytest.mark.parametrize("name", FILES)
def test_marks_come_through(name: str) -> None:
    data, file = FILES[name]
    text = from_bytes(data if isinstance(data, bytes) else data.encode(), file)
    assert [hit.mark_id for hit in decode(text, KEYS).hits] == [42]
    assert "x()" not in text


def _pdf(words: str) -> bytes:
    content = f"BT /F1 12 Tf 72 700 Td ({words}) Tj ET".encode()
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        body
        + b"xref\n0 6\n0000000000 65535 f \n"
        + table
        + b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % len(body)
    )


def test_the_words_of_a_pdf_are_read() -> None:
    pytest.importorskip("pypdf")
    assert from_bytes(_pdf("The gateway keeps a record"), "leak.pdf").strip() == "The gateway keeps a record"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"PK\x03\x04 broken", "not a readable"),
        (_docx("a", declaration='<!DOCTYPE a [<!ENTITY b "c">]>'), "entities"),
        (b"\xff\x00\x81\x20\xff", "UTF-8"),
        (b"%PDF-1.7 x", "PDF"),
    ],
)
def test_what_cannot_be_read_is_said(data: bytes, says: str) -> None:
    with pytest.raises(DocumentError, match=says):
        from_bytes(data, "leak")


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("word/document.xml", "w") as part:
        for _ in range(70):
            part.write(bytes(1 << 20))
    with pytest.raises(DocumentError, match="unpacks"):
        from_bytes(buffer.getvalue(), "bomb.docx")


def test_files_are_read_by_name(tmp_path: Path) -> None:
    (tmp_path / "leak.txt").write_text(MARKED, "utf-8")
    assert read_text(str(tmp_path / "leak.txt")) == MARKED


def test_standard_input_is_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO("函谷关".encode())))
    assert read_text("-") == "函谷关"


def test_too_long_a_file_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(DocumentError, match="cut out the passage"):
        read_text(str(tmp_path / "big"))


def test_damaged_document_text_is_refused() -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "<w:document")
    with pytest.raises(DocumentError, match="damaged"):
        from_bytes(buffer.getvalue(), "leak.docx")
