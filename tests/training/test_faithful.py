"""`faithful=true` over all methods: what it sets, and what contradicts it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from augnet_cli.errors import UsageError
from augnet_cli.training.choices import parse_options
from augnet_cli.training.faithful import published
from augnet_cli.training.methods import METHODS, method_class

CONFIGS = {name: method_class(name).Config for name in METHODS}
FAITHFUL = {name: config for name, config in CONFIGS.items() if "faithful" in config.__dataclass_fields__}
SWITCHES = [(name, switch) for name, config in FAITHFUL.items() for switch in published(config)]


def as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def another(value: object) -> Any:
    """An allowed value beside the one given, of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value / 2 if value else 0.25
    return {"augnet": "copies", "view": "whole", "window": "crop"}[str(value)]


def test_all_methods_but_augnets_own_can_be_as_published() -> None:
    assert set(METHODS) - set(FAITHFUL) == {"copies"}
    assert all(published(config) for config in FAITHFUL.values())


@pytest.mark.parametrize("name", FAITHFUL)
def test_every_switch_of_the_table_is_set_and_the_rest_stays(name: str) -> None:
    config = FAITHFUL[name]
    made, plain = config(faithful=True), config()
    for field in dataclasses.fields(config):
        expected = published(config).get(field.name, getattr(plain, field.name))
        if field.name != "faithful":
            assert getattr(made, field.name) == expected, field.name
    # A record that is made anew of it is the same one.
    assert dataclasses.replace(made) == made
    assert parse_options(config, {"faithful": "true"}) == made


@pytest.mark.parametrize(("name", "switch"), SWITCHES)
def test_another_value_is_refused_even_the_default_where_it_is_said(name: str, switch: str) -> None:
    config = FAITHFUL[name]
    value, default = published(config)[switch], getattr(config(), switch)
    for wrong in {another(value), default} - {value}:
        with pytest.raises(UsageError, match=f"which has no {switch}=") as caught:
            parse_options(config, {switch: as_text(wrong), "faithful": "true"})
        assert caught.value.hint == f"leave out one of the two: faithful, {switch}"
        if wrong != default:
            with pytest.raises(UsageError, match=switch):
                config(**{switch: wrong}, faithful=True)
        assert getattr(parse_options(config, {switch: as_text(wrong), "faithful": "false"}), switch) == wrong
    said = parse_options(config, {switch: as_text(value), "faithful": "true"})
    assert said == config(faithful=True)


def test_what_is_published_may_hang_on_another_setting() -> None:
    ancestor = {"loss": "instance_spreading", "faithful": "true"}
    assert parse_options(CONFIGS["cbswr"], ancestor).flip == 0.5
    assert parse_options(CONFIGS["cbswr"], {**ancestor, "flip": "0.5"}).flip == 0.5
    with pytest.raises(UsageError, match="which has no flip="):
        parse_options(CONFIGS["cbswr"], {**ancestor, "flip": "0.75"})
