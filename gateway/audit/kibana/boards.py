"""The dashboards and saved searches we ship. Descriptions only; alert rules are in `watching`."""

from __future__ import annotations

from gateway.audit.kibana.panels import Board, Listing, Measure, Panel, Split, Words

_CLOSED = "hangu.record : closed"
_OPENED = "hangu.record : opened"
REFUSED = 'hangu.record : opened and hangu.outcome : "refused"'

_EXCHANGES = Measure(Words("Exchanges", "交互数"), "unique_count", "hangu.exchange")
_READ = "event.action : (console.read or record.revealed)"
CANARY = "hangu.finding.entity : canary"

_COUNT = Measure(Words("Records", "记录数"))
_REFUSALS = Measure(Words("Refusals", "拒绝次数"), where=REFUSED)
_USERS = Measure(Words("Users", "用户数"), "unique_count", "user.name")
_LATENCY = Measure(Words("95th percentile (ns)", "95 分位时延（纳秒）"), "percentile", "event.duration")
_PERSONAL = Measure(Words("Personal data found", "个人信息命中数"), "sum", "hangu.personal")
_INPUT = Measure(Words("Prompt tokens", "输入词元"), "sum", "gen_ai.usage.input_tokens")
_OUTPUT = Measure(Words("Answer tokens", "输出词元"), "sum", "gen_ai.usage.output_tokens")

_OUTCOME = Split(Words("Outcome", "结果"), "hangu.outcome", 6)
_MODEL = Split(Words("Model", "模型"), "gen_ai.request.model")
_TENANT = Split(Words("Tenant", "租户"), "organization.id")
_USER = Split(Words("User", "用户"), "user.name")
_CODE = Split(Words("Code", "代码"), "hangu.code")
_RULE = Split(Words("Rule", "规则"), "rule.name", 15)
_ENTITY = Split(Words("Kind of data", "信息类别"), "hangu.finding.entity", 15)
_ROUTE = Split(Words("Route", "路由"), "url.path")
_STAGE = Split(Words("Stage", "阶段"), "hangu.refused_by", 8)
_ORIGIN = Split(Words("Origin", "来源"), "hangu.origin", 20)
_ACTION = Split(Words("Event", "事件"), "event.action", 20)
_ADDRESS = Split(Words("Address", "地址"), "client.ip")
_CERTIFICATE = Split(Words("Certificate", "证书"), "hangu.certificate")

LISTINGS = (
    Listing(
        "hangu-exchanges",
        Words("Hangu: every record", "函谷：全部记录"),
        "",
        (
            "organization.id",
            "user.name",
            "hangu.record",
            "hangu.exchange",
            "gen_ai.request.model",
            "hangu.outcome",
            "hangu.code",
        ),
    ),
    Listing(
        "hangu-refusals",
        Words("Hangu: refusals", "函谷：拒绝记录"),
        REFUSED,
        ("organization.id", "user.name", "client.ip", "url.path", "hangu.code", "hangu.refused_by", "rule.name"),
    ),
    Listing(
        "hangu-admin",
        Words("Hangu: starts, erasures, reveals, alarms", "函谷：启动、删除、查看原文与告警"),
        "hangu.record : event",
        ("event.action", "user.name", "hangu.subject", "hangu.origin"),
    ),
)

BOARDS = (
    Board(
        "hangu-overview",
        Words("Hangu: overview", "函谷：总览"),
        Words("What goes through, how fast, and what is refused.", "通过量、时延与拒绝情况。"),
        (
            Panel(Words("Exchanges", "交互数"), "number", (_EXCHANGES,), width=12, height=6),
            Panel(Words("Refusals", "拒绝次数"), "number", (_REFUSALS,), width=12, height=6),
            Panel(Words("Users", "用户数"), "number", (_USERS,), width=12, height=6),
            Panel(Words("Latency", "时延"), "number", (_LATENCY,), where=_CLOSED, width=12, height=6),
            Panel(Words("Outcomes over time", "结果随时间变化"), "over_time", (_COUNT,), (_OUTCOME,), _CLOSED, 48),
            Panel(Words("Models", "模型"), "share", (_EXCHANGES,), (_MODEL,), width=16),
            Panel(Words("Tenants", "租户"), "share", (_EXCHANGES,), (_TENANT,), width=16),
            Panel(Words("Routes", "路由"), "bars", (_EXCHANGES,), (_ROUTE,), width=16),
            Panel(Words("Most active users", "最活跃用户"), "table", (_EXCHANGES, _REFUSALS), (_USER,), _OPENED),
            Panel(Words("Why refused", "拒绝原因"), "table", (_COUNT,), (_CODE,), REFUSED),
        ),
    ),
    Board(
        "hangu-security",
        Words("Hangu: security", "函谷：安全"),
        Words("Attacks, denials, failing checks and alarms.", "攻击、拒绝、失效的检查与告警。"),
        (
            Panel(Words("Refusals over time", "拒绝随时间变化"), "over_time", (_COUNT,), (_CODE,), REFUSED, 48),
            Panel(Words("Which stage refused", "由哪个阶段拒绝"), "share", (_COUNT,), (_STAGE,), REFUSED, 16),
            Panel(Words("Rules that fired", "触发的规则"), "bars", (_COUNT,), (_RULE,), _OPENED, 32),
            Panel(Words("Who was refused", "被拒绝的用户"), "table", (_COUNT,), (_TENANT, _USER), REFUSED),
            Panel(Words("From where", "来源地址"), "table", (_COUNT, _USERS), (_ADDRESS,), REFUSED),
            Panel(Words("Users per certificate", "每证书用户数"), "table", (_USERS,), (_CERTIFICATE,), _OPENED),
            Panel(
                Words("Checks that failed", "失效的检查"),
                "bars",
                (_COUNT,),
                (Split(Words("Fault", "故障"), "hangu.faults"),),
                _OPENED,
            ),
            Panel(Words("Planted values seen", "蜜标命中"), "table", (_COUNT,), (_TENANT, _USER), CANARY),
            Panel(Words("Alarms", "告警"), "over_time", (_COUNT,), (_ACTION,), "event.kind : alert", 48),
        ),
        "hangu-refusals",
    ),
    Board(
        "hangu-personal-data",
        Words("Hangu: personal data", "函谷：个人信息"),
        Words("What was found, where it came from, and what was done.", "发现了什么、来自哪里、如何处置。"),
        (
            Panel(Words("In requests", "请求中"), "number", (_PERSONAL,), where=_OPENED, width=24, height=6),
            Panel(Words("In answers", "回答中"), "number", (_PERSONAL,), where=_CLOSED, width=24, height=6),
            Panel(Words("Over time", "随时间变化"), "over_time", (_PERSONAL,), (_TENANT,), width=48),
            Panel(Words("Kinds", "类别"), "bars", (_COUNT,), (_ENTITY,), "hangu.personal >= 1"),
            Panel(Words("Who sends it", "由谁发送"), "table", (_PERSONAL, _EXCHANGES), (_TENANT, _USER), _OPENED),
        ),
    ),
    Board(
        "hangu-user",
        Words("Hangu: one user's trail", "函谷：单个用户轨迹"),
        Words("Filter by user.name to follow one caller.", "按 user.name 过滤以追踪某个调用者。"),
        (
            Panel(Words("Activity", "活动"), "over_time", (_EXCHANGES,), (_MODEL,), _OPENED, 48),
            Panel(Words("Outcomes", "结果"), "share", (_COUNT,), (_OUTCOME,), _CLOSED, 16),
            Panel(Words("Addresses", "地址"), "table", (_EXCHANGES,), (_ADDRESS,), _OPENED, 16),
            Panel(Words("Rules", "规则"), "table", (_COUNT,), (_RULE,), _OPENED, 16),
        ),
        "hangu-exchanges",
    ),
    Board(
        "hangu-integrity",
        Words("Hangu: integrity of the record", "函谷：记录完整性"),
        Words(
            "Is everything here, sealed, and untouched? `hangu audit verify` proves it.",
            "记录是否齐全、已封存、未被改动？以 `hangu audit verify` 为准。",
        ),
        (
            Panel(
                Words("Records by origin", "各来源记录数"),
                "table",
                (
                    Measure(Words("Distinct numbers", "不同编号数"), "unique_count", "hangu.seq"),
                    Measure(Words("Highest number", "最大编号"), "max", "hangu.seq"),
                ),
                (_ORIGIN,),
            ),
            Panel(
                Words("Sealed up to", "已封存至"),
                "number",
                (Measure(Words("Records", "记录数"), "max", "hangu.checkpoint.size"),),
                width=12,
                height=6,
            ),
            Panel(
                Words("In quarantine", "隔离数"),
                "number",
                (Measure(Words("Records", "记录数"), where="hangu.quarantined : *"),),
                width=12,
                height=6,
            ),
            Panel(
                Words("Missing when last compared", "最近一次比对缺失数"),
                "table",
                (
                    Measure(Words("Missing", "缺失"), "max", "hangu.completeness.missing"),
                    Measure(Words("Sent again", "补发"), "sum", "hangu.completeness.reshipped"),
                    Measure(Words("Doubled", "重复"), "max", "hangu.completeness.doubled"),
                ),
                (Split(Words("Origin", "来源"), "hangu.completeness.origin", 20),),
                "event.action : completeness",
            ),
            Panel(Words("Who read recorded texts", "谁查看了记录正文"), "table", (_COUNT,), (_USER, _ACTION), _READ),
            Panel(
                Words("Exchanges cut off by a crash", "因崩溃中断的交互"),
                "over_time",
                (_COUNT,),
                (_ORIGIN,),
                "hangu.outcome : unknown",
            ),
            Panel(Words("Events", "事件"), "table", (_COUNT,), (_ACTION, _USER), "hangu.record : event", 48),
        ),
        "hangu-admin",
    ),
    Board(
        "hangu-cost",
        Words("Hangu: cost", "函谷：成本"),
        Words("Tokens and time, by who asked for them.", "词元与时间的消耗，按请求方划分。"),
        (
            Panel(Words("Prompt tokens", "输入词元"), "number", (_INPUT,), where=_CLOSED, width=24, height=6),
            Panel(Words("Answer tokens", "输出词元"), "number", (_OUTPUT,), where=_CLOSED, width=24, height=6),
            Panel(
                Words("Answer tokens over time", "输出词元随时间变化"), "over_time", (_OUTPUT,), (_TENANT,), _CLOSED, 48
            ),
            Panel(
                Words("By tenant and user", "按租户与用户"),
                "table",
                (_INPUT, _OUTPUT, _EXCHANGES),
                (_TENANT, _USER),
                _CLOSED,
            ),
            Panel(
                Words("By model", "按模型"),
                "table",
                (_INPUT, _OUTPUT, Measure(Words("Mean time (ns)", "平均时间（纳秒）"), "average", "event.duration")),
                (_MODEL,),
                _CLOSED,
            ),
        ),
    ),
)
