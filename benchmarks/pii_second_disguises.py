"""Ways to write a value so that a pattern misses it, for the second benchmark. Values and sentences are drawn elsewhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from random import Random
from urllib.parse import quote

from benchmarks import pii_second_values as values
from benchmarks.pii_second_cases import ABROAD, CHINA, SECRETS, Case, Kind, said

Disguise = Callable[[Random, str], str]
LARGE = "零壹贰叁肆伍陆柒捌玖"
SMALL = "零一二三四五六七八九"
RINGS = "⓪①②③④⑤⑥⑦⑧⑨"
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"


def _each(table: str) -> Disguise:
    return lambda rng, value: "".join(table[int(sign)] if sign.isascii() and sign.isdigit() else sign for sign in value)


def _shifted(zero: int) -> Disguise:
    return _each("".join(chr(zero + at) for at in range(10)))


def wide(rng: Random, value: str) -> str:
    """Full-width forms of every sign."""
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in value)


def half_wide(rng: Random, value: str) -> str:
    """Some of the signs full-width."""
    return "".join(wide(rng, sign) if rng.random() < 0.4 else sign for sign in value)


def _sown(signs: str, share: float) -> Disguise:
    def sow(rng: Random, value: str) -> str:
        return "".join(sign + (rng.choice(signs) if rng.random() < share else "") for sign in value[:-1]) + value[-1]

    return sow


def _between(gap: str) -> Disguise:
    return lambda rng, value: gap.join(value)


def _grouped(gap: str) -> Disguise:
    def group(rng: Random, value: str) -> str:
        sizes = (3, 4) if len(value) == 11 else (6, 8) if len(value) == 18 else (4,) * (len(value) // 4)
        return values.spaced(value, sizes, gap)

    return group


def spoken(rng: Random, value: str) -> str:
    """As read out: 幺 for one, 〇 or 零."""
    ones, noughts = rng.choice("一幺"), rng.choice("零〇")
    return "".join((noughts + ones + SMALL[2:])[int(sign)] if sign.isdigit() else sign for sign in value)


def spoken_in_groups(rng: Random, value: str) -> str:
    """The same with the breath between groups."""
    return values.spaced(spoken(rng, value), (3, 4), rng.choice([" ", "，", "-"]))


def lookalikes(rng: Random, value: str) -> str:
    """Letters for noughts and ones."""
    return "".join({"0": rng.choice("Oo0"), "1": rng.choice("lI1")}.get(sign, sign) for sign in value)


def folded(rng: Random, value: str) -> str:
    """Broken over two lines, as a narrow table cell does."""
    middle = len(value) // 2
    return value[:middle] + "\n" + value[middle:]


def html_entities(rng: Random, value: str) -> str:
    """Decimal or hexadecimal references."""
    return "".join(f"&#{ord(sign)};" if rng.random() < 0.8 else f"&#x{ord(sign):x};" for sign in value)


def json_escapes(rng: Random, value: str) -> str:
    """\\u00XX for every sign."""
    return "".join(f"\\u{ord(sign):04x}" for sign in value)


def url_signs(rng: Random, value: str) -> str:
    """%XX for every sign of ASCII."""
    return "".join(f"%{ord(sign):02X}" if ord(sign) < 128 else quote(sign) for sign in value)


def base64_value(rng: Random, value: str) -> str:
    """The value and what it is, in base64."""
    return base64.b64encode(f"my number is {value} ok".encode()).decode()


def base64_json(rng: Random, value: str) -> str:
    """A record in base64."""
    return base64.b64encode(json.dumps({"id": 7, "value": value, "ok": True}, ensure_ascii=False).encode()).decode()


ANY: dict[str, Disguise] = {
    "full width": wide,
    "partly full width": half_wide,
    "zero width": _sown("\u200b\u200c\u200d\u2060\ufeff", 0.4),
    "soft hyphens": _sown("\xad", 0.3),
    "bidi marks": _sown("\u200e\u200f\u202a\u202c", 0.3),
    "mathematical digits": _shifted(0x1D7CE),
    "monospace digits": _shifted(0x1D7F6),
    "Arabic-Indic digits": _shifted(0x660),
    "Devanagari digits": _shifted(0x966),
    "html": html_entities,
    "json": json_escapes,
    "url": url_signs,
    "base64": base64_value,
    "base64 record": base64_json,
    "full width, zero width": lambda rng, value: _sown("\u200b\u2060", 0.3)(rng, wide(rng, value)),
}
NUMBER: dict[str, Disguise] = {
    "one by one": _between(" "),
    "one by one, dashes": _between("-"),
    "one by one, dots": _between("."),
    "wide spaces": _between("\u3000"),
    "groups, dots": _grouped("."),
    "groups, slashes": _grouped("/"),
    "groups, long dashes": _grouped("—"),
    "groups, underscores": _grouped("_"),
    "groups, middle dots": _grouped("·"),
    "groups, thin spaces": _grouped("\u2009"),
    "groups, hard spaces": _grouped("\xa0"),
    "groups, full-width dashes": _grouped("－"),
    "Chinese numerals": spoken,
    "Chinese numerals in groups": spoken_in_groups,
    "large Chinese numerals": _each(LARGE),
    "digits in rings": _each(RINGS),
    "raised digits": _each(RAISED),
    "letters for digits": lookalikes,
    "folded": folded,
}
MAIL: dict[str, Disguise] = {
    "(at)": lambda rng, value: value.replace("@", "(at)"),
    "[at]": lambda rng, value: value.replace("@", " [at] "),
    "（at）": lambda rng, value: value.replace("@", "（at）"),
    "(at) (dot)": lambda rng, value: value.replace("@", " (at) ").replace(".", " (dot) "),
    "#": lambda rng, value: value.replace("@", "#"),
    "艾特": lambda rng, value: value.replace("@", "艾特"),
    "wide at": lambda rng, value: value.replace("@", "＠"),
    "spaces round at": lambda rng, value: value.replace("@", " @ "),
    "wide dots": lambda rng, value: value.replace(".", "．"),
    "at dot": lambda rng, value: value.replace("@", " at ").replace(".", " dot "),
}
MOBILE = Kind("CN_MOBILE", values.cn_mobile_bare, CHINA[3].zh, CHINA[3].en)
IDENTITY = CHINA[0]
CARD = Kind("CN_BANK_CARD", lambda rng: values.card(rng, values.DEBIT), CHINA[5].zh, CHINA[5].en)
PLASTIC = Kind("CREDIT_CARD", lambda rng: values.card(rng, values.CREDIT), ABROAD[4].zh, ABROAD[4].en)
NUMBERS = [MOBILE, IDENTITY, CARD, PLASTIC]
PLATE = next(kind for kind in CHINA if kind.entity == "CN_PLATE")
USCC = next(kind for kind in CHINA if kind.entity == "CN_USCC")
EMAIL = ABROAD[0]
IP = Kind(
    "IP_ADDRESS",
    lambda rng: f"{rng.choice([10, 47, 120])}.{rng.randint(1, 254)}.{rng.randint(1, 254)}.{rng.randint(1, 254)}",
    ABROAD[7].zh,
    ABROAD[7].en,
)
SAFE_IN_BASE64 = ("base64", "base64 record")


def _of(rng: Random, kinds: list[Kind], disguises: dict[str, Disguise], each: int) -> Iterator[Case]:
    for name, disguise in disguises.items():
        for kind in kinds:
            for _count in range(each):
                case = said(rng, kind, disguise(rng, kind.make(rng)), "disguised")
                yield Case(f"disguised: {name}", kind.entity, case.register, case.text, case.start, case.end)


def disguised(rng: Random, each: int) -> Iterator[Case]:
    """Every disguise of every kind that people write so."""
    yield from _of(rng, [*NUMBERS, USCC, EMAIL, PLATE, IP], ANY, each)
    yield from _of(rng, NUMBERS, NUMBER, each)
    yield from _of(rng, [EMAIL], MAIL, each * 2)
    keys = [kind for kind in SECRETS if kind.entity in ("AWS_ACCESS_KEY", "GITHUB_TOKEN", "OPENAI_API_KEY", "JWT")]
    carriers = {name: ANY[name] for name in ("full width", "zero width", "html", "url", "json", "base64 record")}
    yield from _of(rng, keys, carriers, each)


# --- near misses ---


def _order(rng: Random) -> str:
    stamp = f"2026{rng.randint(1, 12):02}{rng.randint(1, 28):02}{rng.randint(0, 23):02}{rng.randint(0, 59):02}{rng.randint(0, 59):02}"
    return stamp + values.digits(rng, rng.choice([4, 6, 8]))


NEAR: dict[str, tuple[Disguise, tuple[str, ...]]] = {}


def _near(name: str, make: values.Maker, frames: str) -> None:
    NEAR[name] = (lambda rng, _value: make(rng), tuple(frames.split("|")))


_near(
    "order number", _order, "订单号：{v}|您的订单{v}已发货|order no. {v}|交易流水号 {v}|运单编号{v}|Order #{v} shipped"
)
_near("invoice number", lambda rng: values.digits(rng, rng.choice([8, 20])), "发票号码：{v}|invoice {v}|发票代码{v}")
_near(
    "tracking number",
    lambda rng: rng.choice(["SF", "YT", "JD", "ZTO"]) + values.digits(rng, 13),
    "快递单号：{v}|顺丰{v}|tracking: {v}|JD order {v}",
)
_near(
    "version",
    lambda rng: ".".join(str(rng.randint(0, 20)) for _ in range(rng.choice([3, 4]))),
    "版本 {v}|version {v}|v{v} released|升级到{v}|package==1.2.3 → {v}|Chrome/{v} Safari",
)
_near(
    "section",
    lambda rng: ".".join(str(rng.randint(1, 9)) for _ in range(4)),
    "见第{v}节|section {v} of the manual|{v} 系统设计|条款{v}",
)
_near("milliseconds", lambda rng: f"17{values.digits(rng, 11)}", 'timestamp={v}|ts: {v}|时间戳{v}|"created": {v},')
_near("seconds", lambda rng: f"17{values.digits(rng, 8)}", 'time={v}|ts: {v}|exp: {v}|"iat":{v}')
_near("nanoseconds", lambda rng: f"17{values.digits(rng, 17)}", "t={v}|ns {v}|span start {v}")
_near("snowflake", lambda rng: f"1{values.digits(rng, 18)}", 'id={v}|消息ID {v}|tweet {v}|"id": "{v}"')
_near(
    "git hash",
    lambda rng: values.some(rng, values.HEX, rng.choice([7, 12, 40])),
    "commit {v}|{v} fix: typo|回滚到{v}|merge {v} into main",
)
_near(
    "digest",
    lambda rng: values.some(rng, values.HEX, rng.choice([32, 64])),
    'md5: {v}|sha256:{v}|ETag: "{v}"|校验和 {v}',
)
_near(
    "uuid",
    lambda rng: "-".join(values.some(rng, values.HEX, size) for size in (8, 4, 4, 4, 12)),
    "uuid={v}|request {v}|trace-id: {v}|任务 {v} 完成",
)
_near(
    "isbn",
    lambda rng: f"978-7-{values.digits(rng, 3)}-{values.digits(rng, 5)}-{values.digits(rng, 1)}",
    "ISBN {v}|书号：{v}|ISBN: {v} 定价",
)
_near("ean", lambda rng: f"69{values.digits(rng, 11)}", "条形码 {v}|barcode {v}|EAN {v}|商品编码：{v}")
_near(
    "price",
    lambda rng: f"{rng.randint(10, 99)},{values.digits(rng, 3)},{values.digits(rng, 3)}.{values.digits(rng, 2)}",
    "合计{v}元|total ${v}|¥{v}|USD {v}|营收 {v} 万元",
)
_near(
    "fraction",
    lambda rng: f"{rng.randint(0, 3)}.{values.digits(rng, rng.choice([11, 15, 16]))}",
    "loss={v}|概率{v}|lr: {v}|result {v} m/s|x = {v}",
)
_near(
    "big count",
    lambda rng: values.digits(rng, rng.choice([9, 10, 12])).replace("0", "7"),
    "count={v}|共{v}条|{v} bytes|大小 {v} 字节|rows: {v}",
)
_near("size", lambda rng: f"{values.digits(rng, 4)}x{values.digits(rng, 4)}", "{v} px|分辨率{v}|size {v} mm")
_near(
    "hotline",
    lambda rng: rng.choice(["400-820-8820", "800-810-8888", "95588", "10086", "12306", "4008001234"]),
    "客服热线{v}|拨打{v}|请致电 {v}|call {v}",
)
_near(
    "date and time",
    lambda rng: (
        f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02} {rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}.{values.digits(rng, 3)}"
    ),
    "[{v}] started|于{v}创建|{v},INFO",
)
_near(
    "compact time",
    lambda rng: (
        f"2026{rng.randint(1, 12):02}{rng.randint(1, 28):02}T{rng.randint(0, 23):02}{rng.randint(0, 59):02}{rng.randint(0, 59):02}Z"
    ),
    "backup-{v}.tar.gz|于{v}|snapshot {v}",
)
_near(
    "coordinates",
    lambda rng: f"{rng.randint(20, 50)}.{values.digits(rng, 6)},{rng.randint(70, 130)}.{values.digits(rng, 6)}",
    "坐标 {v}|at {v}|geo:{v}",
)
_near(
    "model name",
    lambda rng: rng.choice(
        [
            "GPT-4o",
            "DeepSeek-R1-0528",
            "Qwen2.5-72B-Instruct",
            "ThinkPad X1",
            "RTX4090",
            "iPhone15ProMax",
            "EKS",
            "H100-80GB",
        ]
    ),
    "用{v}跑|model {v}|{v} 多少钱",
)
_near(
    "standard",
    lambda rng: rng.choice(
        [
            "GB 11643-1999",
            "GB/T 22239-2019",
            "ISO 27001:2022",
            "RFC 7519",
            "GA 36-2018",
            "IEEE 802.11ax",
            "YD/T 1234-2019",
        ]
    ),
    "依据{v}|per {v}|符合{v}要求",
)
_near(
    "train or stock",
    lambda rng: rng.choice(["G1868次", "D3021", "CA1837", "MU5101航班", "sz000858", "600519.SH", "HK00700"]),
    "乘坐{v}|买入{v}|{v} 晚点",
)
_near(
    "colon code",
    lambda rng: rng.choice(
        [
            "a[1::2]",
            "std::vector<int>",
            "12:34:56",
            "Foo::Bar::baz()",
            "::before",
            "x[::-1]",
            "dead::beef"[:4] + "::new",
        ]
    ),
    "code {v} here|用{v}写|`{v}`",
)
_near(
    "at sign",
    lambda rng: rng.choice(
        [
            "@property",
            "@app.route('/x')",
            "user@localhost",
            "git@github.com:org/repo.git",
            "@types/node@18.11.9",
            "lodash@4.17.21",
            "@2x.png",
            "me@",
        ]
    ),
    "run {v}|写 {v}|npm i {v}",
)
_near(
    "placeholder password",
    lambda rng: rng.choice(
        [
            "${DB_PASSWORD}",
            "<your-password>",
            "********",
            "os.environ['PW']",
            "xxxx",
            "None",
            "true",
            "required",
            "%s",
            "{{ vault_pw }}",
        ]
    ),
    "password: {v}|password={v}|密码：{v}",
)
_near(
    "talk of passwords",
    lambda rng: rng.choice(
        ["is too short", "must be changed", "reset link", "policy", "fields are required", "hashing with bcrypt"]
    ),
    "The password {v}|Your password {v} today|about password {v} and more",
)
_near(
    "talk in Chinese",
    lambda rng: rng.choice(["忘记了怎么办", "长度不能少于八位", "错误，请重试", "由管理员重置", "需要包含大写字母"]),
    "密码{v}|登录密码{v}|护照{v}|银行卡{v}",
)
_near(
    "part number",
    lambda rng: (
        f"{values.some(rng, 'ABCDEFGHKLMN', 2)}{values.digits(rng, rng.choice([5, 7]))}-{values.digits(rng, 2)}"
    ),
    "料号 {v}|part {v}|型号：{v}|SKU {v}",
)
_near(
    "measurement",
    lambda rng: f"{values.digits(rng, 3)} {values.digits(rng, 4)} {values.digits(rng, 4)}"[:8] + " rpm",
    "{v}|转速 {v}|read {v}",
)
_near(
    "loopback",
    lambda rng: rng.choice(["127.0.0.1", "0.0.0.0", "::1", "localhost:8080", "255.255.255.0"]),
    "listen {v}|绑定{v}|mask {v}",
)


def near_misses(rng: Random, each: int) -> Iterator[Case]:
    """What looks like somebody's and is nobody's."""
    for name, (make, frames) in NEAR.items():
        for _count in range(each):
            yield Case("near miss", name, "", rng.choice(frames).replace("{v}", make(rng, "")), -1, -1)
