"""What `query` found."""

from __future__ import annotations

from dataclasses import dataclass

from augnet_cli.records import Skip

# The verdict of a hit that is another photo of the scene, and the first word of one from which the query was
# made: what follows it was done to the query.
SCENE, SOURCE = "scene", "source"


@dataclass(frozen=True, slots=True)
class Hit:
    """An image near to a query.

    `same`: whether it was proved to be the same picture; None where nobody looked, or could.  `verdict` then
    says in words how it differs.
    """

    path: str
    distance: float
    same: bool | None = None
    verdict: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """The images nearest to one query, or to several taken together, nearest first.

    `queries` are as typed; `without` those that it was pushed away from.  None of these files is among the
    hits.  `crop`: the part of the query that was asked by: left, top, width, height in pixels of the upright
    picture; None is all of it.
    """

    queries: tuple[str, ...]
    hits: tuple[Hit, ...]
    without: tuple[str, ...] = ()
    crop: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class QueryResult:
    """Answers in the order of the queries.

    `folder` is absolute and hits' paths are relative to it; `typed_folder` is the same as the user would
    type it.  Hits farther than `threshold` were left out; `skipped` are queries that could not be used.
    """

    folder: str
    typed_folder: str
    encoder: str
    answers: tuple[Answer, ...]
    threshold: float | None = None
    skipped: tuple[Skip, ...] = ()

    @property
    def hits(self) -> tuple[Hit, ...]:
        """Those of the only answer, or all, answer by answer."""
        return tuple(hit for answer in self.answers for hit in answer.hits)

    @property
    def query(self) -> str:
        """The first query."""
        return self.answers[0].queries[0]
