"""What `benchmarks/peers.py` and its parts do: runs in turn that can be gone on with, folders, tables."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import drawn_picture
from PIL import Image

SCRIPTS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(SCRIPTS))

import big_photos  # noqa: E402
import peer_drivers  # noqa: E402
import peers  # noqa: E402
import tables  # noqa: E402
import timed_runs  # noqa: E402
from timed_runs import Run  # noqa: E402

IMAGES = 5


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as the benchmark's: images in `photos`, and nothing beside it."""
    photos = tmp_path / "bench" / "photos"
    photos.mkdir(parents=True)
    for seed in range(IMAGES):
        drawn_picture(seed).save(photos / f"{seed}.jpg")
    return photos.parent


@pytest.fixture
def task(tmp_path: Path) -> peers.Task:
    work = tmp_path / "work"
    work.mkdir()
    return peers.Task(work, rounds=1, python_of=dict.fromkeys(peers.MODULES, sys.executable))


class Tasks:
    """Tasks whose runs take as long as they are told to, in the order in which they were asked for."""

    def __init__(self, **seconds: float) -> None:
        self.seconds = seconds
        self.asked: list[tuple[str, int]] = []

    def __call__(self) -> dict:
        return {name: self._task(name) for name in self.seconds}

    def _task(self, name: str):
        def run(number: int) -> Run:
            if self.seconds[name] < 0:
                raise KeyboardInterrupt
            self.asked.append((name, number))
            return Run(name, number, self.seconds[name], cpu_seconds=1.0)

        return run


def test_runs_are_taken_in_turn_and_slow_ones_once(tmp_path: Path) -> None:
    tasks = Tasks(a=1, b=timed_runs.ONCE_FROM_SECONDS, c=2)
    runs = timed_runs.take_in_turn(tasks(), 3, tmp_path / "runs.jsonl")
    assert tasks.asked == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("c", 1), ("a", 2), ("c", 2)]
    assert {name: [run.round for run in each] for name, each in runs.items()} == {
        "a": [0, 1, 2], "b": [0], "c": [0, 1, 2],
    }  # fmt: skip


def test_an_interrupted_benchmark_goes_on_where_it_was(tmp_path: Path) -> None:
    record = tmp_path / "runs.jsonl"
    first = Tasks(a=1.5, b=-1)
    with pytest.raises(KeyboardInterrupt):
        timed_runs.take_in_turn(first(), 2, record)
    with record.open("a") as file:
        file.write('{"name": "b", "rou')  # killed while it was writing
    assert timed_runs.recorded(record) == [Run("a", 0, 1.5, 1.0)]
    again = Tasks(a=9, b=2)
    runs = timed_runs.take_in_turn(again(), 2, record)
    assert again.asked == [("b", 0), ("a", 1), ("b", 1)]
    assert [run.seconds for run in runs["a"]] == [1.5, 9]


def test_augnet_starts_without_a_store_every_time(task: peers.Task, folder: Path) -> None:
    runs = [peers.run_augnet(task, folder, ("embed",), "augnet", number) for number in (0, 1)]
    assert [run.round for run in runs] == [0, 1] and all(run.seconds > 0 for run in runs)
    store = folder / ".augnet" / "cache" / "store.sqlite"
    made = store.stat().st_ino, store.stat().st_mtime_ns
    peers.run_augnet(task, folder, ("dedupe", "--no-verify"), "augnet", 2)
    assert (store.stat().st_ino, store.stat().st_mtime_ns) != made
    assert (task.work / "home").is_dir()


def test_the_loop_over_imagehash_takes_in_every_image(task: peers.Task, folder: Path) -> None:
    Image.open(folder / "photos" / "0.jpg").save(folder / "photos" / "copy.jpg", quality=70)
    run = peers.run_peer(task, folder / "photos", "imagehash", "imagehash", 4)
    assert (run.name, run.round) == ("imagehash", 4)
    assert run.work_seconds is not None and 0 < run.work_seconds < run.seconds
    assert run.cpu_seconds > 0
    told = subprocess.run(
        [sys.executable, str(peers.DRIVERS), "imagehash", str(folder / "photos"), str(task.work)],
        check=True, capture_output=True,
    )  # fmt: skip
    assert {**json.loads(told.stdout), "seconds": 0} == {"images": IMAGES + 1, "found": 1, "seconds": 0}


def test_a_peer_that_fails_or_leaves_images_out_ends_the_benchmark(task: peers.Task, folder: Path) -> None:
    empty = dataclasses.replace(task, python_of={"fastdup": sys.executable})
    with pytest.raises(SystemExit, match=r"fastdup failed:(?s:.)*No module named 'fastdup'"):
        peers.run_peer(empty, folder / "photos", "fastdup", "fastdup", 0)
    (folder / "photos" / "cut.jpg").write_bytes((folder / "photos" / "0.jpg").read_bytes()[:600])
    with pytest.raises(SystemExit, match="imagehash failed"):
        peers.run_peer(task, folder / "photos", "imagehash", "imagehash", 0)


def test_every_peer_has_a_driver_and_every_table_a_place() -> None:
    assert set(peers.PEERS) == set(peer_drivers.PEERS)
    assert set(peers.PLACES) == set(peers.PARTS)
    page = tables.PAGE.read_text(encoding="utf-8")
    for place in peers.PLACES.values():
        assert page.count(f"<!-- {place} -->") == 1 == page.count(f"<!-- /{place} -->")


def test_a_peer_without_its_python_is_left_out_and_said_to_be() -> None:
    named = [f"{module}={sys.executable}" for module in peers.MODULES]
    assert set(peers.pythons(named)) <= set(peers.MODULES)
    assert "numpy" not in peers.pythons([]) and peers.has_module(sys.executable, "numpy")
    assert peers.left_out(dict.fromkeys(peers.MODULES, "python")) == ""
    assert peers.left_out({"imagehash": "python", "imagededup": "python"}).endswith(": fastdup, difPy.")
    for wrong in ("numpy=python", "fastdup"):
        with pytest.raises(SystemExit, match="name one of"):
            peers.pythons([wrong])


def test_the_table_has_medians_and_ratios_the_fastest_first() -> None:
    runs = {
        peers.VERIFIED: [
            Run(peers.VERIFIED, number, seconds, 2 * seconds) for number, seconds in enumerate((20, 30, 25))
        ],
        "fastdup": [Run("fastdup", 0, 50.0, 70.0, 40.0)],
        peers.PLAIN: [Run(peers.PLAIN, number, seconds, 7.0) for number, seconds in enumerate((6, 5, 4))],
    }
    head, _, *rows = peers.peer_table(runs, 1000).splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in (head, *rows)]
    assert cells[0][0].startswith("1,000 images, ") and cells[0][1:6] == [
        "median s", "fastest", "slowest", "runs", "images/s",
    ]  # fmt: skip
    assert cells[1:] == [
        [peers.PLAIN, "5.0", "4.0", "6.0", "3", "200", "1.00", "0.20", "", "7.0"],
        [peers.VERIFIED, "25.0", "20.0", "30.0", "3", "40", "5.00", "1.00", "", "50.0"],
        ["fastdup", "50.0", "50.0", "50.0", "1", "20", "10.00", "2.00", "40.0", "70.0"],
    ]


def test_a_row_of_limits_is_what_bench_told(task: peers.Task, folder: Path) -> None:
    command = [*peers.augnet("bench", folder, "--seconds", "0")]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    name, images, decoding, _, whole, share, holds_back, run, run_share = peers.limit_row(
        "few", IMAGES, told, embed_seconds=0.5
    )
    assert (name, images, run, holds_back) == ("few", "5", "10", told["holds_back"])
    decode = told["stages"][1]["limit"]
    assert (decoding, whole) == (f"{decode:,.0f}", f"{told['whole']:,.0f}")
    assert (share, run_share) == (f"{told['whole'] / decode:.2f}", f"{10 / decode:.2f}")


def test_big_photos_are_large_grainy_and_the_same_every_time(tmp_path: Path) -> None:
    lying, standing = tmp_path / "lying.png", tmp_path / "standing.png"
    Image.new("RGB", (40, 30), (90, 120, 150)).save(lying)
    Image.new("RGB", (30, 40), (90, 120, 150)).save(standing)
    for name in ("one", "two"):
        big_photos.write_big(tmp_path / name, [lying, standing], 3, size=(400, 300))
    files = sorted((tmp_path / "one").iterdir())
    assert [Image.open(file).size for file in files] == [(400, 300), (300, 400), (400, 300)]
    assert len({file.read_bytes() for file in files}) == 3
    assert all(file.read_bytes() == (tmp_path / "two" / file.name).read_bytes() for file in files)
    grain = np.asarray(Image.open(files[0]).convert("L"), np.float64)
    assert grain.std() == pytest.approx(big_photos.GRAIN, rel=0.25)
    assert grain.mean() == pytest.approx(np.asarray(Image.open(lying).convert("L")).mean(), abs=1)


def test_few_images_are_lent_to_the_first_runs(task: peers.Task, folder: Path) -> None:
    for _ in range(2):  # again after an interruption
        few = peers.few_of(folder, task.work)
        assert sorted(path.name for path in (few / "photos").iterdir()) == [f"{n}.jpg" for n in range(IMAGES)]
    assert IMAGES < peers.FEW
