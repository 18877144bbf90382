"""The language server: the editor's words in, our answers out, by pygls over stdin and stdout.

What is wrong with the edited block by itself is said at once; the whole compiler runs behind it,
in another process, as soon as nothing has been typed for a moment (ADR 30).
"""

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, BinaryIO, cast

from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidRequest,
    JsonRpcServerNotInitialized,
)
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, lsp_method

from orch import __version__
from orch.cli.bounded_process import find_program
from orch.cli.failure import CommandError
from orch.cli.lsp.answers import ANSWERS, Question, find_symbols
from orch.cli.lsp.checker import Checker, CheckerError
from orch.cli.lsp.documents import Edit
from orch.cli.lsp.framing import Answers, Framing
from orch.cli.lsp.project import Answer, Project
from orch.cli.lsp.protocol import area_from, diagnostics_of, path_of, uri_of
from orch.cli.lsp.session import Session

PAUSE_S = 0.15
"""How long nothing must have been typed before the whole is checked."""

QUIET_S = 2.0
"""How long nothing must have happened after a check before scripts and memory are looked into."""


class _Protocol(LanguageServerProtocol):
    """pygls keeps texts too, and takes form feeds and the like for ends of lines: it would move
    what an edit replaces. Our own documents are all that is kept.

    It leaves an editor waiting that asks too late, or with parameters that are none; here every
    request is answered.
    """

    def structure_message(self, data: dict[str, Any]) -> Any:
        """A message as one of the protocol's; each object inside of one comes by here as well."""
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "method" in data and isinstance(data.get("id"), int | str):
                self._send_response(data["id"], error=error.to_response_error())
            raise

    def handle_message(self, message: Any) -> None:
        """Take a message where it has its time; what comes before the greeting is not heard."""
        name = getattr(message, "method", None)
        is_early = self._workspace is None and name not in (types.INITIALIZE, types.EXIT, None)
        if not is_early and not (self._shutdown and hasattr(message, "id")):
            super().handle_message(message)
        elif hasattr(message, "id"):
            error = JsonRpcServerNotInitialized() if is_early else JsonRpcInvalidRequest()
            self._send_response(message.id, error=error.to_response_error())

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(
        self, params: types.DidChangeTextDocumentParams
    ) -> Iterator[tuple[Any, ...]]:
        """Leave the edit to our own handler, as it is."""
        yield self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE], (params,), None


class Server(LanguageServer):
    """Speaks with one editor."""

    def __init__(self, root: str | None) -> None:
        super().__init__("orch", __version__, protocol_cls=_Protocol)
        self.session = Session(root)
        self.is_shut_down = False
        self.exit_code = 0
        self._checker = Checker()
        self._thread = ThreadPoolExecutor(max_workers=1)
        """It waits for the checker, so that nobody else has to."""
        self._due: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._quiet: asyncio.TimerHandle | None = None
        self._shellcheck = find_program("shellcheck", os.environ)
        self._checking: set[tuple[str, str]] = set()
        self._again: set[tuple[str, str]] = set()
        """Files that are being checked, and those of them that have changed since."""
        self._running: set[asyncio.Task[None]] = set()

    def serve(self) -> int:
        """Answer until the editor says goodbye, or is gone; gives the exit code, which is 1 for an
        `exit` without a `shutdown` before it, as the protocol wants it. Raises `CommandError` where
        what it sends can't be told apart any more."""
        # What an editor does wrong it is told in answers; tracebacks would only fill its log.
        for name in ("pygls", "concurrent.futures"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        # To look for garbage takes longer than an edit; there is hardly any, and time when the
        # editor is quiet.
        gc.disable()
        framing = Framing(sys.stdin.buffer)
        try:
            answers = Answers(sys.stdout.buffer)
            self.start_io(cast("BinaryIO", framing), cast("BinaryIO", answers))
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._checker.close()
        if framing.refusal is not None:
            what = f"the editor can't be understood: {framing.refusal}"
            raise CommandError(what, help_text="Start the server again from the editor")
        return self.exit_code

    def shutdown(self) -> None:
        """Stop answering. The thread that reads may wait for an editor for ever; nobody waits for
        it, and it ends with the program."""
        if self._stop_event is not None:
            self._stop_event.set()
        self.thread_pool.shutdown(wait=False, cancel_futures=True)

    def find(self, uri: str) -> tuple[Project, str] | None:
        """The project and path of a document; None for one that is no file."""
        file = path_of(uri)
        return None if file is None else self.session.find(file)

    @property
    def has_snippets(self) -> bool:
        """Whether the editor's proposals may have places to fill."""
        document = self.client_capabilities.text_document
        item = document and document.completion and document.completion.completion_item
        return bool(item and item.snippet_support)

    def publish(self, project: Project, path: str) -> None:
        """Send what is shown for a file."""
        document = project.documents.get(path)
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(
                uri_of(project, path),
                diagnostics_of(project, path),
                None if document is None else document.editor_version,
            )
        )

    def check_soon(self, project: Project, path: str, pause_s: float = PAUSE_S) -> None:
        """Check all that hangs on a file when nothing has been typed for a while."""
        self._stay_awake()
        for each in project.touched_by(path):
            key = (project.root, each)
            if key in self._due:
                self._due[key].cancel()
            loop = asyncio.get_running_loop()
            self._due[key] = loop.call_later(pause_s, self._begin_check, project, each)

    def check_all_soon(self, project: Project) -> None:
        """Check all that is open, as files that aren't may be others now."""
        for path in project.documents:
            self.check_soon(project, path)

    def _stay_awake(self) -> None:
        if self._quiet is not None:
            self._quiet.cancel()

    def _begin_check(self, project: Project, path: str, shellcheck: str | None = None) -> None:
        """Check a file that is open; one that is being checked again behind that."""
        key = (project.root, path)
        self._due.pop(key, None)
        if key in self._checking:
            self._again.add(key)
        elif path in project.documents:
            self._checking.add(key)
            task = asyncio.get_running_loop().create_task(self._check(project, path, shellcheck))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _rest(self) -> None:
        """What takes long and can wait: looking for garbage, and ShellCheck."""
        gc.collect()
        for project in self.session.projects:
            for path, document in project.documents.items():
                if self._shellcheck is not None and not document.are_scripts_read:
                    self._begin_check(project, path, self._shellcheck)

    async def _check(self, project: Project, path: str, shellcheck: str | None) -> None:
        loop = asyncio.get_running_loop()
        key = (project.root, path)
        question = project.prepare(path, shellcheck)
        check = partial(self._checker.check, project.root, question)
        try:
            insight = await loop.run_in_executor(self._thread, check)
        except CheckerError as error:
            self.window_log_message(types.LogMessageParams(types.MessageType.Error, str(error)))
            return
        finally:
            self._checking.discard(key)
            if key in self._again:
                self._again.discard(key)
                self._begin_check(project, path)
        for each in project.take(Answer(question, insight)):
            self.publish(project, each)
        if shellcheck is None:
            self._stay_awake()
            self._quiet = loop.call_later(QUIET_S, self._rest)


def make_server(root: str | None) -> Server:
    """A server that answers everything that we can answer."""
    server = Server(root)
    for name, handle in FOLLOWING.items():
        server.feature(name)(partial(handle, server))
    for name, (answer, options) in ANSWERS.items():
        server.feature(name, options)(partial(_answer, server, answer))
    server.feature(types.WORKSPACE_SYMBOL)(partial(_search, server))
    return server


def _answer(server: Server, answer: Callable[..., Any], params: Any) -> Any:
    """The answer to a request about a file; nothing for what is no file."""
    found = server.find(params.text_document.uri)
    if found is None:
        return None
    return answer(Question(*found, server.has_snippets), params)


def _search(server: Server, params: types.WorkspaceSymbolParams) -> list[types.WorkspaceSymbol]:
    return find_symbols(server.session.projects, params.query)


# -- what the editor tells ---------------------------------------------------------


def _agree(server: Server, _params: types.InitializeParams) -> None:
    # pygls has chosen from what the editor offers.
    encoding = server.workspace.position_encoding
    if encoding is not None:
        server.session.encoding = types.PositionEncodingKind(encoding).value


def _open(server: Server, params: types.DidOpenTextDocumentParams) -> None:
    item = params.text_document
    if (found := server.find(item.uri)) is not None:
        project, path = found
        project.addresses[path] = item.uri
        project.open(path, item.text).editor_version = item.version
        server.publish(project, path)
        server.check_soon(project, path, 0)


def _change(server: Server, params: types.DidChangeTextDocumentParams) -> None:
    found = server.find(params.text_document.uri)
    if found is None or found[1] not in found[0].documents:
        return
    project, path = found
    document = project.documents[path]
    document.apply([_edit(change) for change in params.content_changes])
    document.editor_version = params.text_document.version
    server.publish(project, path)
    server.check_soon(project, path)


def _save(server: Server, params: types.DidSaveTextDocumentParams) -> None:
    # Files that are not open may have changed on the disk since.
    if (found := server.find(params.text_document.uri)) is not None:
        server.check_all_soon(found[0])


def _watch(server: Server, _params: types.InitializedParams) -> None:
    """Ask to be told of files that other programs change, if the editor can."""
    workspace = server.client_capabilities.workspace
    watched = workspace and workspace.did_change_watched_files
    if watched and watched.dynamic_registration:
        patterns = ("**/*.pipeline", "**/orch.toml")
        watchers = [types.FileSystemWatcher(pattern) for pattern in patterns]
        options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
        wish = types.Registration("files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
        server.client_register_capability(types.RegistrationParams([wish]))


def _look_again(server: Server, _params: types.DidChangeWatchedFilesParams) -> None:
    for project in server.session.projects:
        server.check_all_soon(project)


def _close(server: Server, params: types.DidCloseTextDocumentParams) -> None:
    if (found := server.find(params.text_document.uri)) is not None:
        project, path = found
        for each in project.close(path):
            server.publish(project, each)
        # Files that use it see what is on the disk again.
        server.check_soon(project, path)


def _edit(change: types.TextDocumentContentChangeEvent) -> Edit:
    if isinstance(change, types.TextDocumentContentChangePartial):
        return Edit(area_from(change.range), change.text)
    return Edit(None, change.text)


def _shut_down(server: Server, _params: None) -> None:
    server.is_shut_down = True


def _exit(server: Server, _params: None) -> None:
    server.exit_code = 0 if server.is_shut_down else 1


FOLLOWING: Mapping[str, Callable[..., None]] = {
    types.INITIALIZE: _agree,
    types.INITIALIZED: _watch,
    types.TEXT_DOCUMENT_DID_OPEN: _open,
    types.TEXT_DOCUMENT_DID_CHANGE: _change,
    types.TEXT_DOCUMENT_DID_SAVE: _save,
    types.TEXT_DOCUMENT_DID_CLOSE: _close,
    types.WORKSPACE_DID_CHANGE_WATCHED_FILES: _look_again,
    types.SHUTDOWN: _shut_down,
    types.EXIT: _exit,
}
