"""`orch lsp` as an editor meets it: over stdin and stdout, by pygls's own client."""

import asyncio
import json
import os
import random
import re
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Request
from orch.dsl.decode import encode_source
from tests.dsl.test_reading_properties import PIECES
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


def test_what_some_take_for_line_breaks_are_characters(project: Path) -> None:
    """Behind a form feed, U+0085 and U+2028 an edit replaces what the editor means."""

    async def act(editor: Editor) -> None:
        editor.open(FILE, "# \f \x85 \u2028 #\npipeline demo { }\nstage a { run = 'x' }\n")
        editor.type(FILE, 2, 10, "rnu", erased=3)
        await editor.until(lambda: editor.codes(FILE) == ["E0205"])
        editor.type(FILE, 2, 10, "run", erased=3)
        await editor.until(lambda: editor.codes(FILE) == [])

    with_editor(project, act)


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


def test_a_request_that_makes_no_sense_is_answered_too() -> None:
    """With an error: before the greeting, with parameters that are none, and after the goodbye.
    An editor waits for an answer to everything that has an id."""
    file = {"uri": "file:///a.pipeline"}
    place = {"textDocument": file, "position": {"line": 0, "character": 0}}
    asked: list[tuple[str, object, int | None]] = [
        ("textDocument/hover", place, -32002),
        ("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, None),
        ("textDocument/hover", None, -32602),
        ("textDocument/hover", {**place, "position": {"line": -1, "character": 0}}, -32602),
        ("shutdown", None, None),
        ("textDocument/hover", place, -32600),
    ]
    item = {**file, "languageId": "pipeline", "version": 1, "text": ""}
    early = {"method": "textDocument/didOpen", "params": {"textDocument": item}}
    requests = [{"id": at, "method": name, "params": it} for at, (name, it, _) in enumerate(asked)]
    answers = [each for each in talk([early, *requests, {"method": "exit"}]) if "id" in each]
    got = {each["id"]: each.get("error", {}).get("code") for each in answers}
    assert got == {at: code for at, (_, _, code) in enumerate(asked)}
    assert "Traceback" not in json.dumps(answers)


def talk(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a server says to all of these, until it ends by itself."""
    bodies = [json.dumps({"jsonrpc": "2.0", **each}).encode() for each in messages]
    data = b"".join(b"Content-Length: %d\r\n\r\n%b" % (len(body), body) for body in bodies)
    program = "from orch.cli.main import program; program()"
    done = subprocess.run(
        [sys.executable, "-c", program, "lsp"], input=data, capture_output=True, check=True
    )
    assert done.stderr == b""
    parts = re.split(rb"Content-Length: \d+\r\n(?:Content-Type: .*\r\n)?\r\n", done.stdout)
    return [json.loads(part) for part in parts[1:]]


def test_every_question_is_answered_over_the_wire(project: Path) -> None:
    """Each kind once, as an editor asks it and understands the answer."""

    async def act(editor: Editor) -> None:
        editor.open(FILE)
        await editor.until(lambda: editor.sent >= 2)
        client, here = editor.client, editor.document(FILE)
        on_lint = types.Position(4, 19)
        hover = await client.text_document_hover_async(types.HoverParams(here, on_lint))
        assert hover is not None
        assert isinstance(hover.contents, types.MarkupContent)
        assert "stage lint" in hover.contents.value
        assert hover.range == types.Range(types.Position(4, 19), types.Position(4, 23))
        place = await client.text_document_definition_async(types.DefinitionParams(here, on_lint))
        assert isinstance(place, types.Location)
        assert place == types.Location(
            editor.uri(LIBRARY), types.Range(types.Position(1, 6), types.Position(1, 10))
        )
        context = types.ReferenceContext(include_declaration=True)
        places = await client.text_document_references_async(
            types.ReferenceParams(context, here, on_lint)
        )
        assert places is not None
        assert len(places) == 2
        both = await client.text_document_document_highlight_async(
            types.DocumentHighlightParams(here, types.Position(2, 6))
        )
        assert both is not None
        assert len(both) == 2
        renamed = await client.text_document_rename_async(
            types.RenameParams(here, on_lint, "check")
        )
        assert renamed is not None
        assert renamed.changes is not None
        assert {uri: len(edits) for uri, edits in renamed.changes.items()} == {
            editor.uri(FILE): 1, editor.uri(LIBRARY): 1
        }  # fmt: skip
        proposed = await client.text_document_completion_async(
            types.CompletionParams(here, types.Position(4, 11))
        )
        assert isinstance(proposed, types.CompletionList)
        assert {"a", "part"} <= {item.label for item in proposed.items}
        await ask_about_the_whole(editor, here)

    with_editor(project, act)


async def ask_about_the_whole(editor: Editor, here: types.TextDocumentIdentifier) -> None:
    client = editor.client
    symbols = await client.text_document_document_symbol_async(types.DocumentSymbolParams(here))
    assert symbols is not None
    assert [symbol.name for symbol in symbols] == ["demo", "part", "a", "b"]
    found = await client.workspace_symbol_async(types.WorkspaceSymbolParams("lint"))
    assert found is not None
    assert [symbol.name for symbol in found] == ["lint"]
    folds = await client.text_document_folding_range_async(types.FoldingRangeParams(here))
    assert folds is not None
    assert [(fold.start_line, fold.end_line) for fold in folds] == [(3, 6)]
    options = types.FormattingOptions(2, insert_spaces=True)
    edits = await client.text_document_formatting_async(
        types.DocumentFormattingParams(here, options)
    )
    assert edits is not None
    assert len(edits) == 1
    colours = await client.text_document_semantic_tokens_full_async(
        types.SemanticTokensParams(here)
    )
    assert colours is not None
    assert list(colours.data[:10]) == [0, 0, 8, 0, 0, 0, 9, 4, 6, 1]
    editor.type(FILE, 4, 2, "x")
    changes = await client.text_document_semantic_tokens_full_delta_async(
        types.SemanticTokensDeltaParams(here, colours.result_id or "")
    )
    assert isinstance(changes, types.SemanticTokensDelta)
    assert sum(len(edit.data or ()) for edit in changes.edits) <= 15 < len(colours.data)
    await editor.until(lambda: editor.codes(FILE) == ["E0205"])
    line = types.Range(types.Position(4, 3), types.Position(4, 3))
    actions = await client.text_document_code_action_async(
        types.CodeActionParams(
            here, line, types.CodeActionContext(editor.shown[editor.uri(FILE)].diagnostics)
        )
    )
    assert actions is not None
    assert [action.title for action in actions] == ["Change to `needs`"]
    with pytest.raises(JsonRpcException, match="is declared already"):
        await client.text_document_rename_async(types.RenameParams(here, types.Position(2, 6), "b"))


def test_a_file_that_another_program_changes_is_read_again(project: Path) -> None:
    """Told by the editor, which watches: the used file lost its stage, and has it again."""

    async def act(editor: Editor) -> None:
        editor.open(FILE)
        await editor.until(lambda: editor.sent >= 2)
        text = (project / LIBRARY).read_text(encoding="utf-8")
        change(editor, text.replace("lint", "check"))
        await editor.until(lambda: editor.codes(FILE) == ["E0201"])
        change(editor, text)
        await editor.until(lambda: editor.codes(FILE) == [])

    def change(editor: Editor, text: str) -> None:
        (project / LIBRARY).write_text(text, encoding="utf-8")
        event = types.FileEvent(editor.uri(LIBRARY), types.FileChangeType.Changed)
        editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))

    with_editor(project, act)


def test_what_shellcheck_finds_is_shown_when_nothing_is_typed(project: Path) -> None:
    """It stays while one types elsewhere, moves with the text, and goes when it is mended."""

    async def act(editor: Editor) -> None:
        text = 'pipeline demo { }\nstage a {\n  run = "cat $x"\n}\nstage b { run = "true" }\n'
        editor.open(FILE, text)
        await editor.until(lambda: editor.codes(FILE) == ["W0706"])
        editor.type(FILE, 0, 0, "\n")
        editor.type(FILE, 5, 12, "z")
        await editor.until(lambda: "E0205" in editor.codes(FILE))
        assert editor.codes(FILE) == ["E0205", "W0706"]
        assert editor.shown[editor.uri(FILE)].diagnostics[-1].range.start.line == 3
        editor.type(FILE, 5, 12, "", erased=1)
        editor.type(FILE, 3, 13, "", erased=2)
        await editor.until(lambda: editor.codes(FILE) == [])

    with_editor(project, act)


def test_at_rest_an_editor_is_shown_what_orch_check_says(project: Path) -> None:
    """After a session of chance: whatever is typed wherever, questions in between, nothing gets
    lost and the server stands it."""

    async def act(editor: Editor) -> None:
        dice = random.Random(5)
        text = editor.open(FILE)
        for _ in range(60):
            lines = text.split("\n")
            line = dice.randrange(len(lines))
            unit = dice.randrange(len(lines[line]) + 1)
            gone = min(dice.choice([0, 0, 1, 3]), len(lines[line]) - unit)
            typed = dice.choice(PIECES)
            editor.type(FILE, line, unit, typed, gone)
            lines[line] = lines[line][:unit] + typed + lines[line][unit + gone :]
            text = "\n".join(lines)
            place = types.Position(line, unit)
            params = types.CompletionParams(editor.document(FILE), place)
            await editor.client.text_document_completion_async(params)
        request = Request(demand_arguments=False, texts={FILE: encode_source(text)})
        said = compile_pipeline(str(project), FILE, request).diagnostics
        wanted = sorted(d.code for d in said if d.path == FILE)
        assert 10 < len(wanted) < 100
        await editor.until(
            lambda: sorted(code for code in editor.codes(FILE) if code != "W0706") == wanted
        )

    with_editor(project, act, encodings=["utf-32"])


def checker_of(editor: Editor) -> int:
    """The process id of the server's own child."""
    server: Any = editor.client._server
    lists = Path(f"/proc/{server.pid}/task").glob("*/children")
    (pid,) = [pid for each in lists for pid in each.read_text(encoding="ascii").split()]
    return int(pid)


def test_a_checker_that_is_gone_is_replaced(project: Path) -> None:
    """The editor is told once, and the next edit is checked by a new one."""

    async def act(editor: Editor) -> None:
        editor.open(FILE)
        await editor.until(lambda: editor.sent >= 2)
        os.kill(checker_of(editor), signal.SIGKILL)
        editor.type(FILE, 4, 11, "z")
        await editor.until(lambda: bool(editor.said))
        assert "the process that checks is gone" in editor.said.pop()
        editor.type(FILE, 4, 11, "z")
        await editor.until(lambda: editor.codes(FILE) == ["E0201"])

    with_editor(project, act)


def test_a_killed_server_leaves_no_process(project: Path) -> None:
    """Its checker finds its socket closed."""

    async def act() -> None:
        editor = Editor(project)
        await editor.start()
        editor.open(FILE)
        await editor.until(lambda: editor.sent >= 2)
        left = os.pidfd_open(checker_of(editor))
        server: Any = editor.client._server
        server.kill()
        poller = select.poll()
        poller.register(left, select.POLLIN)
        assert poller.poll(60_000)
        os.close(left)
        await server.wait()

    asyncio.run(act())


def test_an_exit_without_a_shutdown_is_told_by_the_exit_code(tmp_path: Path) -> None:
    """1, as the protocol wants it; 0 is what every other test ends with."""

    async def act() -> int:
        editor = Editor(tmp_path)
        await editor.start()
        editor.client.exit(None)
        server: Any = editor.client._server
        return int(await server.wait())

    assert asyncio.run(act()) == 1


def test_a_person_who_starts_it_is_told_what_it_waits_for() -> None:
    """In a terminal; an interrupt ends it."""
    outer, inner = os.openpty()
    program = "from orch.cli.main import program; program()"
    server = subprocess.Popen(
        [sys.executable, "-c", program, "lsp"],
        stdin=inner, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stderr is not None
    assert server.stderr.readline().startswith("orch lsp waits for an editor")
    server.send_signal(signal.SIGINT)
    assert server.wait() in (0, 130)
    server.stderr.close()
    os.close(outer)
    os.close(inner)
