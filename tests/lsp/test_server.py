"""`orch lsp` as an editor meets it: over stdin and stdout, by pygls's own client."""

import subprocess
import sys
from pathlib import Path

import pytest
from lsprotocol import types

from tests.lsp.editor import Editor, with_editor

FILE = "demo.pipeline"
LIBRARY = "part.pipeline"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A pipeline that uses another file."""
    (tmp_path / "orch.toml").write_text("", encoding="utf-8")
    (tmp_path / FILE).write_text(
        'pipeline demo { }\nuse "part.pipeline" as part { with { x = 1 } }\n'
        'stage a { run = "true" }\nstage b {\n  needs = [a, part.lint]\n  run = "echo é😀"\n}\n',
        encoding="utf-8",
    )
    (tmp_path / LIBRARY).write_text(
        'param x: int\nstage lint { run = "echo {{ x }}" }\n', encoding="utf-8"
    )
    return tmp_path


def test_errors_are_shown_as_one_types_and_go_when_they_are_mended(project: Path) -> None:
    """What a block says of itself comes with the edit's own version; what only the whole tells
    (an unknown stage) soon after; and nothing is left in the end."""

    async def act(editor: Editor) -> None:
        editor.open(FILE)
        await editor.until(lambda: editor.sent >= 2)
        assert editor.codes(FILE) == []
        editor.type(FILE, 4, 2, "x")
        await editor.until(lambda: editor.codes(FILE) == ["E0205"])
        shown = editor.shown[editor.uri(FILE)]
        assert shown.version == 2
        assert shown.diagnostics[0].range == types.Range(types.Position(4, 2), types.Position(4, 8))
        assert shown.diagnostics[0].message.endswith("help: did you mean `needs`?")
        editor.type(FILE, 4, 2, "", erased=1)
        await editor.until(lambda: editor.codes(FILE) == [])
        editor.type(FILE, 4, 11, "z")
        await editor.until(lambda: editor.codes(FILE) == ["E0201"])
        editor.type(FILE, 4, 11, "", erased=1)
        await editor.until(lambda: editor.codes(FILE) == [])

    with_editor(project, act)


def test_an_edit_of_a_used_file_is_told_in_both(project: Path) -> None:
    """Its stage is renamed: the file that uses it, open too, doesn't find it any more. When the
    used file is closed the disk counts again."""

    async def act(editor: Editor) -> None:
        editor.open(FILE)
        editor.open(LIBRARY)
        await editor.until(lambda: editor.sent >= 4)
        editor.type(LIBRARY, 1, 6, "my-")
        await editor.until(lambda: editor.codes(FILE) == ["E0201"])
        assert editor.codes(LIBRARY) == []
        document = types.DidCloseTextDocumentParams(editor.document(LIBRARY))
        editor.client.text_document_did_close(document)
        editor.type(FILE, 0, 0, "\n")
        await editor.until(lambda: editor.codes(FILE) == [])

    with_editor(project, act)


@pytest.mark.parametrize(("encoding", "units"), [("utf-8", 6), ("utf-16", 3), ("utf-32", 2)])
def test_places_are_counted_as_was_agreed(encoding: str, units: int, project: Path) -> None:
    """The quote behind `é😀` is erased, which leaves a string open, and written again."""

    async def act(editor: Editor) -> None:
        editor.open(FILE)
        editor.type(FILE, 5, 14 + units, "", erased=1)
        await editor.until(lambda: "E0103" in editor.codes(FILE))
        editor.type(FILE, 5, 14 + units, '"')
        await editor.until(lambda: editor.codes(FILE) == [])

    with_editor(project, act, encodings=[encoding])


def test_without_pygls_it_says_how_to_install_it(tmp_path: Path) -> None:
    """Two sentences, exit code 3 and no traceback."""
    (tmp_path / "pygls.py").write_text(
        "raise ModuleNotFoundError('gone', name='pygls')\n", encoding="utf-8"
    )
    program = "from orch.cli.main import program; program()"
    done = subprocess.run(
        [sys.executable, "-c", program, "lsp"],
        env={"PYTHONPATH": str(tmp_path)}, input="", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "orch: the language server needs pygls, which isn't installed\n"
        "Install it beside orch: pip install 'orch[lsp]'\n"
    )


def test_an_editor_that_is_gone_ends_the_server() -> None:
    """The end of its stdin is the end of it."""
    program = "from orch.cli.main import program; program()"
    done = subprocess.run(
        [sys.executable, "-c", program, "lsp"], input=b"", capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
