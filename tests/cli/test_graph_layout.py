"""Where boxes stand: never on each other, in the order of their needs, joined by lines."""

from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from orch.cli.graph_layout import BOX_GAP, Layout, Size, lay_out, layers

SIZES = st.builds(Size, st.integers(1, 300), st.integers(1, 200))


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Size], list[tuple[int, int]], list[int], list[int]]:
    """Sizes, lines from lower numbers to higher ones, late boxes and last ones."""
    sizes = draw(st.lists(SIZES, min_size=0, max_size=24))
    numbers = range(len(sizes))
    pairs = list(combinations(numbers, 2))
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=40)) if pairs else []
    ends = {end for edge in edges for end in edge}
    needless = [n for n in numbers if n not in {target for _, target in edges}]
    late = draw(st.lists(st.sampled_from(needless), unique=True)) if needless else []
    free = [n for n in numbers if n not in ends]
    last = draw(st.lists(st.sampled_from(free), unique=True, max_size=4)) if free else []
    return sizes, edges, late, last


def boxes_of(sizes: list[Size], layout: Layout) -> list[tuple[int, int, int, int]]:
    return [
        (x, y, x + size.width, y + size.height)
        for size, (x, y) in zip(sizes, layout.corners, strict=True)
    ]


@settings(max_examples=200)
@given(graphs())
def test_boxes_never_meet_and_lines_end_at_them(
    graph: tuple[list[Size], list[tuple[int, int]], list[int], list[int]],
) -> None:
    """All is inside the picture, what needs something stands to its right, and a line runs from the
    right side of its source to the left side of its target, never back."""
    sizes, edges, late, last = graph
    layout = lay_out(sizes, edges, late=late, last=last)
    boxes = boxes_of(sizes, layout)
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= layout.size.width
        assert 0 <= top < bottom <= layout.size.height
    for a, b in combinations(boxes, 2):
        apart_by = max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3])
        assert apart_by >= BOX_GAP - 2, "a pixel at each side is lost to rounding"
    for (source, target), points in zip(edges, layout.lines, strict=True):
        assert boxes[source][2] < boxes[target][0]
        (x, y), (to_x, to_y) = points[0], points[-1]
        assert (x, to_x) == (boxes[source][2], boxes[target][0])
        assert boxes[source][1] <= y <= boxes[source][3]
        assert boxes[target][1] <= to_y <= boxes[target][3]
        assert [x for x, _ in points] == sorted(x for x, _ in points)


@settings(max_examples=100)
@given(graphs())
def test_lines_pass_beside_boxes(
    graph: tuple[list[Size], list[tuple[int, int]], list[int], list[int]],
) -> None:
    """Where a line passes a layer it runs level, and on no box of that layer."""
    sizes, edges, late, last = graph
    layout = lay_out(sizes, edges, late=late, last=last)
    boxes = boxes_of(sizes, layout)
    for edge, points in zip(edges, layout.lines, strict=True):
        for (x, y), (to_x, to_y) in pairwise(points):
            if y != to_y:
                continue
            for number, (left, top, right, bottom) in enumerate(boxes):
                is_met = x < right and left < to_x and top < y < bottom
                assert not is_met or number in edge


def test_a_circle_is_laid_out_all_the_same() -> None:
    """No compiler makes one, and no plan from elsewhere may hang the drawing."""
    assert layers(3, [(0, 1), (1, 2), (2, 0)]) == [0, 1, 2]
    assert len(lay_out([Size(9, 9)] * 3, [(0, 1), (1, 2), (2, 0)]).corners) == 3


def test_many_boxes_without_lines_stand_in_rows() -> None:
    """Not in one endless column."""
    layout = lay_out([Size(100, 40)] * 200, [])
    assert layout.size.height < 2 * layout.size.width


def test_thousands_of_boxes_are_laid_out() -> None:
    """A long row of layers, and lines over so many of them that they run straight."""
    count = 3000
    edges = [(n, n + 1) for n in range(count - 1)] + [(n, count - 1) for n in range(0, count, 30)]
    layout = lay_out([Size(50, 20)] * count, edges)
    assert [x for x, _ in layout.corners] == sorted({x for x, _ in layout.corners})
