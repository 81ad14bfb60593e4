"""The alert rules we ship, switched off: whoever installs them decides what may wake people. Descriptions only.

What must be noticed within seconds is noticed in the gateway (`audit.anomalies`); these are the second line.
"""

from __future__ import annotations

from gateway.audit.kibana.boards import CANARY, REFUSED
from gateway.audit.kibana.panels import Rule, Words

RULES = (
    Rule(
        "hangu-refusal-burst",
        Words("Many refusals of one user", "单个用户大量被拒绝"),
        Words("One user was refused more than 20 times in 5 minutes.", "同一用户 5 分钟内被拒绝超过 20 次。"),
        REFUSED,
        ("organization.id", "user.name"),
        20,
        5,
        "high",
    ),
    Rule(
        "hangu-prompt-injection",
        Words("Repeated prompt injection", "反复提示注入"),
        Words(
            "One user tried to override the model's instructions 3 times in 10 minutes.",
            "同一用户 10 分钟内 3 次试图覆盖模型指令。",
        ),
        "hangu.record : opened and hangu.code : (prompt_injection or control_token_forged)",
        ("user.name",),
        3,
        10,
        "high",
    ),
    Rule(
        "hangu-check-failed",
        Words("A check failed", "检查失效"),
        Words(
            "A stage of the gateway failed or was too slow; exchanges were refused.",
            "网关的某个阶段失效或超时，交互被拒绝。",
        ),
        "hangu.record : opened and hangu.code : (stage_failed or stage_timeout or audit_unavailable)",
        ("hangu.refused_by",),
        1,
        5,
        "critical",
    ),
    Rule(
        "hangu-personal-volume",
        Words("Much personal data from one user", "单个用户大量个人信息"),
        Words(
            "One user sent personal data in 50 requests within 10 minutes.",
            "同一用户 10 分钟内在 50 次请求中发送个人信息。",
        ),
        "hangu.record : opened and hangu.personal >= 1",
        ("organization.id", "user.name"),
        50,
        10,
        "medium",
    ),
    Rule(
        "hangu-revealed",
        Words("Originals were revealed", "原文被查看"),
        Words("An auditor looked at original texts.", "审计员查看了原文。"),
        "event.action : record.revealed",
        ("user.name",),
        1,
        5,
        "low",
    ),
    Rule(
        "hangu-quarantine",
        Words("Records in quarantine", "记录被隔离"),
        Words(
            "The cluster did not take a record; it is kept aside and must be looked at.",
            "集群未接受某条记录；该记录已单独保存，需要处理。",
        ),
        "hangu.quarantined : *",
        ("hangu.origin",),
        1,
        5,
        "high",
    ),
    Rule(
        "hangu-texts-read",
        Words("Many recorded texts read", "大量查看记录正文"),
        Words(
            "One person read 20 recorded exchanges in the console within 10 minutes.",
            "同一人 10 分钟内在控制台查看了 20 次交互的正文。",
        ),
        "event.action : console.read",
        ("user.name",),
        20,
        10,
        "medium",
    ),
    Rule(
        "hangu-canary",
        Words("A planted value was seen", "蜜标泄露"),
        Words(
            "A value that only a leak can show was in a request or an answer.",
            "请求或回答中出现了只有泄露才会出现的蜜标。",
        ),
        CANARY,
        ("organization.id", "user.name"),
        1,
        5,
        "critical",
    ),
    Rule(
        "hangu-integrity",
        Words("The record is not what was written", "审计记录与写入时不一致"),
        Words(
            "`hangu audit verify` found the record changed, cut or replaced.",
            "`hangu audit verify` 发现记录被改动、截断或替换。",
        ),
        "event.action : integrity.failed",
        ("observer.name",),
        1,
        5,
        "critical",
    ),
    Rule(
        "hangu-incomplete",
        Words("The cluster had lost records", "集群丢失记录"),
        Words(
            "Records that were produced were not in the cluster; they were sent again.",
            "已产生的记录不在集群中；已自动补发。",
        ),
        "hangu.completeness.missing >= 1",
        ("hangu.completeness.origin",),
        1,
        5,
        "high",
    ),
    Rule(
        "hangu-alarm",
        Words("The gateway raised an alarm", "网关告警"),
        Words(
            "A detector in the gateway noticed a burst, a flood or a stranger.",
            "网关内的检测器发现突发、洪泛或异常调用者。",
        ),
        "event.kind : alert",
        ("event.action", "hangu.subject"),
        1,
        5,
        "high",
    ),
)
