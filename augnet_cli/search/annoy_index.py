"""Annoy: whether it can be trusted here, building its file, and reading it.

The only place that knows Annoy's angular distance, a = sqrt(2 (1 - cos)): cosine distance is a * a / 2.
Which search serves is `neighbours`'.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

import numpy as np

from augnet_cli.images.names import shown
from augnet_cli.search import annoy_selftest
from augnet_cli.search.distance import distances_between
from augnet_cli.store.home import user_home

# Twice as many find no more with so many nodes looked at (measured), and take twice the time to build.
TREES = 10
# Nodes looked at a query: 2 ms at 100,000 rows, where annoy's own default (k x trees) finds too little.
SEARCH_K = 20_000
SEED = 1
# One process start and 240 small rows take 0.1 s; a busy small machine gets a hundredfold.
SELFTEST_TIMEOUT_S = 20.0
# Annoy sums in float32; its own distance may be off by this and no more.
DISTANCE_TOLERANCE = 1e-3
# The flags that decide which machine code runs stand in the first processor's entry.
CPU_BYTES = 8192


class AnnoyIsWrong(Exception):
    """Annoy's answer contradicts itself or the file; exact search has to serve."""


def works(environ: Mapping[str, str] = os.environ) -> str | None:
    """Say why annoy can't be used here, or None if it can.

    Missing is seen at once; else a self-test runs once per build of annoy, in a process of its own,
    and its result is kept in the user's cache folder.
    """
    try:
        spec = importlib.util.find_spec("annoy")
    except (ImportError, ValueError):  # half a module: what stands in for it tells nothing of itself
        spec = None
    if spec is None:
        return "annoy is not installed"
    compiled = _compiled_files(spec.origin, list(spec.submodule_search_locations or ()))
    cached = os.path.join(user_home(environ).cache, f"annoy-{_identity(compiled)}.json")
    with suppress(OSError, ValueError, KeyError, TypeError), open(cached, encoding="utf-8") as file:
        reason = json.load(file)["reason"]
        return None if reason is None else str(reason)
    reason = _self_test()
    with suppress(OSError):  # a home that can't be written costs a self-test each time
        os.makedirs(os.path.dirname(cached), exist_ok=True)
        temporary = f"{cached}.{os.getpid()}"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"reason": reason}, file)
        os.replace(temporary, cached)
    return reason


def build(rows: Iterable[np.ndarray], count: int, dim: int, file: str) -> None:
    """Write an index of `count` (d,) unit rows, numbered as they come; it appears complete or not at all.

    The same rows give the same bytes: fixed seed, one thread.

    Raises:
        OSError: it can't be written.
    """
    from annoy import AnnoyIndex

    index = AnnoyIndex(dim, "angular")
    index.set_seed(SEED)
    # The last place first: annoy then takes the memory for all at once, not in steps of a third too much.
    index.add_item(count - 1, [0.0] * dim)
    for row, embedding in enumerate(rows):
        index.add_item(row, embedding.tolist())
    index.build(TREES, n_jobs=1)
    temporary = f"{file}.tmp"
    with plain_path(temporary) as path:
        index.save(path)
    index.unload()
    _sync(temporary)
    os.replace(temporary, file)
    _sync(os.path.dirname(file))


class AnnoyReader:
    """An index file, memory-mapped.

    Args:
        file: written by `build`, its size and checksum already checked.
        dim: d of its rows.
        rows: how many it must hold.

    Raises:
        AnnoyIsWrong: it does not hold that many.
        OSError: it can't be read.
    """

    def __init__(self, file: str, dim: int, rows: int) -> None:
        from annoy import AnnoyIndex

        self._index = AnnoyIndex(dim, "angular")
        self._rows = rows
        with plain_path(file) as path:
            self._index.load(path)
        if self._index.get_n_items() != rows:
            raise AnnoyIsWrong("the index holds another number of images than the store")

    def nearest(self, query: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Find about the k rows nearest to a (d,) unit query; distances are true, computed again.

        Returns:
            rows: (k',) int64, k' = min(k, rows), nearest first, ties by row.
            distances: (k',) float32, cosine distance in [0, 2].

        Raises:
            AnnoyIsWrong: it gave too few rows or a wrong distance.
        """
        looked_at = max(SEARCH_K, k * TREES)
        found, angles = self._index.get_nns_by_vector(query.tolist(), k, looked_at, include_distances=True)
        rows = np.array(found, np.int64)
        if len(rows) < min(k, self._rows):
            raise AnnoyIsWrong(f"annoy found only {len(rows)} of {min(k, self._rows)} neighbours")
        if len(rows) == 0:
            return rows, np.empty(0, np.float32)
        vectors = self.rows(rows)
        distances = distances_between(
            vectors, np.arange(len(rows)), query[None], np.zeros(len(rows), np.int64)
        )
        if np.abs(distance_of(np.array(angles)) - distances).max() > DISTANCE_TOLERANCE:
            raise AnnoyIsWrong("annoy gave a wrong distance")
        order = np.lexsort((rows, distances))
        return rows[order], distances[order]

    def rows(self, numbers: np.ndarray) -> np.ndarray:
        """(r, d) float32: some of its rows."""
        return np.array([self._index.get_item_vector(row) for row in numbers.tolist()], np.float32)

    def close(self) -> None:
        self._index.unload()


def distance_of(angular: np.ndarray) -> np.ndarray:
    """Cosine distance from Annoy's angular distance."""
    return angular * angular / 2


@contextmanager
def plain_path(path: str) -> Iterator[str]:
    """A path annoy can open: it takes names as UTF-8 (on Windows: ASCII is safe), others need an alias."""
    try:
        path.encode("ascii" if sys.platform == "win32" else "utf-8")
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory() as folder:
            alias = os.path.join(folder, "alias")
            os.symlink(os.path.abspath(os.path.dirname(path)), alias, target_is_directory=True)
            yield os.path.join(alias, os.path.basename(path))
    else:
        yield path


def _self_test() -> str | None:
    """Run `annoy_selftest` and read its answer; a crash or a hang is an answer too."""
    if not sys.executable:
        return "annoy can't be tested: there is no Python program to start"
    paths = json.dumps([os.path.abspath(path) for path in sys.path])
    try:
        # -I -S: only this process's own search path decides which annoy is tested.
        done = subprocess.run(
            [sys.executable, "-I", "-S", annoy_selftest.__file__, paths],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SELFTEST_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"annoy did not finish its self-test in {SELFTEST_TIMEOUT_S:g} s"
    except OSError as error:
        return f"annoy can't be tested: {error.strerror}"
    return _verdict(done.returncode, _last_line(done.stdout), _last_line(done.stderr))


def _verdict(code: int, answer: str, complaint: str) -> str | None:
    if code < 0:
        return f"annoy crashes here ({_signal_name(-code)})"
    if code != 0:
        return f"annoy fails here ({complaint or f'exit code {code}'})"
    return None if answer == annoy_selftest.WORKS else f"annoy fails its self-test: {answer or 'no answer'}"


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return shown(lines[-1]) if lines else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _compiled_files(origin: str | None, folders: list[str]) -> list[str]:
    """The files that are annoy: its module and what was compiled beside it."""
    files = [origin] if origin else []
    for folder in folders:
        with suppress(OSError):
            files += sorted(
                entry.path for entry in os.scandir(folder) if entry.name.endswith((".so", ".pyd"))
            )
    return files


def _identity(files: list[str]) -> str:
    """Changes with annoy's build, Python, and the processor: a build for one may not run on another."""
    facts: list[object] = [sys.version, sys.executable, platform.machine(), _processor(), annoy_selftest.ROWS]
    for file in files:
        with suppress(OSError):
            status = os.stat(file)
            facts.append((file, status.st_size, status.st_mtime_ns))
    return hashlib.blake2b(repr(facts).encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


def _processor() -> str:
    """The first processor's model and flags where the system tells them, else its name."""
    try:
        with open("/proc/cpuinfo", "rb") as file:
            lines = file.read(CPU_BYTES).decode("ascii", "replace").split("\n\n")[0].splitlines()
    except OSError:
        return platform.processor()
    return "\n".join(line for line in lines if line.startswith(("model name", "flags", "Features")))


def _sync(path: str) -> None:
    """Force a file or a folder to disk; Windows can't open a folder, and renames are durable there."""
    if sys.platform == "win32" and os.path.isdir(path):
        return
    handle = os.open(path, os.O_RDONLY if sys.platform != "win32" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
