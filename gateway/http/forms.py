"""An HTML form that a browser sends back: whose page it came from, and its fields. What they mean is each page's matter.

A browser shows its client certificate to any site's request, so a form is taken only where the browser says that one of
our own pages sent it (Fetch Metadata, else Origin). Without either header there is no way to tell, and it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp.web import BaseRequest

from gateway.core.verdict import Code, Refuse
from gateway.http.body import BodyUnreadable, invite_body
from gateway.http.intake import read_bounded

MAX_FORM_BYTES = 64 * 1024  # some 7,000 Chinese characters as browsers encode them: a text to try, no document
MAX_FIELDS = 32  # three times what the largest form has
MEDIA_TYPE = "application/x-www-form-urlencoded"

Fields = Mapping[str, str]


async def read_form(request: BaseRequest) -> Fields | Refuse:
    """The fields of a form of our own, each there once; or why it is not taken."""
    if refusal := check_sender(request.headers):
        return refusal
    if request.headers.get("Content-Type", "").lower() != MEDIA_TYPE:
        return Refuse(Code.MEDIA_TYPE_UNSUPPORTED, detail=f"this page takes {MEDIA_TYPE}")
    if (request.content_length or 0) > MAX_FORM_BYTES:
        return Refuse(Code.TOO_LARGE, detail=f"a form may have at most {MAX_FORM_BYTES} bytes")
    try:
        await invite_body(request)
        body = await read_bounded(request, MAX_FORM_BYTES)
    except BodyUnreadable as unreadable:
        return Refuse(unreadable.code)
    return body if isinstance(body, Refuse) else parse(body)


def check_sender(headers: Mapping[str, str]) -> Refuse | None:
    """The refusal, unless a page of this very origin sent the form."""
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    ours = f"https://{headers.get('Host', '')}"
    if site == "same-origin" or (site is None and origin is not None and origin.lower() == ours.lower()):
        return None
    return Refuse(Code.NOT_PERMITTED, detail="a form is taken from a page of this console only")


def parse(body: bytes) -> Fields | Refuse:
    """Percent-encoded UTF-8 as fields. A field that is there twice could be read in two ways, so it is refused."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:  # UnicodeDecodeError is one
        return Refuse(Code.REQUEST_MALFORMED, detail="the form cannot be read")
    fields = dict(pairs)
    if len(fields) != len(pairs):
        return Refuse(Code.REQUEST_MALFORMED, detail="a field of the form is there twice")
    return fields
