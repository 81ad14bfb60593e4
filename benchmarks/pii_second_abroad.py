"""Values of the wider world for the second benchmark: telephones, accounts, papers, addresses of machines, tokens of services.

From the standards and the issuers' own documents; see `pii_second_values` for those of China.
"""

from __future__ import annotations

import string
from random import Random

from benchmarks.pii_second_values import (
    ALNUM,
    HEX,
    LOWER,
    UPPER,
    URLSAFE,
    Maker,
    base58check,
    day,
    digits,
    jwt,
    pem,
    some,
    spaced,
    url_credentials,
)

NAMES = [
    "li.wei",
    "zhangsan",
    "j.smith",
    "maria-garcia",
    "o.brien",
    "wang_fang",
    "k.tanaka",
    "anna",
    "tom+news",
    "hr",
    "x",
]
HOSTS = [
    "example-corp.com",
    "acme.cn",
    "mail.huawei-demo.com.cn",
    "tu-berlin.de",
    "gmail.com",
    "qq.com",
    "163.com",
    "foxmail.com",
]
HOSTS += ["startup.io", "lab.ac.uk", "team.dev", "outlook.com", "sub.a-b.co.jp", "xn--fiqs8s.cn"]


def email(rng: Random) -> str:
    """RFC 5321, ASCII."""
    return rng.choice(NAMES) + rng.choice(["", digits(rng, 2), digits(rng, 5)]) + "@" + rng.choice(HOSTS)


def phone_e164(rng: Random) -> str:
    """With a plus and a country, grouped as that country does."""
    d = digits
    forms = [
        f"+1 {rng.choice(['212', '415', '617'])}-{rng.randint(2, 9)}{d(rng, 2)}-{d(rng, 4)}",
        f"+1 (415) {rng.randint(2, 9)}{d(rng, 2)}-{d(rng, 4)}",
    ]
    forms += [
        f"+44 20 7{d(rng, 3)} {d(rng, 4)}",
        f"+44 79{d(rng, 2)} {d(rng, 6)}",
        f"+4479{d(rng, 8)}",
        f"+44 (0)20 7{d(rng, 3)} {d(rng, 4)}",
    ]
    forms += [
        f"+49 30 {d(rng, 8)}",
        f"+49 (0) 89 {d(rng, 7)}",
        f"+49-171-{d(rng, 7)}",
        f"+33 6 {d(rng, 2)} {d(rng, 2)} {d(rng, 2)} {d(rng, 2)}",
    ]
    forms += [
        f"+33 1.{d(rng, 2)}.{d(rng, 2)}.{d(rng, 2)}.{d(rng, 2)}",
        f"+81 90-{rng.randint(2, 9)}{d(rng, 3)}-{d(rng, 4)}",
        f"+81-3-{rng.randint(3, 6)}{d(rng, 3)}-{d(rng, 4)}",
    ]
    forms += [
        f"+82 10-{d(rng, 4)}-{d(rng, 4)}",
        f"+65 9{d(rng, 3)} {d(rng, 4)}",
        f"+852 9{d(rng, 3)} {d(rng, 4)}",
        f"+853 6{d(rng, 3)} {d(rng, 4)}",
    ]
    forms += [
        f"+886 912 {d(rng, 3)} {d(rng, 3)}",
        f"+91 98{d(rng, 3)} {d(rng, 5)}",
        f"+61 4{d(rng, 2)} {d(rng, 3)} {d(rng, 3)}",
        f"+7 (916) {d(rng, 3)}-{d(rng, 2)}-{d(rng, 2)}",
    ]
    return rng.choice(
        [
            *forms,
            f"+34 6{d(rng, 2)} {d(rng, 3)} {d(rng, 3)}",
            f"+39 347 {d(rng, 7)}",
            f"+55 11 9{d(rng, 4)}-{d(rng, 4)}",
        ]
    )


def phone_us(rng: Random) -> str:
    """North American, no country."""
    area, rest = rng.choice(["212", "415", "617", "303"]), (f"{rng.randint(2, 9)}{digits(rng, 2)}", digits(rng, 4))
    forms = [
        f"({area}) {rest[0]}-{rest[1]}",
        f"{area}-{rest[0]}-{rest[1]}",
        f"{area}.{rest[0]}.{rest[1]}",
        f"1-{area}-{rest[0]}-{rest[1]}",
    ]
    return rng.choice([*forms, f"({area}) {rest[0]}-{rest[1]} ext. {digits(rng, 3)}", f"{area} {rest[0]} {rest[1]}"])


def phone_national(rng: Random) -> str:
    """As dialled at home, for which a word is needed."""
    d = digits
    forms = [
        f"020 7{d(rng, 3)} {d(rng, 4)}",
        f"079{d(rng, 2)} {d(rng, 6)}",
        f"030 {d(rng, 7)}",
        f"0171/{d(rng, 7)}",
        f"089-{d(rng, 7)}",
    ]
    forms += [
        f"06 {d(rng, 2)} {d(rng, 2)} {d(rng, 2)} {d(rng, 2)}",
        f"090-{rng.randint(2, 9)}{d(rng, 3)}-{d(rng, 4)}",
        f"010-{d(rng, 4)}-{d(rng, 4)}",
    ]
    return rng.choice(
        [
            *forms,
            f"9{d(rng, 3)} {d(rng, 4)}",
            f"98{d(rng, 8)}",
            f"0912-{d(rng, 3)}-{d(rng, 3)}",
            f"04{d(rng, 2)} {d(rng, 3)} {d(rng, 3)}",
        ]
    )


IBANS = {
    "DE": 18,
    "AT": 16,
    "CH": 17,
    "BE": 12,
    "DK": 14,
    "ES": 20,
    "PL": 24,
    "PT": 21,
    "SE": 20,
    "NO": 11,
    "AE": 19,
    "SA": 20,
    "CZ": 20,
}


def iban(rng: Random) -> str:
    """ISO 13616 with MOD 97-10, in fours at times."""
    country = rng.choice([*IBANS, "GB", "NL", "FR"])
    bban = {"GB": "WEST" + digits(rng, 14), "NL": "ABNA" + digits(rng, 10), "FR": digits(rng, 23)}.get(
        country
    ) or digits(rng, IBANS[country])
    number = int("".join(str(int(sign, 36)) for sign in f"{bban}{country}00"))
    value = f"{country}{98 - number % 97:02}{bban}"
    return value if rng.random() < 0.6 else spaced(value, (4,) * (len(value) // 4), " ")


def account(rng: Random) -> str:
    """Nine to twelve digits."""
    return digits(rng, rng.randint(9, 12))


def ip(rng: Random) -> str:
    """IPv4 or IPv6 of a machine."""
    octets = [rng.choice([10, 172, 192, 203, 8, 47, 120]), *(rng.randint(1, 254) for _ in range(3))]
    groups = ["2001", "db8", *(f"{rng.randint(1, 65535):x}" for _ in range(6))]
    four = ".".join(map(str, octets))
    return rng.choice(
        [
            four,
            four,
            four,
            ":".join(groups),
            "2001:db8::" + groups[3],
            f"fe80::{groups[4]}:{groups[5]}",
            f"::ffff:{four}",
        ]
    )


def mac(rng: Random) -> str:
    """IEEE 802, in three spellings."""
    octets = [some(rng, HEX, 2) for _ in range(6)]
    octets[0] = f"{rng.randrange(0, 256, 4):02x}"
    form = rng.choice([":".join(octets), "-".join(octets), ".".join("".join(octets[at : at + 2]) for at in (0, 2, 4))])
    return form.upper() if rng.random() < 0.5 and "." not in form else form


def ssn(rng: Random) -> str:
    """Area not 000, 666, 9xx; with dashes or spaces."""
    area = rng.choice([rng.randint(1, 665), rng.randint(667, 899)])
    return f"{area:03}{(gap := rng.choice('-- '))}{rng.randint(1, 99):02}{gap}{rng.randint(1, 9999):04}"


def itin(rng: Random) -> str:
    """9xx-7x-xxxx."""
    return f"9{digits(rng, 2)}-{rng.choice([*range(70, 89), 90, 94])}-{rng.randint(1, 9999):04}"


def us_passport(rng: Random) -> str:
    """Nine digits, or a letter and eight."""
    return rng.choice([digits(rng, 9), rng.choice("ABCXYZ") + digits(rng, 8)])


def us_licence(rng: Random) -> str:
    """California, Florida, New York, Washington."""
    letter = rng.choice(string.ascii_uppercase)
    return rng.choice(
        [
            letter + digits(rng, 7),
            letter + digits(rng, 12),
            digits(rng, 9),
            f"{letter}{digits(rng, 3)}-{digits(rng, 3)}-{digits(rng, 2)}-{digits(rng, 3)}-0",
        ]
    )


def nino(rng: Random) -> str:
    """National Insurance number."""
    head = rng.choice("ABCEGHJKLMPRSTWXYZ") + rng.choice("ABCEGHJKLMPRSTWXYZ")
    head = "AB" if head in ("GB", "BG", "KN", "NK", "NT", "TN", "ZZ") else head
    value = f"{head}{digits(rng, 6)}{rng.choice('ABCD')}"
    return value if rng.random() < 0.5 else f"{value[:2]} {value[2:4]} {value[4:6]} {value[6:8]} {value[8]}"


def nhs(rng: Random) -> str:
    """Ten digits, MOD 11."""
    while True:
        body = digits(rng, 9)
        check = 11 - sum(int(sign) * weight for sign, weight in zip(body, range(10, 1, -1), strict=True)) % 11
        if check != 10:
            value = body + str(check % 11)
            return value if rng.random() < 0.4 else spaced(value, (3, 3), rng.choice(" -"))


def nric(rng: Random) -> str:
    """Singapore: S, T, F, G."""
    letter, body = rng.choice("STFG"), digits(rng, 7)
    total = sum(int(sign) * weight for sign, weight in zip(body, (2, 7, 6, 5, 4, 3, 2), strict=True)) + (
        4 if letter in "TG" else 0
    )
    return letter + body + ("JZIHGFEDCBA" if letter in "ST" else "XWUTRQPNMLK")[total % 11]


BECH = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for at, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= term if top >> at & 1 else 0
    return check


def bech32(rng: Random) -> str:
    """BIP 173, version 0, twenty bytes."""
    data = [0, *(rng.randrange(32) for _ in range(31)), rng.choice([0, 16])]
    check = _polymod([3, 3, 0, 2, 3, *data, 0, 0, 0, 0, 0, 0]) ^ 1
    return "bc1" + "".join(BECH[value] for value in [*data, *(check >> 5 * (5 - at) & 31 for at in range(6))])


def crypto(rng: Random) -> str:
    """Bitcoin in two shapes, Ethereum."""
    return rng.choice([base58check(rng), bech32(rng), "0x" + some(rng, HEX, 40)])


def vin(rng: Random) -> str:
    """ISO 3779 with the check digit of North America and China."""
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
    body = (
        rng.choice(["LSV", "LFV", "1HG", "WVW", "LGX"])
        + some(rng, letters + "123456789", 5)
        + "0"
        + some(rng, letters[:8] + "123456789", 3)
        + digits(rng, 5)
    )
    table = dict(zip(letters, [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9], strict=True))
    total = sum(
        table.get(sign, 0) * weight if sign.isalpha() else int(sign) * weight
        for sign, weight in zip(body, (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2), strict=True)
    )
    return body[:8] + "0123456789X"[total % 11] + body[9:]


def birth(rng: Random) -> str:
    """A date of birth in many spellings."""
    year, month, date = day(rng, 1945, 2008)
    word = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ][month - 1]
    forms = [
        f"{year}-{month:02}-{date:02}",
        f"{year}年{month}月{date}日",
        f"{year}/{month}/{date}",
        f"{year}.{month:02}.{date:02}",
    ]
    return rng.choice(
        [
            *forms,
            f"{month:02}/{date:02}/{year}",
            f"{date} {word} {year}",
            f"{word} {date}, {year}",
            f"{date:02}.{month:02}.{year}",
        ]
    )


def _prefixed(*shapes: tuple[str, str, int]) -> Maker:
    def make(rng: Random) -> str:
        prefix, alphabet, count = rng.choice(shapes)
        return prefix + some(rng, alphabet, count)

    return make


B32 = string.ascii_uppercase + "234567"
TOKENS: dict[str, Maker] = {
    "AWS_ACCESS_KEY": _prefixed(("AKIA", B32, 16), ("ASIA", B32, 16)),
    "ALIYUN_ACCESS_KEY": _prefixed(("LTAI5t", ALNUM, 18), ("LTAI4", ALNUM, 19), ("LTAI", ALNUM, 12)),
    "TENCENT_SECRET_ID": _prefixed(("AKID", ALNUM, 32)),
    "GITHUB_TOKEN": _prefixed(
        ("ghp_", ALNUM, 36), ("gho_", ALNUM, 36), ("ghs_", ALNUM, 36), ("github_pat_11", UPPER, 20)
    ),
    "GITLAB_TOKEN": _prefixed(
        ("glpat-", URLSAFE, 20), ("gldt-", URLSAFE, 20), ("glrt-", URLSAFE, 20), ("glptt-", HEX, 40)
    ),
    "HUGGINGFACE_TOKEN": _prefixed(("hf_", string.ascii_letters, 34)),
    "OPENAI_API_KEY": _prefixed(
        ("sk-", ALNUM, 48),
        ("sk-proj-", URLSAFE, 80),
        ("sk-svcacct-", URLSAFE, 74),
        ("sk-", LOWER[:6] + "0123456789", 32),
        ("sk-ant-api03-", URLSAFE, 93),
    ),
    "SLACK_TOKEN": lambda rng: f"xox{rng.choice('bp')}-{digits(rng, 12)}-{digits(rng, 12)}-{some(rng, ALNUM, 24)}",
    "GOOGLE_API_KEY": _prefixed(("AIzaSy", URLSAFE, 33)),
    "STRIPE_KEY": _prefixed(("sk_live_", ALNUM, 24), ("rk_live_", ALNUM, 24)),
    "NPM_TOKEN": _prefixed(("npm_", ALNUM, 36)),
    "WECHAT_APP_ID": _prefixed(("wx", HEX, 16)),
    "JWT": jwt,
    "PRIVATE_KEY": pem,
    "URL_CREDENTIALS": url_credentials,
}


def github_pat(rng: Random) -> str:
    """A fine-grained token: 22 signs, a stroke, 59 signs."""
    return f"github_pat_{some(rng, ALNUM, 22)}_{some(rng, ALNUM, 59)}"


TOKENS["GITHUB_TOKEN"] = lambda rng: (
    github_pat(rng)
    if rng.random() < 0.25
    else some(rng, "g", 1) + rng.choice(["hp_", "ho_", "hs_", "hu_", "hr_"]) + some(rng, ALNUM, 36)
)
CONTEXT_SECRETS: dict[str, Maker] = {
    "aws secret": lambda rng: some(rng, ALNUM + "/+", 40),
    "huawei ak": lambda rng: some(rng, UPPER, 20),
    "huawei sk": lambda rng: some(rng, ALNUM, 40),
    "aliyun secret": lambda rng: some(rng, ALNUM, 30),
    "tencent key": lambda rng: some(rng, ALNUM, 32),
    "hex key": lambda rng: some(rng, HEX, 32),
}
