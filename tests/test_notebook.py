"""The notebook of the documents runs from start to end."""

from __future__ import annotations

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[1] / "docs" / "demo.ipynb"


def test_the_notebook_runs_and_shows_what_it_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("AUGNET_DEMO_EPOCHS", "1")
    monkeypatch.setenv("AUGNET_DEMO_FOLDER", str(tmp_path / "digits"))
    monkeypatch.setenv("AUGNET_HOME", str(tmp_path / "home"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=250, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text", "") for output in outputs)
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert "pretext, untrained" in printed and "selflabels, assignments" in printed and "R@1" in printed
    assert len(pictures) == 4  # neighbours, confusion, prototypes, look-alikes


def test_the_notebook_is_kept_without_what_it_showed() -> None:
    import nbformat

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)
