"""Names in Latin letters as Chinese would write them, roughly: syllable by syllable. Which names is not decided here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_VOWELS = "a e i o u ai ei ao an en in ang ong un".split()  # noqa: SIM905
# How syllables of foreign names are commonly written, one row a consonant and one sign a vowel of `_VOWELS`.
_SYLLABLES = {
    "b": "巴贝比博布拜贝鲍班本宾邦邦本",
    "p": "帕佩皮波普派佩保潘彭平庞蓬潘",
    "d": "达德迪多杜戴戴道丹登丁当东邓",
    "t": "塔特蒂托图泰泰陶坦滕廷唐通敦",
    "g": "加盖吉戈古盖盖高甘根金冈贡冈",
    "k": "卡凯基科库凯凯考坎肯金康孔昆",
    "v": "瓦韦维沃武韦韦沃万文温旺翁文",
    "f": "法费菲福富法费福凡芬芬方丰丰",
    "z": "扎泽齐佐祖宰泽佐赞曾津藏宗尊",
    "s": "萨塞西索苏赛赛绍桑森辛桑松孙",
    "sh": "沙谢希肖舒夏谢肖尚申欣尚雄顺",
    "j": "贾杰吉乔朱贾杰焦詹詹金章琼准",
    "ch": "查切奇乔丘柴切乔钱陈钦昌琼春",
    "h": "哈赫希霍胡海黑豪汉亨欣杭洪洪",
    "m": "马梅米莫穆迈梅毛曼门明芒蒙蒙",
    "n": "纳内尼诺努奈内瑙南嫩宁南农嫩",
    "l": "拉莱利洛卢莱雷劳兰伦林朗隆伦",
    "r": "拉雷里罗鲁赖雷劳兰伦林朗龙伦",
    "y": "亚耶伊约尤艾耶尧扬延因扬永云",
    "": "阿埃伊奥乌艾埃奥安恩因昂翁翁",
}
_ENDS = {
    **dict(zip("bpdtgkvfzsmnlrjhcqxw", "布普德特格克夫夫兹斯姆恩尔尔奇赫克克斯夫", strict=True)),
    "sh": "什",
    "ch": "奇",
}
_SOUND = re.compile(r"(ch|sh|[bcdfghjklmnpqrstvwxyz])?(ai|ei|ao|[aeiou])(ng(?![aeiou])|n(?![aeiou]))?|(ch|sh|[a-z])")


def spelt(name: str) -> str:
    """A name in Latin letters as Chinese would write it, roughly."""
    plain = unicodedata.normalize("NFD", name.lower()).encode("ascii", "ignore").decode()
    for old, new in (
        ("ph", "f"),
        ("th", "t"),
        ("ck", "k"),
        ("w", "v"),
        ("qu", "ku"),
        ("x", "ks"),
        ("ou", "u"),
        ("oo", "u"),
        ("ee", "i"),
        ("ea", "i"),
        ("y", "i"),
        ("au", "ao"),
        ("ow", "ao"),
        ("ie", "i"),
        ("oi", "o"),
        ("ll", "l"),
        ("ss", "s"),
        ("tt", "t"),
        ("nn", "n"),
        ("rr", "r"),
        ("mm", "m"),
        ("ff", "f"),
        ("pp", "p"),
        ("cc", "k"),
        ("dd", "d"),
        ("bb", "b"),
        ("gg", "g"),
    ):
        plain = plain.replace(old, new)
    plain = re.sub(r"c(?=[ei])", "s", re.sub(r"c(?!h)", "k", re.sub(r"c(?=[ei])", "s", plain)))
    plain = re.sub(r"e$", "", plain) if len(plain) > 3 else plain
    return "".join(_sounds(plain))[:7]


def _sounds(plain: str) -> Iterator[str]:
    for found in _SOUND.finditer(plain):
        head, vowel, nose, alone = found.groups()
        if alone is not None:
            yield _ENDS.get(alone, "")
            continue
        vowel = (
            {"an": "an", "on": "ong", "un": "un", "en": "en", "in": "in"}.get(vowel + nose[:1], vowel)
            if nose
            else vowel
        )
        vowel = {"ang": "ang", "ong": "ong"}.get(found.group(2) + (nose or ""), vowel)
        if vowel not in _VOWELS:
            vowel = vowel[0]
        row = _SYLLABLES.get({"c": "k", "q": "k", "w": "v", "x": "s"}.get(head or "", head or ""), _SYLLABLES[""])
        yield row[_VOWELS.index(vowel)]
