"""`hangu deploy elastic`: put templates into a cluster and dashboards into Kibana. What those are lives in `gateway.audit`."""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path
from typing import Any

from gateway.audit.elastic import Access, Cluster, connect
from gateway.audit.kibana.build import lines, rules, saved_objects
from gateway.audit.mapping import auditor_privileges, shipper_privileges
from gateway.cli.words import language, say
from gateway.core.errors import AuditError, GatewayError

NAME = "deploy"
HELP = {"en": "install Elasticsearch and Kibana assets", "zh": "安装 Elasticsearch 与 Kibana 资源"}
BOUNDARY = "hangu-deploy"
TIMEOUT_SECONDS = 60


def configure(parser: argparse.ArgumentParser) -> None:
    """Where to, and with what right."""
    targets = parser.add_subparsers(dest="target", required=True, metavar="TARGET")
    words = say("templates, life cycles, dashboards and rules", "模板、生命周期、仪表盘与规则")
    one = targets.add_parser("elastic", help=words, description=words)
    one.add_argument("--url", required=True, help=say("the cluster's address", "集群地址"))
    one.add_argument(
        "--kibana", metavar="URL", help=say("Kibana's address, for dashboards", "Kibana 地址（安装仪表盘）")
    )
    one.add_argument("--index", default="hangu", help=say("first part of index names", "索引名前缀"))
    text = say("file with an API key that may manage templates", "可管理模板的 API 密钥文件")
    one.add_argument("--api-key", type=Path, metavar="FILE", help=text)
    one.add_argument(
        "--user", default="", help=say("user name; the password is read from --password", "用户名；口令取自 --password")
    )
    one.add_argument("--password", type=Path, metavar="FILE")
    one.add_argument("--ca", type=Path, metavar="FILE", help=say("authority of their certificates", "其证书的签发机构"))
    one.add_argument("--language", choices=("en", "zh"), default=language())
    one.add_argument("--opensearch", action="store_true", help=say("the cluster is OpenSearch", "集群为 OpenSearch"))


def run(args: argparse.Namespace) -> int:
    """0 installed, 2 could not."""
    try:
        for line in asyncio.run(_elastic(args)):
            print(say(f"installed {line}", f"已安装 {line}"))
        if args.kibana:
            _kibana(args)
    except (GatewayError, OSError) as error:
        print(f"{say('error', '错误')}: {error}", file=sys.stderr)
        return 2
    print(say("privileges for the gateway's API key:", "网关 API 密钥所需的最小权限："))
    print(json.dumps({f"{args.index}-shipper": shipper_privileges(args.index)}))
    print(say("privileges for auditors:", "审计员所需的权限："))
    print(json.dumps({f"{args.index}-auditor": auditor_privileges(args.index)}))
    return 0


async def _elastic(args: argparse.Namespace) -> list[str]:
    access = Access(
        args.url,
        api_key=_read(args.api_key),
        username=args.user,
        password=_read(args.password),
        ca=str(args.ca or ""),
        opensearch=args.opensearch,
    )
    cluster = Cluster(connect(access), args.index)
    try:
        return await cluster.install(await cluster.abilities())
    finally:
        await cluster.close()


def _kibana(args: argparse.Namespace) -> None:
    objects = lines(saved_objects(args.index, args.language))
    told = _send(args, "/api/saved_objects/_import?overwrite=true", f"{args.index}.ndjson", objects)
    print(say(f"installed {told['successCount']} Kibana objects", f"已安装 {told['successCount']} 个 Kibana 对象"))
    told = _send(
        args,
        "/api/detection_engine/rules/_import?overwrite=true",
        "rules.ndjson",
        lines(rules(args.index, args.language)),
    )
    count = told.get("success_count", 0)
    print(say(f"installed {count} rules, switched off", f"已安装 {count} 条规则（默认关闭）"))


def _send(args: argparse.Namespace, path: str, name: str, data: bytes) -> dict[str, Any]:
    """One file to one of Kibana's import addresses. Raises AuditError with what Kibana says."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()
    headers = {"kbn-xsrf": "true", "content-type": f"multipart/form-data; boundary={BOUNDARY}", **_right(args)}
    url = args.kibana.rstrip("/") + path
    if not url.startswith(("http://", "https://")):
        raise AuditError("not an http address", args.kibana)
    request = urllib.request.Request(url, body, headers)  # noqa: S310 (checked above)
    trust = ssl.create_default_context(cafile=str(args.ca)) if args.ca else None
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=trust) as told:  # noqa: S310
            answer: dict[str, Any] = json.load(told)
    except urllib.error.URLError as error:
        raise AuditError(f"kibana does not take it: {error.reason}", url) from error
    if answer.get("errors"):
        raise AuditError(f"kibana took only a part: {answer['errors'][:3]}", url)
    return answer


def _right(args: argparse.Namespace) -> dict[str, str]:
    if args.api_key:
        return {"authorization": f"ApiKey {_read(args.api_key)}"}
    if args.user:
        return {"authorization": f"Basic {b64encode(f'{args.user}:{_read(args.password)}'.encode()).decode()}"}
    return {}


def _read(path: Path | None) -> str:
    return path.read_text().strip() if path else ""
