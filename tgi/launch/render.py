"""A profile → the command that starts TGI, its environment, and the containers around it. Values in, values out.

Choices that are the same for every model are here, each with its reason; nothing is run.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import Enum

from tgi.launch.profile import MEMORY_FRACTION, Profile

IMAGE = "ghcr.io/huggingface/text-generation-inference:3.3.7"
WEIGHTS = "/models"  # where the weights are mounted, read-only, inside the container
PORT = 8080
METRICS_PORT = 9000

# Prompts that are larger were refused by the gateway already; TGI's own default is 2 MB.
PAYLOAD_LIMIT_BYTES = 8_388_608
SHARED_MEMORY = "1g"  # NCCL between shards falls back to it where GPUs have no direct link


class Bind(Enum):
    """Who can reach TGI, which has neither TLS nor a key worth the name."""

    LOOPBACK = "127.0.0.1"
    # Every address of a network that holds nothing but the gateway: a container network, never a host's own.
    PRIVATE_NETWORK = "0.0.0.0"  # noqa: S104


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start it. `grammar` off keeps a caller's regular expression from freezing the whole batch."""

    bind: Bind = Bind.LOOPBACK
    weights: str = WEIGHTS
    grammar: bool = False


def arguments(profile: Profile, launch: Launch) -> list[str]:
    """Arguments of `text-generation-launcher`."""
    pairs = {
        "model-id": f"{launch.weights}/{profile.directory}",
        "dtype": profile.dtype,
        "num-shard": profile.gpus,
        "cuda-memory-fraction": MEMORY_FRACTION,
        "hostname": launch.bind.value,
        "port": PORT,
        # This listener has every address, whatever the hostname says: keep it inside the network.
        "prometheus-port": METRICS_PORT,
        "max-input-tokens": profile.max_input_tokens,
        "max-total-tokens": profile.max_total_tokens,
        "max-batch-prefill-tokens": profile.max_batch_prefill_tokens,
        "max-batch-total-tokens": profile.max_batch_total_tokens,
        "max-concurrent-requests": profile.max_concurrent_requests,
        "payload-limit": PAYLOAD_LIMIT_BYTES,
        "usage-stats": "off",
    }
    written = [word for name, value in pairs.items() for word in (f"--{name}", str(value))]
    return [*written, "--json-output", *([] if launch.grammar else ["--disable-grammar-support"])]


def environment() -> dict[str, str]:
    """What keeps TGI from reaching for the network: weights come from disk, and nothing is reported."""
    return {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HOME": "/tmp/hf",  # noqa: S108 (inside the container, whose root is read-only)
        "TRITON_CACHE_DIR": "/tmp/triton",  # noqa: S108
    }


def command(profile: Profile, launch: Launch) -> str:
    """For a shell on the machine with the GPUs."""
    settings = " ".join(f"{name}={value}" for name, value in environment().items())
    return f"{settings} {shlex.join(['text-generation-launcher', *arguments(profile, launch)])}"


def docker(profile: Profile, launch: Launch, host_weights: str) -> str:
    """For Docker on one host: published on that host's loopback alone."""
    inside = Launch(Bind.PRIVATE_NETWORK, WEIGHTS, launch.grammar)
    settings = [word for name, value in environment().items() for word in ("--env", f"{name}={value}")]
    gpus = ",".join(str(n) for n in range(profile.gpus))
    words = ["docker", "run", "--rm", "--name", "tgi", "--read-only", "--tmpfs", "/tmp:exec"]  # noqa: S108
    words += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--shm-size", SHARED_MEMORY]
    words += ["--gpus", f'"device={gpus}"', "--publish", f"127.0.0.1:{PORT}:{PORT}"]
    words += ["--volume", f"{host_weights}:{WEIGHTS}:ro", *settings, IMAGE]
    return shlex.join([*words, *arguments(profile, inside)])


def download(profile: Profile, host_weights: str) -> str:
    """Fetches the weights once, on a machine with a network."""
    target = f"{host_weights}/{profile.directory}"
    return shlex.join(["hf", "download", profile.model, "--revision", profile.revision, "--local-dir", target])


def needs(profile: Profile) -> str:
    """What the GPUs must hold, in words."""
    return (
        f"{profile.gpus} × {profile.gpu_gib} GiB: {profile.weight_gib:.1f} GiB weights + {profile.kv_gib:.1f} GiB keys and "
        f"values for {profile.max_batch_total_tokens} tokens + reserve = {profile.needed_gib:.1f} GiB each"
    )
