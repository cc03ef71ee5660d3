"""The result of `cluster` for people: lines for a screen; harmless as those of `report.text`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from augnet_cli.images.names import pasted, shown
from augnet_cli.report.colour_words import colour_words
from augnet_cli.report.style import PLAIN, Style
from augnet_cli.report.text import count, distance_words, skipped_lines
from augnet_cli.results import Cluster, ClusterResult, Looks

KMEANS, DENSITY = "kmeans", "hdbscan"  # what is taken unasked, and what needs no number of clusters
CAMERAS_SHOWN = 3  # the commonest; a fourth tells nobody more
COLOURS_SHOWN = 3
DOUBTFUL_SHOWN = 3  # of the images near two clusters
OUTLIERS_SHOWN = 10
LEAST_SHARE = 0.05  # shapes and colours of fewer images say nothing of a cluster
DAY = len("YYYY-MM-DD")
ALL = "(--format csv lists all)"


def cluster_lines(result: ClusterResult, style: Style = PLAIN) -> Iterator[str]:
    """Each cluster with what is known of it, what lies outside of all, a summary and the next step."""
    names = {cluster.id: cluster.name for cluster in result.clusters}
    for cluster in result.clusters:
        yield from _cluster(cluster, names, style)
        yield ""
    yield from _outside(result, style)
    yield from skipped_lines(result.skipped, style)
    yield from _chosen(result)
    images = count(sum(cluster.size for cluster in result.clusters), "image")
    noise = f", {len(result.noise):,} in none" if result.noise else ""
    yield f"{style.bold}{images} in {count(len(result.clusters), 'cluster')}{noise}{style.reset}"
    yield f"next: `{_again(result)} --format csv` lists every member, `--html map.html` shows where each lies"


def _cluster(cluster: Cluster, names: dict[int, str], style: Style) -> Iterator[str]:
    name = f"  {style.green}{shown(cluster.name)}{style.reset}" if cluster.name else ""
    near = ""
    if cluster.neighbour is not None and cluster.neighbour_distance is not None:
        other = f"{cluster.neighbour} {shown(names.get(cluster.neighbour, ''))}".rstrip()
        near = f", nearest: {other} ({cluster.neighbour_distance:.2f})"
    facts = f"{_size(cluster)}{near}"
    yield f"{style.bold}cluster {cluster.id}{style.reset}{name}  {facts}"
    looks = "; ".join(_looks(cluster.looks))
    if looks:
        yield f"  {style.dim}{looks}{style.reset}"
    for path in cluster.exemplars:
        yield f"  {shown(path)}"
    for child in cluster.children:
        number = f"{cluster.id}.{child.id}"
        said = "  ".join(filter(None, (number, shown(child.name), _size(child))))
        example = child.medoid or next(iter(child.exemplars), "")
        yield f"  {style.dim}{said}:{style.reset} {shown(example)}"
    if cluster.borderline:
        some = ", ".join(map(shown, cluster.borderline[:DOUBTFUL_SHOWN]))
        more = len(cluster.borderline) - DOUBTFUL_SHOWN
        yield f"  {style.dim}also near another:{style.reset} {some}" + (
            f", {more:,} more" if more > 0 else ""
        )


def _size(cluster: Cluster) -> str:
    """How many images, and how near they lie to their centre, which of one image says nothing."""
    size = count(cluster.size, "image")
    return size if cluster.size == 1 else f"{size}, tightness {cluster.tightness:.2f}"


def _looks(looks: Looks) -> Iterator[str]:
    """When, with what, in which colours and shapes: whatever is known."""
    if looks.first_taken is not None:
        first, last = looks.first_taken[:DAY], (looks.last_taken or looks.first_taken)[:DAY]
        yield shown(first if first == last else f"{first} to {last}")
    cameras = looks.cameras[:CAMERAS_SHOWN]
    if cameras:
        yield ", ".join(f"{shown(name)} {share:.0%}" for name, share in cameras)
    colours = [(word, share) for word, share in colour_words(looks.colours) if share >= LEAST_SHARE]
    if colours:
        yield ", ".join(f"{word} {share:.0%}" for word, share in colours[:COLOURS_SHOWN])
    shapes = (("landscape", looks.landscape), ("portrait", looks.portrait), ("square", looks.square))
    said = [f"{name} {share:.0%}" for name, share in shapes if share >= LEAST_SHARE]
    if said:
        yield ", ".join(said)


def _outside(result: ClusterResult, style: Style) -> Iterator[str]:
    """Noise, outliers, flags: each a block of its own, if there are any."""
    if result.noise:
        yield f"{style.bold}noise{style.reset}  {count(len(result.noise), 'image')} in no cluster {ALL}"
        yield ""
    if result.outliers:
        yield f"{style.bold}outliers{style.reset}  least like any other, by the distance to those nearest"
        for one in result.outliers[:OUTLIERS_SHOWN]:
            yield f"  {distance_words(one.distance, style)}  {shown(one.path)}"
        if len(result.outliers) > OUTLIERS_SHOWN:
            yield f"  {len(result.outliers) - OUTLIERS_SHOWN:,} more {ALL}"
        yield ""
    if result.flagged:
        tally = Counter(flag for one in result.flagged for flag in one.flags)
        words = ", ".join(
            f"{shown(flag)} {tally[flag]:,}" for flag in sorted(tally, key=lambda f: (-tally[f], f))
        )
        flagged = count(len(result.flagged), "image")
        yield f"{style.bold}flags{style.reset}  {flagged}: {words} {ALL}"
        yield ""


def _chosen(result: ClusterResult) -> Iterator[str]:
    """Among which numbers of clusters this one was chosen, and what spoke for it."""
    if not (result.chosen and result.curve):
        return
    tried = [each.k for each in result.curve]
    k = len(result.clusters)
    at = next((each for each in result.curve if each.k == k), None)
    why = "" if at is None else f": stability {at.stability:.2f}, silhouette {at.silhouette:.2f}"
    yield f"k {k:,} chosen among {min(tried):,} to {max(tried):,}{why}"


def _again(result: ClusterResult) -> str:
    """The command that finds the same again."""
    words = f"augnet cluster {pasted(result.typed_folder)}"
    if result.method != KMEANS:
        words += f" --method {result.method}"
    if result.method != DENSITY:
        words += f" --k {len(result.clusters)}"
    return words + (f" --seed {result.seed}" if result.seed else "")
