"""Keys, tokens and passwords. What reads a run for them; the words that announce a password are `triggers` of `patterns`.

Shapes are those the issuers publish. Placeholders that documentation uses are not secrets: xxxx, ****, <token>, ${TOKEN}.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping

from gateway.detect.span import Span
from gateway.detect.view import View

_L, _R = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
# name: (entity, what must occur for it to be looked for, shape)
SHAPES: Mapping[str, tuple[str, str, str]] = {
    "aws_key_id": (
        "AWS_ACCESS_KEY",
        r"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",
        rf"{_L}(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{{16}}{_R}",
    ),
    "aws_bedrock": ("AWS_ACCESS_KEY", "ABSK[A-Za-z0-9+/]{40}", rf"{_L}ABSK[A-Za-z0-9+/]{{109,269}}={{0,2}}"),
    "aliyun_key_id": ("ALIYUN_ACCESS_KEY", "LTAI[A-Za-z0-9]{12}", rf"{_L}LTAI[A-Za-z0-9]{{12,26}}{_R}"),
    "tencent_key_id": ("TENCENT_SECRET_ID", "AKID[A-Za-z0-9]{13}", rf"{_L}AKID[A-Za-z0-9]{{13,40}}{_R}"),
    "baidu_key_id": ("BAIDU_ACCESS_KEY", "ALTAK[A-Za-z0-9]{12}", rf"{_L}ALTAK[A-Za-z0-9\-]{{16,40}}{_R}"),
    "volcano_key_id": ("VOLCENGINE_ACCESS_KEY", "AKLT[A-Za-z0-9]{20}", rf"{_L}AKLT[A-Za-z0-9_\-]{{20,60}}={{0,2}}"),
    "wechat_app": ("WECHAT_APP_ID", "w[xw][0-9a-f]{16}", rf"{_L}w[xw][0-9a-f]{{16}}{_R}"),
    "feishu_app": ("FEISHU_APP_ID", "cli_[0-9a-f]{16}", rf"{_L}cli_[0-9a-f]{{16}}{_R}"),
    "github": ("GITHUB_TOKEN", "gh[pousr]_[A-Za-z0-9]{30}", rf"{_L}gh[pousr]_[A-Za-z0-9]{{36,255}}{_R}"),
    "github_fine": ("GITHUB_TOKEN", "github_pat_[A-Za-z0-9]{20}", rf"{_L}github_pat_[A-Za-z0-9_]{{36,255}}"),
    "gitlab": (
        "GITLAB_TOKEN",
        "gl(?:pat|ptt|rt|dt|soat|cbt|ft|imt|agent|oas|rtr)-[A-Za-z0-9_\\-]{18}",
        rf"{_L}gl(?:pat|ptt|rt|dt|soat|cbt|ft|imt|agent|oas|rtr)-[A-Za-z0-9_\-.]{{18,300}}",
    ),
    "gitlab_runner": ("GITLAB_TOKEN", "GR1348941", rf"{_L}GR1348941[A-Za-z0-9_\-]{{20}}{_R}"),
    "huggingface": (
        "HUGGINGFACE_TOKEN",
        "(?:hf|api_org)_[A-Za-z]{30}",
        rf"{_L}(?:hf|api_org)_[A-Za-z0-9]{{34,40}}{_R}",
    ),
    "openai": (
        "OPENAI_API_KEY",
        "sk-[A-Za-z0-9_\\-]{16}",
        rf"{_L}sk-(?:proj-|svcacct-|admin-|or-v1-)?[A-Za-z0-9_\-]{{16,220}}{_R}",
    ),
    "slack": ("SLACK_TOKEN", "xox[abeoprs][-.]", rf"{_L}xox(?:[abeoprs]|e\.xox[bp])-[A-Za-z0-9\-]{{20,250}}"),
    "slack_app": ("SLACK_TOKEN", "xapp-[0-9]-", rf"{_L}xapp-[0-9]-[A-Za-z0-9\-]{{30,200}}"),
    "slack_hook": (
        "SLACK_WEBHOOK",
        "hooks\\.slack\\.com/",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,70}",
    ),
    "dingtalk_hook": ("DINGTALK_TOKEN", "access_token=[0-9a-f]{32}", r"access_token=[0-9a-f]{64}"),
    "wecom_hook": ("WECOM_WEBHOOK", "webhook/send\\?key=", r"webhook/send\?key=[0-9a-f\-]{36}"),
    "google": ("GOOGLE_API_KEY", "AIza[A-Za-z0-9_\\-]{35}", rf"{_L}AIza[A-Za-z0-9_\-]{{35}}{_R}"),
    "google_oauth": ("GOOGLE_OAUTH_SECRET", "GOCSPX-", rf"{_L}GOCSPX-[A-Za-z0-9_\-]{{28}}"),
    "stripe": ("STRIPE_KEY", "[sr]k_(?:live|test|prod)_", rf"{_L}[sr]k_(?:live|test|prod)_[A-Za-z0-9]{{10,99}}{_R}"),
    "jwt": (
        "JWT",
        "eyJ[A-Za-z0-9_\\-]{10}",
        rf"{_L}eyJ[A-Za-z0-9_\-]{{8,}}\.(?:eyJ)?[A-Za-z0-9_\-]{{8,}}(?:\.[A-Za-z0-9_\-]*)?",
    ),
    "azure_secret": (
        "AZURE_CLIENT_SECRET",
        "[0-9]Q~",
        r"(?<![A-Za-z0-9_~.\-])[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34}(?![A-Za-z0-9_~.\-])",
    ),
    "vault": (
        "VAULT_TOKEN",
        "(?:hv[sbr]|[^A-Za-z0-9]s)\\.[A-Za-z0-9_\\-]{20}",
        rf"{_L}(?:hv[sbr]\.[A-Za-z0-9_\-]{{24,300}}|s\.(?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{{24}}{_R})",
    ),
    "npm": ("NPM_TOKEN", "npm_[A-Za-z0-9]{30}", rf"{_L}npm_[A-Za-z0-9]{{36}}{_R}"),
    "pypi": ("PYPI_TOKEN", "pypi-AgE", rf"{_L}pypi-AgE[A-Za-z0-9_\-]{{50,300}}"),
    "sendgrid": (
        "SENDGRID_KEY",
        "SG\\.[A-Za-z0-9_\\-]{20}",
        rf"{_L}SG\.[A-Za-z0-9_\-]{{20,24}}\.[A-Za-z0-9_\-]{{39,50}}",
    ),
    "telegram": ("TELEGRAM_TOKEN", "[0-9]{8}:AA", rf"{_L}[0-9]{{8,10}}:AA[A-Za-z0-9_\-]{{32,34}}{_R}"),
    "notion": ("NOTION_TOKEN", "ntn_[0-9]{11}", rf"{_L}ntn_[0-9]{{11}}[A-Za-z0-9]{{35}}{_R}"),
    "sourcegraph": ("SOURCEGRAPH_TOKEN", "sgp_", rf"{_L}sgp_(?:[a-fA-F0-9]{{16}}_|local_)?[a-fA-F0-9]{{40}}{_R}"),
    "onepassword": ("ONEPASSWORD_TOKEN", "ops_eyJ", rf"{_L}ops_eyJ[A-Za-z0-9+/_\-]{{100,}}={{0,3}}"),
    "facebook": ("FACEBOOK_TOKEN", "EAA[MC][A-Za-z0-9]{40}", rf"{_L}EAA[MC][A-Za-z0-9]{{100,}}{_R}"),
    "openshift": ("OPENSHIFT_TOKEN", "sha256~", rf"{_L}sha256~[A-Za-z0-9_\-]{{43}}{_R}"),
    "octopus": ("OCTOPUS_KEY", "API-[A-Z0-9]{26}", rf"{_L}API-[A-Z0-9]{{26}}{_R}"),
    "intra": ("CLIENT_SECRET", "s-s4t2(?:ud|af)-", r"(?<![A-Za-z0-9])s-s4t2(?:ud|af)-[a-f0-9]{64}"),
    "grafana": (
        "GRAFANA_TOKEN",
        "gl(?:c|sa)_",
        rf"{_L}(?:glc_[A-Za-z0-9+/]{{32,400}}={{0,3}}|glsa_[A-Za-z0-9]{{32}}_[A-Fa-f0-9]{{8}})",
    ),
    "url_credentials": (
        "URL_CREDENTIALS",
        "://[^ /@:]{0,64}:[^ /@]{1,128}@",
        r"(?<=://)[^\s/@:\"'<>{}$]{0,64}:[^\s/@\"'<>{}$]{3,128}(?=@[A-Za-z0-9\[])",
    ),
}
_PATTERNS = re.compile("|".join(f"(?P<{name}>{shape})" for name, (_, _, shape) in SHAPES.items()))
PLACEHOLDER = re.compile(r"x{4,}|X{4,}|\*{3,}|EXAMPLE|REDACTED|Redacted|your[_-]|<|\$\{|\.\.\.|0{12,}|1{12,}", re.ASCII)
_ENTROPY = 2.8  # bits a character: random base62 of 20 characters is about 4, words of a language are below 3.6
RUN_ON = re.compile(r"[A-Za-z0-9+/=_.\-\\%&#;]*")  # what a secret too long to hold is swallowed by


def keys(view: View) -> Iterator[Span]:
    """Every issued key or token of a run."""
    for found in _PATTERNS.finditer(view.text, view.start, view.end):
        name = found.lastgroup or ""
        if name == "url_credentials" or _random(found.group()):
            yield _span(view, found.start(), found.end(), SHAPES[name][0], 0.95, name)


def _random(text: str) -> bool:
    body = text[text.rfind("_", 0, 12) + 1 :]
    return PLACEHOLDER.search(text) is None and _entropy(body) >= _ENTROPY


def _entropy(text: str) -> float:
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values()) if size else 0.0


def _span(view: View, start: int, end: int, entity: str, score: float, rule: str) -> Span:
    return Span(view.at(start), view.until(end), entity, score, rule, "secret")
