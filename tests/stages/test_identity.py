"""Who is it: good papers are taken, forged, stolen, stale and foreign ones are not, each with its code and its reason."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TypeAlias

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.errors import SettingsError
from gateway.core.exchange import Certificate, Credentials, Exchange, Peer, Principal
from gateway.core.pipeline import judge
from gateway.core.verdict import Amend, Code, Refuse
from gateway.stages.identity import Alone, Identity, IdentityRules, KeySet, VerifiedTokens, from_jwks, from_pem
from tests.make import an_exchange

NOW = 1_800_000_000.0
CERTIFICATE = Certificate("thumb-of-ana", "ana", ("ana.hangu.local",), ("spiffe://hangu.local/client/ana",))
RULES = IdentityRules(issuers=("https://issuer",), audiences=("hangu",), leeway_seconds=30.0)
LAX = replace(RULES, require_bound_tokens=False)
CLAIMS = {
    "iss": "https://issuer",
    "aud": "hangu",
    "sub": "ana",
    "tenant": "acme",
    "roles": ["analyst"],
    "iat": int(NOW) - 60,
    "exp": int(NOW) + 600,
    "cnf": {"x5t#S256": "thumb-of-ana"},
}


Private: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def private(algorithm: str, number: int = 0) -> Private:
    return _private(algorithm, number)


@cache
def _private(algorithm: str, number: int) -> Private:
    if algorithm == "RS256":
        return rsa.generate_private_key(65537, 2048)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def pem(key: object) -> bytes:
    return key.public_key().public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def jwk(algorithm: str, kid: str, number: int = 0, **changes: object) -> dict[str, object]:
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(private(algorithm, number).public_key(), as_dict=True)
    return {**made, "kid": kid, "use": "sig", "alg": algorithm, **changes}


def jwks(*keys: dict[str, object]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def keys_of(*algorithms: str) -> KeySet:
    return from_jwks(jwks(*(jwk(algorithm, f"key-{algorithm}") for algorithm in algorithms)))


ALL = ("EdDSA", "ES256", "RS256")


def a_token(algorithm: str = "EdDSA", kid: str | None = None, number: int = 0, **claims: object) -> str:
    """Signed as the issuer signs. A claim given as None is left out."""
    said = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    header = {"kid": f"key-{algorithm}" if kid is None else kid}
    return jwt.encode(said, private(algorithm, number), algorithm=algorithm, headers=header)


def b64(data: bytes | str) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: str, payload: str) -> str:
    """Any header and payload, byte for byte, under a true EdDSA signature."""
    text = f"{b64(header)}.{b64(payload)}"
    return f"{text}.{b64(private('EdDSA').sign(text.encode()))}"  # type: ignore[call-arg, arg-type, union-attr]


def asking(token: str | None, certificate: Certificate | None = CERTIFICATE, at: float = NOW) -> Exchange:
    credentials = Credentials(token) if token is not None else None
    return an_exchange(
        "hi", principal=None, credentials=credentials, peer=Peer("10.0.0.1", certificate), received_at=at
    )


def a_stage(rules: IdentityRules = RULES, keys: KeySet | None = None, **more: object) -> Identity:
    known = keys_of(*ALL) if keys is None else keys
    return Identity(rules, lambda: known, **more)  # type: ignore[arg-type]


def identified(stage: Identity, exchange: Exchange) -> Principal:
    verdict = stage.judge(exchange)
    assert isinstance(verdict, Amend), verdict
    assert verdict.exchange.credentials is None
    assert verdict.exchange.principal is not None
    return verdict.exchange.principal


def refused(stage: Identity, exchange: Exchange) -> tuple[Code, str]:
    verdict = stage.judge(exchange)
    assert isinstance(verdict, Refuse), verdict
    assert verdict.detail == ""  # the caller learns the code; the record learns why
    return verdict.code, verdict.findings[0].rule


@pytest.mark.parametrize("algorithm", ALL)
def test_a_good_token_on_its_own_certificate_identifies(algorithm: str) -> None:
    found = identified(a_stage(), asking(a_token(algorithm)))
    mine = "spiffe://hangu.local/client/ana"
    assert found == Principal("ana", "acme", ("analyst",), mine, "certificate+token", since=int(NOW) - 60)


@pytest.mark.parametrize("algorithm", ALL)
def test_keys_may_come_as_pem_files_and_tokens_without_a_key_id(algorithm: str) -> None:
    keys = from_pem({"old.pem": pem(private(algorithm, 1)), "new.pem": pem(private(algorithm))})
    token = jwt.encode(CLAIMS, private(algorithm), algorithm=algorithm)
    assert identified(a_stage(keys=keys), asking(token)).name == "ana"
    assert identified(a_stage(keys=keys), asking(a_token(algorithm, "a-kid-the-file-does-not-tell"))).name == "ana"


@pytest.mark.parametrize(
    ("claims", "code", "why"),
    [
        ({"iss": None}, Code.TOKEN_INVALID, "issuer"),
        ({"iss": "https://other"}, Code.TOKEN_INVALID, "issuer"),
        ({"aud": None}, Code.TOKEN_INVALID, "audience"),
        ({"aud": "other"}, Code.TOKEN_INVALID, "audience"),
        ({"aud": []}, Code.TOKEN_INVALID, "audience"),
        ({"aud": [["hangu"], 3]}, Code.TOKEN_INVALID, "audience"),
        ({"exp": None}, Code.TOKEN_INVALID, "bad-exp"),
        ({"exp": "tomorrow"}, Code.TOKEN_INVALID, "bad-exp"),
        ({"exp": True}, Code.TOKEN_INVALID, "bad-exp"),
        ({"exp": 10**20}, Code.TOKEN_INVALID, "bad-exp"),
        ({"nbf": "soon"}, Code.TOKEN_INVALID, "bad-nbf"),
        ({"exp": int(NOW) - 31}, Code.TOKEN_EXPIRED, "expired"),
        ({"nbf": int(NOW) + 31}, Code.TOKEN_EXPIRED, "not-yet-valid"),
        ({"iat": int(NOW) + 31}, Code.TOKEN_EXPIRED, "not-yet-valid"),
        ({"sub": None}, Code.TOKEN_INVALID, "bad-subject"),
        ({"sub": ""}, Code.TOKEN_INVALID, "bad-subject"),
        ({"sub": 7}, Code.TOKEN_INVALID, "bad-subject"),
        ({"sub": "ana\n"}, Code.TOKEN_INVALID, "bad-subject"),
        ({"sub": "a" * 201}, Code.TOKEN_INVALID, "bad-subject"),
        ({"tenant": None}, Code.TOKEN_INVALID, "bad-tenant"),
        ({"tenant": "*"}, Code.TOKEN_INVALID, "bad-tenant"),
        ({"tenant": "\ud800"}, Code.TOKEN_INVALID, "bad-tenant"),
        ({"roles": {"analyst": True}}, Code.TOKEN_INVALID, "bad-roles"),
        ({"roles": ["analyst", 7]}, Code.TOKEN_INVALID, "bad-roles"),
        ({"roles": [str(n) for n in range(201)]}, Code.TOKEN_INVALID, "bad-roles"),
        ({"cnf": None}, Code.TOKEN_NOT_BOUND, "not-bound"),
        ({"cnf": {}}, Code.TOKEN_NOT_BOUND, "not-bound"),
        ({"cnf": {"jkt": "a-dpop-key"}}, Code.TOKEN_NOT_BOUND, "not-bound"),
        ({"cnf": {"x5t#S256": "\ud800"}}, Code.TOKEN_NOT_BOUND, "not-bound"),
        ({"cnf": {"x5t#S256": "thumb-of-bob"}}, Code.TOKEN_NOT_BOUND, "bound-to-another-certificate"),
    ],
)
def test_a_signed_token_with_a_wrong_claim_is_refused(claims: dict[str, object], code: Code, why: str) -> None:
    assert refused(a_stage(), asking(a_token(**claims))) == (code, why)


@pytest.mark.parametrize("seconds", [-29, 0, 29])
def test_a_small_difference_of_clocks_is_forgiven(seconds: int) -> None:
    token = a_token(exp=int(NOW) + min(seconds, 0) + 1, nbf=int(NOW) + max(seconds, 0), iat=None)
    assert identified(a_stage(), asking(token)).name == "ana"


@pytest.mark.parametrize(
    ("rules", "certificate", "claims", "method"),
    [
        (LAX, CERTIFICATE, {"cnf": None}, "certificate+token"),
        (replace(LAX, require_certificate=False), None, {"cnf": None}, "token"),
    ],
)
def test_a_site_may_take_unbound_tokens(
    rules: IdentityRules, certificate: Certificate | None, claims: dict[str, object], method: str
) -> None:
    assert identified(a_stage(rules), asking(a_token(**claims), certificate)).method == method


@pytest.mark.parametrize("confirmation", [{"x5t#S256": "thumb-of-bob"}, {"jkt": "x"}, "text"])
def test_a_binding_that_is_there_is_checked_even_where_none_is_required(confirmation: object) -> None:
    assert refused(a_stage(LAX), asking(a_token(cnf=confirmation)))[0] is Code.TOKEN_NOT_BOUND


def test_facts_are_found_where_the_site_says_they_are() -> None:
    rules = replace(
        RULES, subject_claim="preferred_username", tenant_claim="https://acme.example/tenant", roles_claim="realm.roles"
    )
    claims = {"preferred_username": "安娜", "https://acme.example/tenant": "部门", "realm": {"roles": "analyst reader"}}
    found = identified(a_stage(rules), asking(a_token(**claims)))
    assert (found.name, found.tenant, found.roles) == ("安娜", "部门", ("analyst", "reader"))


def test_a_token_may_have_no_roles_and_a_site_one_tenant() -> None:
    found = identified(a_stage(replace(RULES, default_tenant="only")), asking(a_token(roles=None, tenant=None)))
    assert (found.tenant, found.roles) == ("only", ())


def of_none() -> str:
    return f"{b64(json.dumps({'alg': 'none', 'typ': 'JWT'}))}.{b64(json.dumps(CLAIMS))}."


def hs256_with_the_public_key() -> str:
    text = f"{b64(json.dumps({'alg': 'HS256', 'kid': 'key-RS256'}))}.{b64(json.dumps(CLAIMS))}"
    return f"{text}.{b64(hmac.digest(pem(private('RS256')), text.encode(), hashlib.sha256))}"


def with_header(**more: object) -> str:
    return signed(json.dumps({"alg": "EdDSA", "kid": "key-EdDSA", **more}), json.dumps(CLAIMS))


GOOD_HEADER = json.dumps({"alg": "EdDSA", "kid": "key-EdDSA"})
ATTACKS: dict[str, tuple[Callable[[], str], str]] = {
    "alg none": (of_none, "algorithm"),
    "alg None": (lambda: of_none().replace(b64('{"alg": "none", '), b64('{"alg": "None", ')), "algorithm"),
    "a secret made of the public key": (hs256_with_the_public_key, "algorithm"),
    "an algorithm of another key": (lambda: a_token("ES256", kid="key-EdDSA"), "algorithm-of-another-key"),
    "an unknown key": (lambda: a_token(kid="nobody"), "unknown-key"),
    "an empty key id": (lambda: a_token(kid=""), "unknown-key"),
    "a key id that is a path": (lambda: a_token(kid="../../dev/null"), "unknown-key"),
    "a key id that is no text": (lambda: with_header(kid=["key-EdDSA"]), "key-id"),
    "another issuer's key": (lambda: a_token(number=1), "signature"),
    "the sender's own key": (lambda: with_header(jwk=jwk("EdDSA", "mine")), "header-jwk"),
    "an address for keys": (lambda: with_header(jku="https://evil/keys"), "header-jku"),
    "an address for certificates": (lambda: with_header(x5u="https://evil/cert"), "header-x5u"),
    "a certificate chain": (lambda: with_header(x5c=["MIIB"]), "header-x5c"),
    "critical extensions": (lambda: with_header(crit=["exp"]), "header-crit"),
    "an unencoded payload": (lambda: with_header(b64=False), "header-b64"),
    "compression": (lambda: with_header(zip="DEF"), "header-zip"),
    "another type": (lambda: with_header(typ="logout+jwt"), "type"),
    "a claim twice": (lambda: signed(GOOD_HEADER, '{"sub":"ana",' + json.dumps({**CLAIMS, "sub": "bob"})[1:]), "duplicate-name"),
    "a header twice": (lambda: signed('{"alg":"EdDSA","alg":"none"}', json.dumps(CLAIMS)), "duplicate-name"),
    "a nested name twice": (lambda: signed(GOOD_HEADER, '{"cnf":{"a":1,"a":2}}'), "duplicate-name"),
    "an end of time": (lambda: signed(GOOD_HEADER, json.dumps(CLAIMS).replace(str(CLAIMS["exp"]), "1e999")), "bad-exp"),
    "two issuers": (lambda: signed(GOOD_HEADER, json.dumps({**CLAIMS, "iss": ["https://issuer"]})), "issuer"),
    "no number": (lambda: signed(GOOD_HEADER, json.dumps(CLAIMS).replace(str(CLAIMS["exp"]), "NaN")), "bad-claims"),
    "deep nesting": (lambda: signed(GOOD_HEADER, "[" * 9000), "bad-claims"),
    "claims that are a list": (lambda: signed(GOOD_HEADER, "[]"), "bad-claims"),
    "claims that are no text": (lambda: signed(GOOD_HEADER, "\udcff".encode("utf-8", "surrogateescape").decode("latin-1")), "bad-claims"),
    "too long": (lambda: a_token(padding="x" * 17_000), "too-long"),
    "five parts": (lambda: a_token() + ".x.y", "not-a-jwt"),
    "not ascii": (lambda: a_token() + "é", "not-a-jwt"),
    "half a pair": (lambda: a_token() + "\ud800", "not-a-jwt"),
    "empty": (lambda: "", "not-a-jwt"),
    "only dots": (lambda: "..", "bad-header"),
    "padding": (lambda: a_token().replace(".", "=.", 1), "not-base64url"),
    "no signature": (lambda: a_token().rpartition(".")[0] + ".", "signature"),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_tricks_with_tokens_are_refused(attack: str) -> None:
    token, why = ATTACKS[attack]
    assert refused(a_stage(), asking(token())) == (Code.TOKEN_INVALID, why)


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,20}"))
@settings(max_examples=200, deadline=None)
def test_whatever_is_sent_as_a_token_is_refused_and_nothing_fails(text: str) -> None:
    code, _ = refused(a_stage(), asking(text))
    assert code is Code.TOKEN_INVALID


@given(place=st.integers(0, 10_000), letter=st.sampled_from("AZaz09-_"))
@settings(max_examples=150, deadline=None)
def test_no_letter_of_a_token_can_be_changed(place: int, letter: str) -> None:
    token = TOKEN
    place %= len(token)
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        assert refused(a_stage(), asking(changed))[0] is Code.TOKEN_INVALID


TOKEN = a_token()


def test_no_token_is_missing_and_no_certificate_is_rejected() -> None:
    assert refused(a_stage(), asking(None)) == (Code.TOKEN_MISSING, "no-token")
    assert refused(a_stage(), asking(a_token(), None)) == (Code.CERTIFICATE_REJECTED, "no-certificate")


@pytest.mark.parametrize(
    ("order", "certificate", "name"),
    [
        (("spiffe", "dns", "cn"), CERTIFICATE, "spiffe://hangu.local/client/ana"),
        (("dns",), CERTIFICATE, "ana.hangu.local"),
        (("cn", "dns"), CERTIFICATE, "ana"),
        (("spiffe", "dns", "cn"), Certificate("t", "ana"), "ana"),
        (("spiffe", "cn"), Certificate("t", "ana", (), ("https://not-spiffe",)), "ana"),
    ],
)
def test_the_certificate_s_name_is_taken_from_where_the_site_says(
    order: tuple[str, ...], certificate: Certificate, name: str
) -> None:
    rules = replace(LAX, certificate_names=order)
    assert identified(a_stage(rules), asking(a_token(cnf=None), certificate)).certificate == name


@pytest.mark.parametrize(
    "certificate",
    [
        Certificate("t"),
        Certificate("t", "a\nb"),
        Certificate("t", "x" * 201),
        Certificate("t", "ana", (), ("spiffe://a/one", "spiffe://a/two")),
    ],
)
def test_a_certificate_without_one_clear_name_is_rejected(certificate: Certificate) -> None:
    assert refused(a_stage(LAX), asking(a_token(cnf=None), certificate))[0] is Code.CERTIFICATE_REJECTED


ALONE = replace(RULES, certificates_alone=True, certificates={CERTIFICATE.uris[0]: Alone("acme", ("analyst",))})


def test_a_certificate_alone_identifies_where_the_site_says_so() -> None:
    found = identified(a_stage(ALONE), asking(None))
    assert found == Principal(CERTIFICATE.uris[0], "acme", ("analyst",), CERTIFICATE.uris[0], "certificate")


def test_a_certificate_the_site_does_not_know_does_not_identify_alone() -> None:
    stranger = replace(CERTIFICATE, uris=("spiffe://hangu.local/client/eve",))
    assert refused(a_stage(ALONE), asking(None, stranger)) == (Code.CERTIFICATE_REJECTED, "certificate-unknown")
    assert identified(a_stage(replace(ALONE, default_tenant="only")), asking(None, stranger)).roles == ()


def test_a_bad_token_is_refused_although_the_certificate_alone_would_do() -> None:
    assert refused(a_stage(ALONE), asking("bad"))[0] is Code.TOKEN_INVALID


@pytest.mark.parametrize("keys", [KeySet(()), KeySet(keys_of("EdDSA").keys, good_until=NOW)])
def test_without_fresh_keys_every_token_is_refused_for_now(keys: KeySet) -> None:
    stage = a_stage(keys=keys)
    assert refused(stage, asking(a_token())) == (Code.KEYS_UNAVAILABLE, "keys-unavailable")
    verdict = stage.judge(asking(a_token()))
    assert isinstance(verdict, Refuse)
    assert verdict.retry_after


def test_a_broken_source_of_keys_refuses() -> None:
    def broken() -> KeySet:
        raise OSError("disk")

    judged = judge((Identity(RULES, broken),), asking(a_token()), lambda: 0.0)
    assert judged.refusal is not None
    assert judged.refusal.code is Code.STAGE_FAILED


def test_an_unknown_key_is_told_so_that_keys_can_be_fetched() -> None:
    told: list[bool] = []
    stage = a_stage(unknown_key=lambda: told.append(True))
    refused(stage, asking(a_token(number=1)))
    assert told == []
    refused(stage, asking(a_token(kid="new")))
    assert told == [True]


class TestMemory:
    """A token verified once is believed again: on the same certificate, under the same keys, within its time."""

    def test_a_remembered_token_identifies_as_before(self) -> None:
        verified = VerifiedTokens()
        stage = a_stage(verified=verified)
        first, second = (identified(stage, asking(TOKEN)) for _ in range(2))
        assert first == second
        assert len(verified) == 1

    def test_it_expires_all_the_same(self) -> None:
        stage = a_stage()
        identified(stage, asking(TOKEN))
        assert refused(stage, asking(TOKEN, at=NOW + 631)) == (Code.TOKEN_EXPIRED, "expired")

    def test_it_is_not_believed_on_another_certificate(self) -> None:
        stage = a_stage()
        identified(stage, asking(TOKEN))
        stolen = asking(TOKEN, replace(CERTIFICATE, thumbprint="thumb-of-eve"))
        assert refused(stage, stolen)[0] is Code.TOKEN_NOT_BOUND

    def test_it_is_not_believed_once_its_key_is_withdrawn(self) -> None:
        current = [keys_of("EdDSA", "ES256")]
        stage = Identity(RULES, lambda: current[0])
        identified(stage, asking(TOKEN))
        current[0] = keys_of("ES256")
        assert refused(stage, asking(TOKEN)) == (Code.TOKEN_INVALID, "unknown-key")

    def test_refused_tokens_are_not_kept_and_the_oldest_good_ones_go(self) -> None:
        verified = VerifiedTokens(capacity=2)
        stage = a_stage(verified=verified)
        refused(stage, asking(a_token(exp=1)))
        assert len(verified) == 0
        for name in ("a", "b", "c"):
            identified(stage, asking(a_token(sub=name)))
        assert len(verified) == 2


class TestKeys:
    """Which keys are taken from a file or a JWKS, and which are refused or left out."""

    def test_the_algorithm_is_the_key_s_own(self) -> None:
        assert [key.algorithm for key in keys_of(*ALL).keys] == list(ALL)

    @pytest.mark.parametrize(
        "entry",
        [
            jwk("EdDSA", "x", use="enc"),
            jwk("EdDSA", "x", key_ops=["sign"]),
            jwk("EdDSA", "x", alg="RS256"),
            jwk("RS256", "x", alg="PS256"),
            jwk("ES256", "x", crv="P-384"),
            {"kty": "OKP", "crv": "X25519", "x": "AAAA"},
            {"kty": "NEW"},
        ],
    )
    def test_a_key_for_something_else_is_left_out(self, entry: dict[str, object]) -> None:
        found = from_jwks(jwks(entry, jwk("ES256", "good")))
        assert [key.id for key in found.keys] == ["good"]

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"[]",
            b"{}",
            b'{"keys": {}}',
            b'{"keys": [3]}',
            b'{"keys": []}',
            b'{"keys": ' + b"[" * 9000,
            jwks({"kty": "oct", "k": "c2VjcmV0"}),
            jwks({**jwk("EdDSA", "x"), "d": "c2VjcmV0"}),
            jwks({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
            jwks(jwk("EdDSA", "same"), jwk("EdDSA", "same", 1)),
            jwks(*[jwk("EdDSA", "x")] * 101),
        ],
    )
    def test_a_set_that_is_none_or_gives_secrets_away_is_an_error(self, data: bytes) -> None:
        with pytest.raises(SettingsError):
            from_jwks(data)

    def test_a_private_key_a_weak_key_and_no_key_are_errors(self) -> None:
        whole = private("EdDSA").private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        weak = pem(rsa.generate_private_key(65537, 1024))
        for data in (whole, weak, b"nonsense", pem(ec.generate_private_key(ec.SECP384R1()))):
            with pytest.raises(SettingsError):
                from_pem({"key.pem": data})
        with pytest.raises(SettingsError):
            from_pem({"key.pem": pem(private("EdDSA"))}, algorithms=("RS256",))

    def test_a_key_set_never_shows_keys_when_printed(self) -> None:
        assert "Ed25519PublicKey" not in repr(keys_of("EdDSA"))
