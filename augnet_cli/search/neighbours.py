"""Which search answers a query: Annoy where its index is checked and fits the store, else exact.

The index is made again from the store at any time; nothing here is ever the only copy of something.
"""

from __future__ import annotations

import os
import re
import zlib
from contextlib import suppress

import numpy as np

from augnet_cli.search import annoy_index, exact
from augnet_cli.store.place import Place
from augnet_cli.store.schema import damaged
from augnet_cli.store.store import Store

INDEX_NAME = re.compile(r"index-(\d+)\.ann(\.tmp)?")
METRIC = "angular"
# Enough to tell a recall of 0.95 from one of 0.8; 32 exact queries cost a few milliseconds.
CHECK_QUERIES = 32
CHECK_K = 10
CHECK_SEED = 0
MIN_RECALL = 0.95
# A neighbour is right if it is as near as the true k-th one; rows may tie.
TIE_TOLERANCE = 1e-6
READ_BYTES = 1 << 20


def build_index(place: Place, store: Store, encoder: str, dim: int) -> str | None:
    """Build, check and put in place the index of a store; call it at the end of a writing run.

    Steps: write `index-<n>.ann` (complete or absent), one transaction that names it, remove older files.
    A kill between any two leaves a store whose queries are right.

    Args:
        store: open to write.
        encoder: id of the encoder whose embeddings are indexed.
        dim: their d.

    Returns:
        None, or one line that says why exact search will serve.

    Raises:
        StoreError: the store is broken or full; what was saved before stays.
    """
    hashes, embeddings = store.vectors(encoder)
    if hashes and embeddings.shape[1] != dim:
        raise damaged(place, f"embeddings of {embeddings.shape[1]} numbers where the encoder gives {dim}")
    wanted = _facts(encoder, dim, len(hashes))
    old = store.index()
    if old is not None and _still_good(place, old, hashes, wanted):
        if old[1].get("changes") != store.changes():
            store.set_index_facts({**old[1], "changes": store.changes()})
        _remove_others(place, str(old[1]["file"]))
        return None
    facts, why = _built(place, embeddings, wanted)
    store.set_index(hashes, {**facts, "usable": why is None, "why": why, "changes": store.changes()})
    _remove_others(place, str(facts.get("file")))
    return None if why is None else _note(why)


def open_nearest(place: Place, store: Store, encoder: str) -> Nearest:
    """Open the search of a store for one encoder; look at `how` and `note` after a query.

    Raises:
        StoreError: the store is broken.
    """
    facts = store.index_facts()
    reader, why = None, None
    if facts is None:
        why = "there is no index yet"
    elif facts.get("encoder") != encoder:
        why = "the index was made with another encoder"
    elif facts.get("changes") != store.changes():
        why = "the index is older than the store"
    elif facts.get("rows") == 0:
        why = None
    elif not facts.get("usable"):
        why = str(facts.get("why"))
    else:
        why = annoy_index.works()
        if why is None:
            reader, why = _open_reader(place, facts)
    return Nearest(store, encoder, reader, facts or {}, None if why is None else _note(why))


class Nearest:
    """The search of one store under one encoder.

    Attributes:
        how: "annoy" or "exact".
        note: one line that says why exact search serves, or None.
    """

    def __init__(
        self,
        store: Store,
        encoder: str,
        reader: annoy_index.AnnoyReader | None,
        facts: dict[str, object],
        note: str | None,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._reader = reader
        self._facts = facts
        self._loaded: tuple[tuple[str, ...], np.ndarray] | None = None
        self.note = note

    @property
    def how(self) -> str:
        return "exact" if self._reader is None else "annoy"

    def nearest(self, query: np.ndarray, k: int) -> tuple[tuple[str, ...], np.ndarray]:
        """Find the k contents nearest to a query.

        Args:
            query: (d,) float32, a unit row.
            k: at least 1.

        Returns:
            content hashes: k' = min(k, contents), nearest first, ties by hash.
            distances: (k',) float32, cosine distance in [0, 2].
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        if self._reader is not None:
            try:
                rows, distances = self._reader.nearest(query, k)
            except annoy_index.AnnoyIsWrong as error:
                self._fall_back(str(error))
            else:
                hashes = self._store.index_hashes(rows.tolist(), self._facts)
                if hashes is not None:
                    return hashes, distances
                self._fall_back("the index was replaced meanwhile")
        if self._loaded is None:
            self._loaded = self._store.vectors(self._encoder)
        contents, embeddings = self._loaded
        if not contents:
            return (), np.empty(0, np.float32)
        rows, distances = exact.nearest(embeddings, np.asarray(query, np.float32)[None], k)
        return tuple(contents[row] for row in rows[0]), distances[0]

    def _fall_back(self, why: str) -> None:
        self._reader = None
        self.note = _note(why)


def _note(why: str) -> str:
    return f"exact search serves instead of annoy: {why}"


def _facts(encoder: str, dim: int, rows: int) -> dict[str, object]:
    """What an index must agree on to be used."""
    return {
        "encoder": encoder,
        "dim": dim,
        "rows": rows,
        "metric": METRIC,
        "trees": annoy_index.TREES,
        "seed": annoy_index.SEED,
    }


def _still_good(
    place: Place, old: tuple[tuple[str, ...], dict[str, object]], hashes: tuple[str, ...], wanted: dict
) -> bool:
    """Whether the index in place already is what would be built now."""
    rows, facts = old
    agrees = all(facts.get(key) == value for key, value in wanted.items())
    if not agrees or not facts.get("usable") or rows != hashes or annoy_index.works() is not None:
        return False
    return _file_wrong(place, facts) is None


def _built(
    place: Place, embeddings: np.ndarray, wanted: dict[str, object]
) -> tuple[dict[str, object], str | None]:
    """Build and check an index: its facts, and why it can't be used or None."""
    if len(embeddings) == 0:
        return wanted, "there is no image"
    why = annoy_index.works()
    if why is not None:
        return wanted, why
    name = f"index-{_next_generation(place)}.ann"
    path = os.path.join(place.cache, name)
    try:
        annoy_index.build(embeddings, path)
        size, checksum = os.path.getsize(path), _checksum(path)
        recall = _recall(path, embeddings)
    except OSError as error:
        return wanted, f"the index can't be written: {error.strerror or error}"
    except annoy_index.AnnoyIsWrong as error:
        return wanted, str(error)
    facts = {**wanted, "file": name, "size": size, "crc32": checksum, "recall": round(recall, 4)}
    if recall < MIN_RECALL:
        return facts, f"annoy finds only {recall:.0%} of the neighbours here"
    return facts, None


def _recall(path: str, embeddings: np.ndarray) -> float:
    """The share of true neighbours that annoy finds, over a few rows; the row itself does not count."""
    rows = len(embeddings)
    chosen = np.random.default_rng(CHECK_SEED).permutation(rows)[:CHECK_QUERIES]
    wanted = min(CHECK_K + 1, rows)
    _, true = exact.nearest(embeddings, embeddings[chosen], wanted)
    reader = annoy_index.AnnoyReader(path, embeddings.shape[1], rows)
    try:
        got = np.array([reader.nearest(embeddings[row], wanted)[1] for row in chosen])
    finally:
        reader.close()
    # Both lists start with the row itself, or with one as near.
    right = got <= true[:, -1:] + TIE_TOLERANCE
    return float(right[:, 1:].mean()) if wanted > 1 else float(right.mean())


def _open_reader(place: Place, facts: dict[str, object]) -> tuple[annoy_index.AnnoyReader | None, str | None]:
    why = _file_wrong(place, facts)
    if why is not None:
        return None, why
    path = os.path.join(place.cache, str(facts["file"]))
    try:
        return annoy_index.AnnoyReader(path, int(str(facts["dim"])), int(str(facts["rows"]))), None
    except OSError as error:
        return None, f"the index can't be read: {error.strerror or error}"
    except annoy_index.AnnoyIsWrong as error:
        return None, str(error)


def _file_wrong(place: Place, facts: dict[str, object]) -> str | None:
    """Why the index file is not the one that was built, or None.

    The whole file is read: annoy follows the numbers in it blindly, a changed one crashes the process.
    """
    path = os.path.join(place.cache, str(facts.get("file")))
    try:
        if os.path.getsize(path) != facts.get("size"):
            return "the index file has another size"
        if _checksum(path) != facts.get("crc32"):
            return "the index file is damaged"
    except FileNotFoundError:
        return "the index file is missing"
    except OSError as error:
        return f"the index can't be read: {error.strerror or error}"
    return None


def _checksum(path: str) -> int:
    checksum = 0
    with open(path, "rb") as file:
        while part := file.read(READ_BYTES):
            checksum = zlib.crc32(part, checksum)
    return checksum


def _next_generation(place: Place) -> int:
    """One more than any index file here, so that a reader's file is never written over."""
    numbers = [int(match[1]) for name in os.listdir(place.cache) if (match := INDEX_NAME.fullmatch(name))]
    return max(numbers, default=0) + 1


def _remove_others(place: Place, keep: str) -> None:
    for name in os.listdir(place.cache):
        if name != keep and INDEX_NAME.fullmatch(name):
            # Windows refuses while a reader has it open; the next build removes it.
            with suppress(OSError):
                os.remove(os.path.join(place.cache, name))
