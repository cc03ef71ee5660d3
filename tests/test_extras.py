"""What is said of installing an optional part is a command that works from where augnet came."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from augnet_cli import extras
from augnet_cli.extras import how_to_install

ROOT = Path(__file__).resolve().parents[1]


def wanted(command: str) -> str:
    """What the command asks pip for."""
    pip, install, requirement = shlex.split(command)
    assert (pip, install) == ("pip", "install")
    return requirement


def test_checkout_is_named_from_which_augnet_runs() -> None:
    assert wanted(how_to_install("train")) == f"{ROOT}[train]"


def installed(site: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """augnet as pip installs it below `site`, with pip's note of where it came from."""
    package, notes = site / "augnet_cli", site / "augnet-1.0.dist-info"
    package.mkdir(parents=True)
    notes.mkdir()
    (notes / "METADATA").write_text("Metadata-Version: 2.1\nName: augnet\nVersion: 1.0\n")
    if url:
        (notes / "direct_url.json").write_text(json.dumps({"url": url, "dir_info": {}}))
    monkeypatch.setattr(extras, "PACKAGE", str(package))
    monkeypatch.syspath_prepend(str(site))


def test_installation_names_the_checkout_it_was_made_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "my checkout"
    checkout.mkdir()
    (checkout / "pyproject.toml").write_text("")
    installed(tmp_path / "site", checkout.as_uri(), monkeypatch)
    assert wanted(how_to_install("plot")) == f"{checkout}[plot]"
    (checkout / "pyproject.toml").unlink()  # gone since
    assert wanted(how_to_install("plot")) == "augnet[plot]"


def test_installation_from_an_index_goes_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path / "site", "", monkeypatch)
    assert how_to_install("train") == "pip install 'augnet[train]'"
