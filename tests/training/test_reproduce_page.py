"""The commands of `docs/reproduce.md`: each names what there is, and would begin."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from augnet_cli.datasets.registry import READERS
from augnet_cli.training.backbones import BACKBONES
from augnet_cli.training.choices import parse_options
from augnet_cli.training.methods import method_class
from augnet_cli.training.request import TrainRequest
from augnet_cli.training.staged import check_length, stages_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reproduce.md"
FENCE = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """The words of each command of the page."""
    blocks = FENCE.findall(PAGE.read_text(encoding="utf-8"))
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line) for line in lines if line.strip()]


def value_of(words: list[str], option: str) -> str:
    return words[words.index(option) + 1]


TRAININGS = [words for words in commands() if words[1] == "train"]


# Trained for another training to begin with, and judged by that one.
BEGINNINGS = {"simclr-stl10.onnx"}


def test_every_training_is_judged_by_a_protocol_on_the_same_data() -> None:
    judged = {value_of(words, "--encoder"): words for words in commands() if words[1] == "evaluate"}
    assert len(TRAININGS) >= 10
    assert {value_of(words, "--out") for words in TRAININGS} - BEGINNINGS == set(judged)
    for words in TRAININGS:
        made = value_of(words, "--out")
        if made in BEGINNINGS:
            assert any(made in others for others in TRAININGS if others is not words)
            continue
        assert judged[made][2] == value_of(words, "--data")
        assert value_of(judged[made], "--protocol") in ("clustering", "retrieval")


@pytest.mark.parametrize("words", TRAININGS, ids=lambda words: value_of(words, "--out"))
def test_every_training_names_what_there_is(words: list[str]) -> None:
    assert value_of(words, "--data").partition(":")[0] in READERS
    if "--backbone" in words:
        assert value_of(words, "--backbone") in BACKBONES
    else:  # it goes on from what another command of the page made
        assert value_of(words, "--init") in {value_of(others, "--out") for others in TRAININGS}
    kind = method_class(value_of(words, "--method"))
    pairs = [words[place + 1].split("=", 1) for place, word in enumerate(words) if word == "--set"]
    config = parse_options(kind.Config, dict(pairs))  # type: ignore[arg-type]
    numbers = {
        name: float(value_of(words, f"--{name}")) if f"--{name}" in words else None
        for name in ("epochs", "minutes", "lr", "images-per-step")
    }
    request = TrainRequest(
        method=value_of(words, "--method"),
        epochs=None if numbers["epochs"] is None else int(numbers["epochs"]),
        minutes=numbers["minutes"],
        lr=numbers["lr"],
        images_per_step=None if numbers["images-per-step"] is None else int(numbers["images-per-step"]),
    )
    check_length(request, stages_of(kind, config))


def test_every_option_of_the_page_is_one_of_the_program() -> None:
    from typer.main import get_command

    from augnet_cli.cli.main import app_of

    program = get_command(app_of())
    for words in commands():
        known = {name for option in program.commands[words[1]].params for name in option.opts}  # type: ignore[attr-defined]
        assert {word for word in words if word.startswith("--")} <= known, words
