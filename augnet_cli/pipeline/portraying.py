"""What is told of each cluster: its images by path, what stands for it, its name, dates and shapes."""

from __future__ import annotations

import numpy as np

from augnet_cli.clusters.exemplars import Portrait, centres_of, portraits
from augnet_cli.clusters.words import names
from augnet_cli.pipeline.parting import Parted
from augnet_cli.results import Cluster, Looks
from augnet_cli.store.columns import Images, rows_at

# A picture is square if its sides differ by no more than this: 1.1 is what a slight crop leaves.
SQUARE = 1.1


def portrayed(
    images: Images, embeddings: np.ndarray, counted: np.ndarray, parted: Parted
) -> tuple[tuple[Cluster, ...], np.ndarray]:
    """The clusters as they are told, in order of number, and their centres.

    Args:
        embeddings: (m, d), a row a content.
        counted: rows that count, one of each set of near copies.
        parted: labels (m,).

    Returns:
        the clusters, and centres (k, d) float32 unit rows.
    """
    labels = parted.labels[counted]
    own = rows_at(embeddings, counted)
    centres = centres_of(own, labels, parted.k)
    told = _Telling(images, embeddings, counted)
    files = told.files_by_number(parted.labels, parted.k)
    titles = names([[images.paths[file] for file in each.tolist()] for each in files])
    drawn = portraits(own, labels, centres)
    clusters = tuple(
        told.cluster(number, title, portrait, of, told.children(of, parted))
        for number, (title, portrait, of) in enumerate(zip(titles, drawn, files, strict=True))
    )
    return clusters, centres


class _Telling:
    """What is told of clusters of one folder."""

    def __init__(self, images: Images, embeddings: np.ndarray, counted: np.ndarray) -> None:
        self._images = images
        self._embeddings = embeddings
        self._counted = counted
        self._first = np.unique(images.rows, return_index=True)[1]

    def files_by_number(
        self, labels: np.ndarray, k: int, among: np.ndarray | None = None
    ) -> list[np.ndarray]:
        """Numbers of the files of each cluster, in order of path; of those `among` alone."""
        among = np.arange(len(self._images)) if among is None else among
        of = labels[self._images.rows[among]]
        return [among[of == number] for number in range(k)]

    def children(self, files: np.ndarray, parted: Parted) -> tuple[Cluster, ...]:
        """The sub-clusters of the cluster with these files."""
        rows = self._images.rows[files]
        numbers = parted.children[rows]
        count = int(numbers.max(initial=-1)) + 1
        if count < 2:
            return ()
        counted = self._counted[np.isin(self._counted, rows)]
        labels = parted.children[counted]
        inner = _Telling(self._images, self._embeddings, counted)
        own = rows_at(self._embeddings, counted)
        centres = centres_of(own, labels, count)
        parts = self.files_by_number(parted.children, count, files)
        titles = names([[self._images.paths[file] for file in each.tolist()] for each in parts])
        drawn = portraits(own, labels, centres)
        return tuple(
            inner.cluster(number, title, portrait, of, ())
            for number, (title, portrait, of) in enumerate(zip(titles, drawn, parts, strict=True))
        )

    def cluster(
        self, number: int, name: str, portrait: Portrait, files: np.ndarray, children: tuple[Cluster, ...]
    ) -> Cluster:
        return Cluster(
            id=number,
            name=name,
            size=len(files),
            medoid=self._path(portrait.medoid),
            exemplars=tuple(map(self._path, portrait.exemplars.tolist())),
            members=tuple(self._images.paths[file] for file in files.tolist()),
            tightness=portrait.tightness,
            neighbour=portrait.neighbour,
            neighbour_distance=portrait.neighbour_distance,
            borderline=tuple(map(self._path, portrait.borderline.tolist())),
            looks=self._looks(files),
            children=children,
        )

    def _path(self, counted: int) -> str:
        """The first file of a row that counts, by its place among them."""
        return self._images.paths[int(self._first[self._counted[counted]])]

    def _looks(self, files: np.ndarray) -> Looks:
        contents, rows = self._images.contents, self._images.rows[files]
        taken = sorted(when.decode() for when in contents.taken[rows].tolist() if when)
        ratio = contents.widths[rows] / np.maximum(contents.heights[rows], 1)
        return Looks(
            first_taken=taken[0] if taken else None,
            last_taken=taken[-1] if taken else None,
            landscape=float((ratio > SQUARE).mean()),
            portrait=float((ratio < 1 / SQUARE).mean()),
            square=float(((ratio <= SQUARE) & (ratio >= 1 / SQUARE)).mean()),
        )
