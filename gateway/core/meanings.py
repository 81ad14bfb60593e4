"""What each refusal code means, in one line of English and of Chinese. The words, not the decisions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.verdict import Code

MEANINGS: Mapping[Code, tuple[str, str]] = MappingProxyType(
    {
        Code.REQUEST_MALFORMED: ("the request is not well-formed HTTP for this route", "请求不符合该路由的 HTTP 格式"),
        Code.JSON_MALFORMED: ("the body is not valid JSON", "请求体不是有效的 JSON"),
        Code.JSON_DUPLICATE_KEY: ("an object in the body names a key twice", "请求体中有对象重复使用了同一个键"),
        Code.FIELD_UNKNOWN: ("the body has a field this route does not know", "请求体包含该路由不认识的字段"),
        Code.PARAMETER_INVALID: ("a field has a value this route does not accept", "有字段的值不被该路由接受"),
        Code.MEDIA_TYPE_UNSUPPORTED: (
            "the body must be application/json without compression",
            "请求体必须是未压缩的 application/json",
        ),
        Code.TOO_LARGE: ("the request is over a size limit", "请求超过了大小限制"),
        Code.REQUEST_TIMEOUT: ("the request did not arrive in time", "请求未能按时到达"),
        Code.ROUTE_UNKNOWN: ("there is no such route", "没有这个路由"),
        Code.METHOD_NOT_ALLOWED: ("this route does not take that method", "该路由不接受这个方法"),
        Code.CERTIFICATE_REJECTED: ("the client certificate is not accepted", "客户端证书不被接受"),
        Code.TOKEN_MISSING: ("a bearer token is required", "需要持有者令牌（Bearer token）"),
        Code.TOKEN_INVALID: ("the token is not valid here", "令牌在此无效"),
        Code.TOKEN_EXPIRED: ("the token has expired or is not valid yet", "令牌已过期或尚未生效"),
        Code.STEP_UP_REQUIRED: ("sign in again: a newly issued token is needed", "请重新登录：需要新签发的令牌"),
        Code.TOKEN_NOT_BOUND: ("the token is not bound to this client certificate", "令牌未绑定到此客户端证书"),
        Code.KEYS_UNAVAILABLE: (
            "tokens cannot be checked now: the verification keys are not available",
            "暂时无法校验令牌：验证密钥不可用",
        ),
        Code.NOT_PERMITTED: ("policy does not permit this", "策略不允许此操作"),
        Code.PARAMETER_NOT_PERMITTED: ("policy does not permit one of the parameters", "策略不允许其中某个参数"),
        Code.MODEL_NOT_FOUND: ("the model does not exist or is not visible to you", "模型不存在或对您不可见"),
        Code.RATE_LIMITED: ("too many requests: try again later", "请求过多，请稍后再试"),
        Code.TOO_MANY_STREAMS: (
            "too many exchanges at once: let one finish first",
            "同时进行的交互过多，请等待其中一个结束",
        ),
        Code.ATTACK_DETECTED: (
            "the request looks like an attack on a system behind the model",
            "请求疑似攻击模型背后的系统",
        ),
        Code.PROMPT_INJECTION: ("the text tries to override the instructions of the model", "文本试图覆盖模型的指令"),
        Code.CONTROL_TOKEN_FORGED: ("the text contains a control token of the model", "文本包含模型的控制标记"),
        Code.URL_NOT_ALLOWED: ("the request names a URL that may not be fetched", "请求包含不允许获取的 URL"),
        Code.SCHEMA_TOO_COMPLEX: ("the grammar or schema is too complex", "语法或模式过于复杂"),
        Code.TOOL_UNDECLARED: (
            "a tool is called that the request does not declare",
            "调用了请求未声明的工具",
        ),
        Code.PERSONAL_DATA_BLOCKED: ("policy does not permit this personal data", "策略不允许包含此类个人信息"),
        Code.OUTPUT_BLOCKED: ("the answer was stopped: policy does not let it leave", "回答已中止：策略不允许其输出"),
        Code.STAGE_FAILED: (
            "a check could not be made, so the exchange was refused",
            "某项检查无法完成，因此拒绝了此次交互",
        ),
        Code.STAGE_TIMEOUT: ("a check took too long, so the exchange was refused", "某项检查超时，因此拒绝了此次交互"),
        Code.AUDIT_UNAVAILABLE: (
            "the record cannot be written, so nothing is answered",
            "审计记录无法写入，因此不予回答",
        ),
        Code.SEALING_UNAVAILABLE: (
            "policy has originals kept and they cannot be sealed, so nothing is answered",
            "策略要求保存原文但无法封存，因此不予回答",
        ),
        Code.BACKEND_UNAVAILABLE: ("the model is not available", "模型不可用"),
        Code.BACKEND_OVERLOADED: ("the model is overloaded: try again later", "模型过载，请稍后再试"),
        Code.BACKEND_TIMEOUT: ("the model took too long", "模型响应超时"),
        Code.BACKEND_NONSENSE: ("the model answered in a form the gateway does not know", "模型的响应格式无法识别"),
        Code.DRAINING: ("the gateway is shutting down", "网关正在关闭"),
    }
)


def meaning(code: Code, language: str = "en") -> str:
    """One line for people; `language` is "en" or "zh"."""
    english, chinese = MEANINGS[code]
    return chinese if language == "zh" else english
