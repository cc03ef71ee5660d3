"""What `query` found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """An image near to a query.

    `same`: whether it was proved to be the same picture; None where nobody looked.  `verdict` then says in
    words how it differs.
    """

    path: str
    distance: float
    same: bool | None = None
    verdict: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """The images nearest to one query, or to several taken together, nearest first.

    `queries` are as typed; `without` those that it was pushed away from.  No query file is among the hits.
    """

    queries: tuple[str, ...]
    hits: tuple[Hit, ...]
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class QueryResult:
    """Answers in the order of the queries.

    `folder` is absolute and hits' paths are relative to it; `typed_folder` is the same as the user would
    type it.
    """

    folder: str
    typed_folder: str
    encoder: str
    answers: tuple[Answer, ...]

    @property
    def hits(self) -> tuple[Hit, ...]:
        """Those of the only answer, or all, answer by answer."""
        return tuple(hit for answer in self.answers for hit in answer.hits)

    @property
    def query(self) -> str:
        """The first query."""
        return self.answers[0].queries[0]
