"""One protocol on one split: which images, which rows, which figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from augnet_cli.datasets.record import TRAIN, Dataset, Split
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.errors import DatasetError
from augnet_cli.images.names import shown
from augnet_cli.pipeline.dataset_rows import (
    Encodes,
    Placed,
    clusters_of,
    names_of,
    placed,
    some_pictures,
    with_class,
)
from augnet_cli.pipeline.evaluation_request import CLUSTERING, COPIES, PROBE, RETRIEVAL, EvaluateRequest
from augnet_cli.progress import Progress
from augnet_cli.records import Skip
from augnet_cli.results import ASSIGNMENTS, EvaluationRow

if TYPE_CHECKING:
    from augnet_cli.evaluation.protocols import Judged


@dataclass
class Trial:
    """One evaluation at work; `images`, `settings` and `skipped` grow as it goes."""

    request: EvaluateRequest
    dataset: Dataset
    split: Split
    encoders: Mapping[str, Encodes]
    progress: Progress
    images: int = 0
    settings: dict[str, float | str] = field(default_factory=dict)
    skipped: list[Skip] = field(default_factory=list)

    def rows(self) -> Iterator[EvaluationRow]:
        """The lines of the table, the encoder's first."""
        by_protocol = {
            CLUSTERING: self._clustering,
            RETRIEVAL: self._retrieval,
            PROBE: self._probe,
            COPIES: self._copies,
        }
        for name, space, judged in by_protocol[self.request.protocol]():
            yield self._row(name, space, judged)

    def _row(self, name: str, space: str, judged: Judged) -> EvaluationRow:
        encoder: Any = self.encoders[name]
        method = encoder.card.method if isinstance(encoder, Embedder) else encoder.method
        # Of the classes that were asked for: a probe may name others, too.
        asked = len(self.split.present)
        told = () if judged.confusion is None else judged.confusion[:asked].tolist()
        return EvaluationRow(
            space=space,
            encoder=encoder.id,
            method=method,
            figures={key: float(value) for key, value in judged.figures.items()},
            confusion=tuple(map(tuple, told)),
        )

    def _placed(self, split: Split) -> tuple[Placed, np.ndarray]:
        """Rows of the images of a split that have a class, and their labels (m,)."""
        found = placed(split.images, with_class(split), self.encoders, self.request.workers, self.progress)
        self.skipped += found.skipped
        if not len(found.numbers):
            raise DatasetError(
                f"no image of {shown(self.request.dataset)} can be used",
                "look at one: `augnet embed FOLDER --format json` says why",
            )
        return found, split.labels[found.numbers]

    def _judged_split(self) -> tuple[Placed, np.ndarray, int]:
        """Rows of the judged split, labels (m,) among the classes that occur, and how many these are."""
        found, labels = self._placed(self.split)
        self.images = len(labels)
        present = self.split.present
        return found, np.searchsorted(present, labels), len(present)

    def _clustering(self) -> Iterator[tuple[str, str, Judged]]:
        from augnet_cli.evaluation.protocols import RESTARTS, judge_assignments, judge_clustering

        found, labels, classes = self._judged_split()
        restarts = self.request.restarts or RESTARTS
        self.settings = {"restarts": restarts}
        for name in self.encoders:
            self.progress.note(f"k-means: {name}, {classes} clusters, {restarts} starts")
            yield name, name, judge_clustering(found.rows[name], labels, classes, self.request.seed, restarts)
            if name in found.assignments:
                self.settings["assigned_clusters"] = clusters_of(self.encoders[name])
                yield name, ASSIGNMENTS, judge_assignments(found.assignments[name], labels, classes)

    def _retrieval(self) -> Iterator[tuple[str, str, Judged]]:
        from augnet_cli.evaluation.protocols import RESTARTS, judge_retrieval_rows

        found, labels, _ = self._judged_split()
        restarts, faithful = self.request.restarts or RESTARTS, self.request.as_published
        self.settings = {"restarts": restarts, "self": "similarity 0" if faithful else "left out"}
        for name in self.encoders:
            try:
                judged = judge_retrieval_rows(
                    found.rows[name], labels, self.dataset.recall_at, self.request.seed, restarts, faithful
                )
            except ValueError as error:
                raise DatasetError(
                    f"{shown(self.request.dataset)}: {error}", "name a data set with several images a class"
                ) from error
            yield name, name, judged

    def _probe(self) -> Iterator[tuple[str, str, Judged]]:
        from augnet_cli.evaluation.knn import NEIGHBOURS, TEMPERATURE
        from augnet_cli.evaluation.protocols import PROBE_C, judge_probe

        train = self.dataset.splits[TRAIN]
        known, known_labels = self._placed(train)
        found, labels, _ = self._judged_split()
        names = [self.split.classes[label] for label in self.split.present]
        # In the order of the classes that are asked for; those that only train has come after them.
        rest = sorted(names_of(train) - set(names))
        place = {name: number for number, name in enumerate([*names, *rest])}
        own = np.array([place[train.classes[label]] for label in known_labels], np.int64)
        k = self.request.neighbours or NEIGHBOURS
        temperature = self.request.temperature or TEMPERATURE
        self.settings = {"neighbours": k, "temperature": temperature, "logistic_regression_c": PROBE_C}
        self.settings["learnt_from"] = len(own)
        for name in self.encoders:
            judged = judge_probe(known.rows[name], own, found.rows[name], labels, len(place), k, temperature)
            yield name, name, judged

    def _copies(self) -> Iterator[tuple[str, str, Judged]]:
        from augnet_cli.evaluation.altered_copies import ORIGINALS, OTHERS, SIDE, judge_trial, trial

        request = self.request
        pictures, skips = some_pictures(self.split.images, ORIGINALS + OTHERS, SIDE, request.seed)
        self.skipped += skips
        # Of a small set a part has copies, and the rest are the pictures among which they are looked for.
        originals = min(ORIGINALS, len(pictures) // 2)
        if originals < 2:
            raise DatasetError(
                f"{shown(request.dataset)} has too few usable images for a trial of copies",
                "name a data set with more",
            )
        size = next(iter(self.encoders.values())).resize.size
        truth, pixels = trial(pictures[:originals], pictures[originals:], request.seed, size, request.workers)
        self.images = len(pictures)
        self.settings = {"originals": originals, "others": len(pictures) - originals, "pictures": len(pixels)}
        everything = placed(_Made(pixels), range(len(pixels)), self.encoders, request.workers, self.progress)
        for name in self.encoders:
            yield name, name, judge_trial(truth, everything.rows[name])


@dataclass(frozen=True, eq=False)
class _Made:
    """Pixels (n, S, S, 3) that were made here, as images of a data set."""

    pixels: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels)

    def read(self, number: int) -> np.ndarray:
        found: np.ndarray = self.pixels[number]
        return found

    def name(self, number: int) -> str:
        return str(number)

    def stamps(self) -> Iterator[str]:
        return iter(())
