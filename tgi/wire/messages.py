"""The turns of a chat and the tools it declares: every string in them as a passage. Other fields live in `chatting`."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.exchange import Kind
from tgi.wire.draft import (
    PARAMETER,
    TOOL_DEFINITION,
    Draft,
    Out,
    Rule,
    invalid,
    list_at,
    name_at,
    object_at,
    read_fields,
    required,
    string_at,
)
from tgi.wire.scalars import boolean_at, one_of, only

ROLES = frozenset(
    {"system", "developer", "user", "assistant", "tool"}
)  # TGI hands any word to the template: a closed set here
MAX_PARTS = 256  # of one message: more is not a conversation
MAX_CALLS = 128  # of one message: OpenAI's limit on tools


def messages(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    turns = list_at(where, value, draft.limits.max_messages, "messages")
    if not turns:
        invalid(where, "must not be empty")
    kept: list[object] = []
    for i, turn in enumerate(turns):
        kept.append(_message(draft, f"{where}[{i}]", turn))
    out[key] = kept


def _message(draft: Draft, where: str, value: object) -> Out:
    given = object_at(where, value)
    role = given.get("role")
    if type(role) is not str or role not in ROLES:
        invalid(f"{where}.role", "must be one of system, developer, user, assistant, tool")
    # Templates of open models know no "developer", and would leave its words out.
    kept: Out = {"role": "system" if role == "developer" else role}
    content = given.get("content")
    if type(content) is str and len(given) == 2:  # nearly every message there is
        draft.text(kept, "content", f"{where}.content", content, "system" if role == "developer" else role)
        return kept
    if given.get("content") == "" and given.get("tool_calls"):
        given = {key: field for key, field in given.items() if key != "content"}  # TGI would take it for the whole turn
    for key, field in given.items():
        rule = FIELDS.get(key)
        if rule is None:
            read_fields(draft, kept, {}, {key: field}, where + ".")
        elif field is not None:
            rule(draft, kept, key, f"{where}.{key}", field)
    if "content" not in kept and "tool_calls" not in kept:
        invalid(f"{where}.content", "is required")
    return kept


def _role(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    pass  # read first: the others need it


def _content(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    role = str(out["role"])
    if type(value) is str:
        draft.text(out, key, where, value, role)
        return
    parts: list[object] = []
    for i, part in enumerate(list_at(where, value, MAX_PARTS, "parts")):
        parts.append(_part(draft, f"{where}[{i}]", object_at(f"{where}[{i}]", part), role))
    out[key] = parts


def _part(draft: Draft, where: str, given: dict[str, object], role: str) -> Out:
    kept: Out = {"type": given.get("type")}
    match given.get("type"):
        case "text":
            required(given, ["text"], where + ".")
            draft.text(kept, "text", f"{where}.text", string_at(f"{where}.text", given["text"]), role)
            read_fields(draft, kept, _NOTHING, _rest(given, "text"), where + ".")
        case "image_url":
            kept["image_url"] = _image(draft, f"{where}.image_url", given.get("image_url"), role)
            read_fields(draft, kept, _NOTHING, _rest(given, "image_url"), where + ".")
        case _:
            invalid(f"{where}.type", "must be one of text, image_url")
    return kept


def _image(draft: Draft, where: str, value: object, role: str) -> Out:
    given = object_at(where, value)
    required(given, ["url"], where + ".")
    kept: Out = {}
    draft.text(kept, "url", f"{where}.url", string_at(f"{where}.url", given["url"]), role, Kind.URL)
    read_fields(draft, kept, _DETAIL, _rest(given, "url"), where + ".")
    return kept


def _rest(given: Mapping[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in given.items() if key not in ("type", name)}


_NOTHING: Mapping[str, Rule] = {}
_DETAIL: Mapping[str, Rule] = {"detail": one_of("auto", "low", "high")}


def _name(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    draft.text(out, key, where, name_at(draft, where, value), str(out["role"]), Kind.IDENTIFIER)


def _prose(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    draft.text(out, key, where, string_at(where, value), str(out["role"]))


def _calls(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    calls: list[object] = []
    for i, call in enumerate(list_at(where, value, MAX_CALLS, "tool calls")):
        calls.append(_call(draft, f"{where}[{i}]", object_at(f"{where}[{i}]", call), str(out["role"])))
    if calls:
        out[key] = calls


def _call(draft: Draft, where: str, given: dict[str, object], role: str) -> Out:
    required(given, ["id", "function"], where + ".")
    kept: Out = {"type": "function", "role": role}  # the role is only for the rules below
    read_fields(draft, kept, _CALL, given, where + ".")
    del kept["role"]
    return kept


def _called(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    given = object_at(where, value)
    required(given, ["name", "arguments"], where + ".")
    kept: Out = {"role": out["role"]}
    read_fields(draft, kept, _CALLED, given, where + ".")
    del kept["role"]
    out[key] = kept


def _arguments(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    """OpenAI writes arguments as a string of JSON; TGI takes an object too."""
    role = str(out["role"])
    if type(value) is str:
        draft.text(out, key, where, value, role, Kind.ARGUMENTS)
    else:
        draft.json(out, key, where, object_at(where, value), role, Kind.ARGUMENTS)


def _repeated(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    """What OpenAI's SDK adds to a message it has parsed: the same once more, which goes no further."""


_ABSENT = only(because="is not supported: leave it out")
_CALLED: Mapping[str, Rule] = {
    "name": _name,
    "arguments": _arguments,
    "description": _prose,
    "parsed_arguments": _repeated,
}


def _index(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    if type(value) is not int:  # a streamed call that was put together keeps its index; nobody reads it
        invalid(where, "must be an integer")


_CALL: Mapping[str, Rule] = {"id": _name, "type": one_of("function"), "function": _called, "index": _index}

FIELDS: Mapping[str, Rule] = {
    "role": _role,
    "content": _content,
    "name": _name,
    "tool_calls": _calls,
    "tool_call_id": _name,
    "reasoning_content": _prose,  # what clients append of an earlier answer
    "reasoning": _prose,
    "refusal": _prose,
    "parsed": _repeated,
    "annotations": only([], because="is not supported: leave it out"),
    "audio": _ABSENT,
    "function_call": _ABSENT,
}


def tools(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    """An empty list is as none: TGI would refuse it beside a response format."""
    declared: list[object] = []
    for i, tool in enumerate(list_at(where, value, draft.limits.max_tools, "tools")):
        given = object_at(f"{where}[{i}]", tool)
        required(given, ["type", "function"], f"{where}[{i}].")
        kept: Out = {}
        read_fields(draft, kept, _TOOL, given, f"{where}[{i}].")
        declared.append(kept)
    if declared:
        out[key] = declared
        draft.facts["structured"] = True


def _function(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    given = object_at(where, value)
    required(given, ["name"], where + ".")
    if "parameters" in given and "arguments" in given:
        invalid(f"{where}.arguments", "is another name for parameters: send one of them")
    kept: Out = {}
    read_fields(draft, kept, _FUNCTION, given, where + ".")
    out[key] = kept


def _tool_name(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    name = name_at(draft, where, value)
    declared = draft.facts.setdefault("tools", ())
    assert isinstance(declared, tuple)
    if name in declared:
        invalid(where, "is declared twice")
    draft.facts["tools"] = (*declared, name)
    draft.text(out, key, where, name, TOOL_DEFINITION, Kind.IDENTIFIER)


def _description(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    draft.text(out, key, where, string_at(where, value), TOOL_DEFINITION)


def _schema(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    draft.json(out, "parameters", where, object_at(where, value), TOOL_DEFINITION)


def _strict(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    out[key] = boolean_at(where, value)


_FUNCTION: Mapping[str, Rule] = {
    "name": _tool_name,
    "description": _description,
    "parameters": _schema,
    "arguments": _schema,  # TGI's other name for it
    "strict": _strict,
}
_TOOL: Mapping[str, Rule] = {"type": one_of("function"), "function": _function}


def tool_choice(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    """`auto`, `none`, `required`, a function's name, or an object that names it."""
    if type(value) is str:
        if value in ("auto", "none", "required"):
            out[key] = value
        else:
            draft.text(out, key, where, name_at(draft, where, value), PARAMETER, Kind.IDENTIFIER)
        return
    given = object_at(where, value)
    required(given, ["type", "function"], where + ".")
    kept: Out = {}
    read_fields(draft, kept, _CHOICE, given, where + ".")
    out[key] = kept


def tool_choice_of_openai(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    if type(value) is str and value not in ("auto", "none", "required"):
        invalid(where, "must be one of auto, none, required, or an object that names a function")
    tool_choice(draft, out, key, where, value)


def _chosen(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    given = object_at(where, value)
    required(given, ["name"], where + ".")
    kept: Out = {}
    read_fields(draft, kept, _CHOSEN, given, where + ".")
    out[key] = kept


def _chosen_name(draft: Draft, out: Out, key: str, where: str, value: object) -> None:
    draft.text(out, key, where, name_at(draft, where, value), PARAMETER, Kind.IDENTIFIER)


_CHOSEN: Mapping[str, Rule] = {"name": _chosen_name}
_CHOICE: Mapping[str, Rule] = {"type": one_of("function"), "function": _chosen}
