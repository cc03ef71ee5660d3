"""augnet beside the tools that one would use instead, on one folder, whole processes in turn.

    python benchmarks/peers.py --work FOLDER [--python-of PEER=PYTHON ...] [--only PART ...] [--print-only]

`peers` runs each tool on the benchmark's 4,120 images, augnet without a store; a peer needs a Python that has
it, this one if none is named, and is left out where there is none.  `limits` sets augnet beside decoding
alone, there and on photos of 12 megapixels.  `warm` is what a run takes that has nothing to do.
The folders, and the times of an interrupted run, stay in the work folder: the same command goes on.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from altered import image_files
from big_photos import big_folder
from copies import make_folder
from cost import benchmark_twin, mixed_folder
from environment import timed_environment
from tables import markdown, put
from timed_runs import Run, cpu_seconds_of_children, take_in_turn

from augnet_cli.cores import usable_cores

DRIVERS = Path(__file__).with_name("peer_drivers.py")
# By the name of its driver: what the table calls it, and the module that a Python must have.
PEERS = {
    "imagehash": ("imagehash pHash in a loop, one thread", "imagehash"),
    "imagededup-phash": ("imagededup pHash", "imagededup"),
    "imagededup-cnn": ("imagededup CNN, random weights", "imagededup"),
    "fastdup": ("fastdup", "fastdup"),
    "difpy": ("difPy", "difPy"),
}
MODULES = tuple(dict.fromkeys(module for _, module in PEERS.values()))
# With a threshold: without one this folder's own is estimated first, which is more than to embed and compare.
BY_DISTANCE = ("--no-verify", "--threshold", "0.2")
PLAIN, VERIFIED = f"augnet dedupe {' '.join(BY_DISTANCE)}", "augnet dedupe"
SEED = 3  # of the benchmark folder, as on the page's other tables
FEW = 16  # images of the first, uncounted run of each tool
BIG, WARM = 200, 10_000  # images
# For `augnet bench`: a quarter of the benchmark folder, and time enough for a median on a busy machine.
SAMPLE, BENCH_SECONDS = 1024, 20
WARM_RUNS = 7


@dataclass(frozen=True)
class Task:
    """Where to work, how often, and which Python has which peer's module."""

    work: Path
    rounds: int
    python_of: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        # fastdup would wait for a server to take its reports.
        return timed_environment(self.work / "home", SENTRY_OPT_OUT="1")


def peers(task: Task) -> str:
    """Whole runs over the benchmark folder, cold store, and how much longer each takes than augnet's."""
    folder = benchmark_twin(make_folder(task.work, SEED), task.work)
    few = few_of(folder, task.work)
    tasks: dict[str, Callable[[int], Run]] = {
        PLAIN: functools.partial(run_augnet, task, folder, ("dedupe", *BY_DISTANCE), PLAIN),
        VERIFIED: functools.partial(run_augnet, task, folder, ("dedupe",), VERIFIED),
    }
    run_augnet(task, few, ("dedupe",), "", 0)
    for peer, (title, module) in PEERS.items():
        if module in task.python_of:
            run_peer(task, few / "photos", peer, title, 0)
            tasks[title] = functools.partial(run_peer, task, folder / "photos", peer, title)
    for path in image_files(folder):
        path.read_bytes()  # into the system's cache, for all alike
    record = task.work / "peers.jsonl"
    runs = take_in_turn(tasks, task.rounds, record)
    record.unlink()
    return peer_table(runs, len(image_files(folder))) + left_out(task.python_of)


def left_out(python_of: Mapping[str, str]) -> str:
    """A line below the table that names the peers which could not be run; "" where all were."""
    missing = [module for module in MODULES if module not in python_of]
    return f"\n\nNot run, for want of a Python that has them: {', '.join(missing)}." if missing else ""


def few_of(folder: Path, work: Path) -> Path:
    """A folder of FEW of the images: what a tool's first run loads from the disk is then in memory."""
    few = work / "few"
    shutil.rmtree(few, ignore_errors=True)
    (few / "photos").mkdir(parents=True)
    for path in image_files(folder)[:FEW]:
        os.link(path, few / "photos" / path.name)
    return few


def run_augnet(task: Task, folder: Path, words: Sequence[str], name: str, number: int) -> Run:
    """augnet on a folder that it has never seen."""
    shutil.rmtree(folder / ".augnet", ignore_errors=True)
    before = cpu_seconds_of_children()
    seconds = seconds_of(augnet(words[0], folder, *words[1:]), task.environment)
    return Run(name, number, seconds, cpu_seconds_of_children() - before)


def augnet(command: str, *words: str | Path) -> list[str]:
    return [sys.executable, "-m", "augnet_cli", command, *map(str, words), "--format", "json", "--quiet"]


def seconds_of(command: Sequence[str], environment: Mapping[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=dict(environment))
    return time.perf_counter() - started


def run_peer(task: Task, photos: Path, peer: str, name: str, number: int) -> Run:
    """A peer on a folder of images and nothing else; what it wrote before goes first."""
    out = task.work / "peer-out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    python = task.python_of[PEERS[peer][1]]
    before, started = cpu_seconds_of_children(), time.perf_counter()
    done = subprocess.run(
        [python, str(DRIVERS), peer, str(photos), str(out)],
        check=False,
        capture_output=True,
        text=True,
        env=task.environment,
        cwd=out,
    )
    seconds, cpu_seconds = time.perf_counter() - started, cpu_seconds_of_children() - before
    if done.returncode != 0:
        raise SystemExit(f"{peer} failed:\n{done.stderr[-2000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    images = len(image_files(photos))
    if told["images"] != images:
        raise SystemExit(f"{peer} took in {told['images']} of {images} images")
    return Run(name, number, seconds, cpu_seconds, told["seconds"])


def peer_table(runs: Mapping[str, Sequence[Run]], images: int) -> str:
    """A row a tool, the fastest first."""
    median = {name: statistics.median(run.seconds for run in each) for name, each in runs.items()}
    head = (
        *(f"{images:,} images, {usable_cores()} cores", "median s", "fastest", "slowest", "runs", "images/s"),
        *(f"beside `{PLAIN}`", f"beside `{VERIFIED}`", "without start-up, s", "of all cores, s"),
    )
    rows = []
    for name in sorted(runs, key=lambda name: median[name]):
        seconds = [run.seconds for run in runs[name]]
        work = [run.work_seconds for run in runs[name] if run.work_seconds is not None]
        rows.append(
            (
                name,
                *(f"{each:.1f}" for each in (median[name], min(seconds), max(seconds))),
                *(f"{len(seconds)}", f"{images / median[name]:,.0f}"),
                *(f"{median[name] / median[own]:.2f}" for own in (PLAIN, VERIFIED)),
                f"{statistics.median(work):.1f}" if work else "",
                f"{statistics.median(run.cpu_seconds for run in runs[name]):.1f}",
            )
        )
    return markdown(head, rows)


def limits(task: Task) -> str:
    """augnet's pipeline, and whole runs of `augnet embed`, beside decoding alone on as many threads."""
    folders = {
        "the benchmark folder": benchmark_twin(make_folder(task.work, SEED), task.work),
        "photos of 12 megapixels": big_folder(task.work, BIG),
    }
    rows = []
    for name, folder in folders.items():
        images = len(image_files(folder))
        words = ("--images", str(min(SAMPLE, images)), "--seconds", str(BENCH_SECONDS))
        command = augnet("bench", folder, *words)
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=task.environment)
        told = json.loads(done.stdout)
        embed = [run_augnet(task, folder, ("embed",), name, number) for number in range(task.rounds)]
        rows.append(limit_row(name, images, told, statistics.median(run.seconds for run in embed)))
    head = (
        *(f"images/s, {usable_cores()} cores", "images", "decoding alone", "encoder alone"),
        *("the pipeline", "share of decoding", "holds the others back", "`augnet embed`, whole", "share"),
    )
    return markdown(head, rows)


def limit_row(name: str, images: int, told: Mapping[str, object], embed_seconds: float) -> tuple[str, ...]:
    """What `augnet bench --format json` told, and a whole run of `augnet embed` beside it."""
    limit = {stage["name"]: stage["limit"] for stage in told["stages"]}  # type: ignore[index,attr-defined]
    whole_run = images / embed_seconds
    return (
        *(name, f"{images:,}", f"{limit['decode']:,.0f}", f"{limit['embed']:,.0f}", f"{told['whole']:,.0f}"),
        *(f"{told['share_of_decoding']:.2f}", str(told["holds_back"])),
        *(f"{whole_run:,.0f}", f"{whole_run / limit['decode']:.2f}"),
    )


def warm(task: Task) -> str:
    """Whole processes that have nothing to do."""
    folder = mixed_folder(task.work, WARM)
    if not (folder / ".augnet").exists():
        run_augnet(task, folder, ("dedupe",), "", 0)
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "augnet --help": [sys.executable, "-m", "augnet_cli", "--help"],
        f"augnet dedupe, {WARM:,} images, unchanged": augnet("dedupe", folder),
        f"augnet dedupe --no-verify, {WARM:,} images, unchanged": augnet("dedupe", folder, "--no-verify"),
    }
    for command in commands.values():
        seconds_of(command, task.environment)  # not counted: the second one proves nothing anew
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(WARM_RUNS):
        for name, command in commands.items():
            seconds[name].append(seconds_of(command, task.environment))
    rows = [
        (name, *(f"{each:.2f}" for each in (statistics.median(took), min(took), max(took))))
        for name, took in seconds.items()
    ]
    return markdown((f"whole process, {usable_cores()} cores", "median s", "fastest", "slowest"), rows)


PARTS: dict[str, Callable[[Task], str]] = {"peers": peers, "limits": limits, "warm": warm}
# The markers on the page.
PLACES = {"peers": "peers", "limits": "decode-limit", "warm": "peers-warm"}


def pythons(named: Sequence[str]) -> dict[str, str]:
    """The Python for each module: the one that was named, else this one, where it has it."""
    chosen = dict.fromkeys(MODULES, sys.executable)
    for each in named:
        module, _, python = each.partition("=")
        if module not in MODULES or not python:
            raise SystemExit(f"--python-of {each}: name one of {', '.join(MODULES)} and its Python")
        chosen[module] = python
    return {module: python for module, python in chosen.items() if has_module(python, module)}


def has_module(python: str, module: str) -> bool:
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([python, "-c", look], check=False).returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="kept between runs")
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=PARTS, metavar="PART")
    parser.add_argument(
        "--python-of",
        action="append",
        default=[],
        metavar="MODULE=PYTHON",
        help=f"repeatable; MODULE is one of {', '.join(MODULES)}",
    )
    parser.add_argument("--rounds", type=int, default=3, help="of timed runs")
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    task = Task(work, arguments.rounds, pythons(arguments.python_of))
    for part in arguments.only:
        table = PARTS[part](task)
        if arguments.print_only:
            print(table, flush=True)
        else:
            put(PLACES[part], table)


if __name__ == "__main__":
    main()
