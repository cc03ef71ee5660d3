"""What `embed` did, what `info` knows of a folder, how fast `bench` found it to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from augnet_cli.records import Skip

READ, DECODE, EMBED = "read", "decode", "embed"  # the stages of embedding


@dataclass(frozen=True)
class EmbedResult:
    """What `embed` did: counts of files, and the skips.

    `images` = files with an embedding; of these `embedded` were read through the encoder now,
    `known` had an embedding already (unchanged, renamed or copied files);
    `removed` left the store; `others` are files that are no images.
    """

    folder: str
    typed_folder: str
    encoder: str
    images: int
    embedded: int
    known: int
    removed: int
    others: int
    skipped: tuple[Skip, ...]
    seconds: float


@dataclass(frozen=True)
class FolderInfo:
    """State of one folder's store.

    `version` is that of this shape, `augnet` the program's; `store` is None where nothing was embedded yet,
    but `train` or another command was there: all counts are then 0; `index` holds the facts of the index,
    None where there is none; `annoy` is None where annoy works, else why it does not.
    """

    version: int
    augnet: str
    folder: str
    store: str | None
    store_bytes: int
    images: int
    skipped: int
    others: int
    encoder: str
    encoder_file: str
    encoder_method: str
    dim: int
    threshold: float
    index: Mapping[str, object] | None
    annoy: str | None
    decoders: str


@dataclass(frozen=True, slots=True)
class StageSpeed:
    """How fast one stage is, in images a second, on all threads.

    `limit` is the stage alone, all that it needs in memory; `reached` the pipeline from its start to the end
    of this stage, so that of the last stage is the speed of the whole.
    """

    name: str
    limit: float
    reached: float


@dataclass(frozen=True)
class BenchResult:
    """How fast the stages of embedding are on a folder's own images; medians over `rounds`.

    `measured` of the folder's `images` were measured, `measured_bytes` in all, on `threads`, read from the
    disk if `cold` and else from the system's cache; `skipped` were to be, and can't be used.
    `pairs_seconds` is what it takes to compare `pairs_rows` embeddings, each with each.
    """

    folder: str
    typed_folder: str
    encoder: str
    threads: int
    rounds: int
    cold: bool
    images: int
    measured: int
    measured_bytes: int
    stages: tuple[StageSpeed, ...]
    pairs_rows: int
    pairs_seconds: float
    skipped: tuple[Skip, ...]

    @property
    def whole(self) -> float:
        """Images a second through all stages."""
        return self.stages[-1].reached

    @property
    def share_of_decoding(self) -> float:
        """The whole beside decoding alone, which nothing that looks at every image can be faster than."""
        return self.whole / next(stage.limit for stage in self.stages if stage.name == DECODE)

    @property
    def holds_back(self) -> str:
        """The stage of the lowest limit."""
        return min(self.stages, key=lambda stage: stage.limit).name
