"""Grammars and response formats: TGI's shape, OpenAI's, and the way from one to the other. Complexity is judged by stages."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.exchange import Kind
from gateway.core.verdict import Code, Refuse
from tgi.wire.draft import PARAMETER, Draft, Out, Rejected, Rule, invalid, name_at, object_at, string_at
from tgi.wire.strict import parse

_TGI_KEYS = frozenset({"type", "value"})
_JSON_SCHEMA_KEYS = frozenset({"name", "description", "schema", "strict"})


def grammar(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    """TGI's grammar, as `/generate` takes it."""
    given = object_at(where, value)
    _only(given, _TGI_KEYS, where)
    kind, body = string_at(f"{where}.type", given.get("type")), given.get("value")
    if body is None:
        invalid(f"{where}.value", "is required")
    kept: Out = {"type": kind}
    match kind:
        case "regex":
            draft.text(kept, "value", f"{where}.value", string_at(f"{where}.value", body), PARAMETER, Kind.SCHEMA)
        case "json" | "json_object":
            _json_grammar(draft, kept, f"{where}.value", body)
        case "json_schema":
            kept["value"] = _named_schema(draft, f"{where}.value", body, _tgi_schema)
        case _:
            invalid(f"{where}.type", "must be one of json, json_object, regex, json_schema")
    out[key] = kept
    draft.facts["grammar"] = True
    draft.facts["structured"] = True


def response_format_for_tgi(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    """Either shape in, TGI's out."""
    given = object_at(where, value)
    match given.get("type"), "value" in given:
        case "text", False:
            _only(given, {"type"}, where)
        case "json_object", False:
            invalid(where, "json_object needs a schema on this backend: send json_schema")
        case "json_schema", False:
            _only(given, {"type", "json_schema"}, where)
            schema = _named_schema(draft, f"{where}.json_schema", given.get("json_schema"), _tgi_schema)
            out[key] = {"type": "json_schema", "value": schema}
            draft.facts.update(grammar=True, structured=True)
        case _:
            grammar(draft, out, key, where, value)


def response_format_for_openai(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    """OpenAI's shape in and out."""
    given = object_at(where, value)
    kind = given.get("type")
    if kind == "text":
        _only(given, {"type"}, where)
        return
    draft.facts["structured"] = True
    if kind == "json_object":
        _only(given, {"type"}, where)
        out[key] = {"type": kind}
        return
    if kind != "json_schema":
        invalid(f"{where}.type", "must be one of text, json_object, json_schema")
    _only(given, {"type", "json_schema"}, where)
    out[key] = {"type": kind, kind: _named_schema(draft, f"{where}.json_schema", given.get("json_schema"), _schema)}
    draft.facts["grammar"] = True


def _json_grammar(draft: Draft, kept: Out, where: str, body: object) -> None:
    """A schema, or a string that spells one: read as strictly as the body itself, and sent on as a schema."""
    if isinstance(body, str):
        spelled = parse(body.encode(), draft.limits)
        if isinstance(spelled, Refuse):
            raise Rejected(spelled.code, f"{where}: must be an object, or a string that spells one")
        body = spelled
    _tgi_schema(draft, kept, "value", where, body)


def _named_schema(draft: Draft, where: str, value: object, schema: Rule) -> Out:
    given = object_at(where, value)
    _only(given, _JSON_SCHEMA_KEYS, where)
    kept: Out = {}
    for key, rule in (*_NAMED.items(), ("schema", schema)):
        if given.get(key) is not None:
            rule(draft, kept, key, f"{where}.{key}", given[key])
    if "schema" not in kept:
        invalid(f"{where}.schema", "is required")
    return kept


def _name(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    draft.text(out, key, where, name_at(draft, where, value), PARAMETER, Kind.IDENTIFIER)


def _description(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    draft.text(out, key, where, string_at(where, value), PARAMETER)


def _schema(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    draft.json(out, key, where, object_at(where, value), PARAMETER)


def _tgi_schema(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    if "properties" not in object_at(where, value):
        invalid(where, "must have properties")  # TGI builds its regular expression from them
    _schema(draft, out, key, where, value)


def _strict(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    if type(value) is not bool:
        invalid(where, "must be true or false")
    out[key] = value


_NAMED: Mapping[str, Rule] = {"name": _name, "description": _description, "strict": _strict}


def _only(given: Mapping[str, object], known: frozenset[str] | set[str], where: str) -> None:
    for key in given:
        if key not in known:
            raise Rejected(Code.FIELD_UNKNOWN, f"{where} has a field that is not one of {', '.join(sorted(known))}")
