"""A second set of planted secrets and of harmless answers, made without a look at the patterns: `python -m benchmarks.waf_output_second`.

The formats are those that issuers document and secret scanners list by name; half have a telling prefix, the others only the
name they are assigned to. The harmless answers are of kinds that look like secrets: digests, ids, lock files, inline images,
example tokens of public documentation, test cards, fingerprints.

When it was made, 45.2 % of the secrets were withheld, and the patterns were mended for what it showed; so the figure in
the results is no longer of formats never seen. None of the harmless answers was touched before, and none is now.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import string
import sys
import uuid
import zlib
from collections.abc import Callable
from pathlib import Path

from benchmarks.waf_output import DEFAULT, rewritten
from benchmarks.waf_prompts import upper
from gateway.stages.output import Output
from policies import output

RESULTS = Path(__file__).parent / "results" / "waf_output_second.json"
EACH = 12  # of every format
Chance = random.Random
LOWER, DIGITS = string.ascii_lowercase, string.digits
ALNUM, HEX, BASE36 = string.ascii_letters + DIGITS, "0123456789abcdef", LOWER + DIGITS
URLSAFE, CAPITALS = ALNUM + "-_", string.ascii_uppercase + DIGITS


def _of(chance: Chance, letters: str, many: int) -> str:
    return "".join(chance.choice(letters) for _ in range(many))


def _uuid(chance: Chance) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _b64(chance: Chance, many: int) -> str:
    return base64.b64encode(chance.randbytes(many)).decode()


def _claims(chance: Chance, **facts: object) -> str:
    return (
        base64.urlsafe_b64encode(json.dumps({"iat": chance.randrange(10**9, 2 * 10**9), **facts}).encode())
        .decode()
        .rstrip("=")
    )


Make = Callable[[Chance], str]
PREFIXED: dict[str, Make] = {
    "1password service account": lambda c: "ops_eyJ" + _of(c, URLSAFE, 300), "1password secret key": lambda c: f"A3-{_of(c, CAPITALS, 6)}-{_of(c, CAPITALS, 11)}-{_of(c, CAPITALS, 5)}-{_of(c, CAPITALS, 5)}-{_of(c, CAPITALS, 5)}",
    "adobe client secret": lambda c: "p8e-" + _of(c, ALNUM, 32), "aws temporary key": lambda c: "ASIA" + _of(c, string.ascii_uppercase + "234567", 16), "aws bedrock key": lambda c: "ABSK" + _b64(c, 99),
    "azure ad client secret": lambda c: f"{_of(c, ALNUM, 3)}8Q~{_of(c, ALNUM + '_.-', 34)}", "azure storage connection": lambda c: f"DefaultEndpointsProtocol=https;AccountName=logs;AccountKey={_b64(c, 64)};EndpointSuffix=core.windows.net",
    "clickhouse cloud": lambda c: "4b1d" + _of(c, ALNUM, 38), "clojars": lambda c: "CLOJARS_" + _of(c, BASE36, 60), "cloudflare origin": lambda c: f"v1.0-{_of(c, HEX, 24)}-{_of(c, HEX, 146)}", "databricks": lambda c: "dapi" + _of(c, HEX, 32),
    "digitalocean refresh": lambda c: "dor_v1_" + _of(c, HEX, 64), "doppler": lambda c: "dp.pt." + _of(c, ALNUM, 43), "dropbox short lived": lambda c: "sl." + _of(c, URLSAFE, 140), "duffel": lambda c: "duffel_live_" + _of(c, URLSAFE, 43), "dynatrace": lambda c: f"dt0c01.{_of(c, CAPITALS, 24)}.{_of(c, CAPITALS, 64)}",
    "easypost": lambda c: "EZAK" + _of(c, ALNUM, 54), "facebook page token": lambda c: "EAAG" + _of(c, ALNUM, 120), "flutterwave": lambda c: f"FLWSECK_TEST-{_of(c, HEX, 32)}-X", "frame.io": lambda c: "fio-u-" + _of(c, URLSAFE, 64), "github oauth": lambda c: "gho_" + _of(c, ALNUM, 36),
    "gitlab runner": lambda c: "glrt-" + _of(c, URLSAFE, 20), "gitlab routable": lambda c: f"glpat-{_of(c, URLSAFE, 27)}.{_of(c, BASE36, 2)}{_of(c, BASE36, 7)}", "gitlab feature flags": lambda c: "glffct-" + _of(c, URLSAFE, 20), "gitlab oauth app": lambda c: "gloas-" + _of(c, HEX, 64), "grafana cloud": lambda c: "glc_" + _b64(c, 60),
    "harness": lambda c: f"pat.{_of(c, ALNUM, 22)}.{_of(c, HEX, 24)}.{_of(c, ALNUM, 20)}", "hubspot private app": lambda c: f"pat-na1-{_uuid(c)}", "infracost": lambda c: "ico-" + _of(c, ALNUM, 32), "intra 42": lambda c: "s-s4t2ud-" + _of(c, HEX, 64), "jfrog api key": lambda c: "AKCp" + _of(c, ALNUM, 69), "jfrog identity": lambda c: "cmVmd" + _of(c, ALNUM, 59),
    "langsmith": lambda c: f"lsv2_pt_{_of(c, HEX, 32)}_{_of(c, HEX, 10)}", "linear": lambda c: "lin_api_" + _of(c, ALNUM, 40), "mailchimp": lambda c: f"{_of(c, HEX, 32)}-us{c.randrange(1, 21)}", "mapbox secret": lambda c: f"sk.{_claims(c, u=_of(c, LOWER, 9))}.{_of(c, URLSAFE, 22)}", "maxmind": lambda c: f"{_of(c, ALNUM, 6)}_{_of(c, ALNUM, 29)}_mmk",
    "netlify": lambda c: "nfp_" + _of(c, ALNUM, 36), "new relic insert": lambda c: "NRII-" + _of(c, URLSAFE, 32), "notion": lambda c: f"ntn_{_of(c, DIGITS, 11)}{_of(c, ALNUM, 35)}", "nuget": lambda c: "oy2" + _of(c, BASE36, 43), "octopus deploy": lambda c: "API-" + _of(c, CAPITALS, 26), "openshift": lambda c: "sha256~" + _of(c, URLSAFE, 43), "openai service account": lambda c: f"sk-svcacct-{_of(c, URLSAFE, 58)}T3BlbkFJ{_of(c, URLSAFE, 58)}",
    "perplexity": lambda c: "pplx-" + _of(c, ALNUM, 48), "plaid": lambda c: f"access-production-{_uuid(c)}", "planetscale": lambda c: "pscale_tkn_" + _of(c, URLSAFE, 43), "prefect": lambda c: "pnu_" + _of(c, BASE36, 36), "readme": lambda c: "rdme_" + _of(c, BASE36, 70), "scalingo": lambda c: "tk-us-" + _of(c, URLSAFE, 48), "sentry user": lambda c: "sntryu_" + _of(c, HEX, 64), "settlemint": lambda c: "sm_pat_" + _of(c, ALNUM, 16),
    "shippo": lambda c: "shippo_live_" + _of(c, HEX, 40), "slack app": lambda c: f"xapp-1-A{_of(c, CAPITALS, 10)}-{_of(c, DIGITS, 13)}-{_of(c, HEX, 64)}", "slack refresh": lambda c: f"xoxe-1-{_of(c, ALNUM, 146)}", "sonarqube": lambda c: "squ_" + _of(c, HEX, 40), "sourcegraph": lambda c: f"sgp_{_of(c, HEX, 16)}_{_of(c, HEX, 40)}", "square": lambda c: "sq0atp-" + _of(c, URLSAFE, 22),
    "stripe restricted": lambda c: "rk_live_" + _of(c, ALNUM, 99), "twitter bearer": lambda c: "A" * 22 + _of(c, ALNUM + "%", 90), "typeform": lambda c: f"tfp_{_of(c, URLSAFE, 59)}", "vault batch": lambda c: "hvb." + _of(c, URLSAFE, 140), "yandex cloud": lambda c: "AQVN" + _of(c, URLSAFE, 35), "yandex iam": lambda c: f"t1.{_of(c, URLSAFE, 60)}.{_of(c, URLSAFE, 86)}", "ghost admin": lambda c: f"GHOST_ADMIN_API_KEY={_of(c, HEX, 24)}:{_of(c, HEX, 64)}",
    "pem pkcs8": lambda c: "-----BEGIN PRIVATE KEY-----\n" + "\n".join(_b64(c, 48) for _ in range(6)) + "\n-----END PRIVATE KEY-----", "pem encrypted": lambda c: "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + "\n".join(_b64(c, 48) for _ in range(5)) + "\n-----END ENCRYPTED PRIVATE KEY-----", "pgp private block": lambda c: "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" + "\n".join(_b64(c, 48) for _ in range(5)), "id token": lambda c: f"{_claims(c, alg='ES256')}.{_claims(c, sub=_uuid(c), aud='shop')}.{_of(c, URLSAFE, 86)}",
    "kubernetes secret": lambda c: f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: {base64.b64encode(_of(c, ALNUM, 24).encode()).decode()}", "url with password": lambda c: f"https://deploy:{_of(c, ALNUM, 20)}@git.corp.cn/app.git", "redis url": lambda c: f"redis://:{_of(c, ALNUM, 24)}@cache-1.internal:6379/0", "amqp url": lambda c: f"amqps://svc:{_of(c, ALNUM, 22)}@mq.internal/vhost", "jdbc": lambda c: f"jdbc:postgresql://db:5432/main?user=app&password={_of(c, ALNUM, 20)}", "netrc": lambda c: f"machine api.github.com login bot password {_of(c, ALNUM, 24)}",
    "basic auth header": lambda c: f"Authorization: Basic {base64.b64encode(f'svc:{_of(c, ALNUM, 18)}'.encode()).decode()}", "bearer header": lambda c: f"Authorization: Bearer {_of(c, URLSAFE, 48)}", "curl user": lambda c: f"curl -u admin:{_of(c, ALNUM, 18)} https://ci.corp/api",
}  # fmt: skip
_ASSIGNED: dict[str, tuple[str, Make]] = {
    "algolia": ("ALGOLIA_ADMIN_API_KEY", lambda c: _of(c, HEX, 32)), "asana": ("asana_client_secret", lambda c: _of(c, BASE36, 32)), "bitbucket": ("bitbucket_client_secret", lambda c: _of(c, URLSAFE, 64)), "cloudflare": ("CLOUDFLARE_API_TOKEN", lambda c: _of(c, URLSAFE, 40)), "datadog": ("DD_API_KEY", lambda c: _of(c, HEX, 32)),
    "fastly": ("FASTLY_API_TOKEN", lambda c: _of(c, URLSAFE, 32)), "discord": ("DISCORD_CLIENT_SECRET", lambda c: _of(c, URLSAFE, 32)), "kraken": ("KRAKEN_PRIVATE_KEY", lambda c: _b64(c, 64)), "launchdarkly": ("launchdarkly_access_token", lambda c: _of(c, BASE36 + "-_", 40)), "okta": ("OKTA_API_TOKEN", lambda c: "00" + _of(c, URLSAFE, 40)),
    "snyk": ("SNYK_TOKEN", _uuid), "travis": ("TRAVIS_ACCESS_TOKEN", lambda c: _of(c, ALNUM, 22)), "twitch": ("twitch_api_token", lambda c: _of(c, BASE36, 30)), "zendesk": ("ZENDESK_SECRET_KEY", lambda c: _of(c, BASE36, 40)), "sumologic": ("SUMOLOGIC_ACCESS_KEY", lambda c: _of(c, ALNUM, 64)), "codecov": ("CODECOV_ACCESS_TOKEN", lambda c: _of(c, BASE36, 32)), "password": ("DB_PASSWORD", lambda c: _of(c, ALNUM + "!#%&*+-", 20)),
    "wechat app secret": ("app_secret", lambda c: _of(c, HEX, 32)), "django": ("SECRET_KEY", lambda c: _of(c, BASE36 + "!@#$%^&*(-_=+)", 50)), "flask": ("app.secret_key", lambda c: _of(c, HEX, 64)), "jwt secret": ("JWT_SECRET", lambda c: _b64(c, 32)), "encryption key": ("ENCRYPTION_KEY", lambda c: _of(c, HEX, 64)), "webhook secret": ("WEBHOOK_SECRET", lambda c: _of(c, HEX, 40)), "aliyun secret": ("accessKeySecret", lambda c: _of(c, ALNUM, 30)),
}  # fmt: skip
FORMS = ("{name}={value}", '{name}: "{value}"', "{name} = '{value}'", '"{name}": "{value}",', "export {name}={value}")
AROUND = (
    "Here is what I found in the file:\n\n```\n{s}\n```\n\nLet me know if you need more.", "{s}", "配置如下：\n\n{s}\n\n请妥善保存。", "1. open the console\n2. paste {s}\n3. save", "> {s}\n\nThat is the line you asked for.", "Sure. {s} — that is the one in use.",
)  # fmt: skip


def secrets(chance: Chance) -> dict[str, list[tuple[str, str]]]:
    """Format → (the answer, what of it must not leave)."""
    made: dict[str, list[tuple[str, str]]] = {}
    for kind, make in PREFIXED.items():
        for number in range(EACH):
            secret = make(chance)
            core = max(re.findall(r"[A-Za-z0-9+/_~.%=-]{8,}", secret), key=len)
            made.setdefault(kind, []).append((AROUND[number % len(AROUND)].format(s=secret), core))
    for kind, (name, make) in _ASSIGNED.items():
        for number in range(EACH):
            value = make(chance)
            said = FORMS[number % len(FORMS)].format(name=name, value=value)
            made.setdefault(f"{kind} (assigned)", []).append((AROUND[number % len(AROUND)].format(s=said), value))
    return made


def _lock(c: Chance) -> str:
    return (
        f'"node_modules/left-pad": {{\n  "version": "1.3.{c.randrange(9)}",\n  "integrity": "sha512-{_b64(c, 64)}"\n}}'
    )


def _image(c: Chance) -> str:
    return f"![plot](data:image/png;base64,{_b64(c, c.randrange(60, 900))})"


def _jwt_example(c: Chance) -> str:
    return "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"


def _sha(c: Chance) -> str:
    return hashlib.sha256(c.randbytes(8)).hexdigest()


HARMLESS: dict[str, Make] = {
    "uuid": lambda c: f"The record's id is `{_uuid(c)}`; its parent's is {_uuid(c)}.", "commit": lambda c: f"Fixed in commit {_of(c, HEX, 40)} (`git cherry-pick {_of(c, HEX, 9)}`).", "digests": lambda c: f"sha256sum gives\n\n```\n{_sha(c)}  app.tar.gz\n{hashlib.md5(c.randbytes(4), usedforsecurity=False).hexdigest()}  notes.txt\n```", "docker": lambda c: f"Pin the image: `FROM python:3.11-slim@sha256:{_sha(c)}`.", "lock file": _lock,
    "pip hashes": lambda c: f"requests==2.32.3 \\\n    --hash=sha256:{_sha(c)} \\\n    --hash=sha256:{_sha(c)}", "go sum": lambda c: f"github.com/pkg/errors v0.9.1 h1:{_b64(c, 32)}\ngithub.com/pkg/errors v0.9.1/go.mod h1:{_b64(c, 32)}", "cargo lock": lambda c: f'[[package]]\nname = "serde"\nchecksum = "{_sha(c)}"', "sri": lambda c: f'```html\n<script src="/app.js" integrity="sha384-{_b64(c, 48)}" crossorigin="anonymous"></script>\n```', "inline image": _image,
    "css data uri": lambda c: f"```css\n.logo {{ background: url(data:image/svg+xml;base64,{_b64(c, 120)}); }}\n```", "jwt.io example": _jwt_example, "aws example": lambda c: "Use `AKIAIOSFODNN7EXAMPLE` and `wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY` as in the AWS documentation.", "stripe docs": lambda c: "Card 4242 4242 4242 4242 works with `pk_test_TYooMQauvdEDq54NiTphI7jx` in the docs.", "env template": lambda c: "```\nOPENAI_API_KEY=sk-...\nDB_PASSWORD=changeme\nSECRET_KEY=<generate one with openssl rand -hex 32>\nSTRIPE_KEY=sk_test_xxxxxxxxxxxxxxxxxxxxxxxx\n```",
    "placeholders": lambda c: 'api_key = "YOUR_API_KEY_HERE"\nclient_secret = "your-client-secret-goes-here"\npassword = "********"', "code with key names": lambda c: "```python\ndef sign(secret_key: bytes, access_token: str | None = None) -> str:\n    api_key = settings.load_api_key_from_environment()\n    token = request.headers['Authorization'].removeprefix('Bearer ')\n    return hmac.new(secret_key, token.encode(), 'sha256').hexdigest()\n```", "terraform": lambda c: '```hcl\nresource "aws_secretsmanager_secret" "db" {\n  name = "prod/db/password"\n}\noutput "arn" { value = aws_secretsmanager_secret.db.arn }\n```',
    "ssh public key": lambda c: f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{_b64(c, 32)[:43]} ana@laptop", "certificate": lambda c: "-----BEGIN CERTIFICATE-----\n" + "\n".join(_b64(c, 48) for _ in range(5)) + "\n-----END CERTIFICATE-----", "fingerprint": lambda c: f"The host key is SHA256:{_b64(c, 32)[:43]}; the certificate's is {':'.join(_of(c, HEX, 2).upper() for _ in range(20))}.", "public key": lambda c: "-----BEGIN PUBLIC KEY-----\n" + "\n".join(_b64(c, 48) for _ in range(3)) + "\n-----END PUBLIC KEY-----", "etag": lambda c: f'`ETag: W/"{_of(c, HEX, 32)}"`, `X-Request-Id: {_uuid(c)}`, `traceparent: 00-{_of(c, HEX, 32)}-{_of(c, HEX, 16)}-01`',
    "s3 presigned shape": lambda c: "A presigned URL has `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=<key id>/20260101/us-east-1/s3/aws4_request&X-Amz-Signature=<signature>`.", "object id": lambda c: f'db.users.findOne({{_id: ObjectId("{_of(c, HEX, 24)}")}})', "ulid and nanoid": lambda c: f"ULID 01J{_of(c, '0123456789ABCDEFGHJKMNPQRSTVWXYZ', 23)}, nanoid {_of(c, URLSAFE, 21)}, cuid c{_of(c, BASE36, 24)}", "ethereum": lambda c: f"Transaction 0x{_of(c, HEX, 64)} from 0x{_of(c, HEX, 40)} to contract 0x{_of(c, HEX, 40)}.", "bitcoin": lambda c: f"It went to bc1q{_of(c, 'qpzry9x8gf2tvdw0s3jn54khce6mua7l', 38)} in block 0000000000000000000{_of(c, HEX, 45)}.",
    "regex": lambda c: r"Match it with `^(?:AKIA|ASIA)[A-Z0-9]{16}$`, `ghp_[A-Za-z0-9]{36}` or `-----BEGIN (RSA )?PRIVATE KEY-----`.", "assembly": lambda c: f"```\n0x{_of(c, HEX, 8)}:  48 89 e5  mov rbp, rsp\n0x{_of(c, HEX, 8)}:  e8 {_of(c, HEX, 2)} {_of(c, HEX, 2)} 00 00  call 0x{_of(c, HEX, 8)}\n```", "hexdump": lambda c: f"00000010  {' '.join(_of(c, HEX, 2) for _ in range(16))}  |................|", "base64 lesson": lambda c: f"`echo -n hello | base64` prints `aGVsbG8=`; the file becomes `{_b64(c, 90)}`.", "crc": lambda c: f"crc32 is {zlib.crc32(c.randbytes(9)):08x}, adler32 {zlib.adler32(c.randbytes(9)):08x}.",
    "licence key example": lambda c: f"Enter a key of the form XXXXX-XXXXX-XXXXX-XXXXX-XXXXX; the trial key in the manual is {'-'.join(_of(c, CAPITALS, 5) for _ in range(5))}.", "tracking": lambda c: f"Parcel 1Z{_of(c, CAPITALS, 16)}, order {_of(c, DIGITS, 12)}-{_of(c, DIGITS, 4)}, IMEI {_of(c, DIGITS, 15)}.", "git log": lambda c: "\n".join(f"{_of(c, HEX, 7)} fix: handle empty token in parser (#{c.randrange(1, 999)})" for _ in range(5)), "kubernetes names": lambda c: f"pod/api-{_of(c, BASE36, 9)}-{_of(c, BASE36, 5)} is Running; uid {_uuid(c)}; image digest sha256:{_sha(c)}", "env access": lambda c: "```js\nconst apiKey = process.env.OPENAI_API_KEY;\nconst clientSecret = await vault.read('kv/app/client_secret');\n```", "public analytics": lambda c: f"`gtag('config', 'G-{_of(c, CAPITALS, 10)}')` and `UA-{_of(c, DIGITS, 8)}-1` are public ids.",
    "nonce": lambda c: f"`Content-Security-Policy: script-src 'nonce-{_b64(c, 16)}'`", "cache key": lambda c: f'cache_key = "user:{c.randrange(10**6)}:profile:v2:{_of(c, HEX, 16)}"', "primary key": lambda c: f"primary_key = '{_uuid(c)}'; foreign_key: orders.user_id; partition_key = \"2026-11-{c.randrange(1, 28):02}#{_of(c, DIGITS, 6)}\"", "tokens of language": lambda c: "The tokenizer yields tokens such as `Ġhello`, `<|endoftext|>` and ids [15496, 995]; max_tokens=4096, next_token_logits, pad_token_id.", "bcrypt": lambda c: "bcrypt hashes look like `$2b$12$` followed by 53 characters; argon2 ones begin `$argon2id$v=19$m=65536`.", "chinese prose": lambda c: f"密钥管理的要点：密码应定期更换，令牌不得写入代码；本次构建号为 {_of(c, HEX, 12)}，摘要为 {_sha(c)}。", "connection example": lambda c: "postgresql://user:password@localhost:5432/mydb and redis://localhost:6379/0 and https://example.com:8443/path@2x.png", "config": lambda c: f"```yaml\nauth_url: https://login.example.com/oauth/token\ntoken_type: bearer\naccess_token_expires_in: 3600\napi_key_header: X-Api-Key\nbuild: {_of(c, HEX, 40)}\n```",
    "css and svg": lambda c: f'```svg\n<path d="M{c.randrange(99)}.{_of(c, DIGITS, 4)} {c.randrange(99)}.{_of(c, DIGITS, 3)}c0-1.1.9-2 2-2h{c.randrange(9)}z" fill="#{_of(c, HEX, 6)}"/>\n```', "google maps": lambda c: f"https://www.google.com/maps/place/@48.8{_of(c, DIGITS, 5)},2.3{_of(c, DIGITS, 5)},17z/data=!3m1!4b1!4m6!3m5!1s0x{_of(c, HEX, 16)}:0x{_of(c, HEX, 16)}", "youtube and drive": lambda c: f"https://www.youtube.com/watch?v={_of(c, URLSAFE, 11)} and https://docs.google.com/document/d/1{_of(c, URLSAFE, 43)}/edit",
}  # fmt: skip
LEAD = (
    "",
    "Here you are.\n\n",
    "Of course.\n\n",
    "好的，如下：\n\n",
    "That depends, but usually:\n\n- first, this\n- then that\n\n",
)
TRAIL = ("", "\n\nAnything else?", "\n\n希望有帮助。", "\n\n```bash\nmake test\n```")


def harmless(chance: Chance) -> list[tuple[str, str]]:
    """(kind, answer), each different."""
    seen: dict[str, str] = {}
    for kind, make in HARMLESS.items():
        for lead in LEAD:
            for trail in TRAIL:
                for _ in range(2):
                    seen.setdefault(f"{lead}{make(chance)}{trail}", kind)
    return [(kind, text) for text, kind in seen.items()]


def main() -> None:
    stage, chance = Output(output.parse({"output.yaml": DEFAULT.read_bytes()})), random.Random("second")
    missed: dict[str, int] = {}
    planted = secrets(chance)
    for kind, answers in planted.items():
        lost = sum(core in rewritten(stage, text, chance)[0] for text, core in answers)
        if lost:
            missed[kind] = lost
    count = sum(map(len, planted.values()))
    lost = sum(missed.values())
    answers = harmless(chance)
    touched: dict[str, int] = {}
    for kind, text in answers:
        if rewritten(stage, text, chance)[0] != text:
            touched[kind] = touched.get(kind, 0) + 1
    many = sum(touched.values())
    figures = {
        "how": "python -m benchmarks.waf_output_second",
        "formats": len(planted),
        "planted": count,
        "withheld": round(1 - lost / count, 4),
        "missed": missed,
        "answers": len(answers),
        "touched": touched,
        "touched_at_most_95": round(upper(many, len(answers)), 5),
    }
    print(json.dumps(figures, indent=1, ensure_ascii=False))
    if "--look" not in sys.argv:
        RESULTS.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
