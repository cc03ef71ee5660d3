"""The wheel, built and installed for real: light, complete, and at work from another folder."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from conftest import drawn_picture

ROOT = Path(__file__).resolve().parents[1]
MAX_WHEEL_BYTES = 12_000_000
MAX_WEIGHTS_BYTES = 8_000_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


def test_the_readme_names_all_that_an_install_without_a_compiler_takes() -> None:
    wanted = [word for word in requires("augnet") or [] if "extra ==" not in word]
    readme = (ROOT / "README.md").read_text()
    told = re.search(r"`pip install --no-deps \.` followed by `pip install ([^`]+)`", readme)
    assert told is not None and wanted

    def names(words: list[str]) -> set[str]:
        return {re.split(r"[<>=!~;\[ ]", word)[0].lower() for word in words}

    assert names(shlex.split(told[1])) == names(wanted) - {"annoy"}


def test_the_wheel_is_light_and_holds_the_weights(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        weights = archive.getinfo("augnet_cli/weights/augnet.onnx")

    assert wheel.stat().st_size <= MAX_WHEEL_BYTES
    assert weights.file_size <= MAX_WEIGHTS_BYTES
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]
    for folder in ("page_files", "map_files"):
        parts = {path.name for path in (ROOT / "augnet_cli/report" / folder).iterdir()}
        assert parts == {name.rpartition("/")[2] for name in names if f"/{folder}/" in name}


def test_the_light_install_needs_eleven_libraries_and_no_torch(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        lines = archive.read(name).decode().splitlines()

    needed = {
        line.split(": ")[1] for line in lines if line.startswith("Requires-Dist") and "extra ==" not in line
    }
    names = {re.split("[<>=]", requirement)[0].strip() for requirement in needed}
    assert names == {
        "typer", "rich", "numpy", "pillow", "onnxruntime", "annoy", "scikit-learn",
        "opencv-python-headless", "threadpoolctl", "send2trash", "blake3",
    }  # fmt: skip


@pytest.mark.timeout(600)
def test_installed_in_an_empty_environment_it_finds_duplicates_from_another_folder(wheel, tmp_path):
    environment = tmp_path / "environment"
    venv.create(environment)
    python = environment / "bin" / "python"
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    # Without a pip of its own, and without compiling ten thousand modules, of which few are loaded.
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-compile", str(wheel)], check=True, env=clean)
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in range(4):
        drawn_picture(seed).save(photos / f"{seed}.png")
    (photos / "copy of 2.png").write_bytes((photos / "2.png").read_bytes())

    done = subprocess.run(
        [environment / "bin" / "augnet", "dedupe", "photos", "--threshold", "0", "--format", "json"],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    (group,) = json.loads(done.stdout)["groups"]
    assert {group["kept"]["path"], group["redundant"][0]["path"]} == {"2.png", "copy of 2.png"}
    without_torch = subprocess.run([python, "-c", "import torch"], env=clean, capture_output=True)
    assert without_torch.returncode != 0
    train = subprocess.run(
        [environment / "bin" / "augnet", "train", "photos"],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
    )
    assert train.returncode == 1
    assert "pip install 'augnet[train]'" in train.stderr
    assert len(train.stderr.strip().splitlines()) == 2
