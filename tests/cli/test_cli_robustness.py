"""868 odd and broken files of many formats go through the real program whole."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from augnet_program import augnet, tree

FILES = 868


@pytest.fixture(scope="module")
def robustness(shared_data: Callable[[str], Path]) -> Path:
    return shared_data("robustness.tar")


def test_each_file_is_embedded_or_listed_and_nothing_is_muttered(robustness: Path, tmp_path: Path) -> None:
    before = tree(robustness)
    files = {path for path, fact in before.items() if fact[0] == "file"}
    assert len(files) == FILES
    done = augnet("embed", robustness, "--format", "json", TMPDIR=str(tmp_path)).ok()
    result = done.json()
    skipped = [skip["path"] for skip in result["skipped"]]
    assert result["images"] + len(skipped) + result["others"] == FILES
    assert len(skipped) == len(set(skipped)) and set(skipped) <= files
    # Most of these open in any viewer: a reader that skips a tenth has lost a format.
    assert result["images"] > 0.9 * FILES and result["others"] < 10
    for skip in result["skipped"]:
        reason = skip["reason"]
        assert 5 < len(reason) < 200 and reason.isprintable(), skip
        assert not any(word in reason for word in ("Error", "Traceback", "object at", "Exception")), skip
    # Progress, if it took that long; nothing of libtiff's.
    assert all(note.startswith("augnet: ") for note in done.notes), done.notes
    assert os.listdir(tmp_path) == [] and tree(robustness) == before

    members = (
        augnet("cluster", robustness, "--k", "1", "--format", "json").ok().json()["clusters"][0]["members"]
    )
    assert len(members) == result["images"] and not set(members) & set(skipped)
    again = augnet("embed", robustness, "--format", "json").ok().json()
    assert (again["embedded"], again["images"], again["skipped"]) == (0, result["images"], result["skipped"])


def test_duplicates_among_them_change_nothing(robustness: Path) -> None:
    before = tree(robustness)
    # Many are one picture in several formats, so pixels differ by little or nothing: near under any encoder.
    result = augnet("dedupe", robustness, "--threshold", "0.001", "--format", "json").ok().json()
    assert len(result["groups"]) > 10
    kept = {group["kept"]["path"] for group in result["groups"]}
    redundant = [image for group in result["groups"] for image in group["redundant"]]
    assert {image["witness"] for image in redundant} == kept
    assert not kept & {image["path"] for image in redundant}
    assert tree(robustness) == before
