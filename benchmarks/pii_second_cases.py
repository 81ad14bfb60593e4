"""Sentences around the values of the second benchmark, disguises, and near misses. Draws cases; measures nothing.

A case is a text and what must be found in it. Registers: chat, form, log, JSON, CSV, code, e-mail, contract, table, speech.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from benchmarks import pii_second_abroad as abroad
from benchmarks import pii_second_values as values
from benchmarks.pii_second_values import Maker


@dataclass(frozen=True, slots=True)
class Case:
    """`start` and `end` are code points of `value` in `text`; start = -1: nothing is there to be found."""

    group: str
    entity: str
    register: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Kind:
    """How an entity is drawn and spoken of. `bare`: it shows what it is without a word beside it."""

    entity: str
    make: Maker
    zh: tuple[str, ...]
    en: tuple[str, ...] = ()
    bare: bool = True


def _(words: str) -> tuple[str, ...]:
    return tuple(words.split("|"))


CHINA = [
    Kind(
        "CN_ID_CARD",
        values.cn_id,
        _("身份证号|身份证号码|居民身份证|证件号码|身份证|公民身份号码|身份證號碼"),
        _("ID number|Chinese ID|id_card|ID card no.|idcard"),
    ),
    Kind("CN_ID_CARD", values.cn_id_grouped, _("身份证号|证件号码|身份证"), _("ID card")),
    Kind(
        "CN_ID_CARD",
        values.cn_id_old,
        _("身份证号|老身份证号码|身份证|一代身份证"),
        _(
            "ID card number",
        ),
        False,
    ),
    Kind(
        "CN_MOBILE",
        values.cn_mobile,
        _("手机号|电话|联系电话|手机|联系方式|手机号码|移动电话"),
        _("mobile|phone|cell|Tel"),
    ),
    Kind("CN_LANDLINE", values.cn_landline, _("电话|座机|办公电话|固定电话|传真|联系电话"), _("Tel|phone|office|fax")),
    Kind(
        "CN_BANK_CARD",
        values.cn_card,
        _("银行卡号|卡号|收款账号|工资卡|账号|储蓄卡|打款账户"),
        _("card number|bank card|card no."),
    ),
    Kind(
        "CN_USCC",
        values.uscc,
        _("统一社会信用代码|信用代码|税号|纳税人识别号|社会信用代码"),
        _("USCC|tax no.|credit code"),
    ),
    Kind("CN_ORG_CODE", values.org_code, _("组织机构代码|机构代码|组织机构代码证号"), (), False),
    Kind("CN_REGISTRATION", values.registration, _("营业执照注册号|工商注册号|注册号"), (), False),
    Kind(
        "CN_PASSPORT",
        values.cn_passport,
        _("护照号|护照号码|护照|因私护照号"),
        _("passport|passport no.|passport number"),
        False,
    ),
    Kind("CN_HK_MO_PERMIT", values.hk_mo_permit, _("港澳通行证|往来港澳通行证号码|通行证号"), (), False),
    Kind("CN_HOME_PERMIT", values.home_permit, _("回乡证|港澳居民来往内地通行证|回乡证号码"), (), False),
    Kind("CN_TW_PERMIT", values.tw_permit, _("台胞证|台胞证号|台湾居民来往大陆通行证"), (), False),
    Kind(
        "CN_RESIDENCE_PERMIT",
        values.residence_permit,
        _("永久居留证|外国人永久居留身份证|永居证号"),
        _(
            "permanent residence card",
        ),
    ),
    Kind("CN_MILITARY_ID", values.military, _("军官证|军官证号|士官证|军人证件号"), ()),
    Kind("CN_PLATE", values.plate, _("车牌|车牌号|号牌|车牌号码|车辆"), _("plate|license plate")),
    Kind("CN_SOCIAL_SECURITY", values.social_security, _("社保卡号|社会保障卡号|社保号|医保卡号"), (), False),
    Kind("CN_WECHAT", values.wechat, _("微信|微信号|加我微信|vx|V信|wx"), _("WeChat|wechat id"), False),
    Kind(
        "CN_QQ",
        values.qq,
        _("QQ|QQ号|扣扣|qq"),
        _(
            "QQ",
        ),
        False,
    ),
    Kind("HK_ID_CARD", values.hk_id, _("香港身份证|香港身份證號碼|身份证"), _("HKID|Hong Kong ID")),
    Kind("MO_ID_CARD", values.mo_id, _("澳门身份证|澳門居民身份證|澳门身份证号"), (), False),
    Kind(
        "TW_ID_CARD",
        values.tw_id,
        _("身分證字號|台湾身份证|身分證"),
        _(
            "Taiwan ID",
        ),
    ),
]
ABROAD = [
    Kind("EMAIL_ADDRESS", abroad.email, _("邮箱|邮件|电子邮箱|E-mail"), _("email|e-mail|mail|contact")),
    Kind("PHONE_NUMBER", abroad.phone_e164, _("电话|联系电话|手机"), _("phone|tel|call|mobile|WhatsApp")),
    Kind("PHONE_NUMBER", abroad.phone_us, (), _("phone|tel|cell|Phone number|call me at")),
    Kind("PHONE_NUMBER", abroad.phone_national, (), _("phone|tel.|Mobile|phone number|telephone"), False),
    Kind(
        "CREDIT_CARD",
        abroad_card := values.credit_card,
        _("信用卡|卡号|信用卡号"),
        _("credit card|card number|card|Visa|cc"),
    ),
    Kind(
        "IBAN_CODE",
        abroad.iban,
        _(
            "IBAN|收款账户",
        ),
        _("IBAN|account|beneficiary account"),
    ),
    Kind("BANK_ACCOUNT", abroad.account, (), _("account number|bank account|acct no.|account no."), False),
    Kind("IP_ADDRESS", abroad.ip, _("服务器|IP|登录IP|客户端地址"), _("ip|client|from|host|IP address")),
    Kind("MAC_ADDRESS", abroad.mac, _("MAC地址|网卡|物理地址"), _("MAC|hwaddr|mac address")),
    Kind("US_SSN", abroad.ssn, (), _("SSN|Social Security number|social security|ssn"), False),
    Kind("US_ITIN", abroad.itin, (), _("ITIN|taxpayer number|Individual Taxpayer ID"), False),
    Kind("US_PASSPORT", abroad.us_passport, (), _("passport number|US passport|passport no.|passport"), False),
    Kind(
        "US_DRIVER_LICENSE",
        abroad.us_licence,
        (),
        _("driver's license|driver license number|DL#|driving licence"),
        False,
    ),
    Kind("UK_NINO", abroad.nino, (), _("NI number|National Insurance number|NINO")),
    Kind("UK_NHS", abroad.nhs, (), _("NHS number|NHS no.|nhs"), False),
    Kind("SG_NRIC_FIN", abroad.nric, (), _("NRIC|FIN|NRIC no.")),
    Kind("CRYPTO", abroad.crypto, _("钱包地址|比特币地址|收款地址"), _("wallet|BTC address|send to|address")),
    Kind("VIN", abroad.vin, _("车架号|车辆识别代号|VIN"), _("VIN|chassis number")),
    Kind(
        "DATE_OF_BIRTH",
        abroad.birth,
        _("出生日期|生日|出生年月日|出生于"),
        _("DOB|date of birth|born on|Date of Birth"),
        False,
    ),
]
SECRETS = [Kind(name, make, _("密钥|凭证"), _("key|token|credential")) for name, make in abroad.TOKENS.items()]

# `{k}` the word, `{v}` the value. What stands around is harmless.
ZH_SAID = {
    "chat": _(
        "我的{k}是{v}，麻烦帮我查一下|{k}{v}，谢谢啦～|在吗？{k}：{v}|你记一下哈 {k} {v} 别发群里|{k}给你：{v}。到了叫我|他{k}好像是{v}吧？"
    ),
    "form": _(
        "姓名：李晓华\n{k}：{v}\n备注：无|申请人资料 {k}：{v}；状态：待审核|【{k}】{v}|{k}（必填）：{v}|一、基本信息\n1. {k}: {v}\n2. 部门：财务部"
    ),
    "json": _('{{"name": "李晓华", "{k}": "{v}", "ok": true}}|{{"data":{{"{k}":"{v}"}}}}|"{k}":"{v}",'),
    "contract": _(
        "乙方（{k}：{v}）应于收到货物后支付尾款。|甲方{k}为{v}，以下简称“甲方”。|兹证明持证人{k}{v}，情况属实。|授权代表签字：______ {k}：{v}"
    ),
    "email": _("王经理您好，\n\n附上客户资料，{k}：{v}，请尽快处理。\n\n祝好|Hi 各位，\n{k}更新为 {v}，请知悉。"),
    "table": _(
        "| 项目 | 内容 |\n|---|---|\n| {k} | {v} |\n| 状态 | 正常 ||<tr><td>{k}</td><td>{v}</td></tr>".replace(
            "||<", "|\x00<"
        )
    ),
    "log": _("2026-03-01 10:22:31.123 INFO  [用户服务] 校验通过, {k}={v}|[WARN] 参数异常 {k}:{v} 请检查"),
    "mixed": _("Please update the {k} to {v} before Friday|帮我translate一下：my {k} is {v}, thanks"),
}
EN_SAID = {
    "chat": _("hey, my {k} is {v}, can you check?|{k}: {v} thanks!!|btw {k} {v}|yes the {k} is {v}."),
    "form": _(
        "Name: John Miller\n{k}: {v}\nDepartment: Finance|Applicant record. {k}: {v}; status: pending|{k} (required): {v}|* {k} - {v}"
    ),
    "json": _('{{"name": "John", "{k}": "{v}", "active": true}}|{{"user":{{"{k}":"{v}"}}}}'),
    "log": _(
        '2026-03-01T10:22:31Z INFO user-service: verified {k}={v} in 12ms|level=warn msg="bad input" {k}="{v}"|ERROR [main] invalid {k}: {v}'
    ),
    "code": _(
        'user["{k}"] = "{v}"  # from the form|    {k}: \'{v}\',|INSERT INTO t ({k}) VALUES (\'{v}\');|const x = "{v}"; // {k}'
    ),
    "email": _(
        "Hi Anna,\n\nplease update our records, {k}: {v}.\n\nBest,\nTom|Dear team,\nthe {k} on file ({v}) seems outdated."
    ),
    "contract": _('The Contractor ({k} {v}) shall deliver the goods.|WHEREAS the party with {k} {v} ("Buyer") agrees,'),
    "table": _("<td>{k}</td><td>{v}</td>"),
}
MD_ZH, MD_EN = (
    "| 项目 | 内容 |\n|---|---|\n| {k} | {v} |\n| 状态 | 正常 |",
    "| Field | Value |\n|---|---|\n| {k} | {v} |\n| Status | ok |",
)
BARE = {
    "chat": _("加我{v}聊|{v} 这个帮我查下|看下 {v}|could you look at {v} please|{v}"),
    "log": _("2026-03-01 10:22:31 INFO handler done {v} ok|[req-8f3a] payload={v}"),
    "csv": _("1001,李晓华,{v},财务部,2026-03-01|id;name;value\n7;Miller;{v}"),
    "code": _('x = "{v}"|call("{v}", retries=3)'),
}
COLUMN = {
    "csv": _("姓名,{k},城市\n李晓华,{v},成都|name,{k},city\nMiller,{v},Berlin"),
    "table": ("| 姓名 | {k} | 城市 |\n|---|---|---|\n| 李晓华 | {v} | 成都 |",),
}


def _filled(rng: Random, frame: str, kind: Kind, group: str, register: str, value: str, word: str) -> Case:
    text = frame.replace("{{", "{").replace("}}", "}").replace("{k}", word)
    start = text.index("{v}")
    text = text.replace("{v}", value)
    end = start + len(value)
    if kind.entity == "URL_CREDENTIALS":  # the name and the password, not the machine
        start, end = text.index("://", start) + 3, text.rindex("@", start, end)
    return Case(group, kind.entity, register, text, start, end)


def said(rng: Random, kind: Kind, value: str, group: str) -> Case:
    """One value in one sentence, with its word beside it, or bare where it may stand so."""
    draw = rng.random()
    if kind.bare and draw < 0.25:
        register = rng.choice(list(BARE))
        return _filled(rng, rng.choice(BARE[register]), kind, group, register, value, "")
    chinese = bool(kind.zh) and (not kind.en or draw < 0.65)
    frames, words = (ZH_SAID, kind.zh) if chinese else (EN_SAID, kind.en)
    register = rng.choice(list(frames))
    frame = rng.choice(frames[register]) if register != "table" or rng.random() < 0.4 else (MD_ZH if chinese else MD_EN)
    if register == "table" and "<td>" not in frame:
        frame = MD_ZH if chinese else MD_EN
    frame = frame.strip("\x00")
    return _filled(rng, frame, kind, group, register, value, rng.choice(words))


def plain(rng: Random, each: int) -> Iterator[Case]:
    """Every kind as it is usually written."""
    for kind in [*CHINA, *ABROAD, *SECRETS]:
        for _count in range(each):
            value = kind.make(rng)
            if "\n" in value:  # a key file stands on lines of its own
                yield _filled(rng, "这是私钥，请保管：\n{v}\n谢谢", kind, "plain", "chat", value, "")
            else:
                yield said(rng, kind, value, "plain")


def columns(rng: Random, each: int) -> Iterator[Case]:
    """The word is in the head of the column, a line above."""
    for kind in [*CHINA, *ABROAD]:
        for _count in range(each):
            register = rng.choice(list(COLUMN))
            yield _filled(
                rng,
                rng.choice(COLUMN[register]),
                kind,
                "column",
                register,
                kind.make(rng),
                rng.choice(kind.zh or kind.en),
            )


WRONG_ID = Kind("CN_ID_CARD", values.cn_id_wrong, CHINA[0].zh, CHINA[0].en, False)
WRONG_DEBIT = Kind(
    "CN_BANK_CARD", lambda rng: values.card(rng, values.DEBIT, right=False), CHINA[5].zh, CHINA[5].en, False
)
WRONG_CREDIT = Kind(
    "CREDIT_CARD", lambda rng: values.card(rng, values.CREDIT, right=False), ABROAD[4].zh, ABROAD[4].en, False
)


def wrong(rng: Random, each: int) -> Iterator[Case]:
    """Check digits that do not fit, the word beside them."""
    for kind in (WRONG_ID, WRONG_DEBIT, WRONG_CREDIT):
        for _count in range(each):
            yield said(rng, kind, kind.make(rng), "wrong check digit")


# --- secrets that only a word tells ---

SECRET_SAID = _(
    'aws_secret_access_key = {v}|export AWS_SECRET_ACCESS_KEY={v}|SecretAccessKey: {v}|accessKeySecret: "{v}"|AccessKey Secret：{v}|SecretKey={v}'
    '|secret_key: \'{v}\'|api_key={v}|"apiKey": "{v}",|API密钥：{v}|X-Api-Key: {v}|Authorization: Bearer {v}|client_secret={v}|access_token={v}&x=1'
    '|huaweicloud.sk={v}|HUAWEICLOUD_SDK_SK={v}|secretKey = "{v}";|token: {v}|private_token={v}|密钥是{v}，别外传'
)
PASSWORD_SAID = _(
    '密码：{v}|密码是 {v}|password: {v}|password={v}|"password": "{v}"|passwd={v};|pwd: {v}|PASSWORD=\'{v}\'|初始密码为{v}，请登录后修改|口令：{v}|DB_PASSWORD={v}'
    "|my password is {v}|pass: {v}|登录密码{v}|mysql -u root -p{v} orders|curl -u admin:{v} https://acme.cn/api|spring.datasource.password={v}|<password>{v}</password>|账号admin 密码{v}"
    "|requirepass {v}|--password {v}|WiFi密码：{v}|解压密码 {v}|Passcode: {v}|ENV REDIS_PASSWORD {v}|ALTER USER app IDENTIFIED BY '{v}';|sshpass -p {v} ssh app@host"
)
TOLD = Kind("PASSWORD", values.password, ())


def told(rng: Random, each: int) -> Iterator[Case]:
    """Secrets and passwords by the word beside them."""
    for frame in SECRET_SAID:
        for _count in range(each):
            make = abroad.CONTEXT_SECRETS[rng.choice(list(abroad.CONTEXT_SECRETS))]
            yield _filled(rng, frame, TOLD, "told secret", frame[:40], make(rng), "")
    for frame in PASSWORD_SAID:
        for _count in range(each):
            yield _filled(rng, frame, TOLD, "told password", frame[:40], values.password(rng), "")
