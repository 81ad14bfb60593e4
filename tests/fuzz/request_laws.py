"""Bytes of a caller: heads, bodies, tokens, forms. Each becomes a value or a named refusal, and other readers agree."""

from __future__ import annotations

import asyncio
import base64
import json
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from gateway.core.errors import BackendError
from gateway.core.exchange import Certificate, Credentials, Peer
from gateway.core.ports import Wire
from gateway.core.verdict import Allow, Amend, Refuse
from gateway.http import forms
from gateway.jwks import from_files
from gateway.stages.identity import Identity, IdentityRules, KeySet
from tests.http import framings
from tests.http.test_second_reader import ours, theirs
from tests.make import an_exchange
from tests.tgi.wire.hostile import HOSTILE
from tests.tgi.wire.relay import filled
from tgi.wire import OpenAIWire, TgiWire


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def head(data: bytes) -> None:
    """What our reader takes, h11 reads as the same requests."""
    mine = ours(data, _loop())
    assert mine == theirs(data)[: len(mine)]


def head_seeds() -> list[bytes]:
    return [each.raw for each in (*framings.CONTROLS, *framings.HOSTILE) if len(each.raw) < 2000]


TGI = TgiWire("smollm2")
OPENAI = OpenAIWire("smollm2")


def body_tgi(data: bytes) -> None:
    """The first byte chooses the route."""
    _body(TGI, data)


def body_openai(data: bytes) -> None:
    _body(OPENAI, data)


def _body(wire: Wire, data: bytes) -> None:
    routes = [route for route in wire.routes if route.method == "POST"]
    route, body = routes[(data or b"\0")[0] % len(routes)], data[1:]
    ask = wire.read(route, body)
    if isinstance(ask, Refuse):
        assert ask.code
        return
    assert _once_each(body), "a key twice was taken"
    exchange = filled(ask, route.path)
    try:
        first, again = (json.loads(ask.request(exchange).body) for _ in range(2))
    except BackendError as error:  # nothing was redacted: what came must go back where it was
        raise AssertionError("an unchanged request could not be written") from error
    assert first == again
    assert [passage for passage in ask.passages if not isinstance(passage.text, str)] == []


def _once_each(body: bytes) -> bool:
    """Python's own JSON reader, which shows every pair, finds no key twice."""

    def seen(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(pairs)) == len(pairs), "a key twice was taken"
        return dict(pairs)

    json.loads(body, object_pairs_hook=seen)
    return True


def body_seeds() -> list[bytes]:
    """Every hostile body, and bodies that are fine, each for every route's number."""
    good = (
        b'{"model":"smollm2","messages":[{"role":"user","content":"hi"}],"stream":true,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}',
        b'{"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}]}',
        b'{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"https://a"}}]}],"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"properties":{}}}}}',
        b'{"inputs":"hi","parameters":{"max_new_tokens":5,"grammar":{"type":"json","value":{"properties":{}}},"stop":["a"],"best_of":2,"do_sample":true}}',
        b'{"prompt":["a","b"],"max_tokens":3,"logit_bias":{},"temperature":0.5}',
    )
    return [bytes([number]) + body for number in range(8) for body in good] + [
        b"\x06" + case[4] for case in HOSTILE if len(case[4]) < 400
    ]


RULES = IdentityRules(issuers=("https://hangu.local",), audiences=("hangu",))
PEER = Peer("127.0.0.1", Certificate("t" * 43, "ana", (), ("spiffe://hangu.local/client/ana",), "1"))


@cache
def _keys() -> KeySet:
    """One key of each kind, whose private halves nobody keeps."""
    private = (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1()))
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    pems = [key.public_key().public_bytes(serialization.Encoding.PEM, spki) for key in private]
    return from_files({f"{n}.pem": pem for n, pem in enumerate(pems)})


def token(data: bytes) -> None:
    """No bytes in the Authorization header identify anybody without a key that signed them."""
    said = data.decode("latin-1")
    stage = Identity(RULES, _keys)
    asked = an_exchange("hi", principal=None, peer=PEER, credentials=Credentials(said))
    verdict = stage.judge(asked)
    assert not isinstance(verdict, Allow | Amend), "somebody was let in"


def token_seeds() -> list[bytes]:
    def part(value: object) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    claims = {
        "iss": "https://hangu.local",
        "aud": "hangu",
        "sub": "ana",
        "exp": 4_000_000_000,
        "tenant": "demo",
        "roles": ["analyst"],
        "cnf": {"x5t#S256": "t" * 43},
    }
    heads = [{"alg": name} for name in ("none", "HS256", "EdDSA", "ES256", "RS256")]
    return [b"Bearer " + b".".join((part(head), part(claims), b"c2ln")) for head in heads] + [
        b"Bearer a.b.c",
        b"Basic YTpi",
        b"",
    ]


def form(data: bytes) -> None:
    """A form is fields, each there once, or a refusal."""
    fields = forms.parse(data)
    if not isinstance(fields, Refuse):
        assert all(isinstance(name, str) and isinstance(value, str) for name, value in fields.items())


def form_seeds() -> list[bytes]:
    return [b"a=1&b=2", b"a=%E5%87%BD&a=2", b"a=%ff", b"a", b"=&=", b"a=1;b=2", b"text=" + b"%41" * 50]
