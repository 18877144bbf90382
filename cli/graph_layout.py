"""Where boxes stand and lines run: a layered layout, from left to right, of any size.

Every box stands to the right of all that it needs, in the layer after the last of them (the method
of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures",
1981). Lines over several layers get places of their own between the boxes. Within a layer the order
is that of the neighbours' means, and heights are a least-squares fit that keeps the distances.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from orch.dsl.record import record

LAYER_GAP = 64
BOX_GAP = 16
LINE_GAP = 10
_LINE_HEIGHT = 2
_SWEEPS = 8
_MOST_BENDS = 30_000
"""With more places for lines than this, long ones run straight, behind the boxes."""

_MOST_LONELY = 6
"""More boxes without a line than this stand in rows below the others."""

Point = tuple[int, int]


@record
class Size:
    width: int
    height: int


@record
class Layout:
    """The left upper corners of the boxes, the points of each line from box to box, and the size
    of it all."""

    corners: Sequence[Point]
    lines: Sequence[Sequence[Point]]
    size: Size


def lay_out(
    sizes: Sequence[Size],
    edges: Sequence[tuple[int, int]],
    *,
    late: Iterable[int] = (),
    last: Iterable[int] = (),
) -> Layout:
    """Places for boxes of these sizes and for lines between them, by their numbers. `late` ones,
    which need nothing, stand just before what needs them; the `last` ones behind all others."""
    closing = list(last)
    linked = {end for edge in edges for end in edge}
    lonely = [n for n in range(len(sizes)) if n not in linked and n not in set(closing)]
    if len(lonely) <= _MOST_LONELY:
        lonely = []
    aside = set(lonely)
    layer = layers(len(sizes), edges, late)
    if closing:
        behind = max((layer[n] for n in range(len(sizes)) if n not in set(closing)), default=-1)
        for number in closing:
            layer[number] = behind + 1
    grid = _Grid(sizes, edges, layer, aside)
    grid.order()
    grid.straighten()
    corners = grid.corners()
    width = max((x + sizes[n].width for n, (x, _) in corners.items()), default=0)
    height = max((y + sizes[n].height for n, (_, y) in corners.items()), default=0)
    top = height + 2 * BOX_GAP if height else 0
    corners |= _rows(sizes, lonely, top, max(width, _square(sizes, lonely)))
    total = Size(
        max((x + sizes[n].width for n, (x, _) in corners.items()), default=0),
        max((y + sizes[n].height for n, (_, y) in corners.items()), default=0),
    )
    placed = [corners[n] for n in range(len(sizes))]
    return Layout(placed, grid.lines(corners), total)


def layers(count: int, edges: Sequence[tuple[int, int]], late: Iterable[int] = ()) -> list[int]:
    """The layer of each box: behind all that it needs. In a circle, which no compiler makes, the
    box of the lowest number comes first."""
    targets: list[list[int]] = [[] for _ in range(count)]
    unmet = [0] * count
    for source, target in edges:
        targets[source].append(target)
        unmet[target] += 1
    layer = [0] * count
    done = [False] * count
    free = [n for n in range(count) if unmet[n] == 0]
    for lowest in range(-1, count):
        row = free if lowest < 0 else [] if done[lowest] else [lowest]
        for number in row:
            done[number] = True
            for target in targets[number]:
                unmet[target] -= 1
                if not done[target]:
                    layer[target] = max(layer[target], layer[number] + 1)
                    if unmet[target] == 0:
                        row.append(target)
    for number in late:
        if targets[number]:
            layer[number] = max(0, min(layer[target] for target in targets[number]) - 1)
    return layer


def _square(sizes: Sequence[Size], lonely: Sequence[int]) -> int:
    """A width at which boxes in rows fill about a screen's shape."""
    area = sum((sizes[n].width + BOX_GAP) * (sizes[n].height + BOX_GAP) for n in lonely)
    return int((area * 1.6) ** 0.5)


def _rows(sizes: Sequence[Size], lonely: Sequence[int], top: int, width: int) -> dict[int, Point]:
    """Boxes in rows, each as long as the width allows."""
    corners: dict[int, Point] = {}
    x, y, height = 0, top, 0
    for number in lonely:
        size = sizes[number]
        if x and x + size.width > width:
            x, y, height = 0, y + height + BOX_GAP, 0
        corners[number] = (x, y)
        x += size.width + BOX_GAP
        height = max(height, size.height)
    return corners


class _Grid:
    """Layers of places: those of boxes have the boxes' numbers, those of lines higher ones."""

    def __init__(
        self,
        sizes: Sequence[Size],
        edges: Sequence[tuple[int, int]],
        layer: Sequence[int],
        aside: set[int],
    ) -> None:
        self._sizes = sizes
        self._edges = edges
        self._layer = {n: layer[n] for n in range(len(sizes)) if n not in aside}
        self._height = {n: sizes[n].height for n in self._layer}
        spans = [layer[target] - layer[source] for source, target in edges]
        self._is_bent = sum(span - 1 for span in spans if span > 1) <= _MOST_BENDS
        self._paths: list[list[int]] = []
        self._before: dict[int, list[int]] = {n: [] for n in self._layer}
        self._after: dict[int, list[int]] = {n: [] for n in self._layer}
        next_number = len(sizes)
        for source, target in edges:
            path = [source]
            if self._is_bent:
                for at in range(layer[source] + 1, layer[target]):
                    self._layer[next_number] = at
                    self._height[next_number] = _LINE_HEIGHT
                    self._before[next_number], self._after[next_number] = [], []
                    path.append(next_number)
                    next_number += 1
            path.append(target)
            self._paths.append(path)
            for left, right in pairwise(path):
                self._after[left].append(right)
                self._before[right].append(left)
        count = max(self._layer.values(), default=-1) + 1
        self._rows: list[list[int]] = [[] for _ in range(count)]
        for number, at in self._layer.items():
            self._rows[at].append(number)
        self._middle: dict[int, float] = {}

    # -- the order within layers ------------------------------------------------

    def order(self) -> None:
        """Sweep to and fro, and keep the order with the fewest crossings."""
        best = [list(row) for row in self._rows]
        fewest = self._crossings()
        for sweep in range(_SWEEPS):
            if fewest == 0:
                break
            rows = self._rows if sweep % 2 == 0 else self._rows[::-1]
            neighbours = self._before if sweep % 2 == 0 else self._after
            place = self._places()
            for row in rows:
                means = {n: _mean([place[m] for m in neighbours[n]], place[n]) for n in row}
                row.sort(key=means.__getitem__)
                place.update({n: float(at) for at, n in enumerate(row)})
            crossings = self._crossings()
            if crossings < fewest:
                fewest, best = crossings, [list(row) for row in self._rows]
        self._rows = best

    def _places(self) -> dict[int, float]:
        return {n: float(at) for row in self._rows for at, n in enumerate(row)}

    def _crossings(self) -> int:
        """How often lines between neighbouring layers cross: inversions, counted in a tree of
        sums."""
        place = {n: at for row in self._rows for at, n in enumerate(row)}
        total = 0
        for row in self._rows:
            ends = [m for n in row for m in sorted(place[m] for m in self._after[n])]
            total += _inversions(ends)
        return total

    # -- heights ------------------------------------------------------------------

    def straighten(self) -> None:
        """Pull every place towards its neighbours, sweep by sweep."""
        for row in self._rows:
            self._settle(row, dict.fromkeys(row, (0.0, 1.0)))
        for sweep in range(_SWEEPS + 1):
            rows = self._rows if sweep % 2 == 0 else self._rows[::-1]
            middle = _mean(list(self._middle.values()), 0.0)
            for row in rows:
                wishes = {}
                for number in row:
                    near = self._before[number] if sweep % 2 == 0 else self._after[number]
                    if sweep == _SWEEPS or not near:
                        near = [*self._before[number], *self._after[number]]
                    wish = _mean([self._middle[m] for m in near], middle)
                    # What has no neighbours goes where there is room, near the middle.
                    weight = 4.0 if number >= len(self._sizes) else 1.0
                    wishes[number] = wish, weight if near else 0.001
                self._settle(row, wishes)

    def _settle(self, row: Sequence[int], wishes: Mapping[int, tuple[float, float]]) -> None:
        """The heights nearest to those wished for, by their weights, that keep order and distances:
        neighbours that wish for the same place stand together around the mean of their wishes."""
        offset, offsets = 0.0, []
        for at, number in enumerate(row):
            if at:
                offset += self._distance(row[at - 1], number)
            offsets.append(offset)
        blocks: list[tuple[float, float, int]] = []
        for number, shift in zip(row, offsets, strict=True):
            wish, weight = wishes[number]
            block = ((wish - shift) * weight, weight, 1)
            while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
                last = blocks.pop()
                block = (last[0] + block[0], last[1] + block[1], last[2] + block[2])
            blocks.append(block)
        at = 0
        for total, weight, size in blocks:
            for number, shift in zip(row[at : at + size], offsets[at : at + size], strict=True):
                self._middle[number] = total / weight + shift
            at += size

    def _distance(self, upper: int, lower: int) -> float:
        are_lines = upper >= len(self._sizes) and lower >= len(self._sizes)
        gap = LINE_GAP if are_lines else BOX_GAP
        return self._height[upper] / 2 + gap + self._height[lower] / 2

    # -- what comes of it ------------------------------------------------------------

    def corners(self) -> dict[int, Point]:
        """The left upper corners of the boxes; the highest is at 0, and so is the first layer."""
        boxes = [n for n in self._layer if n < len(self._sizes)]
        top = min((self._middle[n] - self._height[n] / 2 for n in self._layer), default=0.0)
        self._middle = {n: middle - top for n, middle in self._middle.items()}
        left = self._lefts()
        return {
            n: (left[self._layer[n]][0], round(self._middle[n] - self._height[n] / 2))
            for n in boxes
        }

    def _lefts(self) -> list[Point]:
        """Where each layer begins and ends."""
        found: list[Point] = []
        x = 0
        for row in self._rows:
            width = max((self._sizes[n].width for n in row if n < len(self._sizes)), default=0)
            # The more lines lie between two layers, the more room they need to turn.
            lines = sum(len(self._after[n]) for n in row)
            found.append((x, x + width))
            x += width + LAYER_GAP + min(2 * LAYER_GAP, 2 * lines)
        return found

    def lines(self, corners: Mapping[int, Point]) -> list[list[Point]]:
        """From the right side of the source to the left side of the target; past other layers on
        the height of the line's own place there."""
        left = self._lefts()
        found: list[list[Point]] = []
        for path in self._paths:
            source, target = path[0], path[-1]
            x, y = corners[source]
            height = y + self._sizes[source].height // 2
            # Straight past wider boxes of its own layer, then on.
            end = left[self._layer[source]][1]
            points = [(x + self._sizes[source].width, height), (end, height)]
            for number in path[1:-1]:
                begin, end = left[self._layer[number]]
                height = round(self._middle[number])
                points += [(begin, height), (end, height)]
            x, y = corners[target]
            points.append((x, y + self._sizes[target].height // 2))
            found.append(points)
        return found


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _inversions(values: Sequence[int]) -> int:
    """How many pairs stand in the wrong order."""
    size = max(values, default=0) + 1
    tree = [0] * (size + 1)
    total = 0
    for seen, value in enumerate(values):
        total += seen
        at = value + 1
        while at:
            total -= tree[at]
            at &= at - 1
        at = value + 1
        while at <= size:
            tree[at] += 1
            at += at & -at
    return total
