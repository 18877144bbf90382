"""What is told of a block at once is what the check of the whole says, and the rest moves along."""

import random
from pathlib import Path

from orch.cli.lsp.documents import Document, Edit
from orch.cli.lsp.positions import Area, Place
from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Request
from orch.dsl.diagnostics import Diagnostic
from tests.dsl.test_reading_properties import PIECES
from tests.lsp.marked import MAIN, opened, project_of
from tests.ui.test_ui import cases

TEXT = """pipeline demo { }
param level: string = "full"
stage a { run = "true" }
stage b { needs = [aa], run = ["x", "{{ level }}", "{{ nothing }}"] }
stage c { needs = [a, bb] run = "true" }
"""


def checked(main: Path, text: str) -> set[Diagnostic]:
    """All that the compiler says of a text in the place of a case's."""
    texts = {main.name: text.encode("utf-8", "surrogatepass")}
    request = Request(demand_arguments=False, texts=texts)
    found = compile_pipeline(str(main.parent), main.name, request).diagnostics
    return {each for each in found if each.path == main.name}


def texts_of_cases() -> list[tuple[Path, str]]:
    found = [(main, main.read_bytes().decode("utf-8", "replace")) for main in cases()]
    return [(main, text) for main, text in found if len(text) < 20_000 and "\0" not in text]


def test_what_a_block_says_of_itself_the_whole_says_too() -> None:
    """In every case of tests/ui, with the same words at the same place."""
    count = 0
    for main, text in texts_of_cases():
        document = Document(main.name, text)
        assert set(document.shown) <= checked(main, document.text), main
        count += len(document.shown)
    assert count > 100


def test_nothing_is_said_at_once_that_the_whole_would_not_say() -> None:
    """After an edit of chance, wherever the pieces are sound: no error flashes up."""
    dice = random.Random(11)
    known = texts_of_cases()
    sound = 0
    while sound < 40:
        main, text = dice.choice(known)
        at = dice.randrange(len(text) + 1)
        gone = dice.choice([0, 0, 1, 5])
        document = Document(main.name, text)
        document.apply([Edit(None, text[:at] + dice.choice(PIECES) + text[at + gone :])])
        if document.pieced.is_sound:
            sound += 1
            own = set(Document(main.name, document.text).shown)
            assert own <= checked(main, document.text), (main, text[max(0, at - 20) : at + 20])


def test_what_is_known_of_the_whole_moves_with_the_text(tmp_path: Path) -> None:
    """What the edit touches goes, the rest stays at its words, until the whole is checked anew."""
    project = project_of(tmp_path)
    opened(project, TEXT)
    document = project.documents[MAIN]

    def shown() -> list[tuple[str, str]]:
        found = [(d.code, d.span) for d in project.diagnostics(MAIN)]
        return [(code, document.text[s.start : s.end]) for code, s in found if s is not None]

    everything = [("E0201", "aa"), ("E0203", "nothing"), ("E0201", "bb")]
    assert shown() == everything
    document.apply([Edit(Area(Place(0, 0), Place(0, 0)), "# above\n\n")])
    assert shown() == everything
    document.apply([Edit(Area(Place(5, 21), Place(5, 21)), "a")])
    assert shown() == [("E0203", "nothing"), ("E0201", "bb")]
    document.apply([Edit(Area(Place(5, 9), Place(5, 9)), " rnu = 1,")])
    assert shown() == [("E0205", "rnu"), ("E0203", "nothing"), ("E0201", "bb")]
    project.check(MAIN)
    assert [code for code, _ in shown()] == ["E0205", "E0201", "E0203", "E0201"]


def test_a_check_of_an_older_text_changes_nothing(tmp_path: Path) -> None:
    """It is told of the text that it saw; the one that is there now waits for its own."""
    project = project_of(tmp_path)
    opened(project, TEXT)
    document = project.documents[MAIN]
    before = document.version
    document.apply([Edit(Area(Place(0, 0), Place(0, 0)), "\n")])
    shown = document.shown
    assert not document.settle(before, ())
    assert document.shown == shown
    assert document.settle(document.version, ())
    assert document.shown == ()
