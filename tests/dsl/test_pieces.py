"""A text in pieces says what the whole text says, and an edit parses again what it touches."""

from hypothesis import given, settings
from hypothesis import strategies as st

from orch.dsl.diagnostics import Diagnostic
from orch.dsl.parse import parse
from orch.dsl.pieces import Piece, PiecedText, in_pieces
from orch.dsl.record import changed
from orch.dsl.source import SourceFile, Span
from tests.dsl.reading import shifted
from tests.dsl.test_reading_properties import GOOD, PIECES

MANY = "pipeline p { }\n" + "".join(f"\n# {n}\nstage s{n} {{ run = 'x{n}' }}\n" for n in range(50))


def agree(pieced: PiecedText) -> None:
    """Where all pieces are sound, they hold the blocks of the whole text, which is sound too."""
    assert "".join(piece.text for piece in pieced.pieces) == pieced.text
    assert pieced.starts[0] == 0
    if not pieced.is_sound:
        return
    tree, found = parse(SourceFile("m", pieced.text))
    assert found == ()
    parts = [(start, each) for start, piece in pieced.placed() for each in piece.tree.blocks]
    assert [shifted(block, start) for start, block in parts] == list(tree.blocks)
    comments = [c.text for piece in pieced.pieces for c in piece.tree.comments]
    assert comments == [c.text for c in tree.comments]


def edits() -> st.SearchStrategy[list[tuple[float, float, str]]]:
    """Where an edit begins, how much of the rest it replaces, and by what."""
    texts = st.lists(st.sampled_from([*PIECES, *GOOD, ""]), max_size=3).map("".join)
    place = st.floats(0, 1)
    return st.lists(st.tuples(place, st.sampled_from([0.0, 0.0, 0.02, 0.3]), texts), max_size=6)


@settings(max_examples=120)
@given(st.lists(st.sampled_from([*GOOD, *GOOD, *PIECES]), max_size=12).map("".join), edits())
def test_sound_pieces_say_what_the_whole_text_says(
    text: str, made: list[tuple[float, float, str]]
) -> None:
    """After any row of edits; and what an edit moved is where it stood before."""
    pieced = in_pieces("m", text)
    agree(pieced)
    for at, much, new in made:
        old = pieced.text
        start = int(at * len(old))
        end = start + int(much * (len(old) - start))
        pieced, change = pieced.edited(old[:start] + new + old[end:])
        assert pieced.text == old[:start] + new + old[end:]
        agree(pieced)
        for place in range(len(old)):
            moved = change.moved(Span(place, place + 1))
            assert moved is None or pieced.text[moved.start : moved.end] == old[place]


def test_one_piece_of_many_is_parsed_again() -> None:
    """Whatever is typed into a block, well or not, its neighbours stay the pieces they were."""
    pieced = in_pieces("m", MANY)
    assert len(pieced.pieces) == 51
    text = MANY
    for typed in ("y", " {", ' env { A = "', '" }', "\n", " }", "# more"):
        at = text.index("'x20'") + 5
        text = text[:at] + typed + text[at:]
        before: tuple[Piece, ...] = pieced.pieces
        pieced, change = pieced.edited(text)
        assert len(change.made) == len(change.gone) == 1, typed
        assert len(set(before) - set(pieced.pieces)) == 1, typed


def test_a_new_block_and_a_block_that_goes_touch_their_neighbours_only() -> None:
    """Typed at the end of one block, a further one is a piece of its own; so back again."""
    pieced = in_pieces("m", MANY)
    at = MANY.index("\n# 30")
    more, change = pieced.edited(MANY[:at] + "pool q { slots = 1 }\n" + MANY[at:])
    assert len(more.pieces) == 52
    assert len(change.made) <= 2
    again, change = more.edited(MANY)
    assert [piece.text for piece in again.pieces] == [piece.text for piece in pieced.pieces]
    assert len(change.made) == 1


def test_a_broken_piece_says_so_at_once_and_is_whole_again_when_it_is_mended() -> None:
    """A brace that is deleted and written again."""
    pieced = in_pieces("m", MANY)
    at = MANY.index("'x20'") + 6
    broken, _ = pieced.edited(MANY[:at] + MANY[at + 1 :])
    found: list[Diagnostic] = [
        changed(d, span=Span(d.span.start + start, d.span.end + start))
        for start, piece in broken.placed()
        for d in piece.diagnostics
        if d.span is not None
    ]
    assert [d.code for d in found] == ["E0102"]
    assert found == list(parse(SourceFile("m", broken.text))[1])
    mended, _ = broken.edited(MANY)
    assert mended.is_sound
    assert len(mended.pieces) == 51
