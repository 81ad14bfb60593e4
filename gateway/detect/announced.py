"""What only the words before it tell: passwords, names in messengers, birthdays. The words are triggers; shapes of keys are `secrets`.

An announcement is a word and a joint: what people, forms, tables and programs write between a word and its value. The value
begins where the joint ends, and belongs to that place's run, however it is written.
"""

from __future__ import annotations

import re

from gateway.detect import secrets
from gateway.detect import validators as valid
from gateway.detect.span import Span
from gateway.detect.view import View

# Shorter than the context that streams keep (64 code points), the word included.
_SIGNS = r"[ \t\"'`:=：＝|*>\])）】」”\-]"
JOINT = (
    rf"(?:{_SIGNS}|是|为|為|就是|is |was |更新|改|设|给|你|成|好像|应该|to |->|=>){{0,5}}"
    rf"(?:</t[dh]><t[dh]>|（必填）|\(required\)|（选填）)?(?:{_SIGNS}|是|为|is ){{0,3}}"
)
_WORDS = (
    "password|passwd|passphrase|pwd|secret|api[_\\-]?key|access[_\\-]?key|secret[_\\-]?key|access[_\\-]?token|auth[_\\-]?token"
    "|private[_\\-]?key|client[_\\-]?secret|app[_\\-]?secret|token"
)
PASSWORDS = (
    rf"(?:{_WORDS})[A-Za-z_]{{0,12}}[\"'`]?(?:[ \t]{{0,2}}(?:[:=：]|=>)[ \t]{{0,2}}|[ ]is[ ]{{1,2}})[\"'`]?",
    rf"(?:{_WORDS})[\"'`]?[ ]{{0,2}}\|[ ]{{0,2}}[\"'`]?",
    r"(?:^|[^A-Za-z])pass(?:code)?[\"'`]?[ ]?[:=：][ ]?[\"'`]?",
    r"[._\-](?:sk|ak)[\"'`]?[ ]?[:=][ ]?[\"'`]?",
    rf"<(?:{_WORDS}|pass)>|<td>(?:{_WORDS})</td>[ ]?<td>",
    r"(?:^|[ ])--(?:password|passwd|pass|token|secret|api-key)[ =][\"']?",
    r"(?:requirepass|masterauth|ldap_bind_pw|bindpw)[ ]{1,3}[\"']?",
    r"(?:identified by|with password|set password =)[ ][\"']",
    r"(?:mysql|mysqldump|mysqladmin|mariadb|sshpass|redis-cli)[ ][^\n]{0,24}-[pa][ ]?[\"']?",
    r"(?:^|[^A-Za-z])(?:env|arg|setenv|setx)[ ][A-Za-z_]{0,24}(?:password|passwd|secret|token|_key)[ ][\"']?",
    r"(?:authorization|[a-z\-]{0,16}(?:api-?key|token))[\"']?\s?:\s?[\"']?(?:(?:bearer|basic|token|api-token)\s)?",
)
PASSWORDS_HAN = r"(?:密码|密碼|口令|密钥|秘钥|密匙|令牌|验证码|校验码|动态码|支付密码|登录密码)" + JOINT
BASIC = r"[ ](?:-u|--user)[ =]{1,2}[\"']?[A-Za-z0-9._@\-]{1,40}:"  # curl -u name:password
IN_URL = r"://[^ /@:\"']{0,40}:[^ /@:0-9]"  # a password may have signs that no run has
IN_URL_DIGIT = r"://[^ /@:\"']{0,40}:[0-9]{1,6}[^ /@:0-9,\"')\]}>?#]"
# Behind the joint: what records and databases write between a word and its value.
_FILED = r"(?:on (?:file|record)[ ]?[（(]?|[)）]?[ ]?values[ ]?[（(][\"']?)?"
CHATS = (
    r"(?:微信|威信|v信|薇信|加v)[ ]?(?:号码|号|號|账号|id)?" + JOINT,
    rf"(?:^|[^A-Za-z0-9+/_])(?:vx|wx|wechat|weixin)[ ]?(?:号码|号|號|账号|id)?(?:{_SIGNS}|是|为|给|更新|改|好像|应该|[（(]|</t[dh]><t[dh]>)"
    + JOINT
    + _FILED,
    r"[^\x00-\x7f][vw]x",  # no joint at all, behind Han
    r"^[vw]x",
)
BIRTHS = (
    r"(?:出生日期|出生年月日|出生年月|出生于|出生|生日|生于)" + JOINT,
    r"(?:^|[^A-Za-z])(?:dob|d\.o\.b\.|date of birth|birth[ _\-]?da(?:te|y)|date_of_birth|birthday|born(?: on)?)"
    + JOINT
    + _FILED,
)
PAPERS = (r"机构代码(?:证)?(?:号码|号)?" + JOINT, r"organi[sz]ation code" + JOINT)

# Shorter than what two windows of a long run share, so that no window's edge cuts a value that counts.
_VALUE = re.compile(r"(?![:：=])[^\s\"'`，。；、！？（）<>《》「」“”【】,;|\u3400-\u9fff]{0,184}")
_URL_VALUE = re.compile(r"[^\s\"'`<>，。；、（）\u3400-\u9fff]{0,128}@?")
_DATE_REACH = re.compile(r"[A-Za-z0-9０-９年月日〇零一二三四五六七八九十./\-, ]{0,24}")
_CHAT = re.compile(r"(?:wxid_[a-z0-9]{10,24}|[A-Za-z][A-Za-z0-9_\-]{5,19})(?![A-Za-z0-9_\-@(=]|\.[A-Za-z0-9])")
_CODE = re.compile(
    r"[(){}\[\]]|^(?:None|null|true|false|self\.|os\.|process\.|env\.|config\.|str|string|bytes|int|undefined|https?:|[a-z_]\w*(?:\.[a-z_]+)+$|[a-z_]+$|[$%<{*@]|\\f)",
    re.IGNORECASE,
)
_OTHER = re.compile(r"[0-9]|[^A-Za-z0-9_.\-]")
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_UNSPOKEN = re.compile(r"^[^aeiouy]+$|[^aeiouyAEIOUY]{4}")
_WEAK = re.compile(r"(?:pass|(?:[._\-](?:sk|ak)))[\"'`]?[ ]?[:=：][ ]?[\"'`]?$", re.IGNORECASE)
_WORDY = re.compile(
    r"[A-Za-z_\-\\:]+$|.*\\f[BIPR]|[~./]{0,2}[a-z_.\-]+(?:/[a-z_.\-]+)+(?::[a-z]+)?$"
)  # words put together, a path
_WITH_FIGURES = re.compile(r"pass|pwd|pin\b|密|口令|码|碼", re.IGNORECASE)  # counts of tokens are figures too
_WEAK_VALUE = re.compile(
    r"(?=.*[0-9!~*^%&])(?=.*[A-Za-z])(?=.*[A-Z!~*^%&_]|.{10})(?:[^/.()]{7,}|[A-Za-z0-9+/]{30,}=*)$"
)
_BARE_CHAT = re.compile(r"(?:wx|vx)[^A-Za-z]*$|[微威薇v]信(?:号码|号|账号)?[ ]?$", re.IGNORECASE)
_TELLING = re.compile(r"[0-9_\-]")
_NOT_IDS = frozenset(
    {
        "wechat",
        "weixin",
        "number",
        "account",
        "android",
        "iphone",
        "windows",
        "service",
        "mini-program",
        "message",
        "payment",
        "official",
        "required",
        "public",
        "platform",
        "program",
        "article",
        "articles",
        "developer",
        "developers",
        "channel",
        "channels",
        "enterprise",
        "server",
        "client",
        "values",
    }
)
_NOT_SECRETS = frozenset({"password", "required", "optional", "username:password", "user:pass", "xxx:yyy", "changeme1"})
_MONTH = r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
_NUM = "[〇零一二三四五六七八九十]"
_BIRTH = re.compile(
    r"(?P<y>[12][0-9]{3})(?:[\-/.年 ]{1,2})(?P<m>[01]?[0-9])(?:[\-/.月 ]{1,2})(?P<d>[0-3]?[0-9])日?(?![0-9])"
    r"|(?P<all>(?:19|20)[0-9]{6})(?![0-9])|(?:19|20)[0-9]{2}年[01]?[0-9]月"
    r"|[0-3]?[0-9][\-/. ][0-3]?[0-9][\-/. ](?:(?:19|20)[0-9]{2}|[0-9]{2})(?![0-9])"
    rf"|[0-3]?[0-9](?:st|nd|rd|th)?[ \-.]{{0,2}}(?:of )?{_MONTH}[.,]{{0,2}}[ \-]?(?:(?:19|20)[0-9]{{2}}|[0-9]{{2}})(?![0-9])"
    rf"|{_MONTH}\.?[ \-][0-3]?[0-9](?:st|nd|rd|th)?,?[ \-]?(?:19|20)[0-9]{{2}}(?![0-9])"
    rf"|{_NUM}{{4}}年{_NUM}{{1,2}}月{_NUM}{{1,3}}日",
    re.IGNORECASE,
)
_WIDE = {0xFF10 + at: str(at) for at in range(10)}


def value_end(text: str, start: int) -> int:
    """Where an announced value that begins at `start` may reach."""
    found = _VALUE.match(text, start)
    return found.end() if found else start


def url_end(text: str, start: int) -> int:
    """Where a password in a URL may reach, which signs that no run has may be part of."""
    found = _URL_VALUE.match(text, start)
    return found.end() if found else start


def birth_end(text: str, start: int) -> int:
    """Where a date may reach: its parts stand apart."""
    found = _DATE_REACH.match(text, start)
    return found.end() if found else start


def chat(view: View, place: int) -> Span | None:
    """A name in a messenger; a word alone is none behind words that often stand before others."""
    raw = view.raw
    found = _CHAT.match(raw, place)
    if found is None or found.group().lower() in _NOT_IDS:
        return None
    if _BARE_CHAT.search(raw, max(0, place - 12), place) and _TELLING.search(found.group()) is None:
        return None
    return Span(place, found.end(), "CN_WECHAT", 0.8, "wechat_cue")


def birth(view: View, place: int) -> Span | None:
    """A date of birth, in the spellings of forms, letters and both sides of the Atlantic."""
    text = view.raw[place : birth_end(view.raw, place)].translate(_WIDE)
    found = _BIRTH.match(text)
    if found is None:
        return None
    if found["y"] and not valid.date(int(found["y"]), int(found["m"]), int(found["d"])):
        return None
    if (day := found["all"]) and not valid.date(int(day[:4]), int(day[4:6]), int(day[6:])):
        return None
    return Span(place, place + found.end(), "DATE_OF_BIRTH", 0.75, "birth_told")


def password(view: View, place: int) -> Span | None:
    """The value announced at a place of the raw text, if it looks like one."""
    raw = view.raw
    end = value_end(raw, place)
    value = raw[place:end].rstrip(".\\)]}:&")
    if not _secret(value, view.head(place) or raw[max(0, place - 24) : place]):
        return None
    return Span(place, place + len(value), "PASSWORD", 0.8, "announced", "secret")


def _secret(value: str, before: str) -> bool:
    han = re.search(r"[\u3400-\u9fff]", before) is not None
    bare = before[-1:] in "码碼令钥匙牌"  # nothing stands between the word and the value
    if (
        len(value) < (4 if han and not bare else 6)
        or secrets.PLACEHOLDER.search(value)
        or value.lower() in _NOT_SECRETS
    ):
        return False
    if _WEAK.search(before) and _WEAK_VALUE.match(value) is None:
        return False
    if value.replace(".", "").replace(",", "").isdigit() and _WITH_FIGURES.search(before) is None:
        return False
    if scrambled(value):
        return True
    if not han and _WORDY.match(value):
        return False
    if han:
        return _CODE.match(value) is None or re.fullmatch(r"[a-z]{6,}", value) is not None
    return _CODE.search(value) is None and _OTHER.search(value) is not None and len(set(value)) >= 4


def scrambled(value: str) -> bool:
    """Letters that are no word of a language nor words put together: the humps of fooBarBaz are three letters long or more."""
    letters = value.replace("_", "")
    if len(letters) < 8 or not letters.isalpha() or not letters.isascii():
        return False
    humps = _HUMP.findall(letters)
    odd = sum(len(hump) < 3 or _UNSPOKEN.search(hump) is not None for hump in humps)
    return len(letters) / len(humps) < 2.7 or (len(humps) >= 3 and odd * 2 >= len(humps))
