"""E6, E7: who came, how they proved it, and whether they might. Pure functions of facts."""

from __future__ import annotations

from collections import defaultdict

from compliance_reports import privilege
from compliance_reports.evidence.counting import ask, let_in, of, share, unknown
from compliance_reports.facts import Facts, Passed
from compliance_reports.model import Figure, Sample, Words

IDENTITY_CODES = ("token_missing", "token_invalid", "token_expired", "token_not_bound", "certificate_rejected")
ACCESS_CODES = ("not_permitted", "parameter_not_permitted", "model_not_found")
DUTIES = frozenset({"operator", "auditor", "security"})  # running, auditing and securing are three people's
FEWEST_DAYS = 28  # a shorter period cannot show that a grant is not needed: many tasks are monthly

_OTHER_POLICY = Words(
    "decisions made under another policy than the one on disk are not judged again",
    "不同于磁盘上现行策略的判定不再重新判定",
)


def unidentified(facts: Facts) -> Figure:
    """Exchanges let in with nobody's name on them."""
    found = [one for one in let_in(facts) if not one.user or not one.method]
    return share(found, len(let_in(facts)), ask(facts, "--kind opened", select='.code == "" and .user == ""'))


def without_certificate(facts: Facts) -> Figure:
    """Exchanges let in over a connection that showed no client certificate."""
    found = [one for one in let_in(facts) if not one.certificate]
    return share(found, len(let_in(facts)), ask(facts, "--kind opened", select='.code == "" and .certificate == ""'))


def one_factor(facts: Facts) -> Figure:
    """Exchanges let in on a certificate or a token alone."""
    found = [one for one in let_in(facts) if one.method != "certificate+token"]
    query = ask(facts, "--kind opened", select='.code == "" and .method != "certificate+token"')
    gap = Words(
        "how people sign in where their tokens are issued is not seen here",
        "人员在令牌签发处如何登录，此处不可见",
    )
    return share(found, len(let_in(facts)), query, gap)


def failures(facts: Facts) -> Figure:
    """Refusals because the papers were missing or not good."""
    found = [one for one in facts.passed if one.code in IDENTITY_CODES]
    gap = Words(
        "a connection whose certificate fails in the handshake makes no exchange and no record",
        "握手阶段证书校验失败的连接不形成交互，也无记录",
    )
    return share(found, len(facts.passed), ask(facts, "--kind opened", select=_one_of(IDENTITY_CODES)), gap)


def expired(facts: Facts) -> Figure:
    """Certificates and lists of the site that had ended when the period did."""
    papers = facts.around.papers
    if papers is None:
        return unknown("the site's certificates were not handed in", "未提供站点证书")
    ended = [Sample("", -1, note=paper.name) for paper in papers if 0 < paper.ends <= facts.period.until]
    return share(ended, len(papers), f"hangu doctor {facts.around.directory}")


def uncovered(facts: Facts) -> Figure:
    """Exchanges let in without an access decision, or without a policy to decide by."""
    found = [one for one in let_in(facts) if "access" not in one.stages or not one.policy]
    query = ask(facts, "--kind opened", select='.code == "" and (any(.rulings[]; .stage == "access") | not)')
    return share(found, len(let_in(facts)), query)


def refused(facts: Facts) -> Figure:
    """Refusals by access rules: a control that never says no shows nothing."""
    found = [one for one in facts.passed if one.code in ACCESS_CODES]
    return share(found, len(facts.passed), ask(facts, "--kind opened", select=_one_of(ACCESS_CODES)))


def canaries(facts: Facts) -> Figure:
    """Access refused at all, as proof that it can be: 1 or 0."""
    seen = refused(facts)
    if not facts.passed:
        return unknown("nobody asked anything", "期间没有任何请求")
    return Figure(float(seen.value > 0), samples=seen.samples, query=seen.query)


def mismatched(facts: Facts) -> Figure:
    """Decisions on record that the policy of the same digest does not give again."""
    rules = facts.around.rules
    if rules is None or rules.decide is None:
        return unknown("the policy on disk could not be read", "无法读取磁盘上的策略")
    again = [one for one in facts.passed if one.policy == rules.digest and _decidable(one)]
    if not again:
        return unknown(
            "no decision was made under the policy that is on disk now",
            "没有在现行策略下作出的判定",
            gap=_OTHER_POLICY,
        )
    found = [one for one in again if not privilege.agrees(one, rules)]
    return share(found, len(again), f"hangu policy replay {facts.around.directory} --against NEW", _OTHER_POLICY)


def unused(facts: Facts) -> Figure:
    """Grants that no exchange of the period needed."""
    rules = facts.around.rules
    if rules is None:
        return unknown("the policy on disk could not be read", "无法读取磁盘上的策略")
    usage = privilege.usage(facts)
    idle = [Sample("", -1, note=", ".join(grant)) for grant in usage.unused]
    return share(idle, len(usage.unused) + len(usage.used), ask(facts, "--kind opened"), excuse=_short(facts))


def dormant(facts: Facts) -> Figure:
    """Members with a role who asked nothing in the period."""
    rules = facts.around.rules
    if rules is None or not rules.members:
        return unknown(
            "roles come with the callers' tokens: who could come is known where those are issued",
            "角色随调用方令牌而来：可能的调用方由令牌签发处掌握",
        )
    people = sorted({(tenant, member) for member, _, tenant in rules.members if member.startswith("user:")})
    seen = {(one.tenant, f"user:{one.user}") for one in facts.passed}
    idle = [Sample("", -1, note=f"{tenant}/{name}") for tenant, name in people if (tenant, name) not in seen]
    return share(idle, len(people), ask(facts, "--kind opened"), excuse=_short(facts))


def overlapping(facts: Facts) -> Figure:
    """People who run, audit or secure the gateway, and do more than one of the three."""
    duties: dict[tuple[str, str], set[str]] = defaultdict(set)
    shown: dict[tuple[str, str], Sample] = {}
    for one in facts.passed:
        if mine := DUTIES.intersection(one.roles):
            duties[one.tenant, one.user] |= mine
            shown[one.tenant, one.user] = one.sample
    for member, role, tenant in facts.around.rules.members if facts.around.rules else ():
        if role.removeprefix("role:") in DUTIES:
            who = (tenant, member.removeprefix("user:"))
            duties[who].add(role.removeprefix("role:"))
            shown.setdefault(who, Sample("", -1, note=f"{tenant}/{who[1]}"))
    found = [shown[who] for who in sorted(duties) if len(duties[who]) > 1]
    gap = Words(
        "who may change files on the machine is a matter of the operating system",
        "谁能修改主机上的文件由操作系统决定",
    )
    return of(found, len(duties), ask(facts, "--kind opened", select=".roles | length > 1"), gap)


def _decidable(one: Passed) -> bool:
    """Records of a decision on one model by one caller, taken by access itself."""
    if not one.user or not one.rule or one.action in ("unknown", "models"):
        return False
    return one.let_in or one.code == "not_permitted"


def _short(facts: Facts) -> Words:
    if facts.period.days >= FEWEST_DAYS:
        return Words("", "")
    return Words(
        f"{facts.period.days:.1f} days are too few to call a grant unneeded ({FEWEST_DAYS} are wanted)",
        f"{facts.period.days:.1f} 天不足以判断某项授权是否多余（至少需 {FEWEST_DAYS} 天）",
    )


def _one_of(codes: tuple[str, ...]) -> str:
    return " or ".join(f'.code == "{code}"' for code in codes)
