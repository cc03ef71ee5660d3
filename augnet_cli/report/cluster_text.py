"""The result of `cluster` for people: lines for a screen; harmless as those of `report.text`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from augnet_cli.images.names import encoder_words, pasted, shown
from augnet_cli.report.colour_words import colour_words
from augnet_cli.report.style import PLAIN, Style
from augnet_cli.report.text import count, distance_words, skipped_lines
from augnet_cli.results import Cluster, ClusterResult, Looks

KMEANS = "kmeans"  # what is taken unasked
DENSITY, LEARNT = "hdbscan", "scan"  # what needs no number of clusters
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
    if result.confidence is not None:
        noise += f", mean confidence {result.confidence:.2f} ({1 / result.k:.2f} were chance)"
    yield f"{style.bold}{images} in {count(len(result.clusters), 'cluster')}{noise}{style.reset}"
    show = "" if result.assigned_to else ", `--html map.html` shows where each lies"
    yield f"next: `{_again(result)} --format csv` lists every member{show}"


def _cluster(cluster: Cluster, names: dict[int, str], style: Style) -> Iterator[str]:
    name = f"  {style.green}{shown(cluster.name)}{style.reset}" if cluster.name else ""
    yield f"{style.bold}cluster {cluster.id}{style.reset}{name}  {facts_words(cluster, names)}"
    looks = "; ".join(filter(None, looks_words(cluster.looks)))
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


def facts_words(cluster: Cluster, names: dict[int, str]) -> str:
    """`120 images, tightness 0.31, nearest: 5 towers (0.12)`; `names` are those of all clusters."""
    if cluster.neighbour is None or cluster.neighbour_distance is None:
        return _size(cluster)
    other = f"{cluster.neighbour} {shown(names.get(cluster.neighbour, ''))}".rstrip()
    return f"{_size(cluster)}, nearest: {other} ({cluster.neighbour_distance:.2f})"


def _size(cluster: Cluster) -> str:
    """How many images, and how near they lie to their centre, which of one image says nothing."""
    size = count(cluster.size, "image")
    return size if cluster.size == 1 else f"{size}, tightness {cluster.tightness:.2f}"


def looks_words(looks: Looks) -> tuple[str, str, str, str]:
    """When, with what, in which colours and shapes; of what is not known an empty text."""
    first, last = ((taken or "")[:DAY] for taken in (looks.first_taken, looks.last_taken))
    when = shown(f"{first} to {last}" if last and first != last else first)
    with_what = ", ".join(f"{shown(name)} {share:.0%}" for name, share in looks.cameras[:CAMERAS_SHOWN])
    colours = [(word, share) for word, share in colour_words(looks.colours) if share >= LEAST_SHARE]
    shapes = (("landscape", looks.landscape), ("portrait", looks.portrait), ("square", looks.square))
    return (
        when,
        with_what,
        ", ".join(f"{word} {share:.0%}" for word, share in colours[:COLOURS_SHOWN]),
        ", ".join(f"{name} {share:.0%}" for name, share in shapes if share >= LEAST_SHARE),
    )


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
    words = f"augnet cluster {pasted(result.assigned_to or result.typed_folder)}"
    if result.assigned_to:
        words += f" --assign {pasted(result.typed_folder)}"
    words += encoder_words(result.typed_encoder)
    if result.method != KMEANS:
        words += f" --method {result.method}"
    if result.method not in (DENSITY, LEARNT) and not result.chosen:
        words += f" --k {result.k}"
    return words + (f" --seed {result.seed}" if result.seed else "")
