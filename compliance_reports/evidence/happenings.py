"""E8, E12, E14–E17, E19: changes, requests of the persons concerned, incidents, keys, models, drills. Pure functions of facts."""

from __future__ import annotations

from collections import defaultdict, deque

from compliance_reports.evidence.counting import ask, let_in, of, samples, share, told, unknown
from compliance_reports.evidence.guards import ATTACK_CODES
from compliance_reports.facts import Facts, Passed, Told
from compliance_reports.model import Figure, Sample, Words

BURST = 5  # attacks by one caller within the window that must raise an alarm
BURST_WINDOW = 300_000  # milliseconds
OLDEST_KEY_DAYS = 398  # the longest that public certificate rules ever let a server certificate live
ANSWER_DAYS = 30  # to a person's request: one month in GDPR Art. 12(3); 30 days in GB/T 35273-2020
ACCEPTED_TLS = frozenset({"1.3", "TLSv1.3"})


def unannounced(facts: Facts) -> Figure:
    """Policies that judged exchanges though no event says that they were loaded."""
    known = {one.fact("policy") for one in (*facts.before, *told(facts, "policy.loaded", "gateway.started"))}
    first: dict[str, Sample] = {}
    for one in facts.passed:
        if one.policy and one.policy not in known:
            first.setdefault(one.policy, one.sample)
    used = {one.policy for one in facts.passed if one.policy}
    query = ask(facts, "--kind event", select='.kind == "policy.loaded" or .kind == "gateway.started"')
    return of(list(first.values()), len(used), query)


def unsigned(facts: Facts) -> Figure:
    """Changes of policy that name nobody."""
    changes = told(facts, "policy.loaded")
    query = ask(facts, "--outcome policy.loaded")
    if not any(one.event.actor for one in changes):
        return unknown(
            "the record says that and when policy changed, not who approved it: ask for the change tickets",
            "记录说明策略何时变更，但不含批准人：请索取变更工单",
            query,
        )
    return share([one for one in changes if not one.event.actor], len(changes), query)


def changes(facts: Facts) -> Figure:
    """Policies loaded."""
    found = told(facts, "policy.loaded")
    return Figure(len(found), samples=samples(found), query=ask(facts, "--outcome policy.loaded"))


def rejected(facts: Facts) -> Figure:
    """Policies not loaded because they failed their own cases or could not be read."""
    found = told(facts, "policy.refused")
    return Figure(len(found), samples=samples(found), query=ask(facts, "--outcome policy.refused"))


def late(facts: Facts) -> Figure:
    """Requests for erasure that were not done in time."""
    asked = [one for one in told(facts, "subject.requested") if one.fact("what") == "erasure"]
    query = ask(facts, "--kind event", select='.kind == "subject.requested" or .kind == "record.erased"')
    if not asked:
        return unknown(
            "no request for erasure is on record (event subject.requested): ask for the register of requests",
            "记录中没有删除请求（subject.requested 事件）：请索取请求登记表",
            query,
        )
    done = told(facts, "record.erased")
    found = [one for one in asked if not _done_in_time(one, done, facts.period.until)]
    return share(found, len(asked), query)


def erased_unreasoned(facts: Facts) -> Figure:
    """Erasures without a reason or a name."""
    done = told(facts, "record.erased")
    found = [one for one in done if not one.fact("reason").strip() or not one.event.actor]
    select = '(.facts.reason // "" | test("\\\\S") | not) or .actor == ""'
    return share(found, len(done), ask(facts, "--outcome record.erased", select=select))


def erased(facts: Facts) -> Figure:
    """Erasures carried out."""
    found = told(facts, "record.erased")
    return Figure(len(found), samples=samples(found), query=ask(facts, "--outcome record.erased"))


def unseen(facts: Facts) -> Figure:
    """Bursts of attacks by one caller that raised no alarm."""
    alarms = {(one.event.tenant, one.event.subject) for one in told(facts, "anomaly.")}
    bursts = _bursts(facts)
    found = [one for one in bursts if (one.tenant, one.user or one.address) not in alarms]
    query = ask(facts, "--kind event", select='.kind | startswith("anomaly.")')
    gap = Words(
        "how fast somebody acted on an alarm is not on this record",
        "告警之后的人工处置时间不在本记录之内",
    )
    return of(found, len(bursts), query, gap)


def alarms(facts: Facts) -> Figure:
    """Alarms raised."""
    found = told(facts, "anomaly.")
    return Figure(
        len(found), samples=samples(found), query=ask(facts, "--kind event", select='.kind | startswith("anomaly.")')
    )


def weak(facts: Facts) -> Figure:
    """Exchanges over anything but TLS 1.3."""
    found = [one for one in facts.passed if one.tls not in ACCEPTED_TLS]
    gap = Words(
        "the way from the gateway to the model, and disks, are looked at by `hangu doctor`",
        "网关到模型的链路与磁盘加密由 `hangu doctor` 检查",
    )
    return share(found, len(facts.passed), ask(facts, "--kind opened", select='.tls.version != "1.3"'), gap)


def old_keys(facts: Facts) -> Figure:
    """Certificates of the site older than a bit over a year."""
    papers = facts.around.papers
    if papers is None:
        return unknown("the site's certificates were not handed in", "未提供站点证书")
    oldest = facts.period.until - OLDEST_KEY_DAYS * 86_400_000
    dated = [paper for paper in papers if paper.made]
    found = [Sample("", -1, note=paper.name) for paper in dated if paper.made < oldest]
    return share(found, len(dated), f"hangu doctor {facts.around.directory}")


def drills(facts: Facts) -> Figure:
    """Restorations of a backup that were tried."""
    found = told(facts, "backup.restored")
    query = ask(facts, "--outcome backup.restored")
    if not found:
        return unknown("no restoring of a backup is on record", "记录中没有备份恢复演练", query)
    return Figure(len(found), samples=samples(found), query=query)


def unlisted(facts: Facts) -> Figure:
    """Exchanges let in to a model that the routing policy does not list."""
    rules = facts.around.rules
    if rules is None or not rules.models:
        return unknown("the policy on disk could not be read", "无法读取磁盘上的策略")
    mine = [one for one in let_in(facts) if one.policy == rules.digest]
    found = [one for one in mine if one.model and one.model not in rules.models]
    gap = Words(
        "where a model came from, and that its weights are the approved ones, is not on this record",
        "模型来源以及权重是否为获批版本，不在本记录之内",
    )
    listed = ", ".join(f'"{name}"' for name in sorted({"", *rules.models}))
    select = f'.code == "" and .policy == "{rules.digest}" and (.model | IN({listed}) | not)'
    return share(found, len(mine), ask(facts, "--kind opened", select=select), gap)


def evaluated(facts: Facts) -> Figure:
    """The lowest share of an evaluation's cases that came out as they should, in percent."""
    done = told(facts, "evaluation.finished")
    query = ask(facts, "--outcome evaluation.finished")
    if not done:
        return unknown("no evaluation of the checks is on record", "记录中没有检测能力评测", query)
    return Figure(min(_share(one) for one in done), len(done), samples(done), query)


def _done_in_time(asked: Told, done: list[Told], until: int) -> bool:
    due = asked.event.at + ANSWER_DAYS * 86_400_000
    whose = (asked.event.tenant, asked.event.subject)
    times = [one.event.at for one in done if (one.event.tenant, one.event.subject) == whose]
    later = [at for at in times if at >= asked.event.at]
    return min(later) <= due if later else until <= due


def _bursts(facts: Facts) -> list[Passed]:
    """The exchange that made each caller's attacks a burst, once a caller."""
    recent: dict[tuple[str, str], deque[int]] = defaultdict(deque)
    found: dict[tuple[str, str], Passed] = {}
    for one in facts.passed:
        if one.code in ATTACK_CODES:
            who = (one.tenant, one.user or one.address)
            times = recent[who]
            times.append(one.at)
            while times[0] <= one.at - BURST_WINDOW:
                times.popleft()
            if len(times) >= BURST:
                found.setdefault(who, one)
    return list(found.values())


def _share(one: Told) -> float:
    try:
        return round(100 * int(one.fact("passed")) / int(one.fact("cases")), 2)
    except (ValueError, ZeroDivisionError):
        return 0.0  # an evaluation that does not say what it counted showed nothing
