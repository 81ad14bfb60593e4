"""People whom words announce: 姓名：…, …先生, Mr …, "my name is …". Rules alone, no model; cheap enough for every text."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate

from gateway.detect.names.addresses import ANCHORS, CUES, HEADS, addresses
from gateway.detect.names.surnames import SURNAME
from gateway.detect.span import Span
from gateway.detect.triggers import Engine, Trigger, engine

TITLE = "先生|女士|小姐|太太|老师|教授|医生|大夫|护士|经理|总监|主任|同学|师傅|局长|书记|院长|校长|律师|博士|董事长|总裁|部长|处长|科长|队长|主席|总统|警官|法官|会计|助理|工程师|同志"
TITLES = re.compile(rf"(?:{TITLE})$")
_H = r"[\u4e00-\u9fff]"
SURNAME_ALONE = 0.45  # 王经理: one of a hundred million; below the threshold unless policy lowers it
_AFTER = (
    "的在是已和与及从到来去说住有现于为将被把向对叫要会能可请让给等男女岁曾也都就同即因由其此该系电手身出先女联地性，"
)
_WORDS = "和应解时向于成高严安平全方明文常易毕单有温"  # surnames that begin words as well: not without a colon
LISTED = re.compile(rf"{SURNAME}(?:(?![{_AFTER}]){_H}){{1,5}}")
_CUE = r"(?:姓名|联系人|收件人|收货人|寄件人|患者|客户|户名|法人代表|法定代表人|法人|经办人|申请人|被保险人|投保人|受益人|持卡人|乘客|旅客|员工|病人|家属|业主|租户|房东|借款人|担保人|签收人|负责人|当事人|原告|被告|嫌疑人|候选人|应聘者|学生|家长|我叫|名叫|我是|本人|名字是|名字叫|叫做|联系|(?:[Nn]ame|contact|owner|user)\"[:：] ?)"
_BY_CUE = re.compile(
    rf"(?<!企){_CUE}(?:姓名)?(?:(?:是|为|叫|[：:\s])\s?[\"“]?|(?![{_WORDS}]))(?P<name>{SURNAME}(?:{_H}[{_AFTER}](?!{_H})|(?:(?![{_AFTER}]){_H}){{1,2}}))(?!{_H}*公司)"
)
_BY_TITLE = re.compile(
    rf"(?<!{_H})(?P<name>{SURNAME}(?:(?![{_AFTER}]){_H}){{0,2}}?)(?:{TITLE})|(?<=[请找问给和与是由跟向让见])(?P<name2>{SURNAME}(?:(?![{_AFTER}]){_H}){{0,2}}?)(?:{TITLE})"
)
_NO_NAME = re.compile(r"[部局院厅委司]$|蒙古|黄埔|国家")  # 文化部部长, 蒙古总统
_CAP = r"(?:[A-Z]['’])?[A-ZÀ-ÖØ-Þ][a-zà-ÿ]+(?:[-'’][A-Z]?[a-zà-ÿ]+){0,2}"
_NAME = rf"(?:{_CAP}|[A-Z]\.|[A-Z][a-z]?[A-Z][a-z]+)(?:[ ](?:{_CAP}|[A-Z]\.|(?:van|von|de|da|del|der|den|al|bin|ibn|la|le)(?=[ ][A-Z]))){{0,3}}"
_ENGLISH = re.compile(
    rf"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Madam|Mister|Professor|Doctor)\.?[ ](?P<a>{_NAME})"
    rf"|\b(?:[Mm]y name is|[Nn]ame[:：][ ]?|[Tt]his is|[Dd]ear(?! (?:Mr|Mrs|Ms|Dr|Prof|Miss))|[Ss]incerely,\s{{1,2}}|[Rr]egards,\s{{1,2}}|[Ss]igned(?: by)?[:,]?[ ]|[Cc]ontact[:]?[ ])[ ]?(?P<b>{_CAP}(?:[ ](?:{_CAP}|[A-Z]\.)){{0,2}})"
)
_NOBODY = frozenset(
    [
        "Sir",
        "Madam",
        "Customer",
        "Team",
        "All",
        "Customers",
        "Friends",
        "Friend",
        "Colleague",
        "Colleagues",
        "Support",
        "Us",
        "Sales",
        "Service",
        "The",
        "This",
        "That",
        "Our",
        "Your",
        "My",
        "It",
        "Hr",
        "God",
        "Lord",
        "Santa",
        "Everyone",
        "User",
        "Users",
        "Reader",
        "Readers",
        "Member",
        "Members",
        "Hiring",
        "Manager",
        "Committee",
    ]
)


def cued(text: str) -> Iterator[Span]:
    """People whom a word before them announces."""
    for found in _BY_CUE.finditer(text):
        low, high = found.span("name")
        yield Span(low, _trimmed(text, low, high), "PERSON", 0.75, "name_cue")


def titled(text: str) -> Iterator[Span]:
    """People whom a title follows."""
    for found in _BY_TITLE.finditer(text):
        low, high = found.span("name" if found["name"] else "name2")
        if _NO_NAME.search(text, low, high):
            continue
        yield Span(low, high, "PERSON", 0.65 if high - low > 1 else SURNAME_ALONE, "name_title")


def introduced(text: str) -> Iterator[Span]:
    """People whom English words announce."""
    for found in _ENGLISH.finditer(text):
        low, high = found.span("a" if found["a"] else "b")
        if text[low:high].split()[0] not in _NOBODY:
            yield Span(low, high, "PERSON", 0.7, "name_title")


def _trimmed(text: str, low: int, high: int) -> int:
    return high - 1 if text[high - 1] in _AFTER and high - low > 2 else high


_BORN = r"(?:出生|生日|生于|诞生)"
_BIRTH = re.compile(_BORN + r"[^0-9]{0,8}(?P<day>(?:19|20)[0-9]{2}年[01]?[0-9]月(?:[0-3]?[0-9][日号])?)")


def births(text: str) -> Iterator[Span]:
    """Dates of birth written with Han signs; with hyphens they are the patterns' matter."""
    for found in _BIRTH.finditer(text):
        yield Span(*found.span("day"), "DATE_OF_BIRTH", 0.75, "birth_cue")


# Who looks, and what must stand in a text for them to find anything: in most texts nothing does.
_SEEKERS: tuple[tuple[Callable[[str], Iterator[Span]], str], ...] = (
    (cued, _CUE),
    (titled, rf"(?:{TITLE})"),
    (
        introduced,
        r"(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Madam|Mister|Professor|Doctor)\.?[ ][A-Z]"
        r"|(?:y name is|ame[:：]|his is|ear|incerely,|egards,|igned(?: by)?[:,]?|ontact:?)\s{0,3}[A-Z]",
    ),
    (addresses, rf"(?:{HEADS}|{CUES}|{ANCHORS})"),
    (births, _BORN),
)


def find(text: str) -> list[Span]:
    """People, addresses and dates of birth, by rules."""
    return [span for seek, _ in _SEEKERS for span in seek(text)]


def may_find(text: str) -> bool:
    """Does anything stand in the text that a rule begins with?"""
    return bool(_scan().events(text))


def find_each(texts: Sequence[str]) -> list[list[Span]]:
    """As `find` on each text, at a fraction of the cost: one scan tells who need look at which."""
    wanted = [0] * len(texts)
    ends = list(accumulate(len(text) + 1 for text in texts))
    for place, families in _scan().events("\n".join(texts)):
        wanted[bisect_left(ends, place)] |= families
    return [
        [span for bit, (seek, _) in enumerate(_SEEKERS) if families >> bit & 1 for span in seek(text)]
        for text, families in zip(texts, wanted, strict=True)
    ]


@lru_cache(maxsize=1)
def _scan() -> Engine:
    return engine([Trigger(pattern, 1 << bit) for bit, (_, pattern) in enumerate(_SEEKERS)])
