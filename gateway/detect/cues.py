"""Words that tell what the number beside them is. Which numbers need such a word is decided where they are recognised.

A cue is looked for in a window before a candidate, nearest first, and in a short one after it.
"""

from __future__ import annotations

import re

BEFORE = 32  # code points: "证件类型：居民身份证，证件号码为 " is 20
AFTER = 16  # code points: '"; // account no.' is 15; a stream waits for them only where a candidate needs a cue
STOP = re.compile(r"[。！？\n]|[.!?] ")  # a cue behind the end of a sentence speaks of something else

_HAN = {
    "CN_ID_CARD": "身份证|身份證|身份號|身份号|证件号|證件號|证号|證號|公民身份|社会保障号|社保卡?号|社会保障卡|医保号|居住证|驾驶证|驾照|驾证|身份识别|社保|户口|实名|身份信息|身分证",
    "ID_SURE": "身份证|身份證|身份號|身份号|证件号|證件號|证号|證號|公民身份|社会保障号|社保卡?号|社会保障卡|医保号|居住证|驾驶证|驾照|驾证|身份识别|社保|户口|实名|身份信息|身分证",
    "CARD": "卡号|卡號|银行卡|銀行卡|信用卡|借记卡|储蓄卡|账号|账户|帐号|帐户|賬號|户头|开户|收款|付款|转账|汇款|打款|还款|绑卡|工资卡|银联|尾号|卡片|[工农建招交商]商?行|银行",
    "PHONE": "手机|电话|電話|手機|联系方式|联系人|联络|致电|拨打|来电|热线|座机|固话|传真|(?<![\u4e00-\u9fff])号码|[我你他她的机话系真]号码|短信|微信|打给|联系|通话",
    "PASSPORT": "护照|護照|旅行证件|证件号|證件號|证件|出境|签证",
    "PERMIT": "永居|居留|通行证|通行證|回乡证|回鄉證|台胞证|台胞證|港澳|来往|往来|證件|证件|入台|永久居留",
    "RESIDENCE": "永居|居留",
    "ACCOUNT": "账号|账户|帐号|帐户|賬號|户头",
    "IP": "地址|服务器|主机|节点|网关|网段|内网|外网|公网|代理|客户端|登录|访问|来自|路由|子网|监听|设备",
    "SSN": "社安号|社会安全号",
    "IMEI": "设备号|串号",
    "ORG": "组织机构代码|机构代码",
    "REGISTRATION": "注册号|营业执照|工商",
    "BIRTH": "出生|生日|生于|诞生",
    "SOCIAL": "社保|社会保障|医保",
    "VIN": "车架号|车辆识别|底盘号",
    "TAX": "税号|纳税人|税务登记",
    "PLATE": "车牌|牌照|号牌|车号",
    "HK_ID": "香港|身份证|身份證|澳门|澳門",
}
_LATIN = {
    "CN_ID_CARD": r"id\s*card|id\s*(?:no|num)|identity|national\s*id|id\b",
    "ID_SURE": r"id\s*card|id_?card|identity|national\s*id|id\s*(?:no|num)|chinese\s*id",
    "CARD": r"card|account|acct|a/c|visa|master\s*card|mastercard|amex|unionpay|iban|debit|credit|pan\b|cc\b|charge|paid",
    "PHONE": r"whatsapp|mobile|phone|telephone|cellphone|tel\b|call\b|fax|cell\b|contact|dial|reach\b|text\s+me|ring\b|sms|number\s*(?:is|was|at|to|on)?[\s:=\"'(#]*$|hotline|extension|office|answering|registered|messages?\s+(?:to|from|at)|voicemail|desk\b",
    "PASSPORT": r"passport|travel\s*document|visa",
    "PERMIT": r"permit|permanent\s*residen|green\s*card",
    "RESIDENCE": r"permanent\s*residen|green\s*card",
    "ACCOUNT": r"account|acct|a/c",
    "NHS": r"nhs\b",
    "IP": r"ip\b|ip[ _]?addr|ipv[46]|host|addr|server|ping\b|ssh\b|gateway|dns\b|proxy|client|login|from\b|route|subnet|listen",
    "SSN": r"ssn|social\s*security",
    "IMEI": r"imei|meid",
    "ORG": r"organi[sz]ation\s*code",
    "BIRTH": r"born|birth|dob\b|birthday",
    "VIN": r"vin\b|chassis",
    "TAX": r"tax\b|vat\b",
    "PLATE": r"license\s*plate|plate\b",
    "LICENCE": r"driver'?s?\s*licen[cs]e|driving\s*licen[cs]e|licen[cs]e\s*(?:no|number)|dl\s*(?:#|no|num)|dl\b",
    "HK_ID": r"hk\s*id|hong\s*kong|identity|macau",
}
_NOT = {
    "CARD": "订单|流水|运单|快递|单号|编号|序列|条码|条形码|imei|isbn|order|invoice|tracking|serial|timestamp|时间戳|trace|session|request|交易号|批次|sku|ean|barcode|snowflake|雪花|主键|物流|产品|型号|offset|parent|span",
    "PHONE": "订单|流水|运单|快递|单号|编号|序列|发票|条码|imei|isbn|order|invoice|tracking|serial|timestamp|时间戳|版本|version|客服|sku|ean|offset|parent|span|iso|bug|inode|issue|ticket|default|clause|dfars|cve",
    "IP": r"版本|version|release|章|节|section|chapter|\bv(?![a-z])|(?<![0-9.])[0-9]+\.[0-9]+\.[0-9]+ ?(?:→|->)|第|条|升级|build|revision|python|java|kernel|内核|固件|firmware|oid|clause|figure|table|图|表",
}
# Names of machine figures before an equals sign: what follows is no telephone number.
_FIGURES = r"(?:offset|parent|span|trace|ts|time|timestamp|seq|lag|size|bytes|count|total|pid|tid|duration|elapsed|latency|hash|crc|checksum|height|nonce|index|line|row|col|epoch|seed|length|version|rev|revision|commit|resourceversion|tokens|mem|sector|block|inode)(?:_?id)?[\"']?\s?[=:]\s?[\"']?$"
# The same where nothing but a space, or a comparison, stands between.
_UNITS = r"(?:(?<![a-z])(?:sector|block|inode|offset|lba|blk|size|len|length|count|bytes|seq|uptime|cycles|ticks)\s|[<>]=?\s?|\}\s)$"
_QQ = (
    r"(?:(?<![a-z])q\s?q|扣扣|企鹅|ｑｑ)(?:号码|号|账号|帐号|群|number|no\.?|id)?"
    r"(?:[\s:：=|\"'`<>/*\-\]\[)）(（】」”,，\\]|是|为|就|给你|给|更新|改成|好像|可能|应该|必填|required|on file|on record|is|was|to|values|td|th)*$"
)
# Every alternative begins with a letter or a sign, so that the search jumps from one such to the next.
_SAID_HAN = {name: re.compile(words) for name, words in _HAN.items()}
_SAID_LATIN = {name: re.compile(words) for name, words in _LATIN.items()}
_QQ_SAID = re.compile(_QQ)
_IP_SAID = re.compile("://|@$")


def said(name: str, window: str) -> bool:
    """Does a window of text, in lower case, hold a word that announces what is called `name`?"""
    if name == "QQ":
        return _QQ_SAID.search(window) is not None
    han = _SAID_HAN.get(name)
    if han is not None and not window.isascii() and han.search(window) is not None:
        return True
    latin = _SAID_LATIN.get(name)
    if latin is not None and _LETTER.search(window) is not None and _word(latin, window):
        return True
    return name == "IP" and _IP_SAID.search(window) is not None


def last(name: str, window: str) -> int:
    """Where the last word in a window begins that announces what is called `name`; -1 where none does."""
    words = (_SAID_HAN.get(name), _SAID_LATIN.get(name))
    return max((found.start() for one in words if one for found in one.finditer(window)), default=-1)


def _word(words: re.Pattern[str], window: str) -> bool:
    """Is one of the words there, and not only as the tail of another?"""
    found = words.search(window)
    while found is not None:
        at = found.start()
        if at == 0 or not ("a" <= window[at - 1] <= "z" or "0" <= window[at - 1] <= "9"):
            return True
        found = words.search(window, at + 1)
    return False


_LETTER = re.compile("[a-z]")
CONTRARY = {name: re.compile(rf"(?:{words})[^0-9]{{0,8}}$") for name, words in _NOT.items()}
# What programs write between a value and the comment behind it.
COMMENT = re.compile(r"[\"'`]?[);,]{0,2}[ \t]{0,4}(?://|#|--|/\*)[ ]?")
_FIGURE = re.compile(_FIGURES)
_UNIT = re.compile(_UNITS)


def figure(text: str, at: int) -> bool:
    """Does the name of a machine's figure stand before `at`, as in `offset=`?"""
    if text[max(0, at - 1) : at].isspace() and _UNIT.search(text[max(0, at - 12) : at].lower()):
        return True
    if not text[max(0, at - 3) : at].strip(" \"'").endswith(("=", ":")):
        return False
    return _FIGURE.search(text[max(0, at - BEFORE) : at].lower()) is not None
