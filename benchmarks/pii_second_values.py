"""Values drawn by public standards for the second benchmark of personal data: numbers, papers, keys. No sentences, no measuring.

Written from the standards alone, before the recognisers and the first generator were read: GB 11643 (ID), GB 32100 (USCC),
GB 11714 (organisation code), ISO/IEC 7812 (cards), ISO 13616 (IBAN), ISO 3779 (VIN), national number plans, GA 36 (plates).
Nothing here is anybody's: every figure is drawn.
"""

from __future__ import annotations

import base64
import hashlib
import json
import string
from collections.abc import Callable
from random import Random

Maker = Callable[[Random], str]

DIGITS = string.digits
ALNUM = string.ascii_letters + DIGITS
UPPER = string.ascii_uppercase + DIGITS
LOWER = string.ascii_lowercase + DIGITS
HEX = "0123456789abcdef"
URLSAFE = ALNUM + "-_"
B58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def some(rng: Random, alphabet: str, count: int) -> str:
    """`count` signs of `alphabet`."""
    return "".join(rng.choice(alphabet) for _ in range(count))


def digits(rng: Random, count: int) -> str:
    """`count` digits."""
    return some(rng, DIGITS, count)


def spaced(value: str, sizes: tuple[int, ...], gap: str) -> str:
    """`value` in groups of these sizes; what is left is the last group."""
    groups, at = [], 0
    for size in sizes:
        groups.append(value[at : at + size])
        at += size
    return gap.join([*groups, value[at:]] if value[at:] else groups)


# --- China ---

AREAS = [
    "110105",
    "120103",
    "130403",
    "210211",
    "310115",
    "320583",
    "330106",
    "340104",
    "350203",
    "370202",
    "410105",
    "420106",
    "430104",
    "440305",
    "450103",
    "460106",
    "500112",
    "510107",
    "520103",
    "530112",
    "610113",
    "620102",
    "630105",
    "640104",
    "650104",
]


def day(rng: Random, first: int = 1940, last: int = 2012) -> tuple[int, int, int]:
    """A date that every calendar has."""
    return rng.randint(first, last), rng.randint(1, 12), rng.randint(1, 28)


def id_check(body: str) -> str:
    """GB 11643: ISO 7064 MOD 11-2 over seventeen digits."""
    weights = [2 ** (17 - at) % 11 for at in range(17)]
    return "10X98765432"[sum(int(sign) * weight for sign, weight in zip(body, weights, strict=True)) % 11]


def cn_id(rng: Random) -> str:
    """An ID number; one in eight is a residence permit of Hong Kong, Macau or Taiwan."""
    area = rng.choice(["810000", "820000", "830000"]) if rng.random() < 0.125 else rng.choice(AREAS)
    year, month, date = day(rng)
    body = f"{area}{year}{month:02}{date:02}{digits(rng, 3)}"
    check = id_check(body)
    return body + (check.lower() if rng.random() < 0.3 else check)


def cn_id_grouped(rng: Random) -> str:
    """The same as people group it."""
    return spaced(cn_id(rng), rng.choice([(6, 8), (6, 4, 4), (3, 3, 4, 4), (6, 8, 3)]), rng.choice([" ", "-"]))


def cn_id_wrong(rng: Random) -> str:
    """A mistyped ID number: the check digit does not fit."""
    value = cn_id(rng)
    return value[:17] + rng.choice([sign for sign in "0123456789X" if sign != value[17].upper()])


def cn_id_old(rng: Random) -> str:
    """Fifteen digits."""
    year, month, date = day(rng, 1940, 1985)
    return f"{rng.choice(AREAS)}{year % 100:02}{month:02}{date:02}{digits(rng, 3)}"


MOBILES = [
    "130",
    "131",
    "132",
    "133",
    "134",
    "135",
    "136",
    "137",
    "138",
    "139",
    "145",
    "147",
    "149",
    "150",
    "151",
    "152",
    "153",
    "155",
    "156",
    "157",
    "158",
    "159",
    "162",
    "165",
    "166",
    "167",
    "170",
    "171",
    "172",
    "173",
    "175",
    "176",
    "177",
    "178",
    "180",
    "181",
    "182",
    "183",
    "184",
    "185",
    "186",
    "187",
    "188",
    "189",
    "190",
    "191",
    "192",
    "193",
    "195",
    "196",
    "197",
    "198",
    "199",
]


def cn_mobile(rng: Random) -> str:
    """A mobile number as written: bare, grouped, with the country before it."""
    number = rng.choice(MOBILES) + digits(rng, 8)
    grouped = spaced(number, rng.choice([(3, 4), (3, 4), (3, 3, 5), (4, 3)]), rng.choice([" ", "-"]))
    forms = [number, number, grouped, f"+86{number}", f"+86 {grouped}", f"+86-{number}", f"0086{number}"]
    return rng.choice([*forms, f"(+86){number}", f"(86) {grouped}", f"86-{number}", f"+86 (0){number}"])


def cn_mobile_bare(rng: Random) -> str:
    """Eleven digits."""
    return rng.choice(MOBILES) + digits(rng, 8)


def cn_landline(rng: Random) -> str:
    """Area code and seven or eight digits, an extension at times."""
    big = rng.random() < 0.6
    area = (
        rng.choice(["010", "020", "021", "022", "023", "024", "025", "027", "028", "029", "0755", "0571"])
        if big
        else rng.choice(
            [
                "0311",
                "0351",
                "0471",
                "0531",
                "0591",
                "0731",
                "0791",
                "0851",
                "0871",
                "0931",
                "0951",
                "0991",
                "0898",
                "0512",
            ]
        )
    )
    number = str(rng.randint(2, 8)) + digits(rng, 7 if big else 6)
    forms = [f"{area}-{number}", f"{area} {number}", f"({area}){number}", f"（{area}）{number}", f"{area}{number}"]
    forms += [f"{area}-{number[:4]}-{number[4:]}", f"({area}) {number[:4]} {number[4:]}", f"+86-{area[1:]}-{number}"]
    forms += [f"+86 {area[1:]} {number[:4]} {number[4:]}", f"{area}-{number}-{digits(rng, 3)}"]
    return rng.choice([*forms, f"{area}-{number}转{digits(rng, 4)}", f"{area}-{number}#{digits(rng, 3)}"])


def luhn(body: str) -> str:
    """The body and its check digit (ISO/IEC 7812-1 annex B)."""
    total = sum(
        value if at % 2 else (value * 2 - 9 if value > 4 else value * 2)
        for at, value in enumerate(int(sign) for sign in reversed(body))
    )
    return body + str(-total % 10)


DEBIT = [("622202", 19), ("621226", 19), ("621700", 19), ("622848", 19), ("621661", 19), ("621799", 19), ("622262", 19)]
DEBIT += [
    ("622588", 16),
    ("621483", 16),
    ("622689", 16),
    ("622622", 16),
    ("622908", 18),
    ("622155", 16),
    ("622516", 16),
]
DEBIT += [
    ("955880", 19),
    ("622150", 19),
    ("621081", 19),
    ("621098", 19),
    ("622580", 16),
    ("625801", 16),
    ("621785", 19),
]
CREDIT = [
    ("4", 16),
    ("51", 16),
    ("55", 16),
    ("2221", 16),
    ("2720", 16),
    ("34", 15),
    ("37", 15),
    ("36", 14),
    ("6011", 16),
]
CREDIT += [("65", 16), ("3528", 16), ("3589", 16), ("518710", 16), ("433666", 16), ("427020", 16), ("409670", 16)]


def card(rng: Random, issuers: list[tuple[str, int]], right: bool = True) -> str:
    """A card of one of these issuers; a wrong one has another last digit."""
    prefix, length = rng.choice(issuers)
    value = luhn(prefix + digits(rng, length - len(prefix) - 1))
    return value if right else value[:-1] + str((int(value[-1]) + rng.randint(1, 9)) % 10)


def card_grouped(rng: Random, value: str) -> str:
    """Four by four, or as American Express groups."""
    if len(value) in (14, 15):
        return spaced(value, (4, 6), rng.choice([" ", "-"]))
    return spaced(value, (4, 4, 4, 4), rng.choice([" ", "-"]))


def cn_card(rng: Random) -> str:
    """A Chinese bank's card, grouped at times."""
    value = card(rng, DEBIT)
    return value if rng.random() < 0.6 else card_grouped(rng, value)


def credit_card(rng: Random) -> str:
    """A card of the other networks, grouped at times."""
    value = card(rng, CREDIT)
    return value if rng.random() < 0.5 else card_grouped(rng, value)


USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def org_code(rng: Random, dash: bool = True) -> str:
    """GB 11714."""
    body = some(rng, DIGITS if rng.random() < 0.6 else UPPER, 8)
    total = sum(int(sign, 36) * weight for sign, weight in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    check = "0123456789X0"[11 - total % 11] if total % 11 else "0"
    return f"{body}-{check}" if dash else body + check


def uscc(rng: Random) -> str:
    """GB 32100, the organisation code inside it right as well."""
    while True:
        body = (
            rng.choice(["91", "92", "93", "12", "51", "52", "53", "11", "13"])
            + rng.choice(AREAS)
            + org_code(rng, False)
        )
        if all(sign in USCC for sign in body):
            total = sum(USCC.index(sign) * 3**at % 31 for at, sign in enumerate(body))
            return body + USCC[-total % 31]


def registration(rng: Random) -> str:
    """Fifteen digits, MOD 11,10 (GS 15-2006)."""
    body = rng.choice(AREAS) + digits(rng, 8)
    product = 10
    for sign in body:
        product = ((product + int(sign)) % 10 or 10) * 2 % 11
    return body + str((11 - product) % 10)


def cn_passport(rng: Random) -> str:
    """Ordinary, diplomatic, service; Hong Kong's and Macau's."""
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    forms = [
        f"E{digits(rng, 8)}",
        f"G{digits(rng, 8)}",
        f"E{rng.choice(letters)}{digits(rng, 7)}",
        f"E{digits(rng, 8)}",
    ]
    forms += [f"{rng.choice(['SE', 'DE', 'PE'])}{digits(rng, 7)}", f"K{digits(rng, 8)}", f"KJ{digits(rng, 7)}"]
    return rng.choice([*forms, f"MA{digits(rng, 7)}"])


def hk_mo_permit(rng: Random) -> str:
    """往来港澳通行证."""
    return rng.choice([f"C{digits(rng, 8)}", f"C{rng.choice('ABCDEFGH')}{digits(rng, 7)}", f"W{digits(rng, 8)}"])


def home_permit(rng: Random) -> str:
    """回乡证."""
    return rng.choice("HM") + digits(rng, 8) + (digits(rng, 2) if rng.random() < 0.3 else "")


def tw_permit(rng: Random) -> str:
    """台胞证 or 往来台湾通行证."""
    return rng.choice([digits(rng, 8), f"L{digits(rng, 8)}"])


def residence_permit(rng: Random) -> str:
    """外国人永久居留身份证, old shape and that of 2023."""
    year, month, date = day(rng, 1950, 2000)
    if rng.random() < 0.5:
        return (
            some(rng, string.ascii_uppercase, 3)
            + rng.choice(AREAS)[:4]
            + f"{year % 100:02}{month:02}{date:02}"
            + digits(rng, 2)
        )
    body = (
        f"9{rng.choice(AREAS)[:2]}{rng.choice(['840', '826', '392', '276'])}{year}{month:02}{date:02}{digits(rng, 3)}"
    )
    return body + id_check(body)


def military(rng: Random) -> str:
    """军官证, 士官证, 文职."""
    word = rng.choice("军南北沈兰成济广海空政参后装士文武")
    return f"{word}字第{digits(rng, rng.choice([6, 7, 8]))}号"


PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
PLATE = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def plate(rng: Random) -> str:
    """GA 36: five signs, new energy six, trailers, schools, police, embassies, armed police."""
    head = rng.choice(PROVINCES) + rng.choice(PLATE[:20]) + rng.choice(["", "", "·", " ", "-"])
    letters = rng.sample(range(5), rng.choice([0, 1, 1, 2]))
    five = "".join(rng.choice(PLATE) if at in letters else rng.choice(DIGITS) for at in range(5))
    forms = [
        head + five,
        head + five,
        head + rng.choice("DF") + digits(rng, 5),
        head + rng.choice("ABCEGHJK") + digits(rng, 5),
    ]
    forms += [head + rng.choice("DF") + rng.choice(PLATE) + digits(rng, 4), head + digits(rng, 5) + rng.choice("DF")]
    forms += [head + digits(rng, 4) + rng.choice("挂学警"), f"WJ{rng.choice(PROVINCES)}{digits(rng, 5)}"]
    return rng.choice([*forms, f"粤Z{digits(rng, 4)}{rng.choice('港澳')}", f"使{digits(rng, 6)}"])


def social_security(rng: Random) -> str:
    """The number on a card's face."""
    return rng.choice("ABCDEFGH") + digits(rng, 8)


def wechat(rng: Random) -> str:
    """A letter, then five to nineteen of letters, digits, _ and -."""
    name = rng.choice(["linxia", "sunny", "zhao", "tian_mm", "wu-er", "Coco", "amy", "dashan", "yun"])
    return rng.choice(
        [f"{name}{digits(rng, rng.randint(3, 6))}", f"{name}_{some(rng, LOWER, 5)}", f"wxid_{some(rng, LOWER, 14)}"]
    )


def qq(rng: Random) -> str:
    """Five to ten digits."""
    return str(rng.randint(1, 9)) + digits(rng, rng.randint(6, 9))


def hk_id(rng: Random) -> str:
    """One letter or two, six digits, check in brackets."""
    letters = rng.choice(string.ascii_uppercase) if rng.random() < 0.8 else "W" + rng.choice("XY")
    body = digits(rng, 6)
    values = [36] * (2 - len(letters)) + [ord(sign) - 55 for sign in letters] + [int(sign) for sign in body]
    total = sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True))
    return f"{letters}{body}({'0123456789A'[-total % 11]})"


def mo_id(rng: Random) -> str:
    """澳门."""
    body = rng.choice("157") + digits(rng, 6)
    return rng.choice([f"{body}({digits(rng, 1)})", f"{body[0]}/{body[1:]}/{digits(rng, 1)}"])


def tw_id(rng: Random) -> str:
    """臺灣身分證字號."""
    order = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
    letter = rng.choice(order)
    value = order.index(letter) + 10
    body = rng.choice("12") + digits(rng, 7)
    total = (
        value // 10
        + value % 10 * 9
        + sum(int(sign) * weight for sign, weight in zip(body, range(8, 0, -1), strict=True))
    )
    return letter + body + str(-total % 10)


# --- secrets ---


def jwt(rng: Random) -> str:
    """RFC 7519: header, claims, signature."""
    head = json.dumps({"alg": rng.choice(["HS256", "RS256", "ES256"]), "typ": "JWT"}).encode()
    claims = json.dumps({"sub": digits(rng, 8), "name": some(rng, ALNUM, 6), "iat": rng.randint(15**8, 17**8)}).encode()
    parts = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (head, claims)]
    return ".".join([*parts, some(rng, URLSAFE, rng.choice([43, 86]))])


def pem(rng: Random) -> str:
    """RFC 7468 as key tools write it."""
    kind = rng.choice(
        ["RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"]
    )
    lines = [some(rng, ALNUM + "+/", 64) for _ in range(rng.randint(3, 14))]
    return "\n".join([f"-----BEGIN {kind}-----", *lines, some(rng, ALNUM, 30) + "==", f"-----END {kind}-----"])


def url_credentials(rng: Random) -> str:
    """RFC 3986 userinfo with a password."""
    scheme = rng.choice(
        ["postgres", "postgresql", "mysql", "redis", "mongodb+srv", "amqp", "https", "ftp", "mysql+pymysql"]
    )
    user = (
        rng.choice(["root", "app", "svc_orders", "admin", ""])
        if scheme == "redis"
        else rng.choice(["app", "svc-orders", "admin"])
    )
    return f"{scheme}://{user}:{password(rng)}@{rng.choice(['db', 'cache-1', 'mq'])}.{rng.choice(['svc.cluster.local', 'acme.cn'])}:{rng.randint(1000, 9999)}/{rng.choice(['prod', '0', 'orders'])}"


def password(rng: Random) -> str:
    """As people and tools make them; signs that a URL may carry."""
    word = rng.choice(["Summer", "qwer", "Tiger", "hunter", "Passw0rd", "wo-ai-ni", "Xiaomi", "zxcv"])
    forms = [
        f"{word}{rng.choice('!_.~*')}{digits(rng, 4)}",
        some(rng, ALNUM, rng.randint(10, 24)),
        f"{word}{digits(rng, 3)}{some(rng, ALNUM, 4)}",
    ]
    return rng.choice(forms) + rng.choice(["", "", "!", "_X"])


def base58check(rng: Random) -> str:
    """A Bitcoin address of version 0 or 5."""
    body = bytes([rng.choice([0, 5])]) + rng.randbytes(20)
    body += hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4]
    number, out = int.from_bytes(body), ""
    while number:
        number, rest = divmod(number, 58)
        out = B58[rest] + out
    return "1" * (len(body) - len(body.lstrip(b"\0"))) + out
