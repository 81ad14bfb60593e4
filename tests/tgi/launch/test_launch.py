"""Launch profiles: true as data, and rendered so that nobody but the gateway reaches the model."""

from __future__ import annotations

import re
import shlex

import pytest
import yaml

from tgi.launch import profile, render
from tgi.launch.__main__ import main
from tgi.launch.profile import Profile, ProfileError
from tgi.launch.render import Bind, Launch

NAMES = profile.names()

# The launcher's own options at TGI 3.3.7 (launcher/src/main.rs) that we use.
KNOWN = {
    "--model-id", "--dtype", "--num-shard", "--cuda-memory-fraction", "--hostname", "--port", "--prometheus-port",
    "--max-input-tokens", "--max-total-tokens", "--max-batch-prefill-tokens", "--max-batch-total-tokens",
    "--max-concurrent-requests", "--payload-limit", "--usage-stats", "--json-output", "--disable-grammar-support",
}  # fmt: skip

GOOD = {
    "model": "a/b", "revision": "0" * 40, "licence": "MIT", "directory": "b", "dtype": "bfloat16",
    "parameters": 7_000_000_000, "layers": 28, "attention_heads": 28, "kv_heads": 4, "head_dim": 128, "context": 131072,
    "gpus": 1, "gpu_gib": 24, "max_input_tokens": 4000, "max_total_tokens": 8000, "max_batch_prefill_tokens": 4000,
    "max_batch_total_tokens": 16000, "max_concurrent_requests": 8,
}  # fmt: skip


def made(**changes: object) -> Profile:
    return profile.parse("x.yaml", yaml.safe_dump({**GOOD, **changes}))


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_fits_its_gpus(name: str) -> None:
    loaded = profile.load(name)
    assert loaded.needed_gib <= loaded.gpu_gib * profile.MEMORY_FRACTION
    assert re.fullmatch("[0-9a-f]{40}", loaded.revision)


def test_there_are_profiles_for_the_three_models() -> None:
    assert {profile.load(name).model.rsplit("-", 2)[1] for name in NAMES} == {"Qwen", "Llama"}
    assert {profile.load(name).gpus for name in NAMES} == {1, 2, 4}


def test_memory_is_counted_as_the_architecture_has_it() -> None:
    seven = profile.load("r1-qwen-7b")
    assert round(seven.weight_gib, 1) == 14.2
    # 2 × 28 layers × 4 heads × 128 × 2 bytes = 57,344 bytes a token.
    assert seven.kv_gib * profile.GIB / seven.max_batch_total_tokens == 57_344


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"revision": "main"}, "revision is not a full commit"),
        ({"gpus": 3}, "28 heads do not divide by 3"),
        ({"attention_heads": 32, "kv_heads": 4, "gpus": 8}, "4 key-value heads do not divide by 8"),
        ({"max_input_tokens": 8000, "max_batch_prefill_tokens": 8000}, "leaves no room for an answer"),
        ({"max_total_tokens": 200000, "max_batch_total_tokens": 200000}, "more than the model's context"),
        ({"max_batch_prefill_tokens": 100}, "below one prompt"),
        ({"max_batch_total_tokens": 100}, "below one exchange"),
        ({"gpu_gib": 16}, "17.9 GiB needed, 15.2 GiB there"),
        ({"gpus": 0}, "gpus"),
        ({"quantise": "awq"}, "quantise"),
    ],
)
def test_a_profile_that_cannot_be_true_is_refused(changes: dict[str, object], why: str) -> None:
    with pytest.raises(ProfileError, match=re.escape(why)):
        made(**changes)


def test_a_file_that_is_no_yaml_is_refused() -> None:
    with pytest.raises(ProfileError, match=r"x\.yaml: is not YAML"):
        profile.parse("x.yaml", "{")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("grammar", [False, True])
def test_arguments_are_ones_the_launcher_knows(name: str, grammar: bool) -> None:
    words = render.arguments(profile.load(name), Launch(grammar=grammar))
    options = {word for word in words if word.startswith("--")}
    assert options <= KNOWN
    assert ("--disable-grammar-support" in options) is not grammar


def test_it_listens_on_loopback_unless_a_private_network_is_named() -> None:
    words = render.arguments(made(), Launch())
    assert words[words.index("--hostname") + 1] == "127.0.0.1"
    words = render.arguments(made(), Launch(Bind.PRIVATE_NETWORK))
    assert words[words.index("--hostname") + 1] == "0.0.0.0"


def test_docker_publishes_on_loopback_alone_and_writes_nowhere() -> None:
    words = shlex.split(render.docker(profile.load("r1-qwen-32b"), Launch(), "/srv/models"))
    assert words[words.index("--publish") + 1] == "127.0.0.1:8080:8080"
    assert words[words.index("--gpus") + 1] == '"device=0,1"'
    assert words[words.index("--volume") + 1] == "/srv/models:/models:ro"
    assert {"--read-only", "--cap-drop", render.IMAGE} <= set(words)


def test_nothing_is_fetched_when_it_starts() -> None:
    assert render.environment()["HF_HUB_OFFLINE"] == "1"
    assert "HF_HUB_OFFLINE=1" in render.command(made(), Launch())


def test_weights_are_fetched_at_their_commit() -> None:
    words = shlex.split(render.download(profile.load("r1-llama-70b"), "/srv/models"))
    assert words[:3] == ["hf", "download", "deepseek-ai/DeepSeek-R1-Distill-Llama-70B"]
    assert words[words.index("--revision") + 1] == profile.load("r1-llama-70b").revision


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ("command", "text-generation-launcher"),
        ("docker", "docker run"),
        ("download", "hf download"),
        ("needs", "GiB weights"),
    ],
)
def test_the_command_prints_each_form(form: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["r1-qwen-7b", "--as", form]) == 0
    assert shown in capsys.readouterr().out


def test_the_command_lists_profiles_and_refuses_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert all(name in capsys.readouterr().out for name in NAMES[:1])
    assert main(["gpt-9"]) == 2
    assert "no such profile; there are: r1-llama-70b" in capsys.readouterr().err
