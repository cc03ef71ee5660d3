"""Starting: fast because nothing heavy is imported, and without torch for all but training."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from augnet_program import ROOT, Done, environment
from conftest import drawn_picture

HEAVY = (
    "torch",
    "torchvision",
    "onnxruntime",
    "onnx",
    "annoy",
    "numpy",
    "PIL",
    "sklearn",
    "scipy",
    "cv2",
    "threadpoolctl",
    "rich.progress",
    "pydantic",
)
# What a search by distance alone does without: each takes as long to load as a hundred images to embed.
NOT_BY_DISTANCE = (*HEAVY[:2], "onnx", "annoy", "sklearn", "scipy", "cv2", "rich.progress", "pydantic")
NEEDED_TO_PROVE = (
    "augnet_cli.pipeline.verification",
    "augnet_cli.pipeline.calibrate",
    "augnet_cli.acting.plan",
)
LOADED = """
import sys
{statement}
print(*(name for name in {heavy!r} if name in sys.modules))
"""


@pytest.mark.parametrize(
    "statement",
    [
        "import augnet_cli",
        "import augnet_cli.cli.main",
        "import augnet_cli.__main__",
        "from augnet_cli.cli.main import run\nsys.argv[1:] = ['-h']\ntry: run()\nexcept SystemExit: pass",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(statement: str) -> None:
    program = LOADED.format(statement=statement, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1].strip() == ""


def test_a_search_by_distance_loads_nothing_that_only_proofs_plans_or_queries_need(tmp_path: Path) -> None:
    drawn_picture(1).save(tmp_path / "a.png")
    words = ["augnet", "dedupe", str(tmp_path), "--no-verify", "--threshold", "0.1", "--format", "json"]
    statement = (
        f"from augnet_cli.cli.main import run\nsys.argv[:] = {words!r}\ntry: run()\nexcept SystemExit: pass"
    )
    program = LOADED.format(statement=statement, heavy=(*NOT_BY_DISTANCE, *NEEDED_TO_PROVE))
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=True
    )
    assert '"groups": []' in done.stdout
    assert done.stdout.splitlines()[-1].strip() == ""


NOT_LIGHT = ("torch", "functorch", "nvidia", "triton", "onnx", "__editable__", "_virtualenv")


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A path to import from that has everything installed here but the extra `train`."""
    folder = tmp_path_factory.mktemp("light")
    for name in ("purelib", "platlib"):
        for entry in os.scandir(sysconfig.get_path(name)):
            heavy = entry.name.startswith(NOT_LIGHT) and not entry.name.startswith("onnxruntime")
            link = folder / entry.name
            if not heavy and not entry.name.endswith(".pth") and not link.exists():
                link.symlink_to(entry.path)
    return os.pathsep.join((str(ROOT), str(folder)))


def without_torch(light: str, *words: str, cwd: Path) -> Done:
    # -S: the site-packages of this environment, where torch is, are not looked at.
    program = [sys.executable, "-S", *words]
    done = subprocess.run(
        program, cwd=cwd, env=environment(PYTHONPATH=light), capture_output=True, timeout=120, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_all_but_training_works_without_torch(light: str, tmp_path: Path) -> None:
    for seed in range(4):
        drawn_picture(seed).save(tmp_path / f"{seed}.png")
    for module in ("torch", "torchvision", "onnx"):
        assert b"ModuleNotFoundError" in without_torch(light, "-c", f"import {module}", cwd=tmp_path).err
    for words in (
        ["embed", ".", "--out", "vectors.npz"],
        ["dedupe", ".", "--threshold", "0.2"],
        ["cluster", ".", "--k", "2"],
        ["query", "0.png", "--k", "2"],
        ["inspect", "."],
        ["calibrate", "."],
        ["info", "."],
        ["--help"],
        ["train", "--help"],
    ):
        done = without_torch(light, "-m", "augnet_cli", *words, cwd=tmp_path).ok()
        assert done.out
    said = without_torch(light, "-m", "augnet_cli", "train", ".", cwd=tmp_path).refused()
    assert "torch" in said and "pip install " in said and "[train]'" in said
