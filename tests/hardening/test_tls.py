"""TLS as scanners see it. Those that are not installed are not run, and say so; `python -m benchmarks.tls` runs them all."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from benchmarks.rig.attacked import Attacked
from benchmarks.tls import GROUPS, SUITES, Seen, faults, openssl, read_sslscan, read_testssl, sslscan

GOOD = Seen("a scanner", frozenset({"TLSv1.3"}), SUITES, GROUPS, False)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="NO OPENSSL COMMAND HERE")
def test_openssl_gets_1_3_with_three_groups_and_no_session_to_come_back_with(target: Attacked) -> None:
    assert faults(openssl(target)) == []


@pytest.mark.skipif(shutil.which("sslscan") is None, reason="NO SSLSCAN HERE; hint: apt install sslscan")
def test_sslscan_finds_nothing(target: Attacked) -> None:
    seen = sslscan(target)
    assert faults(seen) == []
    assert (seen.suites, seen.groups) == (SUITES, GROUPS)


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        (replace(GOOD, protocols=frozenset({"TLSv1.2", "TLSv1.3"})), "protocols"),
        (replace(GOOD, protocols=frozenset()), "protocols"),
        (replace(GOOD, suites=SUITES | {"TLS_AES_128_CCM_SHA256"}), "suites"),
        (replace(GOOD, groups=GROUPS | {"ffdhe2048"}), "groups"),
        (replace(GOOD, groups=frozenset()), "groups"),
        (replace(GOOD, resumption=True), "resumed"),
        (replace(GOOD, severe=("ROBOT: vulnerable",)), "ROBOT"),
    ],
)
def test_what_should_not_be_is_a_fault(bad: Seen, word: str) -> None:
    assert faults(GOOD) == []
    assert word in " ".join(faults(bad))


def test_a_report_of_sslscan_is_read_for_what_is_on() -> None:
    seen = read_sslscan(
        '<document><ssltest><protocol type="tls" version="1.2" enabled="1"/><protocol type="tls" version="1.3" enabled="1"/>'
        '<protocol type="ssl" version="3" enabled="0"/><renegotiation supported="1" secure="1"/>'
        '<cipher cipher="TLS_AES_256_GCM_SHA384"/><group name="ffdhe2048"/><heartbleed sslversion="TLSv1.2" vulnerable="1"/>'
        "</ssltest></document>"
    )
    assert seen.protocols == {"TLSv1.2", "TLSv1.3"}
    assert len(faults(seen)) == 4


def test_a_scan_that_broke_off_is_no_good_news() -> None:
    with pytest.raises(RuntimeError, match="did not get to its end"):
        read_testssl('[{"id": "scanTime", "severity": "WARN", "finding": "Scan interrupted"}]')
