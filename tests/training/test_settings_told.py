"""`--set help`: every setting has a name, a default that can be typed back, and a meaning."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest

from augnet_cli.training.choices import parse_options
from augnet_cli.training.methods import METHODS, method_class
from augnet_cli.training.settings_told import setting_lines, settings_of


@pytest.mark.parametrize("name", METHODS)
def test_each_setting_of_each_method_has_a_meaning_and_a_default_that_means_itself(name: str) -> None:
    config = method_class(name).Config
    told = settings_of(config)
    assert [each.name for each in told] == [field.name for field in dataclasses.fields(config)]
    assert [each.name for each in told if len(each.meaning) < 6] == []
    made: Any = parse_options(config, {each.name: each.default for each in told if each.default})
    for each in told:
        assert getattr(made, each.name) == pytest.approx(getattr(config(), each.name)), each.name


def test_lines_are_aligned_and_what_has_no_source_has_no_meaning() -> None:
    assert setting_lines(Example) == ["few=true", "far=0.25   how far to go, in turns", "name=a #b"]
    made = type("Made", (Example,), {})
    assert [each.meaning for each in settings_of(dataclass(frozen=True)(made))] == ["", "", ""]


@dataclass(frozen=True)
class Example:
    few: bool = True
    far: float = 0.25  # how far to go, in turns
    name: str = "a #b"
