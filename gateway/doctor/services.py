"""Other servers: does the model answer, and Elasticsearch if there is one. Asks with the site's own credentials, changes nothing."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from gateway.core.errors import SettingsError
from gateway.doctor.check import Check, State
from gateway.settings import Settings
from gateway.settings.inside import Backend, Elasticsearch

PATIENCE_SECONDS = 5.0
MAX_REPLY_BYTES = 1 << 20

BACKEND = ("backend", "后端")
ELASTIC = ("Elasticsearch", "Elasticsearch")


class _NoAnswer(Exception):
    """Says why, in words for people."""


async def check_backend(settings: Settings) -> Check:
    """Whether the model's server answers, and with what model."""
    backend = settings.backend
    path = "/info" if backend.kind == "tgi" else "/v1/models"
    began = time.monotonic()
    try:
        reply = await _get(backend.url + path, _bearer(backend), _context(backend))
    except _NoAnswer as error:
        hint = ("start it; for the embedded one: hangu backend", "启动后端；内嵌后端：hangu backend")
        return Check(BACKEND, State.PROBLEM, (f"{backend.url}: {error}",) * 2, hint)
    took = f"{(time.monotonic() - began) * 1000:.0f} ms"
    model = _model(backend.kind, reply)
    if not model:
        said = (f"{backend.url} answers, but not as {backend.kind}", f"{backend.url} 有响应，但不是 {backend.kind}")
        return Check(BACKEND, State.PROBLEM, said, ("is backend.kind right?", "backend.kind 是否正确？"))
    return Check(BACKEND, State.FINE, (f"{model} at {backend.url} ({took})",) * 2)


async def check_elasticsearch(settings: Settings) -> list[Check]:
    """Whether the cluster answers to our credentials, and its version is one the client speaks."""
    elastic = settings.elasticsearch
    if elastic is None:
        said = ("not configured: the record stays on this disk", "未配置：审计记录仅保存在本机磁盘")
        return [Check(ELASTIC, State.NOTE, said)]
    try:
        reply = await _get(elastic.url + "/", _elastic_headers(elastic), _context(elastic))
    except _NoAnswer as error:
        hint = ("the record waits on disk meanwhile", "在此期间记录保留在磁盘上")
        return [Check(ELASTIC, State.PROBLEM, (f"{elastic.url}: {error}",) * 2, hint)]
    version = reply.get("version")
    number = str(version.get("number", "")) if isinstance(version, Mapping) else ""
    if elastic.kind == "opensearch":
        return [_opensearch(elastic, version, number)]
    if not number.startswith(("8.", "9.")):
        said = (
            f"{elastic.url} is version {number or '?'}, not 8 or 9",
            f"{elastic.url} 版本为 {number or '?'}，应为 8 或 9",
        )
        return [Check(ELASTIC, State.PROBLEM, said)]
    return [Check(ELASTIC, State.FINE, (f"{number} at {elastic.url}",) * 2)]


def _opensearch(elastic: Elasticsearch, version: object, number: str) -> Check:
    if isinstance(version, Mapping) and version.get("distribution") == "opensearch":
        return Check(ELASTIC, State.FINE, (f"OpenSearch {number} at {elastic.url}",) * 2)
    said = (f"{elastic.url} answers, but not as OpenSearch", f"{elastic.url} 有响应，但不是 OpenSearch")
    return Check(ELASTIC, State.PROBLEM, said, ("is elasticsearch.kind right?", "elasticsearch.kind 是否正确？"))


async def _get(url: str, headers: Mapping[str, str], context: ssl.SSLContext | None) -> Mapping[str, Any]:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, headers=headers, ssl=context or True, allow_redirects=False) as reply,
        ):
            if reply.status != 200:
                raise _NoAnswer(f"HTTP {reply.status}")
            value = orjson.loads(await _bounded(reply))
    except TimeoutError:
        raise _NoAnswer(f"no answer in {PATIENCE_SECONDS:.0f} s") from None
    except aiohttp.ClientError as error:
        raise _NoAnswer(_short(error)) from None
    except orjson.JSONDecodeError:
        raise _NoAnswer("no JSON") from None
    return value if isinstance(value, Mapping) else {}


async def _bounded(reply: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for part in reply.content.iter_any():
        body += part
        if len(body) > MAX_REPLY_BYTES:
            raise _NoAnswer(f"over {MAX_REPLY_BYTES} bytes")
    return body


def _model(kind: str, reply: Mapping[str, Any]) -> str:
    if kind == "tgi":
        return str(reply.get("model_id") or "")
    models = reply.get("data")
    names = [str(model.get("id")) for model in models if isinstance(model, Mapping)] if isinstance(models, list) else []
    return ", ".join(names)


def _bearer(backend: Backend) -> Mapping[str, str]:
    return {"authorization": f"Bearer {_reveal(backend.api_key)}"} if backend.api_key else {}


def _elastic_headers(elastic: Elasticsearch) -> Mapping[str, str]:
    if elastic.api_key is not None:
        return {"authorization": f"ApiKey {_reveal(elastic.api_key)}"}
    if elastic.password is not None:
        return {"authorization": aiohttp.BasicAuth(elastic.username, _reveal(elastic.password)).encode()}
    return {}


def _reveal(secret: Any) -> str:
    try:
        return str(secret.text())
    except SettingsError as error:
        raise _NoAnswer(f"{error.where}: {error.what}") from None


def _context(server: Backend | Elasticsearch) -> ssl.SSLContext | None:
    context = _trust(server.ca, server.url)
    if context is not None and server.certificate is not None and server.key is not None:
        try:
            context.load_cert_chain(server.certificate, server.key.file)
        except (OSError, ssl.SSLError) as error:
            raise _NoAnswer(f"{server.certificate} cannot be used ({_short(error)})") from None
    return context


def _trust(ca: Any, url: str) -> ssl.SSLContext | None:
    if not url.startswith("https:"):
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise _NoAnswer(f"{ca} cannot be used ({_short(error)})") from None


def _short(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError) and (number := error.os_error.errno) is not None and number > 0:
        return os.strerror(number).lower()
    text = str(error).strip()
    return text[:200] if text else type(error).__name__
