"""Texts for laws: pieces that are found, pieces that nearly are, and what stands between. Draws only; judges nothing."""

from __future__ import annotations

from hypothesis import strategies as st

FOUND = (
    "13812345678",
    "138-1234-5678",
    "+86 138 1234 5678",
    "11010519491231002X",
    "1101 0519 4912 3100 2X",
    "6222021234567890128",
    "4111 1111 1111 1111",
    "zhang@example.com",
    "a.b (at) ex.com",
    "京A12345",
    "京A·1B2C3",
    "军字第2001988号",
    "192.168.1.10/24",
    "fe80::1ff:fe23:4567:890a",
    "aa:bb:cc:dd:ee:ff",
    "password=Abc!23xyz",
    "密码：Abc!23xyz",
    "微信号wxid_abcdef12345",
    "QQ：12345678",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "sk-abcdefGHIJKL1234567890mnop",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END RSA PRIVATE KEY-----",
    "１３８１２３４５６７８",
    "一三八一二三四五六七八",
    "\\u0031\\u0033\\u003812345678",
    "%31%33%3812345678",
    "&#49;&#51;&#56;12345678",
    "bWFpbCBtZSBhdCB6aGFuZ0BleGFtcGxlLmNvbSBwbGVhc2U=",
    "GB29 NWBK 6016 1331 9268 19",
    "https://u:p4ssw0rd@h.com/x",
    "redis://:p4ss!w*rd@cache.acme.cn:6379/0",
    "辽R4288警",
    "陕U FY7879",
    "使154144",
    "WJ京12345",
    "京\u200bＡ\u200b１２３４５",
    "(415) 755-9469 ext. 115",
    "010-67262896转031",
    "一三八，零零一三，八零零零",
    "zhang艾特example.com",
    "电话 13812\n345678",
    "440305198\n503171239",
    "born on March 5th, 1985",
    "出生日期：1990年3月5日",
    "wxid_abcdef1234567",
    "组织机构代码：D2143569-X",
    "澳门身份证 5/123456/7",
    "requirepass Gh7!kLmn0p",
    "120103 20070616 054 x",
    "zhang @ example . com",
    "li.wei  @ example.com",
    "转给尾号是 6222021234\n567890128 的卡",
    "ｇｈｐ＿Ａｂｃｄ１２３４ＥｆｇｈＡｂｃｄ１２３４ＥｆｇｈＡｂｃｄ１２３４Ｅｆｇｈ",
)
BETWEEN = (
    " ", "  ", "\n", "，", "。", ".", ",", "(", ")", "-", "+", "的", "你好世界", "hello", "The ", "\u200b", "\ud800", "😀",
    "护照号", "E12345678", "卡号", "身份证", "-----BEGIN", " PRIVATE KEY-----", " (at) ", "[dot]", "京", "军字", "X", "0.", "1",
    "号", "使", "警", "艾", "艾特", "三八零", "，", " ext", " x", "\n", "12345\n", "WJ", "born on ", "QQ", " @ ", " . ", "com", "; // wechat id", "on file (", "vx",
    "\n姓名,QQ号,微信\n", "\n李晓华,66304624,linxia_ldx\n", "\n| passport | dob |\n", "| 336469205 | 03.04.1990 |\n", '[["qq", "a"], ["66304624", ',
    "x" * 600, "A1b2" * 180, "\\u00", "%3", "&#", "=", "://", "@",
)  # fmt: skip


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Pieces, whole or torn, in any order."""
    pieces = draw(st.lists(st.sampled_from(FOUND + BETWEEN), max_size=10))
    torn = [draw(st.integers(0, 3)) for _ in pieces]
    cuts = [draw(st.integers(0, len(piece))) for piece in pieces]
    return "".join(
        piece[:cut] if how == 1 else piece[cut:] if how == 2 else piece
        for piece, how, cut in zip(pieces, torn, cuts, strict=True)
    )


@st.composite
def cut(draw: st.DrawFn, source: st.SearchStrategy[str]) -> list[str]:
    """A text in pieces that join to it."""
    text = draw(source)
    most = draw(st.sampled_from([1, 3, 17, 700]))
    out: list[str] = []
    at = 0
    while at < len(text):
        size = draw(st.integers(1, most)) if len(out) < 60 else 701
        out.append(text[at : at + size])
        at += size
    return out
