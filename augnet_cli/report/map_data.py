"""What the map knows: a block of JSON inside it, written piece by piece, that no file name breaks out of.

Sheets of pictures come first, as they are made, because only they tell the sizes that the list of pictures
holds.  Images and clusters are named by their places in their lists.  `docs/architecture.md` has the shape.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from augnet_cli.images.names import shown
from augnet_cli.report.self_contained import as_json, file_address, folder_address, json_list, skip_data
from augnet_cli.report.sprites import Cell, Sheet, cells_across
from augnet_cli.report.thumbnails import media_type
from augnet_cli.results import NO_CLUSTER, Cluster, ClusterResult, Looks, Spread

# A place as a whole number: a hundred-thousandth of the map's half, a pixel or two at the largest zoom.
PLACE_STEPS = 100_000
# A distance as a whole number of these: as many decimals as the page shows.
DISTANCE_STEPS = 10_000
# Nearest others an image, as many as stand in one row of the panel; of more than NEIGHBOURS_WITHIN images
# they would take as much as all the pictures.
NEIGHBOURS, NEIGHBOURS_WITHIN = 6, 50_000
DECIMALS = 4  # of shares and of tightness
CODE_BITS = 16  # of x and of y in the order of places


def spread_of(result: ClusterResult) -> Spread:
    """Where the images lie; a map can't be made without."""
    if result.spread is None:
        raise ValueError("a map needs a result with its spread")
    return result.spread


def pictured(result: ClusterResult, most: int) -> list[int]:
    """Numbers of the images that get a picture, at most `most` of them, in the order of their cells.

    First what the panel shows of itself: exemplars, outliers, borderline and flagged images.  Then all others
    or a sample of them, in the order of a curve that fills the map (Morton, 1966): a part of the map one
    looks at needs few sheets, and the sample is as dense as the images are.
    """
    spread = spread_of(result)
    numbers = {path: number for number, path in enumerate(spread.paths)}
    first = dict.fromkeys(numbers[path] for path in _foremost(result) if path in numbers)
    chosen = list(first)[:most]
    others = np.array([n for n in _along_the_curve(spread.places).tolist() if n not in first], np.int64)
    room = min(most - len(chosen), len(others))
    if room <= 0:
        return chosen
    return chosen + others[np.arange(room) * len(others) // room].tolist()


def _foremost(result: ClusterResult) -> Iterator[str]:
    """Middles of all clusters, which the map's names show, then exemplars, then what is listed elsewhere."""
    children = [child for cluster in result.clusters for child in cluster.children]
    for clusters in (result.clusters, children):
        yield from (cluster.medoid for cluster in clusters)
        for cluster in clusters:
            yield from cluster.exemplars
    yield from (outlier.path for outlier in result.outliers)
    for cluster in (*result.clusters, *children):
        yield from cluster.borderline
    yield from (flagged.path for flagged in result.flagged)


def _along_the_curve(places: np.ndarray) -> np.ndarray:
    """(n,) int64: the rows of (n, 2) places in order of their Morton codes."""
    most = (1 << CODE_BITS) - 1
    whole = np.clip((places.astype(np.float64) + 1) / 2 * most, 0, most).astype(np.int64)
    code = np.zeros(len(whole), np.int64)
    for bit in range(CODE_BITS):
        for axis in (0, 1):
            code |= (whole[:, axis] >> bit & 1) << (2 * bit + axis)
    return np.argsort(code, kind="stable")


def map_pieces(
    result: ClusterResult, numbers: Sequence[int], side: int, sheets: Iterable[Sheet], page_folder: str
) -> Iterator[str]:
    """The block of JSON, ASCII without `<`, `>` or `&`, in pieces.

    Args:
        numbers: of the images on the sheets, in the order of their cells.
        side: of a cell.
        sheets: taken one by one.
        page_folder: absolute path of the folder that the page will stand in.
    """
    spread = spread_of(result)
    yield f'{{"media":{as_json(media_type())},"folder":{as_json(folder_address(result.folder, page_folder))}'
    yield f',"side":{side},"across":{cells_across(side)}'
    yield ',\n"sheets":['
    cells: list[Cell] = []
    between = "\n"
    for sheet in sheets:
        cells += sheet.cells
        yield f'{between}"{base64.b64encode(sheet.picture).decode("ascii")}"'
        between = ",\n"
    yield from json_list("pictures", map(_picture, numbers, cells), "]")
    yield "\n]"
    yield from _images(result.folder, spread, result.clusters)
    of = {path: number for number, path in enumerate(spread.paths)}
    places = {cluster.id: place for place, cluster in enumerate(result.clusters)}
    clusters = (_cluster(cluster, of, places) for cluster in result.clusters)
    yield from json_list("clusters", clusters, "")
    outliers = ([of[o.path], _steps(o.distance)] for o in result.outliers if o.path in of)
    yield from json_list("outliers", outliers)
    flagged = ([of[f.path], *map(shown, f.flags)] for f in result.flagged if f.path in of)
    yield from json_list("flagged", flagged)
    curve = ([c.k, *(_figure(x) for x in (c.stability, c.silhouette, c.score))] for c in result.curve)
    yield from json_list("curve", curve)
    yield from json_list("skipped", map(skip_data, result.skipped))
    yield f'\n],\n"method":{as_json(result.method)},"layout":{as_json(result.layout)}'
    yield f',"chosen":{as_json(bool(result.chosen))}}}'


def _picture(number: int, cell: Cell) -> list[object]:
    picture: list[object] = [number, cell.across, cell.down, cell.width, cell.height, cell.size_bytes]
    return [*picture, shown(cell.reason)] if cell.reason else picture


def _images(folder: str, spread: Spread, clusters: tuple[Cluster, ...]) -> Iterator[str]:
    """Columns of one value an image; `shown` and `href` hold those alone that are not the path itself."""
    paths = spread.paths
    yield from json_list("paths", paths, "")
    yield "\n]"
    yield from _exceptions("shown", paths, [shown(path) for path in paths])
    yield from _exceptions("href", paths, [file_address(folder, path) for path in paths])
    whole = np.rint(np.clip(spread.places, -1, 1).astype(np.float64) * PLACE_STEPS).astype(np.int64)
    yield _column("x", whole[:, 0])
    yield _column("y", whole[:, 1])
    yield _column("cluster", _places_of(spread.clusters, [cluster.id for cluster in clusters]))
    yield _column("child", _children_of(spread, clusters))
    yield _column("distance", np.rint(spread.distances.astype(np.float64) * DISTANCE_STEPS).astype(np.int64))
    few = min(NEIGHBOURS, spread.neighbours.shape[1]) if len(paths) <= NEIGHBOURS_WITHIN else 0
    near = spread.neighbour_distances[:, :few].astype(np.float64) * DISTANCE_STEPS
    yield f',\n"nearest":{few}'
    yield _column("near", spread.neighbours[:, :few].ravel())
    yield _column("nearDistance", np.rint(np.nan_to_num(near, posinf=0.0)).astype(np.int64).ravel())


def _exceptions(name: str, paths: Sequence[str], texts: list[str]) -> Iterator[str]:
    others = {
        place: text for place, (path, text) in enumerate(zip(paths, texts, strict=True)) if text != path
    }
    yield f',\n"{name}":{as_json(others)}'


def _column(name: str, numbers: np.ndarray) -> str:
    return f',\n"{name}":[{",".join(map(str, numbers.tolist()))}]'


def _places_of(ids: np.ndarray, known: Sequence[int]) -> np.ndarray:
    """Each id's place among the `known` ones, NO_CLUSTER where it is none of them."""
    order = np.argsort(np.array(known, np.int64), kind="stable")
    if not len(order):
        return np.full(len(ids), NO_CLUSTER, np.int64)
    among = np.array(known, np.int64)[order]
    at = np.minimum(np.searchsorted(among, ids), len(among) - 1)
    return np.where(among[at] == ids, order[at], NO_CLUSTER)


def _children_of(spread: Spread, clusters: tuple[Cluster, ...]) -> np.ndarray:
    places = np.full(len(spread.paths), NO_CLUSTER, np.int64)
    for cluster in clusters:
        rows = np.flatnonzero(spread.clusters == cluster.id)
        places[rows] = _places_of(spread.children[rows], [child.id for child in cluster.children])
    return places


def _cluster(cluster: Cluster, of: dict[str, int], places: dict[int, int]) -> dict[str, object]:
    """One cluster; images not on the map are left out of its lists."""
    near = None if cluster.neighbour is None else places.get(cluster.neighbour)
    children = {child.id: place for place, child in enumerate(cluster.children)}
    told: dict[str, object] = {
        "id": int(cluster.id),
        "name": shown(cluster.name),
        "size": int(cluster.size),
        "tightness": _figure(cluster.tightness),
        "medoid": of.get(cluster.medoid, NO_CLUSTER),
        "exemplars": [of[path] for path in cluster.exemplars if path in of],
        "borderline": [of[path] for path in cluster.borderline if path in of],
        "looks": _looks(cluster.looks),
        "children": [_cluster(child, of, children) for child in cluster.children],
    }
    if near is not None:
        told |= {"neighbour": near, "gap": _figure(cluster.neighbour_distance or 0.0)}
    return told


def _looks(looks: Looks) -> dict[str, object]:
    return {
        "first": looks.first_taken,
        "last": looks.last_taken,
        "cameras": [[shown(name), _figure(share)] for name, share in looks.cameras],
        "colours": [[colour, _figure(share)] for colour, share in looks.colours],
        "shapes": [_figure(share) for share in (looks.landscape, looks.portrait, looks.square)],
        "of": int(looks.looked_at),
    }


def _steps(distance: float) -> int:
    return round(float(distance) * DISTANCE_STEPS)


def _figure(number: float) -> float:
    return round(float(number), DECIMALS)
