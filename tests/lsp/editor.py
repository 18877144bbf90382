"""An editor that speaks with `orch lsp` over its stdin and stdout: pygls's own client."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types
from pygls.lsp.client import LanguageClient

_Result = TypeVar("_Result")
_LONGEST_S = 60


class Editor:
    """One editor with one project folder; `shown` has the diagnostics that it was last sent."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.client = LanguageClient("editor", "1")
        self.shown: dict[str, types.PublishDiagnosticsParams] = {}
        self.sent = 0
        self.said: list[str] = []
        self._news = asyncio.Event()
        self._versions: dict[str, int] = {}
        self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(partial(self._published))
        self.client.feature(types.WINDOW_LOG_MESSAGE)(partial(self._logged))
        self.client.feature(types.WINDOW_SHOW_MESSAGE)(partial(self._logged))

    def _published(self, params: types.PublishDiagnosticsParams) -> None:
        self.shown[params.uri] = params
        self.sent += 1
        self._news.set()

    def _logged(self, params: types.LogMessageParams | types.ShowMessageParams) -> None:
        self.said.append(params.message)
        self._news.set()

    def uri(self, name: str) -> str:
        """The address of a file of the project."""
        return (self.root / name).as_uri()

    async def start(
        self, *, encodings: list[types.PositionEncodingKind | str] | None = None
    ) -> types.InitializeResult:
        """Start the server and greet it."""
        program = "from orch.cli.main import program; program()"
        await self.client.start_io(sys.executable, "-c", program, "lsp")
        general = types.GeneralClientCapabilities(position_encodings=encodings)
        result = await self.client.initialize_async(
            types.InitializeParams(
                capabilities=types.ClientCapabilities(general=general),
                root_uri=self.root.as_uri(),
            )
        )
        self.client.initialized(types.InitializedParams())
        return result

    async def stop(self) -> int | None:
        """Say goodbye; gives the server's exit code."""
        await self.client.shutdown_async(None)
        self.client.exit(None)
        server: Any = self.client._server
        return await asyncio.wait_for(server.wait(), _LONGEST_S)

    def open(self, name: str, text: str | None = None) -> str:
        """Open a file with its text, or with another one; gives the text."""
        if text is None:
            text = (self.root / name).read_text(encoding="utf-8")
        self._versions[name] = 1
        item = types.TextDocumentItem(self.uri(name), "pipeline", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return text

    def type(self, name: str, line: int, character: int, text: str, erased: int = 0) -> None:
        """Replace so many units of a line by a text."""
        area = types.Range(
            types.Position(line, character), types.Position(line, character + erased)
        )
        self._versions[name] += 1
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self._versions[name], self.uri(name)),
                [types.TextDocumentContentChangePartial(area, text)],
            )
        )

    def codes(self, name: str) -> list[str]:
        """The codes that are shown for a file."""
        params = self.shown.get(self.uri(name))
        return [] if params is None else [str(each.code) for each in params.diagnostics]

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for news that make something true."""
        async with asyncio.timeout(_LONGEST_S):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    def document(self, name: str) -> types.TextDocumentIdentifier:
        """A file as requests name it."""
        return types.TextDocumentIdentifier(self.uri(name))


def with_editor(
    root: Path,
    act: Callable[[Editor], Awaitable[_Result]],
    *,
    encodings: list[types.PositionEncodingKind | str] | None = None,
) -> _Result:
    """Do something with an editor that has greeted its server, then say goodbye."""

    async def session() -> _Result:
        editor = Editor(root)
        await editor.start(encodings=encodings)
        try:
            result = await act(editor)
            assert await editor.stop() == 0
        finally:
            with suppress(ProcessLookupError):
                server: Any = editor.client._server
                server.kill()
        assert editor.said == []
        return result

    return asyncio.run(session())
