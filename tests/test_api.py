"""The documented Python API: the package's example runs as it stands, what is public says what it does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from augnet_program import environment
from conftest import drawn_picture

import augnet_cli
from augnet_cli import AugnetError, Progress
from augnet_cli.errors import EncoderError, FolderError, ImageError, UsageError

VERBS = ("apply", "calibrate", "cluster", "decide", "dedupe", "encode", "index", "inspect", "query", "undo")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(6):
        drawn_picture(seed).save(folder / f"{seed}.jpg", quality=92)
    shutil.copy(folder / "0.jpg", folder / "copy.jpg")
    return folder


def example() -> str:
    """The indented block of the package's docstring."""
    lines = (augnet_cli.__doc__ or "").splitlines()
    return textwrap.dedent("\n".join(line for line in lines if line.startswith("    ") or not line))


def test_example_of_the_package_runs_as_it_stands(photos: Path) -> None:
    for name, seed in (("img.png", 0), ("a.jpg", 1), ("b.jpg", 2)):
        drawn_picture(seed).save(photos.parent / name)
    code = example()
    assert code.count("\n") >= 5 and all(verb in code for verb in ("index(", "dedupe(", "query(", "encode("))
    program = code + "\nassert vectors.shape[0] == 2 and vectors.dtype.name == 'float32'\n"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=photos.parent,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "copy.jpg" in done.stdout and "Hit(" in done.stdout
    assert (photos / ".augnet").is_dir()


def test_all_that_is_public_exists_and_says_what_it_does() -> None:
    assert augnet_cli.__all__ == sorted(augnet_cli.__all__)
    for name in augnet_cli.__all__:
        public = getattr(augnet_cli, name)
        assert name == "__version__" or (public.__doc__ and public.__module__.startswith("augnet_cli")), name
    assert set(VERBS) <= set(augnet_cli.__all__)


def test_encode_gives_unit_rows_in_the_order_given(photos: Path) -> None:
    files = [photos / f"{seed}.jpg" for seed in (5, 0, 3)]
    rows = augnet_cli.encode(files)
    assert rows.dtype == np.float32 and rows.shape == (3, rows.shape[1])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(augnet_cli.encode([str(file) for file in files[::-1]])[::-1], rows, atol=1e-5)
    many = augnet_cli.encode(files * 7)  # more than are embedded at once
    np.testing.assert_allclose(many, np.tile(rows, (7, 1)), atol=1e-5)
    assert augnet_cli.encode([]).shape == (0, rows.shape[1])


def test_paths_may_be_text_or_path_objects(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "vectors.npz"
    assert augnet_cli.index(photos, out=out).images == 7 == augnet_cli.index(str(photos)).images
    assert out.exists()
    by_path, by_text = (augnet_cli.query(kind(photos / "0.jpg"), 2, kind(photos)) for kind in (Path, str))
    assert by_path.hits == by_text.hits and by_path.hits[0].path == "copy.jpg"
    assert len(augnet_cli.cluster(photos, 2).clusters) == 2


def test_what_dedupe_finds_can_be_acted_on_and_taken_back(photos: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.jsonl"
    augnet_cli.dedupe(photos, 0.0, plan=plan)
    result = augnet_cli.apply(plan, "hardlink")
    assert [file.path for file in result.acted] == ["copy.jpg"]
    assert os.path.samefile(photos / "copy.jpg", photos / "0.jpg")
    assert augnet_cli.undo(photos).restored == ("copy.jpg",)
    assert not os.path.samefile(photos / "copy.jpg", photos / "0.jpg")
    assert augnet_cli.decide(photos, "0.jpg", photos / "1.jpg", same=False).same is False


def test_errors_are_augnet_errors_with_a_hint(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no encoder")
    failures = [
        (FolderError, lambda: augnet_cli.index(tmp_path / "missing")),
        (ImageError, lambda: augnet_cli.encode([photos / "0.jpg", tmp_path / "missing.jpg"])),
        (ImageError, lambda: augnet_cli.encode([tmp_path / "text.onnx"])),
        (EncoderError, lambda: augnet_cli.encode([photos / "0.jpg"], encoder=tmp_path / "text.onnx")),
        (UsageError, lambda: augnet_cli.dedupe(photos, threshold=3)),
        (UsageError, lambda: augnet_cli.cluster(photos, k=100)),
    ]
    for kind, failing in failures:
        with pytest.raises(kind) as told:
            failing()
        assert isinstance(told.value, AugnetError) and told.value.what and told.value.hint


def test_library_is_silent_and_tells_a_listener(photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    class Heard(Progress):
        def __init__(self) -> None:
            self.stages: list[tuple[str, int | None]] = []
            self.done = 0

        def start(self, stage: str, total: int | None, unit: str = "images") -> None:
            self.stages.append((stage, total))

        def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
            self.done += done

    heard = Heard()
    augnet_cli.index(photos, progress=heard)
    assert ("embedding", 7) in heard.stages and heard.done == 7
    augnet_cli.dedupe(photos, 0.1)
    assert capfd.readouterr() == ("", "")


def test_nothing_is_reported_over_the_network_and_nothing_left_behind(photos: Path, tmp_path: Path) -> None:
    """ONNX Runtime 1.29 and later would report to its maker, and keep files of its own for that."""
    (tmp_path / "temporary").mkdir()
    changes = {
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "temporary"),
        "TMP": str(tmp_path / "temporary"),
    }
    (tmp_path / "home").mkdir()
    env = environment(**changes)
    # Where tests run, these may already turn it off; a user's machine has none of them.
    for name in ("ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "CI", "GITHUB_ACTIONS", "TF_BUILD"):
        env.pop(name, None)
    code = "import sys, augnet_cli; print(augnet_cli.encode(sys.argv[1:]).shape)"
    subprocess.run(
        [sys.executable, "-c", code, str(photos / "0.jpg")], env=env, check=True, capture_output=True
    )
    assert os.listdir(tmp_path / "temporary") == [] and os.listdir(tmp_path / "home") == []
