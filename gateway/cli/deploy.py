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

from gateway.audit import install, privileges
from gateway.audit.elastic import Access, Cluster
from gateway.audit.kibana.build import lines, rules, saved_objects
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
    text = say("client certificate, where the cluster asks for one", "客户端证书（集群要求时）")
    one.add_argument("--certificate", type=Path, metavar="FILE", help=text)
    one.add_argument("--certificate-key", type=Path, metavar="FILE", help=say("its key", "该证书的私钥"))
    text = say("make the gateway's own credential and keep it in this file", "为网关生成最小权限凭据并写入此文件")
    one.add_argument("--make-key", type=Path, metavar="FILE", help=text)
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
    _tell_privileges(args)
    return 0


def _tell_privileges(args: argparse.Namespace) -> None:
    shipper = privileges.opensearch_shipper if args.opensearch else privileges.shipper
    auditor = privileges.opensearch_auditor if args.opensearch else privileges.auditor
    print(say("privileges for the gateway's own credential:", "网关凭据所需的最小权限："))
    print(json.dumps({f"{args.index}-shipper": shipper(args.index)}))
    print(say("privileges for auditors:", "审计员所需的权限："))
    print(json.dumps({f"{args.index}-auditor": auditor(args.index)}))


async def _elastic(args: argparse.Namespace) -> list[str]:
    access = Access(
        args.url,
        api_key=_read(args.api_key),
        username=args.user,
        password=_read(args.password),
        ca=str(args.ca or ""),
        certificate=str(args.certificate or ""),
        key=str(args.certificate_key or ""),
        opensearch=args.opensearch,
    )
    cluster = Cluster.at(access, args.index)
    try:
        done = await install.install(cluster, await install.abilities(cluster))
        return [*done, await install.make_key(cluster, args.make_key)] if args.make_key else done
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
    trust = _trust(args)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=trust) as told:  # noqa: S310
            answer: dict[str, Any] = json.load(told)
    except urllib.error.URLError as error:
        raise AuditError(f"kibana does not take it: {error.reason}", url) from error
    if answer.get("errors"):
        raise AuditError(f"kibana took only a part: {answer['errors'][:3]}", url)
    return answer


def _trust(args: argparse.Namespace) -> ssl.SSLContext | None:
    if not args.ca and not args.certificate:
        return None
    context = ssl.create_default_context(cafile=str(args.ca) if args.ca else None)
    if args.certificate:
        context.load_cert_chain(args.certificate, args.certificate_key)
    return context


def _right(args: argparse.Namespace) -> dict[str, str]:
    if args.api_key:
        return {"authorization": f"ApiKey {_read(args.api_key)}"}
    if args.user:
        return {"authorization": f"Basic {b64encode(f'{args.user}:{_read(args.password)}'.encode()).decode()}"}
    return {}


def _read(path: Path | None) -> str:
    return path.read_text().strip() if path else ""
