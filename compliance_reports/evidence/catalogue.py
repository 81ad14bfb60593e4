"""Every figure by name: what it is called, its unit, the bound it has where a clause names none, and the function that computes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from compliance_reports.evidence import callers, guards, happenings, keeping
from compliance_reports.facts import Facts
from compliance_reports.model import Bound, Figure, Words

NONE = Bound(at_most=0)
SOME = Bound(at_least=1)
TOLD = Bound()  # only informs
BATCH = Bound(at_most=512)  # records: the most one commit holds, and a checkpoint follows within a second


@dataclass(frozen=True, slots=True)
class Measure:
    """A kind of figure. Its evidence family is the part of its name before the dot."""

    title: Words
    bound: Bound
    compute: Callable[[Facts], Figure]
    unit: Words


def _(en: str, zh: str, bound: Bound, compute: Callable[[Facts], Figure], unit: tuple[str, str] = ("", "")) -> Measure:
    return Measure(Words(en, zh), bound, compute, Words(*unit))


FAMILIES: Mapping[str, Words] = MappingProxyType(
    {
        "E1": Words("completeness of the record", "记录完整性"),
        "E2": Words("content of records", "记录内容"),
        "E3": Words("integrity of the record", "记录防篡改"),
        "E4": Words("retention", "留存期限"),
        "E5": Words("time", "时间"),
        "E6": Words("identification", "身份鉴别"),
        "E7": Words("authorisation and least privilege", "授权与最小权限"),
        "E8": Words("changes of policy", "策略变更"),
        "E9": Words("checks of requests", "请求检测"),
        "E10": Words("checks of answers", "输出检测"),
        "E11": Words("personal data", "个人信息"),
        "E12": Words("requests of the persons concerned", "个人权利请求"),
        "E13": Words("limits and metering", "限额与计量"),
        "E14": Words("alarms and incidents", "告警与事件"),
        "E15": Words("transport encryption and keys", "传输加密与密钥"),
        "E16": Words("backup", "备份与恢复"),
        "E17": Words("models", "模型"),
        "E18": Words("marks and labels of content", "内容标识"),
        "E19": Words("evaluation of the checks", "检测能力评测"),
        "E20": Words("availability of the record", "审计可用性"),
        "E21": Words("access to the record", "审计数据的访问"),
    }
)

DAYS = ("days", "天")
PERCENT = ("%", "%")

MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "E1.gaps": _("records missing between log and reading", "日志与读取之间缺失的记录", NONE, keeping.gaps),
        "E1.unopened": _("ends without a beginning on record", "有结束而无开始记录的交互", NONE, keeping.unopened),
        "E1.unended": _("exchanges let in without an end on record", "已放行但无结束记录的交互", NONE, keeping.unended),
        "E2.incomplete": _("records that lack who, whence, what or policy", "缺少主体、来源、操作或策略的记录", NONE, keeping.incomplete),
        "E3.problems": _("problems found by verification", "校验发现的问题", NONE, keeping.problems),
        "E3.unsealed": _("records not yet under a signed checkpoint", "尚未被签名检查点覆盖的记录", BATCH, keeping.unsealed),
        "E3.copies": _("places elsewhere that keep checkpoints", "检查点的异地存放处", SOME, keeping.copies),
        "E4.days": _("age of the oldest record", "最早记录距今", Bound(at_least=180), keeping.days, DAYS),
        "E5.backwards": _("exchanges that ended before they began", "结束早于开始的交互", NONE, keeping.backwards),
        "E5.offset": _("checks that found the clock off", "发现时钟偏差的检查", NONE, keeping.offset),
        "E6.unidentified": _("exchanges let in without an identity", "未识别身份即放行的交互", NONE, callers.unidentified),
        "E6.without_certificate": _("exchanges let in without a client certificate", "无客户端证书即放行的交互", NONE, callers.without_certificate),
        "E6.one_factor": _("exchanges let in on one factor", "仅凭单一凭证放行的交互", NONE, callers.one_factor),
        "E6.failures": _("refusals of papers", "身份凭证被拒次数", TOLD, callers.failures),
        "E6.expired": _("expired certificates and lists of the site", "站点已过期的证书与吊销列表", NONE, callers.expired),
        "E7.uncovered": _("exchanges let in without an access decision", "无授权判定即放行的交互", NONE, callers.uncovered),
        "E7.refused": _("refusals by access rules", "被授权规则拒绝的请求", TOLD, callers.refused),
        "E7.canary": _("access was refused at least once (1 yes, 0 no)", "授权至少拒绝过一次（1 是，0 否）", SOME, callers.canaries),
        "E7.mismatched": _("decisions the same policy would not give again", "同一策略重新判定后不一致的判定", NONE, callers.mismatched),
        "E7.unused": _("grants that nobody needed", "无人使用的授权", NONE, callers.unused),
        "E7.dormant": _("members with a role who never came", "拥有角色但从未出现的成员", NONE, callers.dormant),
        "E7.overlapping": _("people with more than one of the three duties", "兼任三权中多项职责的人员", NONE, callers.overlapping),
        "E8.unannounced": _("policies that judged without being announced", "未经登记即生效的策略", NONE, happenings.unannounced),
        "E8.unsigned": _("changes of policy that name nobody", "未注明责任人的策略变更", NONE, happenings.unsigned),
        "E8.changes": _("policies loaded", "策略加载次数", TOLD, happenings.changes),
        "E8.rejected": _("policies refused", "被拒绝加载的策略", TOLD, happenings.rejected),
        "E9.unguarded": _("exchanges let in that no attack rule looked at", "未经攻击检测即放行的交互", NONE, guards.unguarded),
        "E9.shadowed": _("exchanges passed because attack rules only watched", "因仅观察模式而放行的交互", NONE, guards.shadowed),
        "E9.watching": _("sections of policy that only watch", "处于仅观察模式的策略部分", NONE, guards.watching),
        "E9.attacks": _("requests refused as attacks", "作为攻击被拒绝的请求", TOLD, guards.attacks),
        "E10.stopped": _("answers stopped", "被中止的回答", TOLD, guards.stopped),
        "E10.faults": _("exchanges in which a check failed", "检测环节发生故障的交互", TOLD, guards.faults),
        "E10.let_through": _("exchanges answered although a check failed", "检测故障后仍被回答的交互", NONE, guards.let_through),
        "E11.unredacted": _("exchanges let in without a search for personal data", "未经个人信息检测即放行的交互", NONE, guards.unredacted),
        "E11.degraded": _("exchanges searched with less than the policy wants", "降级检测的交互", NONE, guards.degraded),
        "E11.kept_unseen": _("texts on record that redaction never saw", "未经脱敏即留存的文本", NONE, guards.kept_unseen),
        "E11.personal": _("exchanges with personal data found", "发现个人信息的交互", TOLD, guards.personal),
        "E12.late": _("requests for erasure not done in time", "未按期完成的删除请求", NONE, happenings.late),
        "E12.unreasoned": _("erasures without a reason or a name", "无理由或无责任人的删除", NONE, happenings.erased_unreasoned),
        "E12.erased": _("erasures carried out", "已执行的删除", TOLD, happenings.erased),
        "E13.unlimited": _("exchanges let in that no limit was asked about", "未经限额判定即放行的交互", NONE, guards.unlimited),
        "E13.limited": _("requests refused by limits", "因限额被拒绝的请求", TOLD, guards.limited),
        "E13.unmetered": _("answers whose tokens were not counted", "未计量令牌数的回答", NONE, guards.unmetered),
        "E14.unseen": _("bursts of attacks without an alarm", "未触发告警的集中攻击", NONE, happenings.unseen),
        "E14.alarms": _("alarms raised", "告警次数", TOLD, happenings.alarms),
        "E15.weak": _("exchanges over less than TLS 1.3", "低于 TLS 1.3 的交互", NONE, happenings.weak),
        "E15.old_keys": _("certificates older than 398 days", "使用超过 398 天的证书", NONE, happenings.old_keys),
        "E16.drills": _("restorations of a backup tried", "备份恢复演练", SOME, happenings.drills),
        "E17.unlisted": _("exchanges with a model that is not listed", "使用未登记模型的交互", NONE, happenings.unlisted),
        "E18.unmarked": _("answers in prose without a traceable mark", "未加可溯源标记的文本回答", NONE, guards.unmarked),
        "E18.unlabelled": _("answers in prose without a visible label", "无显式标识的文本回答", NONE, guards.unlabelled),
        "E18.without_metadata": _("answers without the AIGC metadata", "未附 AIGC 元数据的回答", NONE, guards.without_metadata),
        "E19.passed": _("lowest share of evaluation cases passed", "评测用例最低通过率", Bound(at_least=95), happenings.evaluated, PERCENT),
        "E20.unknown": _("exchanges whose end is unknown", "结局未知的交互", NONE, keeping.unknown_ends),
        "E20.interrupted": _("requests refused because the record could not be written", "因审计不可写而被拒绝的请求", NONE, keeping.interrupted),
        "E20.recovered": _("starts after a crash", "崩溃后的恢复启动", TOLD, keeping.recovered),
        "E21.unreasoned": _("sealed originals read without a reason", "无理由读取密封原文", NONE, keeping.unreasoned),
        "E21.reads": _("sealed originals read", "读取密封原文次数", TOLD, keeping.reads),
    }
)  # fmt: skip


def measure(facts: Facts) -> dict[str, Figure]:
    """Every figure of these facts."""
    return {name: one.compute(facts) for name, one in MEASURES.items()}


def family(name: str) -> str:
    """ "E7.unused" → "E7"."""
    return name.partition(".")[0]
