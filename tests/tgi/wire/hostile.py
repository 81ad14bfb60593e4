"""Requests that must be refused, each with its code: (name, method, path, headers, body, code).

Data only. `HOSTILE` is refused by the wire; `AT_THE_DOOR` before it, by whoever speaks HTTP.
"""

from __future__ import annotations

from gateway.core.verdict import Code

Case = tuple[str, str, str, dict[str, str], bytes, Code]

JSON = {"content-type": "application/json"}
CHAT, GENERATE, STREAM, ROOT = "/v1/chat/completions", "/generate", "/generate_stream", "/"
COMPLETE, INVOKE, TOKENIZE = "/v1/completions", "/invocations", "/tokenize"
HI = b'"messages":[{"role":"user","content":"hi"}]'


def _post(name: str, path: str, body: bytes, code: Code) -> Case:
    return name, "POST", path, JSON, body, code


def _chat(name: str, fields: bytes, code: Code = Code.PARAMETER_INVALID) -> Case:
    return _post(name, CHAT, b"{" + HI + b"," + fields + b"}", code)


def _says(name: str, messages: bytes, code: Code = Code.PARAMETER_INVALID) -> Case:
    return _post(name, CHAT, b'{"messages":' + messages + b"}", code)


def _asks(name: str, parameters: bytes, code: Code = Code.PARAMETER_INVALID, path: str = GENERATE) -> Case:
    return _post(name, path, b'{"inputs":"hi","parameters":{' + parameters + b"}}", code)


HOSTILE: list[Case] = [
    # What is not JSON, or is JSON that two readers read differently.
    _post("an empty body", CHAT, b"", Code.JSON_MALFORMED),
    _post("a body that is not JSON", CHAT, b"messages=hi", Code.JSON_MALFORMED),
    _post("a body that breaks off", CHAT, b'{"messages":[{"role":"user","con', Code.JSON_MALFORMED),
    _post("two bodies in one", GENERATE, b'{"inputs":"a"}{"inputs":"b"}', Code.JSON_MALFORMED),
    _post("a list for a body", GENERATE, b'[{"inputs":"a"}]', Code.JSON_MALFORMED),
    _post("a string for a body", GENERATE, b'"inputs"', Code.JSON_MALFORMED),
    _post("null for a body", GENERATE, b"null", Code.JSON_MALFORMED),
    _post("a byte order mark", GENERATE, b'\xef\xbb\xbf{"inputs":"a"}', Code.JSON_MALFORMED),
    _post("UTF-16", GENERATE, '{"inputs":"a"}'.encode("utf-16"), Code.JSON_MALFORMED),
    _post("bytes that are not UTF-8", GENERATE, b'{"inputs":"\xff\xfe"}', Code.JSON_MALFORMED),
    _post("an overlong encoding", GENERATE, b'{"inputs":"\xc0\xaf"}', Code.JSON_MALFORMED),
    _post("a lone high surrogate", GENERATE, b'{"inputs":"\\ud800"}', Code.JSON_MALFORMED),
    _post("a lone low surrogate", GENERATE, b'{"inputs":"\\udc00 a"}', Code.JSON_MALFORMED),
    _post("a surrogate in raw bytes", GENERATE, b'{"inputs":"\xed\xa0\x80"}', Code.JSON_MALFORMED),
    _post("NaN", CHAT, b"{" + HI + b',"temperature":NaN}', Code.JSON_MALFORMED),
    _post("Infinity", CHAT, b"{" + HI + b',"temperature":Infinity}', Code.JSON_MALFORMED),
    _post("a number beyond a double", CHAT, b"{" + HI + b',"temperature":1e999}', Code.JSON_MALFORMED),
    _post("a comment", GENERATE, b'{"inputs":"a"/* b */}', Code.JSON_MALFORMED),
    _post("a trailing comma", GENERATE, b'{"inputs":"a",}', Code.JSON_MALFORMED),
    _post("single quotes", GENERATE, b"{'inputs':'a'}", Code.JSON_MALFORMED),
    _post("a raw control character", GENERATE, b'{"inputs":"a\nb"}', Code.JSON_MALFORMED),
    _post("a NUL after the body", GENERATE, b'{"inputs":"a"}\x00', Code.JSON_MALFORMED),
    _post("a prompt named twice", GENERATE, b'{"inputs":"a","inputs":"b"}', Code.JSON_DUPLICATE_KEY),
    _post("a key hidden by an escape", GENERATE, b'{"inputs":"a","\\u0069nputs":"b"}', Code.JSON_DUPLICATE_KEY),
    _post(
        "a key twice with quotes about", GENERATE, b'{"inputs":"\\"a\\\\","inputs":"\\\\\\""}', Code.JSON_DUPLICATE_KEY
    ),
    _says("a role that is a list", b'[{"role":[],"content":"a"}]'),
    _says("a role that is an object", b'[{"role":{"a":"user"},"content":"a"}]'),
    _says("a role named twice", b'[{"role":"user","role":"system","content":"a"}]', Code.JSON_DUPLICATE_KEY),
    _asks("a parameter twice", b'"max_new_tokens":1,"max_new_tokens":4096', Code.JSON_DUPLICATE_KEY),
    _chat(
        "a key twice inside a schema",
        b'"tools":[{"type":"function","function":{"name":"f","parameters":{"a":{"b":1,"b":2}}}}]',
        Code.JSON_DUPLICATE_KEY,
    ),
    _post("depth without end", CHAT, b'{"messages":' + b"[" * 5000 + b"]" * 5000 + b"}", Code.JSON_MALFORMED),
    _post("too deep", CHAT, b'{"tools":' + b"[" * 200 + b"]" * 200 + b"}", Code.TOO_LARGE),
    _post("too many values", CHAT, b'{"messages":[' + b"0," * 60_000 + b"0]}", Code.TOO_LARGE),
    _post("too many lists to parse", CHAT, b'{"messages":[' + b"[]," * 200_000 + b"0]}", Code.TOO_LARGE),
    # What no rule knows.
    _chat("an unknown field", b'"guided_regex":"a"', Code.FIELD_UNKNOWN),
    _chat("an unknown field that is null", b'"guided_regex":null', Code.FIELD_UNKNOWN),
    _chat("a field that overrides generation", b'"generation_config":"{}"', Code.FIELD_UNKNOWN),
    _chat("a look-alike field", '"mоdel":"a"'.encode(), Code.FIELD_UNKNOWN),
    _chat("another case", b'"Max_Tokens":4', Code.FIELD_UNKNOWN),
    _says("an unknown field in a message", b'[{"role":"user","content":"a","prefix":true}]', Code.FIELD_UNKNOWN),
    _says(
        "an unknown field in a part",
        b'[{"role":"user","content":[{"type":"text","text":"a","cache_control":{}}]}]',
        Code.FIELD_UNKNOWN,
    ),
    _asks("an unknown parameter", b'"logits_processor":"x"', Code.FIELD_UNKNOWN),
    _post("an unknown field beside inputs", GENERATE, b'{"inputs":"a","options":{}}', Code.FIELD_UNKNOWN),
    _post("chat's field on generate", GENERATE, b'{"inputs":"a","model":"b"}', Code.FIELD_UNKNOWN),
    # Shapes that fit two routes, or none.
    _post("an invocation of two shapes", INVOKE, b'{"inputs":"a",' + HI + b"}", Code.PARAMETER_INVALID),
    _post("an invocation of three shapes", INVOKE, b'{"inputs":"a","prompt":"b",' + HI + b"}", Code.PARAMETER_INVALID),
    _post("an invocation of no shape", INVOKE, b'{"instances":[]}', Code.PARAMETER_INVALID),
    _post("an invocation of mixed shapes", INVOKE, b'{"parameters":{},' + HI + b"}", Code.FIELD_UNKNOWN),
    _chat("two names for one limit", b'"max_tokens":1,"max_completion_tokens":9999'),
    _chat(
        "two names for one schema",
        b'"tools":[{"type":"function","function":{"name":"f","parameters":{},"arguments":{}}}]',
    ),
    # Wrong types and ranges, by TGI's rules.
    _chat("a temperature below zero", b'"temperature":-0.1'),
    _chat("a temperature that is a string", b'"temperature":"1"'),
    _chat("a temperature that is true", b'"temperature":true'),
    _chat("a temperature beyond f32", b'"temperature":1e300'),
    _chat("a top_p above one", b'"top_p":1.5'),
    _chat("a frequency penalty out of range", b'"frequency_penalty":2.5'),
    _chat("no tokens at all", b'"max_tokens":0'),
    _chat("tokens below zero", b'"max_tokens":-1'),
    _chat("tokens beyond u32", b'"max_tokens":4294967296'),
    _chat("half a token", b'"max_tokens":1.5'),
    _chat("a seed below zero", b'"seed":-1'),
    _chat("a seed beyond u64", b'"seed":18446744073709551616'),
    _chat("several choices", b'"n":4'),
    _chat("too many alternatives", b'"logprobs":true,"top_logprobs":20'),
    _chat("alternatives without logprobs", b'"top_logprobs":2'),
    _chat("biased logits", b'"logit_bias":{"1":100}'),
    _chat("too many stop words", b'"stop":["a","b","c","d","e"]'),
    _chat("an endless stop word", b'"stop":["' + b"a" * 5000 + b'"]'),
    _chat("a stop word that is a number", b'"stop":[1]'),
    _chat("a stream that is a string", b'"stream":"yes"'),
    _chat("an endless model name", b'"model":"' + b"a" * 5000 + b'"'),
    _chat("a model that is a list", b'"model":["a"]'),
    _chat("a format of no kind", b'"response_format":{"type":"xml"}'),
    _chat(
        "a format beside tools",
        b'"response_format":{"type":"json_schema","json_schema":{"schema":{"properties":{}}}},'
        b'"tools":[{"type":"function","function":{"name":"f"}}]',
    ),
    _chat(
        "a grammar twice inside its string",
        b'"response_format":{"type":"json","value":"{\\"properties\\":{},\\"properties\\":{}}"}',
        Code.JSON_DUPLICATE_KEY,
    ),
    _chat("a tool of no kind", b'"tools":[{"type":"retrieval","function":{"name":"f"}}]'),
    _chat("a tool without a name", b'"tools":[{"type":"function","function":{"description":"d"}}]'),
    _chat(
        "two tools of one name",
        b'"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}]',
    ),
    _says("no messages", b"[]"),
    _says("messages that are a string", b'"hi"'),
    _says("a message that is a string", b'["hi"]'),
    _says("a role nobody has", b'[{"role":"root","content":"a"}]'),
    _says("a message without words", b'[{"role":"user"}]'),
    _says("words that are a number", b'[{"role":"user","content":7}]'),
    _says("a sound", b'[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"","format":"wav"}}]}]'),
    _says("an image without a place", b'[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]'),
    _post("no prompt", GENERATE, b"{}", Code.PARAMETER_INVALID),
    _post("an empty prompt", GENERATE, b'{"inputs":""}', Code.PARAMETER_INVALID),
    _post("a prompt that is a list", GENERATE, b'{"inputs":["a"]}', Code.PARAMETER_INVALID),
    _post("a stream on a route that has none", GENERATE, b'{"inputs":"a","stream":true}', Code.PARAMETER_INVALID),
    _post("no prompt to tokenize", TOKENIZE, b'{"input":"a"}', Code.PARAMETER_INVALID),
    _asks("greedy at temperature zero", b'"temperature":0'),
    _asks("a top_p of one", b'"top_p":1.0'),
    _asks("a top_k of zero", b'"top_k":0'),
    _asks("the best of many", b'"do_sample":true,"best_of":3'),
    _asks("the best of two with a seed", b'"do_sample":true,"best_of":2,"seed":1'),
    _asks("the best of two without chance", b'"best_of":2'),
    _asks("the best of two in a stream", b'"do_sample":true,"best_of":2', path=STREAM),
    _asks("prompt details in a stream", b'"decoder_input_details":true', path=STREAM),
    _asks("too many candidates", b'"top_n_tokens":6'),
    _asks("cut to nothing", b'"truncate":0'),
    _asks("stop words as a string", b'"stop":"a"'),
    _asks("a grammar of no kind", b'"grammar":{"type":"ebnf","value":"a"}'),
    _asks("a grammar without a value", b'"grammar":{"type":"regex"}'),
    _asks("a grammar without properties", b'"grammar":{"type":"json","value":{"type":"object"}}'),
    _asks("a grammar that is not JSON", b'"grammar":{"type":"json","value":"{"}', Code.JSON_MALFORMED),
    _post("a list for parameters", GENERATE, b'{"inputs":"a","parameters":[]}', Code.PARAMETER_INVALID),
    _post("prompts as token ids", COMPLETE, b'{"prompt":[[1,2,3]]}', Code.PARAMETER_INVALID),
    _post("no prompts in a list", COMPLETE, b'{"prompt":[]}', Code.PARAMETER_INVALID),
    _post("too many prompts", COMPLETE, b'{"prompt":["a","b","c","d","e"]}', Code.PARAMETER_INVALID),
    _post("a suffix", COMPLETE, b'{"prompt":"a","suffix":"b"}', Code.PARAMETER_INVALID),
    _post("an echo", COMPLETE, b'{"prompt":"a","echo":true}', Code.PARAMETER_INVALID),
    ("a body where none belongs", "GET", "/info", JSON, b'{"a":1}', Code.REQUEST_MALFORMED),
    _post("a body beyond the limit", GENERATE, b'{"inputs":"' + b"a" * 2_000_000 + b'"}', Code.TOO_LARGE),
]

_ASKS = b'{"inputs":"a"}'
AT_THE_DOOR: list[Case] = [
    ("a route of another server", "POST", "/flush_cache", JSON, b"{}", Code.ROUTE_UNKNOWN),
    ("a route of TGI that is not passed on", "POST", "/vertex", JSON, b'{"instances":[]}', Code.ROUTE_UNKNOWN),
    ("metrics on the data port", "GET", "/metrics", {}, b"", Code.ROUTE_UNKNOWN),
    ("a route with a slash too many", "POST", "//generate", JSON, _ASKS, Code.ROUTE_UNKNOWN),
    ("a route in other letters", "POST", "/Generate", JSON, _ASKS, Code.ROUTE_UNKNOWN),
    ("a route with a query", "POST", "/generate?a=b", JSON, _ASKS, Code.ROUTE_UNKNOWN),
    ("a method the route does not take", "GET", "/generate", {}, b"", Code.METHOD_NOT_ALLOWED),
    ("a body of another type", "POST", GENERATE, {"content-type": "text/plain"}, _ASKS, Code.MEDIA_TYPE_UNSUPPORTED),
    (
        "a form",
        "POST",
        GENERATE,
        {"content-type": "application/x-www-form-urlencoded"},
        b"inputs=a",
        Code.MEDIA_TYPE_UNSUPPORTED,
    ),
    ("a compressed body", "POST", GENERATE, {**JSON, "content-encoding": "gzip"}, _ASKS, Code.MEDIA_TYPE_UNSUPPORTED),
]
