"""Annoy is checked, not trusted: the builds that crash or lie here are real modules, run for real."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from augnet_cli.search import annoy_index, annoy_selftest, exact
from augnet_cli.search.annoy_index import AnnoyIsWrong, AnnoyReader

PROJECT = Path(__file__).resolve().parents[2]
# Saves, indexes and queries a small folder; prints what annoy_index.works says and what served.
WHOLE_WAY = """
import json, sys
import numpy as np
from augnet_cli.records import FoundFile
from augnet_cli.search import annoy_index, exact
from augnet_cli.search.neighbours import see_to_index, open_nearest
from augnet_cli.store.entries import FileEntry
from augnet_cli.store.lock import writing
from augnet_cli.store.place import place_for
from augnet_cli.store.store import Store
annoy_index.SELFTEST_TIMEOUT_S = 5.0
rows = np.random.default_rng(0).standard_normal((50, 16))
rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
place = place_for(sys.argv[1], create=True)
with writing(place), Store.open(place, write=True) as store:
    store.save([
        FileEntry(FoundFile(f"{i}.jpg", 1, 1, 1, i), "image", f"{i:03}", width=1, height=1,
                  embedding=row, encoder="enc") for i, row in enumerate(rows)])
    built = see_to_index(place, store, "enc", 16, may_be_new=True)
with Store.open(place, write=False) as store:
    search = open_nearest(place, store, "enc")
    hashes, distances = search.nearest(rows[7], 10)
true, true_distances = exact.nearest(rows, rows[7:8], 10)
right = [int(name) for name in hashes] == true[0].tolist() and (distances == true_distances[0]).all()
print(json.dumps({"works": annoy_index.works(), "built": built, "note": search.note, "how": search.how,
                  "right": bool(right)}))
"""


def unit_rows(count: int, dim: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def whole_way(folder: Path, options: list[str], code: str = "", first: str = "") -> dict[str, object]:
    """Run WHOLE_WAY in a process of its own; `first` comes before everything on its search path."""
    photos = folder / "photos"
    photos.mkdir()
    path = os.pathsep.join(filter(None, [first, str(PROJECT)]))
    done = subprocess.run(
        [sys.executable, *options, "-c", code + WHOLE_WAY, str(photos)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def fake(folder: Path, source: str) -> str:
    """A module named annoy that comes before the real one."""
    (folder / "fake").mkdir()
    (folder / "fake" / "annoy.py").write_text(source)
    return str(folder / "fake")


SLOW_BUT_RIGHT = """
import json, math, os, time
class AnnoyIndex:
    def __init__(self, dim, metric): self.rows = []
    def set_seed(self, seed): pass
    def add_item(self, row, vector):
        self.rows += [[]] * (row + 1 - len(self.rows))
        self.rows[row] = list(vector)
    def build(self, trees, n_jobs=-1): pass
    def save(self, path): open(path, "w").write(json.dumps(self.rows))
    def load(self, path): self.rows = json.load(open(path))
    def unload(self): pass
    def get_n_items(self): return len(self.rows)
    def get_item_vector(self, row): return self.rows[row]
    def angle(self, a, b):
        cos = sum(x * y for x, y in zip(a, b)) / (math.hypot(*a) * math.hypot(*b))
        return math.sqrt(max(0, 2 - 2 * cos))
    def get_nns_by_vector(self, query, k, search_k=-1, include_distances=False):
        found = sorted((self.angle(query, row), i) for i, row in enumerate(self.rows))[:k]
        return [i for _, i in found], [a for a, _ in found]
"""
BROKEN = {
    "crashes at import": ("import os\nos.abort()\n", "SIGABRT"),
    "illegal instruction": ("import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n", "SIGILL"),
    "import error": ("raise ImportError('built for\\x1b[31m another Python')\n", r"another Python"),
    "crashes at build": (SLOW_BUT_RIGHT + "    def build(self, trees, n_jobs=-1): os.abort()\n", "SIGABRT"),
    "hangs": (SLOW_BUT_RIGHT + "    def build(self, trees, n_jobs=-1): time.sleep(600)\n", "did not finish"),
    "one neighbour": (
        SLOW_BUT_RIGHT + "    def get_nns_by_vector(self, *a, **k): return [0], [0.0]\n",
        "1 neighbours instead of 10",
    ),
    "wrong neighbours": (
        SLOW_BUT_RIGHT
        + "    def get_nns_by_vector(self, query, k, *a, **b):\n"
        + "        return list(range(k)), [self.angle(query, row) for row in self.rows[:k]]\n",
        "wrong neighbours",
    ),
    "wrong distances": (
        SLOW_BUT_RIGHT.replace("return math.sqrt(max(0, 2 - 2 * cos))", "return 1 - cos"),
        "wrong distances",
    ),
    "ends quietly": ("import os\nos._exit(0)\n", "no answer"),
}


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("kind", BROKEN)
def test_broken_annoy_is_caught_and_exact_search_serves(tmp_path: Path, kind: str) -> None:
    source, words = BROKEN[kind]
    result = whole_way(tmp_path, [], first=fake(tmp_path, source))
    assert words in str(result["works"]) and "\x1b" not in str(result["works"])
    assert words in str(result["built"]) and words in str(result["note"])
    assert result["how"] == "exact" and result["right"]


def test_slow_but_right_annoy_passes(tmp_path: Path) -> None:
    """The fakes above fail for what is changed in them, not for being fakes."""
    result = whole_way(tmp_path, [], first=fake(tmp_path, SLOW_BUT_RIGHT))
    assert result == {"works": None, "built": None, "note": None, "how": "annoy", "right": True}


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_exact_search_serves_where_annoy_is_not_installed(tmp_path: Path) -> None:
    """A folder of links to all installed packages but annoy stands for an environment without it."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for entry in sorted(Path(np.__file__).parents[1].iterdir()):
        if not entry.name.startswith("annoy"):
            (packages / entry.name).symlink_to(entry)
    code = f"""
import sys
sys.path[:0] = [{str(PROJECT)!r}, {str(packages)!r}]
try:
    import annoy
except ModuleNotFoundError:
    pass
else:
    sys.exit("annoy is still there: the test would show nothing")
"""
    result = whole_way(tmp_path, ["-S"], code)
    assert result["works"] == "annoy is not installed"
    assert result["note"] == "exact search serves instead of annoy: annoy is not installed"
    assert result["how"] == "exact" and result["right"]


def test_self_test_runs_once_per_build_of_annoy(tmp_path: Path, private_home: Path) -> None:
    first = fake(tmp_path, "")
    count = tmp_path / "count"
    module = Path(first) / "annoy.py"
    module.write_text(SLOW_BUT_RIGHT + f"open({str(count)!r}, 'a').write('x')\n")
    code = "from augnet_cli.search.annoy_index import works; assert works() is None"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([first, str(PROJECT)])}

    def run() -> int:
        subprocess.run([sys.executable, "-B", "-c", code], env=environ, check=True)
        return len(count.read_text())

    assert run() == 1
    assert run() == 1, "the second run takes the first one's result"
    module.write_text(module.read_text() + "# another build\n")
    assert run() == 2, "another build is tested anew"
    for cached in private_home.rglob("annoy-*.json"):
        cached.write_text("{ broken")
    assert run() == 3, "a broken memory is tested anew"


def test_annoy_installed_here_works() -> None:
    assert annoy_index.works() is None
    assert annoy_selftest.wrong() is None


def test_angular_becomes_cosine_distance() -> None:
    cosines = np.array([1.0, 0.8, 0.0, -1.0])
    np.testing.assert_allclose(annoy_index.distance_of(np.sqrt(2 * (1 - cosines))), 1 - cosines, atol=1e-12)


def test_reader_agrees_with_exact_search(tmp_path: Path) -> None:
    rows = unit_rows(400, 24)
    rows[100:110] = rows[5]
    file = str(tmp_path / "index.ann")
    annoy_index.build(rows, *rows.shape, file)
    assert os.listdir(tmp_path) == ["index.ann"]
    reader = AnnoyReader(file, 24, 400)
    for query in [*rows[::40], *unit_rows(5, 24, seed=9)]:
        true, distances = exact.nearest(rows, query[None], 15)
        got, got_distances = reader.nearest(query, 15)
        np.testing.assert_array_equal(got_distances, distances[0])
        np.testing.assert_array_equal(got, true[0])
    reader.close()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_tiny_index_gives_every_row(tmp_path: Path, count: int) -> None:
    rows = unit_rows(count, 8)
    annoy_index.build(rows, *rows.shape, str(tmp_path / "index.ann"))
    got, distances = AnnoyReader(str(tmp_path / "index.ann"), 8, count).nearest(rows[0], 50)
    assert sorted(got.tolist()) == list(range(count))
    assert distances[0] == 0.0


def test_same_rows_give_the_same_file(tmp_path: Path) -> None:
    rows = unit_rows(500, 16)
    for name in ("one", "two"):
        annoy_index.build(rows, *rows.shape, str(tmp_path / name))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX")
@pytest.mark.parametrize("name", ["f\udcff", "фото\n'"])
def test_index_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    folder = os.path.join(str(tmp_path), name)
    os.mkdir(folder)
    rows, file = unit_rows(20, 8), os.path.join(folder, "index.ann")
    annoy_index.build(rows, *rows.shape, file)
    assert AnnoyReader(file, 8, 20).nearest(rows[3], 1)[0].tolist() == [3]
    assert os.listdir(folder) == ["index.ann"]


def test_index_of_another_number_of_rows_is_refused(tmp_path: Path) -> None:
    annoy_index.build(unit_rows(20, 8), 20, 8, str(tmp_path / "index.ann"))
    with pytest.raises(AnnoyIsWrong):
        AnnoyReader(str(tmp_path / "index.ann"), 8, 21)


def test_slow_angle_of_the_self_test_is_the_definition() -> None:
    assert annoy_selftest._angular([1.0, 0.0], [0.0, 5.0]) == pytest.approx(math.sqrt(2))
    assert annoy_selftest._angular([1.0, 0.0], [-2.0, 0.0]) == pytest.approx(2.0)
