"""gateway.toml: what is refused, how it is said, and that the documents follow the code."""

from __future__ import annotations

import base64
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import SettingsError
from gateway.settings import Secret, SettingsInvalid, load
from gateway.settings.loading import sections
from gateway.settings.reference import reference, template

REFERENCE = Path(__file__).parents[1] / "docs" / "reference" / "settings.md"

LEAST = """
[tls]
certificate = "server.pem"
key = {file = "server.key"}
client_ca = "ca.pem"
[identity]
issuer = "https://issuer.example"
keys = ["tokens.pem"]
[audit]
signing_key = {file = "audit.key"}
[watermark]
master_key = {file = "marks.key"}
[pii]
pseudonym_key = {file = "pii.key"}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("server.pem", "server.key", "ca.pem", "tokens.pem", "audit.key", "marks.key", "pii.key"):
        (tmp_path / name).write_text("x" * 32)
    (tmp_path / "policies").mkdir()
    (tmp_path / "gateway.toml").write_text(LEAST)
    return tmp_path


def write(site: Path, text: str) -> Path:
    (site / "gateway.toml").write_text(text, "utf-8")
    return site


def problems_of(site: Path, *, complete: bool = False) -> dict[str, tuple[str, str]]:
    with pytest.raises(SettingsInvalid) as caught:
        load(site, complete=complete)
    return {problem.key: (problem.what, problem.hint) for problem in caught.value.problems}


def test_the_least_file_loads_and_paths_start_at_the_site(site: Path) -> None:
    settings = load(site)
    assert settings.tls.certificate == site / "server.pem"
    assert settings.audit.directory == site / "audit"
    assert settings.identity.keys == (site / "tokens.pem",)
    assert settings.elasticsearch is None
    assert settings.admin_names == settings.listen.server_names


def test_settings_are_frozen(site: Path) -> None:
    settings = load(site)
    with pytest.raises(ValueError, match="frozen"):
        settings.listen.port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("addition", "key", "says", "hint"),
    [
        ("[listen]\nprot = 1", "listen.prot", "no such key", 'did you mean "port"'),
        ("[lisen]\nport = 1", "lisen", "no such key", 'did you mean "listen"'),
        ("[listen]\nport = true", "listen.port", "valid integer", "TCP port"),
        ('[listen]\nport = "8443"', "listen.port", "valid integer", "TCP port"),
        ("[listen]\nport = 65536", "listen.port", "less than or equal to 65535", "TCP port"),
        ("[listen]\nworkers = 0", "listen.workers", "greater than or equal to 1", "Processes"),
        ('[listen]\nserver_names = ["a/b"]', "listen.server_names[1]", "not a host name", "llm.example.org"),
        ("[listen]\nserver_names = []", "listen.server_names", "at least 1 item", "Host"),
        ("[limits]\nidle_seconds = 0", "limits.idle_seconds", "greater than 0", "Time"),
        ("[limits]\nidle_seconds = inf", "limits.idle_seconds", "finite", "Time"),
        ("[limits]\nidle_seconds = nan", "limits.idle_seconds", "finite", "Time"),
        ('[backend]\nkind = "vllm"', "backend.kind", "'tgi' or 'openai'", "TGI's own routes"),
        ('[backend]\nurl = "ftp://x"', "backend.url", "http or https", "https://host:port"),
        ('[backend]\nurl = "http://u:p@127.0.0.1"', "backend.url", "no user", "credentials"),
        ('[backend]\nurl = "http://127.0.0.1/?a=1"', "backend.url", "no query", "keep scheme"),
        ('[backend]\nurl = "http://[::1"', "backend.url", "not a URL", "https://host:port"),
        ('[backend]\napi_key = "sk-1234"', "backend.api_key", "not written into this file", "{file"),
        ('[backend]\napi_key = {pkcs11 = "x"}', "backend.api_key", "a token gives none out", "{file"),
        ('[backend]\napi_key = {file = "a", env = "B"}', "backend.api_key", "exactly one", "{env"),
        ('[backend]\nkey = {env = "KEY"}', "backend.key", "from a file only", "{file"),
        ('[backend]\nca = ""', "backend.ca", "a path is needed", "relative paths"),
        ('[backend]\nurl = "https://b"\ncertificate = "c.pem"', "backend.certificate", "come together", "both"),
        ('[backend]\nca = "c.pem"', "backend.url", "plain http", "https"),
        ('[backend]\nurl = "http://10.0.0.9"\napi_key = {env = "X"}', "backend.url", "clear text", "loopback"),
        ("[admin]\nport = 8443", "admin.port", "the same", "its own"),
        ('[elasticsearch]\nindex = "x"', "elasticsearch.url", "a value is needed", "cluster"),
        ('[elasticsearch]\nurl = "https://e"\nindex = "_x"', "elasticsearch.index", "match pattern", "index names"),
        ('[elasticsearch]\nurl = "https://e"\nusername = "u"', "elasticsearch.password", "together", "both"),
        (
            '[elasticsearch]\nurl = "http://e.example"\napi_key = {env = "X"}',
            "elasticsearch.url",
            "clear text",
            "https",
        ),
        ("[pseudonyms]", "pseudonyms.url", "a value is needed", "rediss"),
        ('[pseudonyms]\nurl = "http://r"', "pseudonyms.url", "redis or rediss", "rediss://host"),
        ('[pseudonyms]\nurl = "redis://u:p@r"', "pseudonyms.url", "no user", "credentials"),
        ('[pseudonyms]\nurl = "redis://r/x"', "pseudonyms.url", "number of a database", "rediss://host"),
        ('[pseudonyms]\nurl = "redis://r"\npassword = {env = "X"}', "pseudonyms.url", "clear text", "rediss"),
        ('[pseudonyms]\nurl = "redis://r"\nca = "c.pem"', "pseudonyms.url", "without TLS", "rediss"),
        ('[pseudonyms]\nurl = "redis://127.0.0.1"\nusername = "u"', "pseudonyms.password", "with a password", "both"),
        ('[pseudonyms]\nurl = "rediss://r"\ncertificate = "c"', "pseudonyms.certificate", "together", "both"),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_a_hint(
    site: Path, addition: str, key: str, says: str, hint: str
) -> None:
    problems = problems_of(write(site, LEAST + addition))
    assert list(problems) == [key]
    assert says in problems[key][0]
    assert hint in problems[key][1]


@pytest.mark.parametrize(
    ("identity", "key", "says"),
    [
        ("", "identity.keys", "no key verifies tokens"),
        ('keys = ["tokens.pem"]\njwks_url = "https://i.example"', "identity.jwks_url", "exclude each other"),
        ('jwks_url = "http://i.example"', "identity.jwks_url", "https only"),
        (
            'keys = ["t.pem"]\n[[identity.certificates]]\nname = "a"\ntenant = "t"\nroles = []',
            "identity.certificates",
            "do not identify alone",
        ),
        (
            "certificates_alone = true\n" + '[[identity.certificates]]\nname = "a"\ntenant = "t"\nroles = []\n' * 2,
            "identity.certificates",
            "twice",
        ),
    ],
)
def test_identity_settings_that_contradict_each_other_are_refused(
    site: Path, identity: str, key: str, says: str
) -> None:
    text = LEAST.replace('keys = ["tokens.pem"]', identity)
    problems = problems_of(write(site, text))
    assert list(problems) == [key]
    assert says in problems[key][0]


def test_every_problem_is_reported_at_once(site: Path) -> None:
    text = LEAST.replace('client_ca = "ca.pem"', "").replace("master_key = {file", "master_key = {fil")
    problems = problems_of(write(site, text + "[listen]\nport = -1\n[admin]\nprot = 2\n[extra]\n"))
    assert set(problems) == {"tls.client_ca", "watermark.master_key", "listen.port", "admin.prot", "extra"}


def test_a_missing_section_names_the_keys_it_needs(site: Path) -> None:
    problems = problems_of(write(site, LEAST.split("[watermark]")[0]))
    assert set(problems) == {"watermark.master_key", "pii.pseudonym_key"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[listen", "is not TOML"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"#" * (1 << 21), "is over"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_problem(site: Path, content: bytes | None, says: str) -> None:
    if content is None:
        (site / "gateway.toml").unlink()
    else:
        (site / "gateway.toml").write_bytes(content)
    with pytest.raises(SettingsInvalid, match=says) as caught:
        load(site)
    assert str(site / "gateway.toml") in str(caught.value)
    assert isinstance(caught.value, SettingsError)


def test_files_and_secrets_that_are_not_there_are_reported_together(site: Path) -> None:
    (site / "server.pem").unlink()
    (site / "marks.key").write_text("")
    (site / "policies").rmdir()
    text = LEAST + '[backend]\napi_key = {env = "HANGU_TEST_UNSET_VARIABLE"}'
    problems = problems_of(write(site, text), complete=True)
    assert set(problems) == {"tls.certificate", "watermark.master_key", "policies.directory", "backend.api_key"}
    assert load(site, complete=False).tls.certificate == site / "server.pem"


def test_a_secret_written_inline_never_reaches_the_message(site: Path) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load(write(site, LEAST + '[backend]\napi_key = "canary-8f3a"\nurl = "http://u:canary-8f3a@127.0.0.1"'))
    assert "canary-8f3a" not in str(caught.value)
    assert "canary-8f3a" not in repr(caught.value)


def test_a_secret_shows_where_it_is_and_never_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("canary-8f3a\n")
    secret = Secret(file=tmp_path / "s")
    assert secret.text() == "canary-8f3a"
    assert "canary" not in f"{secret!r} {secret}"


def test_a_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANGU_TEST_SECRET", "值")
    assert Secret(env="HANGU_TEST_SECRET").text() == "值"


def test_a_secret_that_changes_is_read_anew(tmp_path: Path) -> None:
    secret = Secret(file=tmp_path / "s")
    (tmp_path / "s").write_text("one")
    before = secret.text()
    (tmp_path / "s").write_text("two")
    assert (before, secret.text()) == ("one", "two")


@given(st.binary(min_size=32, max_size=32))
def test_a_key_is_the_same_raw_in_hexadecimal_and_in_base64(
    tmp_path_factory: pytest.TempPathFactory, key: bytes
) -> None:
    path = tmp_path_factory.mktemp("key") / "k"
    for stored in (key, key.hex().encode() + b"\n", base64.b64encode(key) + b"\n"):
        path.write_bytes(stored)
        assert Secret(file=path).key(32) == key


@pytest.mark.parametrize("stored", [b"short", b"ab" * 31, b"x" * 33, b"\0" * (65 * 1024)])
def test_a_key_of_the_wrong_length_is_refused_without_being_shown(tmp_path: Path, stored: bytes) -> None:
    (tmp_path / "k").write_bytes(stored)
    with pytest.raises(SettingsError) as caught:
        Secret(file=tmp_path / "k").key(32)
    assert stored.decode() not in str(caught.value)


def test_the_template_with_required_values_loads_and_keeps_every_default(site: Path) -> None:
    text = template(tomllib.loads(LEAST))
    assert load(write(site, text)) == load(write(site, LEAST))


def test_each_default_shown_in_the_template_is_the_real_default(site: Path) -> None:
    tables = template(tomllib.loads(LEAST)).split("\n\n")
    absent = (
        "# [elasticsearch]",
        "# [pseudonyms]",
        "# [crs]",
        "# [classifier]",
    )  # they have no default: they are not there
    shown = "\n".join(table for table in tables if not any(name in table for name in absent))
    uncommented = re.sub(r"^# (\w+ = [^…\n]*)$", r"\1", shown, flags=re.MULTILINE)
    assert uncommented.count("\n# ") < shown.count("\n# ") - 50
    assert load(write(site, uncommented)) == load(write(site, LEAST))


def test_every_key_says_what_it_is_for() -> None:
    silent = [
        f"{name}.{key}"
        for name, model in sections().items()
        for key, field in model.model_fields.items()
        if not field.description
    ]
    assert silent == []


def test_the_reference_page_is_the_one_the_code_writes() -> None:
    assert REFERENCE.read_text("utf-8") == reference(), (
        "run: python -m gateway.settings.reference > docs/reference/settings.md"
    )


@pytest.mark.parametrize(
    ("key", "says", "hint"),
    [
        ('{pkcs11 = {module = "/x.so", token = "t", key = "k", pin = "1234"}}', "a PIN is not written", "pin = {file"),
        ('{pkcs11 = {module = "/x.so", token = "t"}}', "exactly module, token, key and pin", "{pkcs11"),
        ('{pkcs11 = "pkcs11:token=t"}', "named by a table", "{pkcs11"),
        ('{pkcs11 = {module = "/x.so", token = "t", key = "k", pin = {}}}', "exactly one of file and env", "{file"),
    ],
)
def test_a_key_in_a_token_is_named_whole_and_its_pin_by_reference(site: Path, key: str, says: str, hint: str) -> None:
    write(site, LEAST.replace('signing_key = {file = "audit.key"}', f"signing_key = {key}"))
    what, how = problems_of(site)["audit.signing_key"]
    assert says in what
    assert hint in how
    assert "1234" not in what + how


def test_a_token_whose_library_or_pin_is_not_there_is_found_before_the_start(site: Path) -> None:
    named = '{pkcs11 = {module = "gone.so", token = "t", key = "k", pin = {env = "NO_SUCH_PIN"}}}'
    write(site, LEAST.replace('signing_key = {file = "audit.key"}', f"signing_key = {named}"))
    assert "gone.so: the token's library cannot be read" in problems_of(site, complete=True)["audit.signing_key"][0]
    (site / "gone.so").write_text("there now")
    assert "NO_SUCH_PIN" in problems_of(site, complete=True)["audit.signing_key"][0]


def test_the_core_rules_are_looked_for_where_the_section_says(site: Path) -> None:
    file = site / "gateway.toml"
    file.write_text(file.read_text() + '\n[crs]\ndirectory = "crs"\n')
    with pytest.raises(SettingsInvalid, match="there is no such directory"):
        load(site)
    (site / "crs").mkdir()
    found = load(site).crs
    assert found is not None
    assert (found.directory, found.workers, found.deadline_seconds) == (site / "crs", 2, 0.05)
