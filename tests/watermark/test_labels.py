"""Labels: the AIGC object travels, verifies, and does not say twice what it said once."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from watermark import labels
from watermark.labels import Aigc, LabelError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


@given(st.text(), st.text(), st.text())
def test_a_label_survives_its_header_and_its_signature_holds(producer: str, produce_id: str, propagator: str) -> None:
    label = Aigc(*(part.encode("utf-8", "replace").decode() for part in (producer, produce_id, propagator)))
    value = labels.header_value(label)
    assert value.isascii()
    assert "=" not in value
    assert labels.read_header(value) == label
    assert labels.verify(label, labels.sign(label, KEY), KEY.public_key())


def test_a_changed_label_does_not_verify() -> None:
    label, other = Aigc("p", "1"), Aigc("p", "2")
    assert not labels.verify(other, labels.sign(label, KEY), KEY.public_key())
    assert not labels.verify(label, "not base64!", KEY.public_key())
    assert not labels.verify(label, labels.sign(label, Ed25519PrivateKey.generate()), KEY.public_key())


def test_the_object_has_the_fields_of_the_standard() -> None:
    assert list(Aigc("p", "1").as_dict()) == [
        "Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2",
    ]  # fmt: skip
    assert Aigc("p", "1").as_dict()["Label"] == "1"


@pytest.mark.parametrize("value", ["", "e30", "W10", "!!!", "bm8", "eyJMYWJlbCI6MX0"])
def test_what_is_no_label_is_refused(value: str) -> None:
    with pytest.raises(LabelError):
        labels.read_header(value)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("place", ["start", "end"])
def test_the_visible_label_is_set_once(language: labels.Language, place: str) -> None:
    once = labels.with_visible("Text.", language, place)  # type: ignore[arg-type]
    assert labels.visible(language) in once
    assert labels.is_labelled(once)
    assert labels.with_visible(once, language, "end") == once
    assert not labels.is_labelled("Text.")
    assert not labels.is_labelled("")


def test_front_matter_carries_the_object() -> None:
    page = labels.front_matter("# Title", Aigc("p", "1"))
    assert page.startswith("---\nAIGC: {")
    assert json.loads(page.splitlines()[1].removeprefix("AIGC: "))["ProduceID"] == "1"
    assert page.endswith("# Title")


def test_the_language_of_a_text() -> None:
    assert labels.language_of("函谷关 is a pass") == "zh"
    assert labels.language_of("A pass called 关 in the old stories of the road") == "en"
    assert labels.language_of("123") == "en"
    assert set(labels.EU_NOTICE) == {"zh", "en"}
