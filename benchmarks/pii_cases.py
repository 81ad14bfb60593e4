"""Makes labelled texts with personal data, Chinese and English, and texts that only look like it. Measures nothing.

Numbers are drawn by their standards (check digits and all) from a seeded source, so that no run knows another's cases;
sentences are written for this file. A case is a text and the places where something stands in it.
"""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
AREAS = (
    "110105",
    "310115",
    "440305",
    "330106",
    "510107",
    "420106",
    "320102",
    "610113",
    "210102",
    "350203",
    "500103",
    "370202",
)
USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
MOBILES = [
    "130",
    "131",
    "133",
    "135",
    "136",
    "138",
    "139",
    "147",
    "150",
    "151",
    "152",
    "157",
    "158",
    "159",
    "162",
    "166",
    "170",
    "172",
    "176",
    "177",
    "178",
    "180",
    "181",
    "185",
    "186",
    "187",
    "188",
    "189",
    "191",
    "195",
    "196",
    "197",
    "198",
    "199",
]
PLATES = "京沪粤浙苏川鄂鲁豫湘闽皖渝津冀晋辽吉黑赣桂琼贵云藏陕甘青宁新"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Case:
    """`spans` are (start, end, entity) in code points; none at all for a text that must stay untouched."""

    text: str
    spans: tuple[tuple[int, int, str], ...]
    group: str


def digits(r: random.Random, count: int) -> str:
    return "".join(r.choice(string.digits) for _ in range(count))


def luhn_check(body: str) -> str:
    total = 0
    for index, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if index % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def id_card(r: random.Random, *, wrong: bool = False) -> str:
    born = f"{r.randint(1945, 2012)}{r.randint(1, 12):02d}{r.randint(1, 28):02d}"
    body = r.choice(AREAS) + born + digits(r, 3)
    right = "10X98765432"[sum(w * int(d) for w, d in zip(ID_WEIGHTS, body, strict=True)) % 11]
    return body + (r.choice([sign for sign in "0123456789X" if sign != right]) if wrong else right)


def bank_card(r: random.Random, *, wrong: bool = False) -> str:
    prefix, length = r.choice(
        [("622202", 19), ("621700", 19), ("622848", 19), ("622588", 16), ("625809", 16), ("6217", 19)]
    )
    body = prefix + digits(r, length - len(prefix) - 1)
    right = luhn_check(body)
    return body + (str((int(right) + r.randint(1, 9)) % 10) if wrong else right)


def credit_card(r: random.Random) -> str:
    prefix, length = r.choice([("4", 16), ("51", 16), ("55", 16), ("37", 15), ("35", 16), ("6011", 16)])
    body = prefix + digits(r, length - len(prefix) - 1)
    return body + luhn_check(body)


def uscc(r: random.Random) -> str:
    org = "".join(r.choice(USCC[:20]) for _ in range(8))
    signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    check = 11 - sum(w * signs.index(s) for w, s in zip((3, 7, 9, 10, 5, 8, 4, 2), org, strict=True)) % 11
    body = (
        r.choice(["91", "92", "12", "51"])
        + r.choice(AREAS)
        + org
        + ("X" if check == 10 else "0" if check == 11 else str(check))
    )
    total = sum(USCC.index(s) * pow(3, i, 31) for i, s in enumerate(body))
    return body + USCC[-total % 31]


def mobile(r: random.Random) -> str:
    return r.choice(MOBILES) + digits(r, 8)


def landline(r: random.Random) -> str:
    area = r.choice(["010", "021", "022", "020", "0755", "0571", "028", "027", "0512", "0931"])
    size = 8 if len(area) == 3 or area in ("0755", "0571", "0512") else 7
    return f"{area}-{r.choice('2345678')}{digits(r, size - 1)}" + (f"-{digits(r, 3)}" if r.random() < 0.15 else "")


def plate(r: random.Random) -> str:
    head = r.choice(PLATES) + r.choice(LETTERS.replace("I", "").replace("O", ""))
    dot = r.choice(["", "", "·"])
    kind = r.random()
    if kind < 0.3:
        return head + dot + r.choice("DF") + r.choice("ABC" + string.digits) + digits(r, 4)
    tail = list(digits(r, 5))
    for at in r.sample(range(4), r.randint(0, 2)):
        tail[at] = r.choice("ABCDEFGHJK")
    return head + dot + "".join(tail)


def email(r: random.Random) -> str:
    name = r.choice(
        ["zhang.wei", "li_na", "wangfang", "j.smith", "mary-ann", "support", "chen", "o.brien", "maria.garcia", "lxh"]
    )
    site = r.choice(
        [
            "qq.com",
            "163.com",
            "corp-mail.cn",
            "gmail.com",
            "company.co.uk",
            "mail.example.org",
            "outlook.com",
            "vip.sina.com.cn",
        ]
    )
    return f"{name}{r.choice(['', digits(r, 2), digits(r, 4), '+news'])}@{site}"


def ipv4(r: random.Random) -> str:
    return f"{r.choice([10, 172, 192, 203, 117, 58, 8])}.{r.randint(0, 255)}.{r.randint(0, 255)}.{r.randint(1, 254)}"


def ipv6(r: random.Random) -> str:
    return "2001:db8:" + ":".join(f"{r.randint(256, 65535):x}" for _ in range(6))


def mac(r: random.Random) -> str:
    return r.choice([":", "-"]).join(f"{r.randint(0, 255):02x}" for _ in range(6))


def passport(r: random.Random) -> str:
    return r.choice([f"E{digits(r, 8)}", f"G{digits(r, 8)}", f"E{r.choice('ABCDEFGH')}{digits(r, 7)}"])


def iban(r: random.Random) -> str:
    country, body = r.choice(
        [("DE", digits(r, 18)), ("GB", "NWBK" + digits(r, 14)), ("FR", digits(r, 23)), ("NL", "ABNA" + digits(r, 10))]
    )
    number = int("".join(str(int(sign, 36)) for sign in body + country + "00"))
    written = f"{country}{98 - number % 97:02d}{body}"
    return " ".join(written[at : at + 4] for at in range(0, len(written), 4)) if r.random() < 0.5 else written


def ssn(r: random.Random) -> str:
    return f"{r.randint(100, 665)}-{r.randint(10, 99)}-{r.randint(1000, 9999)}"


def us_phone(r: random.Random) -> str:
    a, b, c = r.randint(201, 989), r.randint(200, 999), digits(r, 4)
    return r.choice([f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"+1 {a} {b} {c}", f"+1-{a}-{b}-{c}", f"{a}.{b}.{c}"])


def wechat(r: random.Random) -> str:
    return r.choice(
        [
            f"wxid_{''.join(r.choice(string.ascii_lowercase + string.digits) for _ in range(14))}",
            f"zw_{digits(r, 5)}",
            f"lina{digits(r, 4)}",
        ]
    )


def secret(r: random.Random, kind: str) -> str:
    alnum = string.ascii_letters + string.digits
    draw = lambda count, signs=alnum: "".join(r.choice(signs) for _ in range(count))  # noqa: E731
    return {
        "AWS_ACCESS_KEY": lambda: "AKIA" + draw(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
        "ALIYUN_ACCESS_KEY": lambda: "LTAI" + draw(20),
        "TENCENT_SECRET_ID": lambda: "AKID" + draw(32),
        "GITHUB_TOKEN": lambda: "ghp_" + draw(36),
        "GITLAB_TOKEN": lambda: "glpat-" + draw(20),
        "HUGGINGFACE_TOKEN": lambda: "hf_" + draw(34, string.ascii_letters),
        "OPENAI_API_KEY": lambda: "sk-" + draw(48),
        "SLACK_TOKEN": lambda: f"xoxb-{digits(r, 12)}-{digits(r, 12)}-{draw(24)}",
        "JWT": lambda: ".".join(
            ["eyJhbGciOiJIUzI1NiJ9", base64.urlsafe_b64encode(draw(30).encode()).decode().rstrip("="), draw(43)]
        ),
        "PASSWORD": lambda: draw(6) + r.choice("!@#%") + digits(r, 3),
    }[kind]()


ZH: dict[str, tuple[Callable[[random.Random], str], tuple[str, ...]]] = {
    "CN_ID_CARD": (
        id_card,
        (
            "身份证号{}，请核验",
            "证件号码：{}",
            "客户{}已完成实名认证",
            "他的身份证是{}没错",
            "参保人{}的缴费记录",
            "登记信息为{}。",
        ),
    ),
    "CN_BANK_CARD": (
        bank_card,
        ("银行卡号{}，开户行招商银行", "请把款打到{}", "卡号：{}", "工资卡{}已激活", "绑定{}这张卡"),
    ),
    "CREDIT_CARD": (credit_card, ("信用卡{}已逾期", "卡号{}，有效期12/27", "用{}支付的")),
    "CN_USCC": (uscc, ("统一社会信用代码{}", "营业执照：{}，有效", "税号{}开票", "该公司代码为{}。")),
    "CN_MOBILE": (
        mobile,
        (
            "手机号{}",
            "请致电{}联系李女士",
            "联系方式：{}，微信同号",
            "我的号码是{}",
            "收件人张先生{}收",
            "打{}找我",
            "电话{}（晚上）",
        ),
    ),
    "CN_LANDLINE": (landline, ("办公电话{}", "座机：{}", "传真{}，请查收", "致电{}预约")),
    "CN_PLATE": (plate, ("车牌{}违停", "车辆{}已入场", "我开的是{}，停在B2")),
    "EMAIL_ADDRESS": (email, ("邮箱{}联系我", "发到{}就行", "抄送：{}，谢谢", "请回复至{}。")),
    "IP_ADDRESS": (ipv4, ("服务器{}宕机", "来自{}的请求", "内网地址{}无法访问", "ping {} 超时")),
    "MAC_ADDRESS": (mac, ("设备MAC为{}", "网卡{}已登记")),
    "CN_PASSPORT": (passport, ("护照号{}", "护照：{}，有效期至2030年", "持{}护照出境")),
    "CN_WECHAT": (wechat, ("微信号{}", "加我微信：{}", "vx:{}")),
    "CN_QQ": (lambda r: str(r.randint(10**5, 10**10)), ("QQ：{}", "QQ号{}", "加扣扣{}")),
}
EN: dict[str, tuple[Callable[[random.Random], str], tuple[str, ...]]] = {
    "EMAIL_ADDRESS": (email, ("Write to {} before Friday.", "My e-mail is {}, thanks", "cc: {}", "<{}> wrote:")),
    "CREDIT_CARD": (credit_card, ("Charge it to {} please.", "card number {}", "My Visa {} was declined")),
    "US_SSN": (ssn, ("SSN {} on file", "her social security number is {}.", "Applicant {} approved")),
    "PHONE_NUMBER": (us_phone, ("Call me at {} tonight.", "phone: {}", "reach the office on {} or by mail")),
    "IBAN_CODE": (iban, ("Transfer to IBAN {} today.", "account {}", "wire it to {}.")),
    "IP_ADDRESS": (lambda r: r.choice([ipv4, ipv6])(r), ("Host {} is down.", "login from {} at noon", "ssh root@{}")),
    "MAC_ADDRESS": (mac, ("The adapter {} joined.", "MAC {}")),
    "CN_ID_CARD": (id_card, ("Chinese ID card {} was shown.", "ID number: {}")),
    "CN_MOBILE": (lambda r: "+86 " + mobile(r), ("Mobile {} in Shanghai", "text {} when you land")),
}
SECRETS = (
    "AWS_ACCESS_KEY",
    "ALIYUN_ACCESS_KEY",
    "TENCENT_SECRET_ID",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "HUGGINGFACE_TOKEN",
    "OPENAI_API_KEY",
    "SLACK_TOKEN",
    "JWT",
)
SECRET_SENTENCES = (
    "key = {}",
    "密钥是{}，勿外传",
    "export TOKEN={}",
    '{{"token": "{}"}}',
    "I pasted {} by mistake",
    "配置里写着{}。",
)
PASSWORD_SENTENCES = ("password={}", "密码：{}", "my password is {}", "登录密码为{}，别告诉别人", '"passwd": "{}"')


def _filled(sentence: str, value: str, entity: str, group: str) -> Case:
    at = sentence.index("{}")
    return Case(
        sentence.format(value),
        ((at - sentence[:at].count("{{"), at + len(value) - sentence[:at].count("{{"), entity),),
        group,
    )


def plain(r: random.Random, each: int) -> list[Case]:
    """Values as they are normally written, in a sentence."""
    cases = []
    for table, language in ((ZH, "zh"), (EN, "en")):
        for entity, (draw, sentences) in table.items():
            cases += [_filled(r.choice(sentences), draw(r), entity, f"plain {language}") for _ in range(each)]
    for kind in SECRETS:
        cases += [_filled(r.choice(SECRET_SENTENCES), secret(r, kind), kind, "plain secrets") for _ in range(each)]
    cases += [
        _filled(r.choice(PASSWORD_SENTENCES), secret(r, "PASSWORD"), "PASSWORD", "plain secrets") for _ in range(each)
    ]
    return cases


def grouped(r: random.Random, value: str) -> str:
    sizes = {11: (3, 4, 4), 18: (6, 8, 4), 16: (4, 4, 4, 4), 19: (4, 4, 4, 4, 3), 15: (4, 6, 5)}[len(value)]
    joint, at, parts = r.choice([" ", "-"]), 0, []
    for size in sizes:
        parts.append(value[at : at + size])
        at += size
    return joint.join(parts)


WIDE = {ord(sign): ord(sign) + 0xFEE0 for sign in string.ascii_letters + string.digits + "@.:-"}
HAN = str.maketrans("0123456789", "〇一二三四五六七八九")
CIRCLED = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
DISGUISES: dict[str, Callable[[random.Random, str], str]] = {
    "full width": lambda r, v: v.translate(WIDE),
    "zero width": lambda r, v: "\u200b".join([v[:3], v[3:7], v[7:]]),
    "zero width everywhere": lambda r, v: "\u200d".join(v),
    "spaced": lambda r, v: " ".join(v),
    "groups": grouped,
    "Chinese numerals": lambda r, v: v.translate(HAN),
    "circled": lambda r, v: v.translate(CIRCLED),
    "letters for digits": lambda r, v: v[:4] + v[4:].replace("0", "O").replace("1", "l"),
    "JSON escapes": lambda r, v: "".join(f"\\u{ord(sign):04x}" for sign in v),
    "HTML entities": lambda r, v: "".join(f"&#{ord(sign)};" for sign in v),
    "URL escapes": lambda r, v: "".join(f"%{ord(sign):02X}" for sign in v),
}
MAIL_DISGUISES: dict[str, Callable[[random.Random, str], str]] = {
    "(at)": lambda r, v: v.replace("@", r.choice(["(at)", "[at]", " (at) "])),
    "full width": lambda r, v: v.translate(WIDE),
    "zero width": lambda r, v: v.replace("@", "\u200b@\u200b"),
    "full-width at": lambda r, v: v.replace("@", "＠"),
    "URL escapes": lambda r, v: quote(v, safe=""),
    "JSON escapes": lambda r, v: v.replace("@", "\\u0040"),
    "HTML entities": lambda r, v: v.replace("@", "&#64;"),
}


def obfuscated(r: random.Random, each: int) -> list[Case]:
    """The same values, written so that they are not found."""
    cases = []
    for entity in ("CN_ID_CARD", "CN_MOBILE", "CN_BANK_CARD"):
        draw, sentences = ZH[entity]
        for name, disguise in DISGUISES.items():
            cases += [
                _filled(r.choice(sentences), disguise(r, draw(r)), entity, f"obfuscated: {name}") for _ in range(each)
            ]
    for name, disguise in MAIL_DISGUISES.items():
        cases += [
            _filled(
                r.choice(ZH["EMAIL_ADDRESS"][1]), disguise(r, email(r)), "EMAIL_ADDRESS", f"obfuscated: mail {name}"
            )
            for _ in range(each)
        ]
    cases += [
        _filled(r.choice(ZH["CN_PLATE"][1]), plate(r).translate(WIDE), "CN_PLATE", "obfuscated: plate full width")
        for _ in range(each)
    ]
    for _ in range(each):
        inner = r.choice(ZH["CN_MOBILE"][1]).format(mobile(r))
        coded = base64.b64encode(inner.encode()).decode()
        cases.append(_filled("备注 {} 完", coded, "CN_MOBILE", "obfuscated: base64"))
    return cases


def mistyped(r: random.Random, each: int) -> list[Case]:
    """Identity cards and bank cards whose check digit is wrong, with words that say what they are."""
    ids = ("身份证号{}", "证件号码：{}，请核对", "身份证：{}", "ID card number {}")
    cards = ("银行卡号{}", "卡号：{}", "收款账户{}，户名李娜", "我的储蓄卡是{}")
    cases = [_filled(r.choice(ids), id_card(r, wrong=True), "CN_ID_CARD", "wrong check digit: ID") for _ in range(each)]
    return cases + [
        _filled(r.choice(cards), bank_card(r, wrong=True), "CN_BANK_CARD", "wrong check digit: card")
        for _ in range(each)
    ]


TRAPS: tuple[Callable[[random.Random], str], ...] = (
    lambda r: f"订单号{r.randint(2020, 2026)}{r.randint(1, 12):02d}{digits(r, 14)}",
    lambda r: f"时间戳{r.randint(1600000000000, 1799999999999)}",
    lambda r: f"流水号{r.choice(MOBILES)}{digits(r, 11)}",
    lambda r: f"版本{r.randint(1, 20)}.{r.randint(0, 20)}.{r.randint(0, 20)}.{r.randint(0, 9)}",
    lambda r: f"章节{r.randint(1, 9)}.{r.randint(1, 9)}.{r.randint(1, 9)}.{r.randint(1, 9)}",
    lambda r: f"金额{r.randint(10, 99)},{digits(r, 3)},{digits(r, 3)},{digits(r, 3)}.00元",
    lambda r: f"概率0.{r.choice(MOBILES)}{digits(r, 8)}",
    lambda r: f"主键{r.randint(1700000000000000000, 1799999999999999999)}",
    lambda r: f"运单SF{digits(r, 13)}",
    lambda r: f"客服400-{digits(r, 3)}-{digits(r, 4)}，或拨95588",
    lambda r: f"ISBN 978-7-{digits(r, 3)}-{digits(r, 5)}-{digits(r, 1)}",
    lambda r: f"commit {''.join(r.choice('0123456789abcdef') for _ in range(40))}",
    lambda r: f"md5 {''.join(r.choice('0123456789abcdef') for _ in range(32))}",
    lambda r: "uuid " + "-".join("".join(r.choice("0123456789abcdef") for _ in range(n)) for n in (8, 4, 4, 4, 12)),
    lambda r: f"a[{r.randint(0, 9)}::{r.randint(0, 9)}] and std::vector at 12:{r.randint(10, 59)}:{r.randint(10, 59)}",
    lambda r: f"git clone git@github.com:org{r.randint(1, 99)}/repo.git",
    lambda r: f"@property\ndef value{r.randint(1, 99)}(self): return self._x",
    lambda r: f"乘坐G{r.randint(1000, 9999)}次，股票sz{digits(r, 6)}",
    lambda r: "我在QQ音乐和微信支付里都看到了，京A牌照很难拿",
    lambda r: f"标准GB {r.randint(10000, 39999)}-{r.randint(1990, 2024)}",
    lambda r: f"π=3.14159265358979323846264338327950288{digits(r, 6)}",
    lambda r: f"端口8080/9090，税率{r.randint(3, 17)}%，第{r.randint(1, 99)}条",
    lambda r: f"模型GPT-4o、DeepSeek-R1-0528与Qwen2.5-{r.randint(7, 72)}B",
    lambda r: "服务只听localhost和127.0.0.1，不听0.0.0.0",
    lambda r: f"batch {r.randint(1, 99)} loss={r.random():.12f} lr=3e-{r.randint(3, 6)}",
    lambda r: (
        f"日期{r.randint(1990, 2030)}-{r.randint(1, 12):02d}-{r.randint(1, 28):02d} {r.randint(0, 23):02d}:{r.randint(0, 59):02d}:{r.randint(0, 59):02d}.{digits(r, 3)}"
    ),
    lambda r: f"面积{r.randint(100, 9999)}.{digits(r, 2)}平方米，共{digits(r, 5)}人",
    lambda r: f"password = getpass(prompt_{r.randint(1, 9)})",
    lambda r: f"token: str | None = None  # {r.randint(1, 99)}",
    lambda r: f"Order #{digits(r, 10)} shipped, tracking 1Z{digits(r, 16)}",
    lambda r: f"chr{r.randint(1, 22)}:{r.randint(10**6, 10**8)}-{r.randint(10**6, 10**8)}",
    lambda r: f"range(1{digits(r, 4)}, 2{digits(r, 4)}, {digits(r, 2)}) == 0x{digits(r, 8)}",
)


def traps(r: random.Random, each: int) -> list[Case]:
    """What only looks like personal data."""
    return [Case(trap(r), (), "trap") for trap in TRAPS for _ in range(each)]
