"""Who may ask what of which model: equal to plain Casbin, shut by default, and able to say which rule decided."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import policies
from gateway.core.errors import PolicyError
from gateway.core.exchange import Action, Parameters, Principal
from gateway.core.pipeline import judge
from gateway.core.verdict import Allow, Amend, Code, Refuse
from gateway.stages.access import Access
from gateway.stages.access.index import MAX_HOPS, NO_RULE, Index
from policies import access, routing
from policies.access import ACTIONS, AccessPolicy, Membership, Profile, Rule
from policies.routing import RoutingPolicy
from tests.make import an_exchange
from tests.stages.plain_casbin import MODEL, WIDE, a_policy, a_question, an_enforcer, many_questions, plainly

DEFAULT = Path(policies.__file__).parent / "default"
ROUTING = b"""
default: smollm2
models:
  - {name: smollm2, backend: embedded, aliases: [nickname]}
  - {name: secret-model, backend: embedded}
"""


def two_models() -> RoutingPolicy:
    return routing.parse({"routing.yaml": ROUTING})


def a_stage(lines: str, **profiles: Profile) -> Access:
    files = {"access/policy.csv": lines.encode(), "access/model.conf": MODEL.encode()}
    files["access/profiles.yaml"] = b"profiles: {p: {max_tokens: 0}, q: {max_tokens: 0}}"
    policy = access.parse(files)
    given_profiles = {"p": WIDE, "q": WIDE} | profiles
    return Access(AccessPolicy(policy.model, policy.rules, policy.memberships, given_profiles), two_models())


def the_default() -> Access:
    files = {path.relative_to(DEFAULT).as_posix(): path.read_bytes() for path in (DEFAULT / "access").iterdir()}
    return Access(access.parse(files), two_models())


def caller(*roles: str, tenant: str = "demo", name: str = "someone") -> Principal:
    return Principal(name, tenant, roles)


@given(seed=st.integers(0, 2**32), rules=st.integers(1, 14), users=st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_the_index_answers_as_plain_casbin_does(seed: int, rules: int, users: int) -> None:
    chance = random.Random(seed)
    policy = a_policy(chance, rules, users)
    index, enforcer = Index(policy), an_enforcer(policy)
    for _ in range(12):
        asked = a_question(chance, policy)
        decision = index.decide(asked.subject, asked.roles, asked.tenant, asked.model, asked.action)
        assert decision.allowed == plainly(enforcer, asked), asked


def test_ten_thousand_random_questions_are_answered_as_plain_casbin_answers_them() -> None:
    allowed = 0
    for policy, enforcer, questions in many_questions(random.Random(20261124), 10_000):
        index = Index(policy)
        for asked in questions:
            decision = index.decide(asked.subject, asked.roles, asked.tenant, asked.model, asked.action)
            assert decision.allowed == plainly(enforcer, asked), asked
            allowed += decision.allowed
    assert allowed > 1000  # both answers were really asked for


@pytest.mark.parametrize(
    "matcher",
    [
        "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act",
        "r.act == p.act && (r.dom == p.dom || p.dom == '*') && g(r.sub, p.sub, r.dom) && keyMatch2(r.obj, p.obj)",
        'g(r.sub, p.sub, r.dom) && keyMatch(r.obj, p.obj) && !(r.act == "generate") && regexMatch(r.act, p.act)',
        'g(r.sub, p.sub, r.dom) && !g(r.sub, "role:r1", r.dom) && (p.obj == "*" || p.obj == r.obj)',
    ],
)
def test_a_site_s_own_matcher_means_what_casbin_says_it_means(matcher: str) -> None:
    model = MODEL[: MODEL.index("[matchers]")] + f"[matchers]\nm = {matcher}\n"
    for seed in range(6):
        chance = random.Random(seed)
        policy = a_policy(chance, 10, 5, model)
        policy = AccessPolicy(model, tuple(r for r in policy.rules if r.action != "*"), policy.memberships, {})
        index, enforcer = Index(policy), an_enforcer(policy)
        for _ in range(40):
            asked = a_question(chance, policy)
            decision = index.decide(asked.subject, asked.roles, asked.tenant, asked.model, asked.action)
            assert decision.allowed == plainly(enforcer, asked), asked


@pytest.mark.parametrize("hops", [1, MAX_HOPS - 1, MAX_HOPS, MAX_HOPS + 1])
def test_roles_include_roles_as_far_as_casbin_follows_them(hops: int) -> None:
    names = ["user:ana", *(f"role:r{number}" for number in range(1, hops + 1))]
    chain = tuple(Membership(member, role, "t") for member, role in pairwise(names))
    policy = AccessPolicy(MODEL, (Rule(names[-1], "t", "m", "chat", "allow", "p"),), chain, {})
    enforced = an_enforcer(policy).enforce("user:ana", "t", "m", "chat")
    assert Index(policy).decide("user:ana", (), "t", "m", "chat").allowed is enforced is (hops <= MAX_HOPS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a Casbin model"),
        (MODEL.replace("sub, dom, obj, act\n", "sub, obj, act\n", 1), "request_definition"),
        (MODEL.replace(", may", "", 1), "policy_definition"),
        (MODEL.replace("g = _, _, _", "g = _, _"), "role_definition"),
        (MODEL.replace(" && !some(where (p.eft == deny))", ""), "policy_effect"),
        (MODEL.replace("m = g(", 'm = r.sub == "root" || g('), "does not require a role"),
        (MODEL.replace("m = g(r.sub, p.sub, r.dom) &&", "m ="), "does not require a role"),
        (MODEL.replace("m = g(", "m = (g("), "cannot be read"),
        (MODEL.replace("[role_definition]", "p2 = sub, act\n[role_definition]"), "p2"),
    ],
)
def test_a_model_that_could_not_be_answered_faithfully_is_refused(text: str, says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        Index(AccessPolicy(text, (Rule("role:a", "*", "*", "*", "allow", "p"),), (), {}))


@pytest.mark.parametrize(
    ("role", "permitted"),
    [
        ("analyst", {"chat", "complete", "generate", "tokenize", "models", "info", "health"}),
        ("reader", {"chat", "complete", "generate", "tokenize", "models", "info", "health"}),
        ("guest", {"models", "info"}),
        ("operator", {"models", "info", "health"}),
        ("auditor", {"models", "info"}),
        ("stranger", set()),
    ],
)
def test_the_demo_roles_may_do_what_is_promised_and_nothing_else(role: str, permitted: set[str]) -> None:
    stage = the_default()
    for action in Action:
        verdict = stage.judge(an_exchange("hi", principal=caller(role), action=action))
        assert isinstance(verdict, Refuse) is (action not in permitted), action


def test_a_user_named_like_a_role_does_not_have_it() -> None:
    verdict = the_default().judge(an_exchange("hi", principal=caller(name="analyst")))
    assert isinstance(verdict, Refuse)


def test_a_caller_nobody_identified_is_refused() -> None:
    verdict = the_default().judge(an_exchange("hi", principal=None))
    assert isinstance(verdict, Refuse)
    assert verdict.code is Code.NOT_PERMITTED


def test_a_deny_beats_every_allow_and_is_named() -> None:
    stage = a_stage("p,role:a,*,*,*,allow,p\np,role:b,*,smollm2,chat,deny,-\n")
    verdict = stage.judge(an_exchange("hi", principal=caller("a", "b")))
    assert isinstance(verdict, Refuse)
    assert (verdict.code, verdict.findings[0].rule) == (Code.NOT_PERMITTED, "role:b,*,smollm2,chat,deny,-")


def test_the_allowing_rule_is_named() -> None:
    verdict = a_stage("p,role:a,demo,smollm2,chat,allow,p\n").judge(an_exchange("hi", principal=caller("a")))
    assert isinstance(verdict, Allow)
    assert verdict.findings[0].rule == "role:a,demo,smollm2,chat,allow,p"


def test_roles_of_another_tenant_open_nothing() -> None:
    stage = a_stage("p,role:a,acme,*,*,allow,p\ng,user:someone,role:a,acme\n")
    assert isinstance(stage.judge(an_exchange("hi", principal=caller(tenant="acme"))), Amend)
    assert isinstance(stage.judge(an_exchange("hi", principal=caller(tenant="demo"))), Refuse)
    assert isinstance(stage.judge(an_exchange("hi", principal=caller("a", tenant="demo"))), Refuse)


def test_roles_that_the_policy_gives_are_seen_by_the_stages_that_follow() -> None:
    stage = a_stage(
        "p,role:a,*,*,*,allow,p\n"
        "g,user:someone,role:reader,acme\ng,role:reader,role:a,acme\ng,user:someone,role:other,demo\n"
    )
    for action in (Action.CHAT, Action.MODELS):
        verdict = stage.judge(an_exchange("hi", principal=caller("own", tenant="acme"), action=action))
        assert isinstance(verdict, Amend)
        assert verdict.exchange.principal is not None
        assert verdict.exchange.principal.roles == ("own", "a", "reader")
    again = stage.judge(verdict.exchange)
    assert isinstance(again, Amend)
    assert again.exchange.principal == verdict.exchange.principal


def test_a_hidden_model_and_one_that_does_not_exist_look_the_same() -> None:
    stage = a_stage("p,role:a,*,smollm2,*,allow,p\n")
    hidden = stage.judge(an_exchange("hi", principal=caller("a"), model="secret-model"))
    absent = stage.judge(an_exchange("hi", principal=caller("a"), model="no-such-model"))
    assert isinstance(hidden, Refuse)
    assert hidden == absent
    assert (hidden.code, hidden.findings[0].rule) == (Code.MODEL_NOT_FOUND, NO_RULE)


@pytest.mark.parametrize("action", [Action.GENERATE, Action.INFO, Action.HEALTH])
def test_where_no_model_is_named_there_is_none_to_hide(action: Action) -> None:
    stage = a_stage("p,role:a,*,smollm2,*,allow,p\n")
    verdict = stage.judge(an_exchange(principal=caller("b"), action=action))
    assert isinstance(verdict, Refuse)
    assert verdict.code is Code.NOT_PERMITTED


def test_a_model_one_may_see_but_not_ask_is_not_permitted() -> None:
    stage = a_stage("p,role:a,*,secret-model,models,allow,p\n")
    verdict = stage.judge(an_exchange("hi", principal=caller("a"), model="secret-model"))
    assert isinstance(verdict, Refuse)
    assert verdict.code is Code.NOT_PERMITTED


@pytest.mark.parametrize("name", ["", "tgi", "nickname", "smollm2"])
def test_an_alias_or_no_name_opens_no_side_door(name: str) -> None:
    denied = a_stage("p,role:a,*,*,*,allow,p\np,role:a,*,smollm2,chat,deny,-\n")
    assert isinstance(denied.judge(an_exchange("hi", principal=caller("a"), model=name)), Refuse)
    allowed = a_stage("p,role:a,*,smollm2,chat,allow,p\n")
    assert isinstance(allowed.judge(an_exchange("hi", principal=caller("a"), model=name)), Allow)


def test_only_permitted_models_are_listed() -> None:
    stage = a_stage("p,role:a,*,*,models,allow,p\np,role:b,*,secret-model,*,deny,-\n")
    assert stage.visible(caller("a")) == (("smollm2", "hangu"), ("secret-model", "hangu"))
    assert stage.visible(caller("a", "b")) == (("smollm2", "hangu"),)
    assert stage.visible(caller("b")) == ()
    listed = stage.judge(an_exchange(principal=caller("a", "b"), action=Action.MODELS, model=""))
    assert isinstance(listed, Amend)
    assert listed.exchange.visible == (("smollm2", "hangu"),)
    assert isinstance(stage.judge(an_exchange(principal=caller("b"), action=Action.MODELS, model="")), Refuse)


NARROW = Profile(max_tokens=100, samples=2, tools=("search",), adapters=("legal",), sampling=("seed",), alternatives=1)


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        (Parameters(max_tokens=101), "max_tokens"),
        (Parameters(samples=3), "samples"),
        (Parameters(tools=("search", "shell")), "tools"),
        (Parameters(grammar=True), "grammar"),
        (Parameters(adapter="other"), "adapters"),
        (Parameters(sampling=("seed", "temperature")), "sampling"),
        (Parameters(logprobs=True), "logprobs"),
        (Parameters(alternatives=2), "alternatives"),
        (Parameters(watermark=False), "watermark_off"),
        (Parameters(truncate=10), "truncate"),
    ],
)
def test_what_a_profile_does_not_permit_is_refused_by_name(asked: Parameters, where: str) -> None:
    stage = a_stage("p,role:a,*,*,*,allow,p\n", p=NARROW)
    verdict = stage.judge(an_exchange("hi", principal=caller("a"), parameters=asked))
    assert isinstance(verdict, Refuse)
    assert verdict.code is Code.PARAMETER_NOT_PERMITTED
    assert [(finding.rule, finding.where) for finding in verdict.findings[1:]] == [
        (f"p.{where}", f"parameters.{where}")
    ]
    assert verdict.detail
    assert not any(name in verdict.detail for name in (*asked.tools, str(asked.adapter), *asked.sampling))


def test_what_a_profile_permits_passes() -> None:
    stage = a_stage("p,role:a,*,*,*,allow,p\n", p=NARROW)
    asked = Parameters(100, 2, 1, False, ("search",), adapter="legal", sampling=("seed",), watermark=True)
    assert isinstance(stage.judge(an_exchange("hi", principal=caller("a"), parameters=asked)), Allow)


def test_grants_add_up_but_not_by_halves() -> None:
    stage = a_stage(
        "p,role:a,*,*,*,allow,p\np,role:b,*,*,*,allow,q\n",
        p=Profile(max_tokens=100, grammar=True),
        q=Profile(max_tokens=500, sampling="any"),
    )
    both = caller("a", "b")
    long = Parameters(max_tokens=400)
    assert isinstance(stage.judge(an_exchange("hi", principal=both, parameters=long)), Allow)
    long_and_bound = Parameters(max_tokens=400, grammar=True)
    assert isinstance(stage.judge(an_exchange("hi", principal=both, parameters=long_and_bound)), Refuse)


def test_a_request_that_names_no_length_gets_the_profile_s() -> None:
    stage = a_stage("p,role:a,*,*,*,allow,p\n", p=NARROW)
    verdict = stage.judge(an_exchange("hi", principal=caller("a")))
    assert isinstance(verdict, Amend)
    assert verdict.exchange.parameters.max_tokens == 100
    looking = stage.judge(an_exchange(principal=caller("a"), action=Action.INFO, model=""))
    assert isinstance(looking, Allow)


def test_a_rule_whose_profile_is_gone_refuses() -> None:
    policy = AccessPolicy(MODEL, (Rule("role:a", "*", "*", "*", "allow", "gone"),), (), {})
    judged = judge((Access(policy, two_models()),), an_exchange("hi", principal=caller("a")), lambda: 0.0)
    assert judged.refusal is not None
    assert judged.refusal.code is Code.STAGE_FAILED


def test_policies_and_exchanges_name_the_same_actions() -> None:
    assert set(ACTIONS) == {action.value for action in Action if action is not Action.UNKNOWN}


def test_an_action_nobody_knows_is_permitted_to_nobody() -> None:
    stage = a_stage("p,role:a,*,*,*,allow,p\n")
    assert isinstance(stage.judge(an_exchange("hi", principal=caller("a"), action=Action.UNKNOWN)), Refuse)
