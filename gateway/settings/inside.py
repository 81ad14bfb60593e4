"""The settings of the side that callers do not see: model, record, marks, policies, observing. The callers' side is in `outside`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.settings.secret import KeyValue, SecretFile, SecretValue
from gateway.settings.section import Bytes, Count, Seconds, Section, SitePath, Url, Word


class Backend(Section):
    """The model's server. Only the gateway should be able to reach it."""

    name: Word = Field(default="embedded", description="What policies and records call it")
    kind: Literal["tgi", "openai"] = Field(
        default="tgi", description="What it speaks: TGI's own routes, or OpenAI's alone (vLLM, SGLang, llama-server)"
    )
    url: Url = Field(
        default="http://127.0.0.1:8089", description="Where it listens; plain http only on loopback or a closed network"
    )
    connect_seconds: Seconds = Field(default=5.0, description="Time to connect")
    first_byte_seconds: Seconds = Field(
        default=120.0, description="Time to the first byte of its reply: queueing and prefill"
    )
    silence_seconds: Seconds = Field(default=60.0, description="Longest pause within a reply")
    total_seconds: Seconds = Field(default=900.0, description="Time for a whole reply")
    connections: Count = Field(
        default=1024,
        description="Connections to it from one process; while all are in use, callers are told to come back",
    )
    retries: Annotated[int, Field(ge=0, le=5)] = Field(
        default=1, description="How often a request is sent again when the connection broke before the first byte"
    )
    health_seconds: Seconds = Field(default=10.0, description="How often its health is asked for")
    reply_bytes: Bytes = Field(default=32 * 1024 * 1024, description="Largest reply read from it")
    reasoning: Literal["inline", "split"] = Field(
        default="inline",
        description="Where a reasoning model's thoughts are: inline between <think> marks, or split into their own field",
    )
    thinking: Literal["tagged", "opened", "never"] = Field(
        default="tagged",
        description="How its model begins to think aloud: it writes <think> itself, its template has written it already "
        "(newer DeepSeek-R1 templates), or the tags are ordinary text",
    )
    served_model: str = Field(
        default="", description='The name it knows its model by, for kind "openai"; empty: the name that callers use'
    )
    api_key: SecretValue | None = Field(default=None, description="Sent as a bearer token, when it asks for one")
    ca: SitePath | None = Field(default=None, description="Authority of its certificate, PEM; none: the system's")
    certificate: SitePath | None = Field(default=None, description="The gateway's client certificate towards it, PEM")
    key: SecretFile | None = Field(default=None, description="The key of that certificate, PEM")


class Audit(Section):
    """The record that every exchange leaves. When it cannot be written, nothing is answered."""

    directory: SitePath = Field(
        default="audit", validate_default=True, description="Where the segments grow; an encrypted disk of its own"
    )
    signing_key: KeyValue = Field(description="Ed25519 key that seals the record, PEM or in a token")
    public_key: SitePath | None = Field(
        default=None,
        description="Its public half, PEM: what auditors verify with. Keys it took the place of follow it in the file",
    )
    second_path: SitePath | None = Field(
        default=None,
        description="A directory on another disk or machine that receives each sealed head, against rewriting",
    )
    checkpoints_kept: Annotated[int, Field(ge=0, le=100_000_000)] = Field(
        default=100_000,
        description="How many of the newest sealed heads stay beside the record; of older ones, one for every 65,536 "
        "records, and each that has a time stamp. 0: all",
    )
    sealing_key: KeyValue | None = Field(
        default=None,
        description="Topmost key of the original texts that policy has kept (originals.yaml): 32 bytes, or an AES key in a token",
    )
    sealing_key_next: KeyValue | None = Field(
        default=None, description="The key to come, while `hangu audit rekey` moves from sealing_key to it"
    )
    subject_keys: SitePath = Field(
        default="keys/subjects",
        validate_default=True,
        description="Directory of each caller's own key, wrapped; erasing a caller destroys its key",
    )
    reveal_by_two: bool = Field(
        default=False, description="Whether revealing an original takes two auditors, whatever originals.yaml says"
    )
    anomalies: SitePath | None = Field(
        default=None,
        description="YAML list of what to watch for (bursts, floods, odd hours) and what to do; none: the usual",
    )
    alarm_url: Url | None = Field(
        default=None, description="Address that alarms are posted to, as JSON without any text"
    )


class Elasticsearch(Section):
    """Where the record is shipped for search and dashboards. The journal on disk stays the original."""

    kind: Literal["elasticsearch", "opensearch"] = Field(default="elasticsearch", description="What it speaks")
    url: Url = Field(description="The cluster's address")
    api_key: SecretValue | None = Field(default=None, description="API key (base64 form)")
    username: str = Field(default="", description="User name, where there is no API key")
    password: SecretValue | None = Field(default=None, description="Its password")
    ca: SitePath | None = Field(default=None, description="Authority of its certificate, PEM; none: the system's")
    certificate: SitePath | None = Field(default=None, description="The gateway's client certificate towards it, PEM")
    key: SecretFile | None = Field(default=None, description="The key of that certificate, PEM")
    index: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")] = Field(
        default="hangu", description="First part of index names"
    )
    batch_records: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=500, description="Most records of one bulk request"
    )
    batch_seconds: Seconds = Field(default=1.0, description="Longest a record waits for its batch")
    timeout_seconds: Seconds = Field(default=30.0, description="Time for one bulk request")
    reconcile_seconds: Seconds = Field(
        default=3600.0, description="How often what the cluster lost is looked for and sent again"
    )
    texts: bool = Field(
        default=False,
        description="Send redacted prompts and answers too, searchable there; then erasing must reach the cluster",
    )


class Watermark(Section):
    """What marks are made with. Where text is marked, and how, is policy."""

    master_key: KeyValue = Field(
        description="32 bytes, raw, hexadecimal or base64, or a generic secret in a token. Who has it can forge and find marks"
    )
    epochs: SitePath = Field(
        default="keys/marks.epochs.json",
        validate_default=True,
        description="Which key epochs there are; written by `hangu watermark rotate`. No file: the first alone",
    )
    master_key_before: SecretValue | None = Field(
        default=None,
        description="The master that was replaced because somebody may have seen it: its marks are still found, as leads",
    )
    index: SitePath = Field(
        default="marks", validate_default=True, description="Directory of the index that `hangu trace` searches"
    )
    provider: str = Field(
        default="", description="Who provides the service, as labels of generated content name it; empty: no label"
    )
    provider_code: str = Field(default="", description="The provider's registration code in those labels")


class Policies(Section):
    """What the security team edits."""

    directory: SitePath = Field(default="policies", validate_default=True, description="Where the policies are")
    reload_seconds: Annotated[float, Field(ge=0.1, le=60)] = Field(
        default=0.5,
        description="How often the files are looked at for changes; building and trying the new ones comes on top",
    )
    run_cases: bool = Field(default=True, description="Refuse policies that fail their own cases")
    trial_seconds: Annotated[float, Field(ge=1, le=600)] = Field(
        default=60,
        description="How long changed policies may take to be compiled and tried, in a process of their own; then they are refused",
    )
    trial_megabytes: Annotated[int, Field(ge=512, le=65536)] = Field(
        default=1024,
        description="How much memory (address space) that process may have; policies that need more are refused",
    )
    trial_ready: bool = Field(
        default=True,
        description="Keep that process waiting, so that a change counts within two seconds; about 170 MB. Else it begins with each change",
    )
    cache: SitePath = Field(
        default="cache",
        validate_default=True,
        description="Where compiled patterns are kept, sealed under the site's key; where it cannot be written, they are compiled anew",
    )


class Pii(Section):
    """Personal data: what placeholders are made with. What is looked for, and how, is policy."""

    pseudonym_key: SecretValue = Field(
        description="32 bytes, raw, hexadecimal or base64. The same value gets the same placeholder under the same key"
    )


class Observe(Section):
    """What operators see."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged"
    )
    log_format: Literal["json", "text"] = Field(
        default="json", description="One JSON object a line, or text for people"
    )
    gpu_metrics_url: Url | None = Field(
        default=None,
        description="DCGM or NVIDIA exporter to read gpu_utilization_percent from, e.g. http://127.0.0.1:9400/metrics",
    )
    gpu_metrics_seconds: Seconds = Field(default=5.0, description="How often it is asked")
