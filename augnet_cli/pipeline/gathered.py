"""One or several folders as one collection, and which of their images may be a pair.

Each folder has its own store; all are embedded by one encoder.
Paths of images are relative to one folder, that of the request; those that lie outside of it are absolute.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import numpy as np

from augnet_cli.acting.decisions import decided
from augnet_cli.duplicates.scope import EVERYWHERE, WHOLE, Rows, Scope, Side, directory_of, is_below, side_of
from augnet_cli.duplicates.sketching import Kept
from augnet_cli.errors import FolderError, UsageError
from augnet_cli.images.names import shown
from augnet_cli.pipeline.refresh import FolderRequest, Fresh, refreshed
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Skip
from augnet_cli.store.columns import Collection, Images, Texts, places_of, united
from augnet_cli.store.place import checked_folder, place_for

SHIPPED = "shipped"
REFERENCE: Side = "reference"
FIRST, SECOND = "first", "second"  # sides of --between
Placed = tuple[str, Side]  # a folder, as paths of its images begin, and the side of those
ALL_ON_ONE_SIDE = ((EVERYWHERE, EVERYWHERE),)


@dataclass(frozen=True)
class ScopeRequest:
    """What `dedupe` may be told of which images may be pairs; all paths as typed.

    Attributes:
        reference: folders whose images stay.
        between: two folders; only pairs with an image in each count.
        within_subfolders: only pairs within one directory count.
        files: the only files of the folder that it is about, but for those of a reference; None is all.
        files_from: where they were listed, as typed.
    """

    reference: Sequence[str] = ()
    between: tuple[str, str] | None = None
    within_subfolders: bool = False
    files: Sequence[str] | None = None
    files_from: str | None = None


@dataclass(frozen=True)
class Source:
    """A folder to be read.

    `prefix` is what comes before the paths of its images: "" for the folder that all paths are relative to.
    """

    request: FolderRequest
    prefix: str

    def path(self, inside: str) -> str:
        """The path of a file of the folder as results name it."""
        return f"{self.prefix.rstrip('/')}/{inside}" if self.prefix else inside


@dataclass(frozen=True)
class Layout:
    """What is to be read, and which pairs count.

    Attributes:
        folder: absolute; paths are relative to it.
        typed_folder: the same as the user would type it.
        sources: the folders to be read, the one whose store remembers what is found first.
        placed: the folders that make sides; None where each directory is one.
        scope: which sides may pair.
    """

    folder: str
    typed_folder: str
    sources: tuple[Source, ...]
    placed: tuple[Placed, ...] | None = ALL_ON_ONE_SIDE
    scope: Scope = WHOLE

    def side(self, path: str) -> Side | None:
        """The side of an image, None where it takes no part."""
        return directory_of(path) if self.placed is None else side_of(path, self.placed)

    @property
    def fixed_folders(self) -> tuple[str, ...]:
        """Folders whose images always stay."""
        return tuple(folder for folder, side in self.placed or () if side in self.scope.fixed)


@dataclass(frozen=True)
class Gathered:
    """Open stores that match their folders, the images in them, and what said of them.

    Attributes:
        first: the store that remembers.
        collection: rows are those of `rows`.
        said: by two content hashes in order, whether a person said, in any folder, that they are the same.
        kept: small pictures that came along with embedding.
    """

    first: Fresh
    layout: Layout
    collection: Collection
    rows: Rows
    skipped: tuple[Skip, ...]
    said: dict[tuple[str, str], bool]
    kept: Kept

    @property
    def of_first(self) -> tuple[Images, Callable[[Images], Collection]]:
        """The images of the first folder, and what gives them with their embeddings."""
        if self.layout.placed == ALL_ON_ONE_SIDE:
            return self.collection.images, lambda images: self.collection
        return self.first.images(), self.first.with_embeddings


@contextmanager
def gathered(layout: Layout, progress: Progress = SILENT, to_prove: bool = True) -> Iterator[Gathered]:
    """Bring the stores of all folders up to date and lend them, open.

    Args:
        to_prove: whether pairs will be proved, which takes small pictures.

    Raises:
        FolderError, StoreError, EncoderError: as `refreshed`; FolderError where a folder has no part in it.
    """
    sources = layout.sources
    if len(sources) > 1:
        encoder = sources[0].request.encoder or SHIPPED
        sources = tuple(replace(one, request=replace(one.request, encoder=encoder)) for one in sources)
    kept = Kept()
    with ExitStack() as stack:
        # The first one last: it is then the folder used last.
        keeping = kept if to_prove else None
        opened = (refreshed(one.request, progress, keeping) for one in reversed(sources))
        fresh = [stack.enter_context(one) for one in opened][::-1]
        first = fresh[0]
        if len(sources) > 1:
            progress.note(f"encoder for all {len(sources)} folders: {shown(encoder)} ({first.embedder.id})")
        collection, rows = _united(layout, [source.prefix for source in sources], fresh)
        _check_sides(layout, rows)
        skips = (
            Skip(source.path(skip.path), skip.reason)
            for source, one in zip(sources, fresh, strict=True)
            for skip in one.result.skipped
        )
        said: dict[tuple[str, str], bool] = {}
        places = [one.store.place for one in reversed(fresh)]  # what was said in the first counts most
        for one_place in (place_for(layout.folder, create=False), *places):
            said |= {pair: decision.same for pair, decision in decided(one_place).by_pair.items()}
        skipped = tuple(skip for skip in skips if layout.side(skip.path) is not None)
        yield Gathered(first, layout, collection, rows, skipped, said, kept)


def _united(layout: Layout, prefixes: Sequence[str], fresh: Sequence[Fresh]) -> tuple[Collection, Rows]:
    """All images that take part, in path order, and a row for each content on each side."""
    if layout.placed == ALL_ON_ONE_SIDE:
        whole = fresh[0].collection()
        hashes = whole.images.contents.hashes
        return whole, Rows(Texts(hashes), (EVERYWHERE,) * len(hashes), layout.scope)
    parts = [one.images() for one in fresh]
    images, sides = united(parts, prefixes, layout.side)
    hashes = images.contents.hashes
    is_new = np.append(np.ones(min(1, len(hashes)), bool), hashes[1:] != hashes[:-1])
    first = np.flatnonzero(is_new)  # row of each content on the first of its sides
    embeddings = np.empty((len(hashes), fresh[0].embedder.dim), np.float32)
    waiting = np.ones(len(first), bool)
    for one, part in zip(fresh, parts, strict=True):
        # One embedding for all sides, so that they are at distance 0.
        own = waiting & places_of(hashes[first], part.contents.hashes)[1]
        one.store.embeddings_into(one.embedder.id, hashes[first[own]], first[own], embeddings)
        waiting &= ~own
    twins = np.flatnonzero(~is_new)
    embeddings[twins] = embeddings[first[np.cumsum(is_new)[twins] - 1]]
    return Collection(images, images.rows, embeddings), Rows(Texts(hashes), sides, layout.scope)


def _check_sides(layout: Layout, rows: Rows) -> None:
    """Refuse a named folder without images: it may be misspelt, and then nothing would be found."""
    met = set(rows.sides)
    for folder, side in layout.placed or ():
        if side not in met and folder != EVERYWHERE:
            raise FolderError(
                f"{shown(folder)} holds no image that takes part",
                "name a folder of pictures; `ls` shows them",
            )


def layout_of(request: FolderRequest, wanted: ScopeRequest, progress: Progress = SILENT) -> Layout:
    """Which folders are to be read for a search, and what may be a pair.

    Args:
        request: its folder may be "" where `wanted.between` names two.

    Raises:
        UsageError: options that exclude each other; folders that lie in each other.
        FolderError: a folder is missing, or no listed file is there.
    """
    ways = (
        ("--reference", bool(wanted.reference)),
        ("--between", wanted.between is not None),
        ("--within-subfolders", wanted.within_subfolders),
    )
    asked = [name for name, given in ways if given]
    if len(asked) > 1:
        raise UsageError(f"{asked[0]} and {asked[1]} exclude each other", "leave one of them out")
    if not request.folder and wanted.between is None:
        raise UsageError("no folder is named", "augnet dedupe FOLDER, or augnet dedupe --between A B")
    if wanted.between is not None:
        layout = _between(request, wanted.between)
    elif wanted.reference:
        layout = _reference(request, wanted.reference)
    else:
        checked_folder(request.folder)
        layout = Layout(os.path.abspath(request.folder), request.folder, (Source(request, ""),))
        if wanted.within_subfolders:
            layout = replace(layout, placed=None, scope=Scope(across=False))
    return layout if wanted.files is None else _listed(layout, wanted.files, progress)


def _between(request: FolderRequest, folders: tuple[str, str]) -> Layout:
    for folder in (*((request.folder,) if request.folder else ()), *folders):
        checked_folder(folder)
    first, second = (_real(folder) for folder in folders)
    if holds(first, second) or holds(second, first):
        raise UsageError(
            f"--between needs two folders apart, not {shown(folders[0])} and {shown(folders[1])}",
            "name two of which neither lies in the other",
        )
    sides = {first: FIRST, second: SECOND}
    if not request.folder:
        return spread(request, sides, Scope(inside=False))
    layout, where = _beside(request, folders)
    placed = tuple((where[real], side) for real, side in sides.items())
    outside = frozenset(side for folder, side in placed if os.path.isabs(folder))
    if len(outside) == len(placed):
        raise UsageError(
            f"{shown(request.folder)} holds neither of the folders of --between",
            "leave FOLDER out: augnet dedupe --between A B",
        )
    if "" not in where.values():
        # The rest of the folder need not be read.
        inside = tuple(folder for folder in where.values() if not os.path.isabs(folder))
        own, *others = layout.sources
        own = replace(own, request=replace(request, only=frozenset(), always=inside))
        layout = replace(layout, sources=(own, *others))
    return replace(layout, placed=placed, scope=Scope(inside=False, fixed=outside))


def _reference(request: FolderRequest, folders: Sequence[str]) -> Layout:
    layout, where = _beside(request, folders)
    if "" in where.values():
        raise UsageError(
            f"{shown(request.folder)} lies in the reference itself, so none of its images could go",
            "name a FOLDER outside of it",
        )
    placed = (*((folder, REFERENCE) for folder in where.values()), (EVERYWHERE, EVERYWHERE))
    return replace(layout, placed=placed, scope=Scope(fixed=frozenset([REFERENCE])))


def _beside(request: FolderRequest, folders: Sequence[str]) -> tuple[Layout, dict[str, str]]:
    """The folder and those of the named ones outside of it; how the paths of each named one begin."""
    for folder in (request.folder, *folders):
        checked_folder(folder)
    real = _real(request.folder)
    where: dict[str, str] = {}
    for folder in map(_real, folders):
        if holds(folder, real):
            where[folder] = ""
        else:
            where[folder] = _slashed(os.path.relpath(folder, real) if holds(real, folder) else folder)
    outside = sorted(folder for folder, begin in where.items() if os.path.isabs(begin))
    apart = [one for one in outside if not any(one != other and holds(other, one) for other in outside)]
    sources = (Source(request, ""), *(Source(replace(request, folder=one), _slashed(one)) for one in apart))
    return Layout(os.path.abspath(request.folder), request.folder, sources), where


def spread(request: FolderRequest, sides: dict[str, Side], scope: Scope) -> Layout:
    """Folders apart, by their real paths, each read for itself; paths are relative to what holds them all."""
    try:
        base = os.path.commonpath(list(sides))
    except ValueError as error:  # Windows: two drives
        raise UsageError("the folders lie on different drives", "put them on one") from error
    where = {folder: _slashed(os.path.relpath(folder, base)) for folder in sides}
    sources = tuple(Source(replace(request, folder=folder), begin) for folder, begin in where.items())
    here = os.path.realpath(os.curdir)
    typed = os.path.relpath(base, here) if holds(here, base) else base
    return Layout(base, typed, sources, tuple((where[one], side) for one, side in sides.items()), scope)


def _listed(layout: Layout, files: Sequence[str], progress: Progress) -> Layout:
    """Only the files of a list; a reference takes part whole."""
    only: list[set[str]] = [set() for _ in layout.sources]
    missing, outside = [], []
    for file in files:
        if not os.path.lexists(file):
            missing.append(file)
            continue
        # As a person sees it, or as the disk does: a folder on the way may be a link.
        ways = (
            os.path.abspath(file),
            os.path.join(_real(os.path.dirname(file) or "."), os.path.basename(file)),
        )
        for source, paths in zip(layout.sources, only, strict=True):
            roots = (os.path.abspath(source.request.folder), _real(source.request.folder))
            inside = [os.path.relpath(way, root) for way in ways for root in roots if holds(root, way)]
            if inside:
                paths.update(map(_slashed, inside))
                break
        else:
            outside.append(file)
    for found, why in ((missing, "not there"), (outside, "outside of the folder")):
        if found:
            are = "is" if len(found) == 1 else "are"
            some = ", ".join(map(shown, found[:3])) + (", ..." if len(found) > 3 else "")
            progress.note(f"{len(found):,} of {len(files):,} listed files {are} {why}: {some}")
    always = layout.fixed_folders
    sources = []
    for source, paths in zip(layout.sources, only, strict=True):
        if any(is_below(source.path("x"), folder) for folder in always):
            sources.append(source)
            continue
        within = tuple(folder for folder in always if not os.path.isabs(folder))
        sources.append(replace(source, request=replace(source.request, only=frozenset(paths), always=within)))
    return replace(layout, sources=tuple(sources))


def _real(folder: str) -> str:
    return os.path.realpath(folder)


def _slashed(path: str) -> str:
    return path.replace(os.sep, "/")


def holds(folder: str, path: str) -> bool:
    """Whether a path is a folder or lies below it; both absolute."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
