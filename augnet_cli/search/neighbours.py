"""Which search answers a query: Annoy where its index is checked and fits the store, else exact.

The index is made again from the store at any time; nothing here is ever the only copy of something.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from augnet_cli.search import annoy_index, exact
from augnet_cli.search.index_file import Facts, checksum, file_wrong, next_generation, remove_others, stamp
from augnet_cli.search.merging import NOTHING, Nearby, merged
from augnet_cli.store.columns import Texts
from augnet_cli.store.place import Place
from augnet_cli.store.schema import damaged
from augnet_cli.store.store import Store

METRIC = "angular"
# Enough to tell a recall of 0.95 from one of 0.8; 32 exact queries cost a few milliseconds.
CHECK_QUERIES = 32
CHECK_K = 10
CHECK_SEED = 0
MIN_RECALL = 0.95
# A neighbour is right if it is as near as the true k-th one; rows may tie.
TIE_TOLERANCE = 1e-6
# Contents that came after the index was built, and those that left, before it is built again: to read the new
# ones and search them exactly takes a query 10 ms, to build an index of a million some minutes.
MOST_LAG = 5000


def see_to_index(place: Place, store: Store, encoder: str, dim: int, may_be_new: bool) -> str | None:
    """See to it that the index of a store serves: nothing, a list of late rows, or, if it may, a new index.

    Call it at the end of a writing run.  Steps of a new one: write `index-<n>.ann` (complete or absent), one
    transaction that names it, remove older files.  A kill between any two leaves a store whose queries are
    right.

    Args:
        store: open to write.
        encoder: id of the encoder whose embeddings are indexed.
        dim: their d.
        may_be_new: whether to build one where none can be kept; else exact search serves until then.

    Returns:
        None, or one line that says why exact search will serve although an index may be built.

    Raises:
        StoreError: the store is broken or full; what was saved before stays.
    """
    facts, changes = store.index_facts(), store.changes()
    unchanged = facts is not None and facts.get("changes") == changes
    if facts is not None and all(facts.get(key) == value for key, value in _facts(encoder, dim).items()):
        if unchanged and facts.get("recall") is not None and not facts.get("usable"):
            return _note(str(facts.get("why")))  # another one of the same rows would be as bad
        if _still_good(place, facts):
            if not unchanged:
                late, gone = store.lag(encoder, _count(facts, "rows"))
                if len(late) + gone > MOST_LAG:
                    return _replaced(place, store, encoder, dim) if may_be_new else None
                lag = {"late": len(late), "gone": gone, "changes": changes}
                store.set_late_rows(_count(facts, "rows"), late, {**facts, **lag})
            remove_others(place, str(facts["file"]))
            return None
    return _replaced(place, store, encoder, dim) if may_be_new else None


def _replaced(place: Place, store: Store, encoder: str, dim: int) -> str | None:
    wanted = {**_facts(encoder, dim), "rows": store.count_embeddings(encoder), "late": 0, "gone": 0}
    hashes: Sequence[str] = ()
    why = "there is no image" if wanted["rows"] == 0 else annoy_index.works()
    facts = wanted
    if why is None:
        hashes, facts, why = _built(place, store, wanted)
    store.set_index(hashes, {**facts, "usable": why is None, "why": why, "changes": store.changes()})
    remove_others(place, str(facts.get("file")))
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
        why = "the index is older than the store, until `augnet embed` has run"
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
        return self.nearest_of_each(np.asarray(query, np.float32)[None], k)[0]

    def nearest_of_each(self, queries: np.ndarray, k: int) -> list[tuple[tuple[str, ...], np.ndarray]]:
        """`nearest` of each of the queries (q, d); an exact search reads the store once for all of them."""
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        found = None if self._reader is None else self._all_indexed(self._reader, queries, k)
        if found is not None:
            # Those that came since the index was built are searched exactly.
            start = _count(self._facts, "rows")
            late = [self._store.late_rows(self._encoder, start)] if self._facts.get("late") else []
            blocks = iter(late)
        else:
            found = [NOTHING] * len(queries)
            blocks = self._store.embedding_blocks(self._encoder)
        return [
            (tuple(content.decode() for content in hashes.tolist()), distances)
            for hashes, distances in merged(found, blocks, queries, k)
        ]

    def _all_indexed(
        self, reader: annoy_index.AnnoyReader, queries: np.ndarray, k: int
    ) -> list[Nearby] | None:
        """`_indexed` of each, or None where it fails for one of them."""
        found = []
        for query in queries:
            near = self._indexed(reader, query, k)
            if near is None:
                return None
            found.append(near)
        return found

    def _indexed(self, reader: annoy_index.AnnoyReader, query: np.ndarray, k: int) -> Nearby | None:
        """Hashes and distances of the k nearest of the index that are still held, or None where it fails."""
        try:
            rows, distances = reader.nearest(query, k + _count(self._facts, "gone"))
        except annoy_index.AnnoyIsWrong as error:
            self._fall_back(str(error))
            return None
        hashes = self._store.index_hashes(rows.tolist(), self._facts)
        if hashes is None:
            self._fall_back("the index was replaced meanwhile")
            return None
        held = np.array([content is not None for content in hashes], bool)
        return np.array(
            [content.encode() for content in hashes if content is not None], np.bytes_
        ), distances[held]

    def _fall_back(self, why: str) -> None:
        self._reader = None
        self.note = _note(why)


def _note(why: str) -> str:
    return f"exact search serves instead of annoy: {why}"


def _count(facts: Facts, key: str) -> int:
    return int(str(facts.get(key) or 0))


def _facts(encoder: str, dim: int) -> Facts:
    """What an index must agree on to be used."""
    return {
        "encoder": encoder,
        "dim": dim,
        "metric": METRIC,
        "trees": annoy_index.TREES,
        "seed": annoy_index.SEED,
    }


def _still_good(place: Place, facts: Facts) -> bool:
    """Whether the index in place can be used."""
    return bool(facts.get("usable")) and annoy_index.works() is None and file_wrong(place, facts) is None


def _built(place: Place, store: Store, wanted: Facts) -> tuple[Sequence[str], Facts, str | None]:
    """Build and check an index: its rows, its facts, and why it can't be used or None."""
    encoder, dim, count = str(wanted["encoder"]), _count(wanted, "dim"), _count(wanted, "rows")
    name = f"index-{next_generation(place)}.ann"
    path = os.path.join(place.cache, name)
    hashes: list[np.ndarray] = []

    def rows() -> Iterator[np.ndarray]:
        for contents, embeddings in store.embedding_blocks(encoder):
            if embeddings.shape[1] != dim:
                numbers = f"embeddings of {embeddings.shape[1]} numbers where the encoder gives {dim}"
                raise damaged(place, numbers)
            hashes.append(contents)
            yield from embeddings

    try:
        annoy_index.build(rows(), count, dim, path)
        facts = {**wanted, "file": name, "crc32": checksum(path), **stamp(path)}
        recall = _recall(path, count, dim, lambda: store.embedding_blocks(encoder))
    except OSError as error:
        return (), wanted, f"the index can't be written: {error.strerror or error}"
    except annoy_index.AnnoyIsWrong as error:
        return (), wanted, str(error)
    facts["recall"] = round(recall, 4)
    if recall < MIN_RECALL:
        return Texts(np.concatenate(hashes)), facts, f"annoy finds only {recall:.0%} of the neighbours here"
    return Texts(np.concatenate(hashes)), facts, None


def _recall(
    path: str, count: int, dim: int, blocks: Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]]
) -> float:
    """The share of true neighbours that annoy finds, over a few rows; the row itself does not count."""
    chosen = np.sort(np.random.default_rng(CHECK_SEED).permutation(count)[:CHECK_QUERIES])
    wanted = min(CHECK_K + 1, count)
    reader = annoy_index.AnnoyReader(path, dim, count)
    try:
        queries = reader.rows(chosen)
        got = np.array([reader.nearest(query, wanted)[1] for query in queries])
    finally:
        reader.close()
    true = np.full((len(chosen), wanted), np.inf, np.float32)
    for _, embeddings in blocks():
        apart = exact.nearest(embeddings, queries, wanted)[1]
        true = np.sort(np.concatenate([true, apart], axis=1), axis=1)[:, :wanted]
    # Both lists start with the row itself, or with one as near.
    right = got <= true[:, -1:] + TIE_TOLERANCE
    return float(right[:, 1:].mean()) if wanted > 1 else float(right.mean())


def _open_reader(place: Place, facts: dict[str, object]) -> tuple[annoy_index.AnnoyReader | None, str | None]:
    why = file_wrong(place, facts)
    if why is not None:
        return None, why
    path = os.path.join(place.cache, str(facts["file"]))
    try:
        return annoy_index.AnnoyReader(path, int(str(facts["dim"])), int(str(facts["rows"]))), None
    except OSError as error:
        return None, f"the index can't be read: {error.strerror or error}"
    except annoy_index.AnnoyIsWrong as error:
        return None, str(error)
