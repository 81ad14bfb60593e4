"""What is personal data and what only looks like it, as tables."""

from __future__ import annotations

import base64
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.detect.patterns import Patterns
from gateway.detect.triggers import Re2
from tests.detect.strategies import FOUND, texts

PATTERNS = Patterns()
FALLBACK = Patterns(make=Re2)


def found(text: str) -> list[tuple[str, str]]:
    return [(span.entity, text[span.start : span.end]) for span in PATTERNS.find(text) if span.score >= 0.5]


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("我的身份证号是11010519491231002X，请核验", "CN_ID_CARD", "11010519491231002X"),
        ("身份证11010519491231002X已核验", "CN_ID_CARD", "11010519491231002X"),
        ("证件号：110105194912310021", "CN_ID_CARD", "110105194912310021"),
        ("老证110105491231002是身份证", "CN_ID_CARD", "110105491231002"),
        ("身份证 110105 19491231 002X 有效", "CN_ID_CARD", "110105 19491231 002X"),
        ("手机13812345678", "CN_MOBILE", "13812345678"),
        ("联通19212345678换号了", "CN_MOBILE", "19212345678"),
        ("+86 138 1234 5678", "CN_MOBILE", "+86 138 1234 5678"),
        ("008613812345678", "CN_MOBILE", "008613812345678"),
        ("座机010-62345678转8001", "CN_LANDLINE", "010-62345678转8001"),
        ("电话0931-4211235", "CN_LANDLINE", "0931-4211235"),
        ("卡号6222021234567890128", "CN_BANK_CARD", "6222021234567890128"),
        ("收款账户6222021234567890129", "CN_BANK_CARD", "6222021234567890129"),
        ("卡号4111111111111111", "CREDIT_CARD", "4111111111111111"),
        ("税号91310000552936878J", "CN_USCC", "91310000552936878J"),
        ("护照E12345678", "CN_PASSPORT", "E12345678"),
        ("港澳通行证C12345678", "CN_HK_MO_PERMIT", "C12345678"),
        ("回乡证H12345678", "CN_HOME_PERMIT", "H12345678"),
        ("车牌京A12345D", "CN_PLATE", "京A12345D"),
        ("军官证军字第2001988号", "CN_MILITARY_ID", "军字第2001988"),
        ("服务器192.168.1.10宕机", "IP_ADDRESS", "192.168.1.10"),
        ("MAC 00-0C-29-CA-E4-66", "MAC_ADDRESS", "00-0C-29-CA-E4-66"),
        ("邮箱zhang@example.com联系我", "EMAIL_ADDRESS", "zhang@example.com"),
        ("发到zhang@example.com", "EMAIL_ADDRESS", "zhang@example.com"),
        ("香港身份证K034169(1)", "HK_ID_CARD", "K034169(1)"),
        ("加我微信：lina2024", "CN_WECHAT", "lina2024"),
        ("QQ 12345678", "CN_QQ", "12345678"),
        ("SSN 078-05-1120", "US_SSN", "078-05-1120"),
        ("call (415) 555-2671", "PHONE_NUMBER", "(415) 555-2671"),
        ("IBAN GB29 NWBK 6016 1331 9268 19", "IBAN_CODE", "GB29 NWBK 6016 1331 9268 19"),
        ("出生日期1990-12-12", "DATE_OF_BIRTH", "1990-12-12"),
        ("https://cafe:deadbeef1@gems.example.com/", "URL_CREDENTIALS", "cafe:deadbeef1"),
        ("密码是abc123", "PASSWORD", "abc123"),
        ("发到 zhang @ example . com 就行", "EMAIL_ADDRESS", "zhang @ example . com"),
        ("护照在我这里，港澳通行证C12345678也在", "CN_HK_MO_PERMIT", "C12345678"),
        ("转给尾号是 6222021234\n567890128 的卡", "CN_BANK_CARD", "6222021234\n567890128"),
        ("请打 13812\n345678 找我", "CN_MOBILE", "13812\n345678"),
        ("看下 02868049653", "CN_LANDLINE", "02868049653"),
        ("1001,13812345678,成都", "CN_MOBILE", "13812345678"),
        ("他QQ号好像是67330994吧", "CN_QQ", "67330994"),
        ("兹证明vxtian_mm8236情况属实", "CN_WECHAT", "tian_mm8236"),
        ("INSERT INTO t (wechat id) VALUES ('sunny552');", "CN_WECHAT", "sunny552"),
        ("the date of birth on file (April 26, 1994) seems outdated", "DATE_OF_BIRTH", "April 26, 1994"),
        ('const x = "1952.08.24"; // date of birth', "DATE_OF_BIRTH", "1952.08.24"),
        ('const x = "P349-119-85-922-0"; // driver license number', "US_DRIVER_LICENSE", "P349-119-85-922-0"),
        ('{"social security": "002-81-5920"}', "US_SSN", "002-81-5920"),
        ('"NHS number":"009 842 5129"', "UK_NHS", "009 842 5129"),
        ("bank account | 8005392379 |", "BANK_ACCOUNT", "8005392379"),
        ("IBANBE29245224337891，谢谢", "IBAN_CODE", "BE29245224337891"),
        ("登录IPfe80::3884:6908，谢谢", "IP_ADDRESS", "fe80::3884:6908"),
        ("AKIA" + "QWERTYUIOPASDF23", "AWS_ACCESS_KEY", "AKIA" + "QWERTYUIOPASDF23"),
        ("ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8", "GITHUB_TOKEN", "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"),
    ],
)
def test_it_is_found(text: str, entity: str, value: str) -> None:
    names = dict(found(text))
    covering = [word for word in names.values() if value in word]
    assert entity in names, names
    assert covering, names


@pytest.mark.parametrize(
    "text",
    [
        "订单号20231115123456789012",
        "时间戳1699999999999",
        "流水号13812345678901",
        "版本3.11.7.2，章节1.2.3.4",
        "金额13,812,345,678.00",
        "小数0.13812345678",
        "雪花1724567890123456789",
        "运单SF1234567890123",
        "400-800-8820，10086，95588",
        "ISBN 978-7-115-54608-1",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "41E3DAF5-6E37-4BCC-9F8E-0D9521E2AA8D",
        "a[1::2] std::vector 12:34:56",
        "git@github.com:org/repo",
        "table = (0x17500000176, 0x13500000136)",
        "@property",
        "G1868次，sz000858",
        "QQ音乐，微信支付，京A牌照",
        "GB 11643-1999",
        "3.14159265358979323846264338327950288419716939937510",
        "8080/9090，税率13%",
        "GPT-4o、DeepSeek-R1-0528",
        "localhost 127.0.0.1 0.0.0.0",
        "编号A4111111111111111",
        "password = getpass()",
        "api_key: str | None = None",
        "token=<YOUR_TOKEN>",
        "AKIAXXXXXXXXXXXXXXXX",
        "phone since 12-2-1795",
        "22256.1,14776889986,93.3",
        "see @john and . then",
        "共 13812\n345678 2",
        "<CN_MOBILE> <EMAIL_ADDRESS> <CN_ID_CARD_ab23cd>",
    ],
)
def test_it_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("written", "how"),
    [
        ("身份证１１０１０５１９４９１２３１００２Ｘ", "full width"),
        ("手机1 3 8 1 2 3 4 5 6 7 8", "spaced"),
        ("138\u200b1234\u200b5678", "zero width"),
        ("一三八一二三四五六七八", "Chinese numerals"),
        ("①③⑧①②③④⑤⑥⑦⑧", "circled"),
        ("京Ａ·１２３４５", "full-width plate"),
        ("zhang(at)example.com", "(at)"),
        ("zhang [at] example [dot] com", "[at] [dot]"),
        ("zhang＠example.com", "full-width at"),
        (r"\u0031\u0033\u0038\u0031\u0032\u0033\u0034\u0035\u0036\u0037\u0038", "JSON escapes"),
        ("%31%33%38%31%32%33%34%35%36%37%38", "URL escapes"),
        ("&#49;&#51;&#56;&#49;2345678", "HTML entities"),
        ("bWFpbCBtZSBhdCB6aGFuZ0BleGFtcGxlLmNvbSBwbGVhc2U=", "base64"),
        ("138l2345O78", "letters for digits"),
    ],
)
def test_another_spelling_hides_nothing(written: str, how: str) -> None:
    assert len(found(written)) == 1, how


@pytest.mark.parametrize("lead", ["", "x", "今天的会议讨论了产品计划。" * 40])
def test_long_base64_hides_nothing_either(lead: str) -> None:
    note = f"{lead}请把合同寄给我，手机号13812345678，谢谢。" + "以下是正文，没有别的内容。" * 60
    coded = base64.b64encode(note.encode()).decode()
    left = coded
    for span in reversed(PATTERNS.find(coded)):
        left = left[: span.start] + left[span.end :]
    assert left != coded
    assert "MTM4MTIzNDU2Nz" not in left  # its alignment here is one of three
    assert b"13812345678" not in base64.b64decode(left + "=" * (-len(left) % 4), validate=False)


def test_a_private_key_is_one_find_to_its_last_line() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"
    assert found(f"a1234{key} b") == [("PRIVATE_KEY", key)]


def test_a_private_key_without_an_end_takes_all_there_is() -> None:
    assert found("x -----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN 13812345678")[0][1].endswith("13812345678")


@settings(max_examples=200, deadline=None)
@given(texts())
def test_the_fallback_engine_finds_the_same(text: str) -> None:
    assert FALLBACK.find(text) == PATTERNS.find(text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    spans = PATTERNS.find(text)
    assert all(0 <= one.start < one.end <= len(text) for one in spans)
    assert all(left.end <= right.start for left, right in pairwise(spans))


@pytest.mark.parametrize("sample", FOUND)
def test_what_is_replaced_is_not_found_again(sample: str) -> None:
    text = f"a {sample} b"
    for span in reversed(PATTERNS.find(text)):
        text = f"{text[: span.start]}<{span.entity}>{text[span.end :]}"
    assert PATTERNS.find(text) == []
