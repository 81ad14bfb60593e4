"""The site's policies as they would be loaded: are they valid, and do their own cases pass."""

from __future__ import annotations

from gateway import app, cases
from gateway.core.errors import GatewayError
from gateway.doctor.check import Check, State

POLICIES = ("policies", "策略")
SHOWN = 5  # failing cases named; `hangu policy test` names all


def check_policies(site: app.Site) -> list[Check]:
    """Loads the bundle, builds its gate and runs its cases: what a reload does, without swapping anything."""
    try:
        bundle = app.load_bundle(site)
        gate = app.build_gate(bundle, site.settings, app.lasting(site))
        results = app.run_cases(gate, bundle, site.settings)
    except GatewayError as error:
        return [Check(POLICIES, State.PROBLEM, (line, line)) for line in str(error).splitlines()]
    failed = [result for result in results if not result.passed]
    if failed:
        return [*map(_failed, failed[:SHOWN]), _summary(len(failed), len(results))]
    if not results:
        said = ("valid, but without any case of their own", "有效，但没有任何用例")
        return [Check(POLICIES, State.PROBLEM, said, ("write cases", "请编写用例"))]
    said = (
        f"valid, {len(results)} cases pass, digest {bundle.digest[:12]}",
        f"有效，{len(results)} 个用例通过，摘要 {bundle.digest[:12]}",
    )
    return [Check(POLICIES, State.FINE, said)]


def _failed(result: cases.CaseResult) -> Check:
    said = f"{result.file}: {result.case.name}: {'; '.join(result.wrong)}"
    return Check(POLICIES, State.PROBLEM, (said, said))


def _summary(failed: int, total: int) -> Check:
    said = (f"{failed} of {total} cases fail", f"{total} 个用例中有 {failed} 个失败")
    return Check(POLICIES, State.PROBLEM, said, ("see all: hangu policy test DIR", "查看全部：hangu policy test DIR"))
