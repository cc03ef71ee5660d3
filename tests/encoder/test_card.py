"""The card: there and back, and what is none."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from encoder_files import CARD

from augnet_cli.encoder.card import parse_card
from augnet_cli.errors import EncoderError
from augnet_cli.records import Resize


def changed(**facts: object) -> str:
    return json.dumps({**json.loads(CARD.to_json()), **facts})


def without(name: str) -> str:
    facts = json.loads(CARD.to_json())
    del facts[name]
    return json.dumps(facts)


def test_card_comes_back_as_it_went() -> None:
    assert parse_card(CARD.to_json(), "e.onnx") == CARD
    other = replace(CARD, resize=Resize(64, "stretch", "bilinear", 0), training={"note": "é\n漢"})
    assert parse_card(other.to_json(), "e.onnx") == other


def test_card_is_one_line_of_ascii() -> None:
    text = replace(CARD, training={"note": "é\n漢\udcff"}).to_json()
    assert text.isascii() and "\n" not in text


def test_threshold_is_that_of_precision_0_99() -> None:
    assert CARD.threshold == 0.25


BROKEN = {
    "no JSON": "{",
    "empty": "",
    "a list": "[]",
    "a number": "7",
    "no version": without("version"),
    "version of another kind": changed(version="1"),
    "no id": without("id"),
    "id of another kind": changed(id=7),
    "no resize": without("resize"),
    "resize of another kind": changed(resize=96),
    "unknown resize": changed(resize={"size": 96, "wings": 2}),
    "unknown field": changed(wings=2),
    "no threshold": changed(thresholds={"0.5": 0.1}),
    "threshold that is no number": changed(thresholds={"0.99": "far"}),
    "threshold that is no distance": changed(thresholds={"0.99": 7}),
    "threshold that is NaN": changed(thresholds={"0.99": float("nan")}),
    "thresholds of another kind": changed(thresholds=[0.1]),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_card_is_refused_with_the_file(what: str) -> None:
    with pytest.raises(EncoderError, match=r"odd\\nname.onnx holds a card that can't be read") as error:
        parse_card(BROKEN[what], "odd\nname.onnx")
    assert error.value.hint


def test_newer_card_asks_for_a_newer_augnet() -> None:
    with pytest.raises(EncoderError, match="newer") as error:
        parse_card(changed(version=2, wings=2), "e.onnx")
    assert "upgrade" in error.value.hint
