"""Casbin's model file, taken apart: which conditions an index can answer, and which Casbin must evaluate itself.

The one module that imports casbin. It knows no rule and no caller.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from casbin.effect import get_effector
from casbin.model import FunctionMap
from casbin.model import Model as CasbinModel
from casbin.util import SimpleEval, key_match

from gateway.core.errors import PolicyError
from policies.access import MODEL, Rule

REQUEST = ["r_sub", "r_dom", "r_obj", "r_act"]
POLICY = ["p_sub", "p_dom", "p_obj", "p_act", "p_eft", "p_may"]
ROLE_CONDITION = "g(r_sub, p_sub, r_dom)"
DENY_OVERRIDES = "some(where (p_eft == allow)) && !some(where (p_eft == deny))"
SPELLING = "m = g(r.sub, p.sub, r.dom) && …"


@dataclass(frozen=True, slots=True)
class Request:
    """What Casbin is asked: subject, domain (tenant), object (model), action."""

    subject: str
    domain: str
    object: str
    action: str


class Linked(Protocol):
    """Does `member` have `role` in `domain`? Casbin's g function."""

    def __call__(self, member: str, role: str, domain: str) -> bool: ...


Condition: TypeAlias = Callable[[Request, Rule], bool]
Leftover: TypeAlias = Callable[[Request, Rule, Linked], bool]

# What the usual conditions mean, spelled as Python's own printer spells them. Each equals Casbin's evaluation.
NATIVE: Mapping[str, Condition] = {
    "r_dom == p_dom": lambda request, rule: request.domain == rule.tenant,
    "p_dom == '*' or r_dom == p_dom": lambda request, rule: rule.tenant in ("*", request.domain),
    "r_obj == p_obj": lambda request, rule: request.object == rule.model,
    "keyMatch(r_obj, p_obj)": lambda request, rule: bool(key_match(request.object, rule.model)),
    "p_obj == '*' or r_obj == p_obj": lambda request, rule: rule.model in ("*", request.object),
    "r_act == p_act": lambda request, rule: request.action == rule.action,
    "p_act == '*' or r_act == p_act": lambda request, rule: rule.action in ("*", request.action),
}


@dataclass(frozen=True, slots=True)
class Matcher:
    """A conjunction: the role condition, which the index answers, then `native`, then what is `left` to Casbin."""

    native: tuple[Condition, ...]
    left: Leftover | None

    def fits(self, request: Request, rule: Rule, linked: Linked) -> bool:
        """Every condition but the role's."""
        if not all(condition(request, rule) for condition in self.native):
            return False
        return self.left is None or self.left(request, rule, linked)


def read_model(text: str) -> Matcher:
    """The model's matcher, or `PolicyError` where its shape is not one that can be indexed by subject."""
    model = CasbinModel()
    try:
        model.load_model_from_text(text)
        request, policy = model["r"]["r"].tokens, model["p"]["p"].tokens
        effect, matcher, roles = model["e"]["e"].value, model["m"]["m"].value, model["g"]["g"].value
    except (KeyError, TypeError, RuntimeError, ValueError, AttributeError) as error:
        raise PolicyError(
            "is not a Casbin model with roles in domains", MODEL, "start from the default model"
        ) from error
    _must_be("request_definition", request, REQUEST)
    _must_be("policy_definition", policy, POLICY)
    _must_be("role_definition", roles.replace(" ", ""), "_,_,_")
    _must_be("policy_effect", effect, DENY_OVERRIDES)
    get_effector(effect)  # Casbin knows it too
    _must_be_alone(model)
    return _take_apart(matcher)


def _must_be(section: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise PolicyError(f"{section} is {found}, not {wanted}", MODEL, "start from the default model")


def _must_be_alone(model: Mapping[str, Mapping[str, object]]) -> None:
    """Casbin allows r2, p2, m2 …; a second definition would be read by nobody."""
    extra = sorted(key for section in model.values() for key in section if key not in ("r", "p", "g", "e", "m"))
    if extra:
        raise PolicyError(f"defines {', '.join(extra)}, which is not used", MODEL, "keep one definition of each kind")


def _take_apart(matcher: str) -> Matcher:
    conditions = _conjunction(matcher)
    if ROLE_CONDITION not in conditions:
        raise PolicyError("the matcher does not require a role by itself", MODEL, f"begin with `{SPELLING}`")
    rest = [condition for condition in conditions if condition != ROLE_CONDITION]
    native = tuple(NATIVE[_turned(condition)] for condition in rest if _turned(condition) in NATIVE)
    left = " and ".join(f"({condition})" for condition in rest if _turned(condition) not in NATIVE)
    return Matcher(native, _evaluated(left) if left else None)


def _conjunction(matcher: str) -> list[str]:
    """The conditions that must all hold, in Python's spelling, which is how Casbin for Python reads them."""
    python = re.sub(r"!(?!=)", "not ", matcher.replace("&&", " and ").replace("||", " or "))
    try:
        tree = ast.parse(python.strip(), mode="eval").body
    except SyntaxError as error:
        raise PolicyError("the matcher cannot be read", MODEL, f"column {error.offset}") from error
    return [ast.unparse(part) for part in _parts(tree)]


def _parts(tree: ast.expr) -> list[ast.expr]:
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        return [part for value in tree.values for part in _parts(value)]
    return [tree]


def _turned(condition: str) -> str:
    """The same condition with the sides of `==` and `or` in the order NATIVE has them."""
    return ast.unparse(_ordered(ast.parse(condition, mode="eval").body))


def _ordered(tree: ast.expr) -> ast.expr:
    if isinstance(tree, ast.BoolOp):
        return ast.BoolOp(tree.op, sorted(map(_ordered, tree.values), key=lambda side: "*" not in ast.unparse(side)))
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1 and isinstance(tree.ops[0], ast.Eq):
        left, right = sorted((tree.left, tree.comparators[0]), key=_side)
        return ast.Compare(left, tree.ops, [right])
    return tree


def _side(operand: ast.expr) -> tuple[bool, bool]:
    return (isinstance(operand, ast.Constant), ast.unparse(operand).startswith("p_"))


def _evaluated(expression: str) -> Leftover:
    """Casbin's own evaluator over its own functions; `g` asks the index."""
    functions = FunctionMap.load_function_map().get_functions()

    def left(request: Request, rule: Rule, linked: Linked) -> bool:
        names = dict(zip(POLICY, rule.fields, strict=True))
        asked = (request.subject, request.domain, request.object, request.action)
        names.update(zip(REQUEST, asked, strict=True))
        return bool(SimpleEval(expression, {**functions, "g": linked}).eval(names))

    return left
