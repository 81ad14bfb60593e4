"""Words that tell what the number beside them is. Which numbers need such a word is decided where they are recognised.

A cue is looked for in a window before a candidate, nearest first, and in a short one after it.
"""

from __future__ import annotations

import re

BEFORE = 28  # code points: "证件类型：居民身份证，证件号码为 " is 20
AFTER = 10  # code points: " 是我的手机号" is 7; a stream waits for them only where a candidate needs a cue

_WORDS = {
    "CN_ID_CARD": r"身份证|身份號|身份号|证件号|證件號|证号|證號|公民身份|社会保障号|社保卡?号|社会保障卡|医保号|居住证|驾驶证|驾照|驾证|id\s*card|id\s*(?:no|num)|identity|national\s*id|身份识别|社保|户口|实名",
    "CARD": r"卡号|卡號|银行卡|銀行卡|信用卡|借记卡|储蓄卡|账号|账户|帐号|帐户|賬號|户头|开户|收款|付款|转账|汇款|打款|还款|绑卡|工资卡|card|account|acct|a/c|visa|master\s*card|amex|unionpay|银联|尾号|iban|debit|credit|pan\b|cc\b|工行|农行|建行|中行|招行|交行|[工农建招交商]商?银行",
    "PHONE": r"手机|电话|電話|手機|联系方式|联系人|联络|致电|拨打|来电|热线|座机|固话|传真|号码|短信|微信|whatsapp|mobile|phone|tel\b|tel[.:：]|call|fax|cell|contact|dial|reach|text\s+me|ring|sms|number|line|extension",
    "PASSPORT": r"护照|護照|passport|旅行证件|travel\s*document|证件号|證件號|证件|出境|签证|visa",
    "PERMIT": r"通行证|通行證|回乡证|回鄉證|台胞证|台胞證|港澳|来往|往来|證件|证件|permit|入台",
    "MILITARY": r"军官证|士兵证|军人|警官证|文职|士官",
    "QQ": r"(?:qq|扣扣|企鹅|q\s*q|ＱＱ)\s*(?:号码?|账号|帐号|群|number|no\.?|id)?\s*[:：=是为]*\s*$",
    "IP": r"\bip|ipv[46]|地址|服务器|主机|节点|host|addr|server|ping|ssh|gateway|网关|网段|内网|外网|公网|dns|proxy|客户端|client|login|登录|访问|from\b|route|subnet|listen|://|@$",
    "SSN": r"ssn|social\s*security|社安号",
    "IMEI": r"imei|meid|设备号|串号",
    "IBAN": r"iban|bank|account|账号|帐号|账户",
    "ORG": r"组织机构代码|机构代码|organi[sz]ation\s*code",
    "REGISTRATION": r"注册号|营业执照|工商",
    "BIRTH": r"出生|生日|生于|诞生|born|birth|dob\b",
    "POSTCODE": r"邮编|邮政编码|postcode|postal\s*code|zip",
    "SOCIAL": r"社保|社会保障|医保",
    "VIN": r"\bvin\b|车架号|车辆识别|底盘号",
    "TAX": r"税号|纳税人|税务登记|tax",
    "PLATE": r"车牌|牌照|号牌|license\s*plate|plate",
    "HK_ID": r"香港|hkid|身份证|身份證|澳门|澳門|identity|id\b",
}
_NOT = {
    "CARD": r"订单|流水|运单|快递|单号|编号|序列|条码|条形码|imei|isbn|order|invoice|tracking|serial|timestamp|时间戳|trace|session|request|交易号|批次|sku|ean|barcode|snowflake|雪花|主键|物流|产品|型号",
    "PHONE": r"订单|流水|运单|快递|单号|编号|序列|条码|imei|isbn|order|invoice|tracking|serial|timestamp|时间戳|版本|version|客服|热线|sku|ean",
    "IP": r"版本|version|release|章|节|section|chapter|\bv$|[\s(]v$|第|条|升级|build|revision|python|java|kernel|内核|固件|firmware|oid|clause|figure|table|图|表",
}
CUES = {name: re.compile(words, re.IGNORECASE) for name, words in _WORDS.items()}
CONTRARY = {name: re.compile(rf"(?:{words})[^0-9]{{0,8}}$", re.IGNORECASE) for name, words in _NOT.items()}


def before(text: str, at: int, name: str, reach: int = BEFORE) -> bool:
    """Does a cue stand in the window before `at`?"""
    return CUES[name].search(text, max(0, at - reach), at) is not None


def after(text: str, at: int, name: str) -> bool:
    """Does a cue stand in the short window after `at`?"""
    return CUES[name].search(text, at, at + AFTER) is not None


def contrary(text: str, at: int, name: str) -> bool:
    """Does a word right before `at` say that the number is something else?"""
    low = max(0, at - BEFORE)
    return CONTRARY[name].search(text[low:at]) is not None
