"""Planted secrets found in answers, harmless answers left alone, and what it costs: `python -m benchmarks.waf_output`.

The secrets are made up by the formats their issuers document, not by the patterns; the answers are composed here.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
import time
from collections.abc import Callable
from pathlib import Path

import policies
from benchmarks.waf_prompts import prompt, upper
from benchmarks.waf_sets import harmless
from gateway.core.reply import Channel
from gateway.stages.output import Output
from policies import output

RESULTS = Path(__file__).parent / "results" / "waf_output.json"
DEFAULT = Path(policies.__file__).parent / "default" / "output.yaml"
ALNUM, HEX, UPPER = string.ascii_letters + string.digits, "0123456789abcdef", string.ascii_uppercase + "234567"


def _of(letters: str, many: int) -> Callable[[random.Random], str]:
    return lambda chance: "".join(chance.choice(letters) for _ in range(many))


def _jwt(chance: random.Random) -> str:
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")  # noqa: E731
    return f"{part({'alg': 'RS256', 'kid': _of(HEX, 8)(chance)})}.{part({'sub': _of(ALNUM, 12)(chance), 'exp': 1900000000})}.{_of(ALNUM + '-_', 43)(chance)}"


SECRETS: dict[str, Callable[[random.Random], str]] = {
    "aws access key": lambda c: "AKIA" + _of(UPPER, 16)(c), "aws secret in config": lambda c: f"aws_secret_access_key = {_of(ALNUM + '/+', 40)(c)}", "google api key": lambda c: "AIza" + _of(ALNUM + "-_", 35)(c), "google oauth secret": lambda c: "GOCSPX-" + _of(ALNUM, 28)(c),
    "aliyun": lambda c: "LTAI5t" + _of(ALNUM, 18)(c), "tencent": lambda c: "AKID" + _of(ALNUM, 32)(c), "digitalocean": lambda c: "dop_v1_" + _of(HEX, 64)(c), "azure storage": lambda c: f"AccountName=x;AccountKey={_of(ALNUM + '+/', 86)(c)}==", "vault": lambda c: "hvs." + _of(ALNUM, 90)(c), "heroku": lambda c: "HRKU-" + _of(ALNUM, 60)(c),
    "github": lambda c: "ghp_" + _of(ALNUM, 36)(c), "github server": lambda c: "ghs_" + _of(ALNUM, 36)(c), "github fine": lambda c: f"github_pat_{_of(ALNUM, 22)(c)}_{_of(ALNUM, 59)(c)}", "gitlab": lambda c: "glpat-" + _of(ALNUM + "-_", 20)(c), "atlassian": lambda c: "ATATT3" + _of(ALNUM + "-_=", 186)(c), "npm": lambda c: "npm_" + _of(ALNUM, 36)(c),
    "pypi": lambda c: "pypi-AgEIcHlwaS5vcmc" + _of(ALNUM + "-_", 90)(c), "docker": lambda c: "dckr_pat_" + _of(ALNUM + "-_", 27)(c), "grafana": lambda c: f"glsa_{_of(ALNUM, 32)(c)}_{_of(HEX, 8)(c)}", "sentry": lambda c: "sntrys_" + _of(ALNUM, 80)(c), "new relic": lambda c: "NRAK-" + _of(string.ascii_uppercase + string.digits, 27)(c), "postman": lambda c: f"PMAK-{_of(HEX, 24)(c)}-{_of(HEX, 34)(c)}",
    "linear": lambda c: "lin_api_" + _of(ALNUM, 40)(c), "figma": lambda c: "figd_" + _of(ALNUM + "-_", 40)(c), "openai project": lambda c: "sk-proj-" + _of(ALNUM + "-_", 74)(c) + "T3BlbkFJ" + _of(ALNUM, 40)(c), "openai": lambda c: f"sk-{_of(ALNUM, 20)(c)}T3BlbkFJ{_of(ALNUM, 20)(c)}", "anthropic": lambda c: "sk-ant-api03-" + _of(ALNUM + "-_", 93)(c) + "AA", "deepseek": lambda c: "sk-" + _of(HEX, 32)(c),
    "hugging face": lambda c: "hf_" + _of(string.ascii_letters, 34)(c), "groq": lambda c: "gsk_" + _of(ALNUM, 52)(c), "replicate": lambda c: "r8_" + _of(ALNUM, 37)(c), "xai": lambda c: "xai-" + _of(ALNUM, 80)(c), "nvidia": lambda c: "nvapi-" + _of(ALNUM + "-_", 64)(c), "slack bot": lambda c: f"xoxb-{_of(string.digits, 12)(c)}-{_of(string.digits, 12)(c)}-{_of(ALNUM, 24)(c)}",
    "slack hook": lambda c: f"https://hooks.slack.com/services/T{_of(UPPER, 9)(c)}/B{_of(UPPER, 9)(c)}/{_of(ALNUM, 24)(c)}", "discord hook": lambda c: f"https://discord.com/api/webhooks/{_of(string.digits, 18)(c)}/{_of(ALNUM + '-_', 68)(c)}", "feishu hook": lambda c: f"https://open.feishu.cn/open-apis/bot/v2/hook/{_of(HEX, 8)(c)}-{_of(HEX, 4)(c)}-{_of(HEX, 4)(c)}-{_of(HEX, 4)(c)}-{_of(HEX, 12)(c)}",
    "telegram": lambda c: f"{_of(string.digits[1:], 10)(c)}:AA{_of(ALNUM + '-_', 33)(c)}", "stripe": lambda c: "sk_live_" + _of(ALNUM, 24)(c), "shopify": lambda c: "shpat_" + _of(HEX, 32)(c), "sendgrid": lambda c: f"SG.{_of(ALNUM + '-_', 22)(c)}.{_of(ALNUM + '-_', 43)(c)}", "mailgun": lambda c: "key-" + _of(HEX, 32)(c), "twilio": lambda c: "SK" + _of(HEX, 32)(c), "databricks": lambda c: "dapi" + _of(HEX, 32)(c),
    "private key": lambda c: f"-----BEGIN RSA PRIVATE KEY-----\n{_of(ALNUM + '+/', 64)(c)}\n{_of(ALNUM + '+/', 64)(c)}\n-----END RSA PRIVATE KEY-----", "openssh key": lambda c: f"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE{_of(ALNUM + '+/', 51)(c)}\n", "age key": lambda c: "AGE-SECRET-KEY-1" + _of("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)(c), "jwt": _jwt,
    "database url": lambda c: f"postgres://app:{_of(ALNUM, 18)(c)}@db.internal:5432/main", "mongo url": lambda c: f"mongodb+srv://svc:{_of(ALNUM, 16)(c)}@cluster0.ab1cd.mongodb.net", "assigned key": lambda c: f'API_KEY="{_of(ALNUM, 40)(c)}"', "assigned secret in yaml": lambda c: f"client_secret: {_of(ALNUM, 32)(c)}", "assigned token in Chinese": lambda c: f"access_token为{_of(ALNUM, 40)(c)}",
}  # fmt: skip
AROUND = (
    "The value is {s}.",
    "Set it like this:\n```bash\nexport X={s}\n```",
    "- host: a\n- key: {s}\n- port: 1",
    "`{s}` 是密钥。",
    "Here you go: {s}",
    '{{"k": "{s}"}}',
    "({s})",
    "用这个：{s}\n就可以了",
)
ANSWERS = (
    "## {t}\n\nUse `<script>` only with a nonce. Example:\n\n```html\n<script nonce=\"abc\">run()</script>\n<img src=\"logo.png\" onload=\"go()\">\n```\n\nIf a < b then stop.", "Here is the query:\n\n```sql\nSELECT * FROM users WHERE token = 'abc';\n```\n\n1. **First** check `{w}`.\n2. Then run it.\n   ```bash\n   curl -H \"Authorization: Bearer $TOKEN\" https://api.example.com/v1\n   ```",
    "Set `OPENAI_API_KEY=your_api_key_here` and `password = \"changeme\"`. The connection string is `postgres://user:password@localhost:5432/db`. {t}", "The digest is e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 and the id 7f3e{n}-11ee-8c99-0242ac120002. {t}", "{t} 的要点如下：\n\n- 第一，注意 `{w}`。\n- 第二，x<y 时返回。\n\n> 引用：没有捷径。",
    "| a | b |\n|---|---|\n| {n} | `sk-...` |\n\nSee [the docs](https://docs.example.com/{w}#a) and [rules][1].\n\n[1]: https://example.com/rules\n\n{t}", "def {w}(secret_key: str, access_token: str) -> bool:\n    return secret_key == access_token\n\nThat compares in constant time? No. {t}", "Dear team,\n\n{t}\n\nKind regards,\nAna <ana@example.com>", "$$ x^2 + {n} < 5 $$\n\nSo *x* lies between. {t} Use `vec![1, 2]` and `println!(\"{{}}\", v)`.",
    "<details>\n<summary>{t}</summary>\n\nMore text with <b>bold</b> and <br> and H<sub>2</sub>O.\n\n</details>", "Run `git rev-parse HEAD` → `9fceb02d0ae598e95dc970b74767f19372d61af{n}`. {t}", "The token endpoint returns `{{\"access_token\": \"<token>\", \"expires_in\": 3600}}`. {t}",
)  # fmt: skip


def main() -> None:
    stage, chance = Output(output.parse({"output.yaml": DEFAULT.read_bytes()})), random.Random("output")
    results: dict[str, object] = {"how": "python -m benchmarks.waf_output"}
    missed: dict[str, int] = {}
    planted = 0
    for kind, make in SECRETS.items():
        for around in AROUND:
            for _ in range(3):
                planted += 1
                secret = make(chance)
                core = max(re.findall(r"[A-Za-z0-9+/_.-]{8,}", secret), key=len)
                if core in rewritten(stage, around.format(s=secret), chance)[0]:
                    missed[kind] = missed.get(kind, 0) + 1
    lost = sum(missed.values())
    print(f"planted secrets {planted}, left the gate: {lost} ({1 - lost / planted:.2%} withheld) {missed}")
    topics = [
        text for texts in harmless().values() for text in texts if "<" not in text
    ]  # bare HTML in an answer is to be made plain
    answers = {
        chance.choice(ANSWERS).format(
            t=chance.choice(topics).split("\n")[0].replace("```", ""),
            w=chance.choice(("flush", "merge", "load")),
            n=chance.randrange(1000, 9999),
        )
        for _ in range(2400)
    }
    touched = [text for text in sorted(answers) if rewritten(stage, text, chance)[0] != text]
    print(
        f"harmless answers {len(answers)}, touched {len(touched)} (<= {upper(len(touched), len(answers)):.2%})",
        [text[:120] for text in touched[:5]],
    )
    cost = {
        name: round(micros(stage, text), 2)
        for name, text in {"prose": PROSE * 60, "code": CODE * 60, "chinese": CHINESE * 60}.items()
    }
    print("microseconds of CPU a token:", cost)
    results |= {
        "planted": planted,
        "withheld": round(1 - lost / planted, 4),
        "missed": missed,
        "answers": len(answers),
        "touched": len(touched),
        "touched_at_most_95": round(upper(len(touched), len(answers)), 5),
        "cpu_us_per_token": cost,
    }
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


PROSE = "The committee met on a rainy day and agreed, after a long talk, to open the new library in spring. "
CODE = "```python\nfor item in items:\n    total += item.price * rate\nprint(f'{total:.2f}')\n```\n"
CHINESE = "委员会在一个下雨的日子开会，经过长时间的讨论，决定在春天开放新的图书馆。"


def rewritten(stage: Output, text: str, chance: random.Random) -> tuple[str, bool]:
    """What leaves when the text comes in tokens of a few characters."""
    transform = stage.transform(prompt("x"), Channel())
    out, place = [], 0
    while place < len(text):
        size = chance.randint(1, 7)
        out.append(transform.feed(text[place : place + size]).text)
        place += size
    last = transform.finish()
    return "".join([*out, last.text]), last.refusal is not None


def micros(stage: Output, text: str) -> float:
    """CPU for each token of about four characters, the best of five rounds."""
    tokens = re.findall(r"\s?\S{1,5}|\s", text)
    best = float("inf")
    for _ in range(5):
        transform = stage.transform(prompt("x"), Channel())
        began = time.process_time()
        for token in tokens:
            transform.feed(token)
        best = min(best, time.process_time() - began)
    return best / len(tokens) * 1e6


if __name__ == "__main__":
    main()
