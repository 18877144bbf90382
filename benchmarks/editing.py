"""The table of typing: how long an editor waits for diagnostics after a key, in files of any size.

A client of a few lines types into the middle of a file, at the pace of a quick typist, with the
real server over its stdin and stdout. A key is answered when the diagnostics with its version are
there; the whole is checked when the pause after the last key has brought further ones.
"""

import json
import subprocess
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.graphs import written
from benchmarks.measuring import ORCH

NAME = "typing"
_SIZES = (100, 1_000, 10_000)
_KEYS = 60
_PACE_S = 0.1


class _Editor:
    def __init__(self, folder: Path) -> None:
        self._server = subprocess.Popen(
            (ORCH, "lsp"), cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._uri = (folder / "big.pipeline").as_uri()
        self._version = 0
        self._send("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, number=1)
        while "id" not in self._receive():
            pass
        self._send("initialized", {})

    def open(self, text: str) -> float:
        """Seconds until all of the file is checked."""
        self._version = 1
        item = {"uri": self._uri, "languageId": "pipeline", "version": 1, "text": text}
        begun = time.perf_counter()
        self._send("textDocument/didOpen", {"textDocument": item})
        self._shown()
        return self._shown() - begun

    def type(self, line: int, text: str) -> float:
        """Seconds until the key is answered."""
        self._version += 1
        place = {"line": line, "character": 2}
        document = {"uri": self._uri, "version": self._version}
        change = {"range": {"start": place, "end": place}, "text": text}
        begun = time.perf_counter()
        self._send("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        return self._shown() - begun

    def settle(self) -> float:
        """Seconds until the whole is checked, after the last key."""
        begun = time.perf_counter()
        return self._shown() - begun

    def close(self) -> None:
        self._server.kill()
        self._server.communicate()

    def _shown(self) -> float:
        while True:
            told = self._receive()
            if told.get("method") == "textDocument/publishDiagnostics" and (
                told["params"].get("version") == self._version
            ):
                return time.perf_counter()

    def _send(self, method: str, params: dict[str, Any], number: int | None = None) -> None:
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
        if number is not None:
            message["id"] = number
        data = json.dumps(message).encode()
        assert self._server.stdin is not None
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))
        self._server.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        stream = self._server.stdout
        assert stream is not None
        size = 0
        while line := stream.readline().strip():
            name, _, value = line.partition(b":")
            size = int(value) if name.lower() == b"content-length" else size
        told: dict[str, Any] = json.loads(stream.read(size))
        return told


def show(folder: Path) -> None:
    """Measure and print the table."""
    print(f"\n### `{NAME}`: a key in a file that `orch lsp` has open\n")
    print(
        "| stages | opened and checked | a key, median | the slowest of 60 | the whole after it |"
    )
    print("|---|---|---|---|---|")
    for stages in _SIZES:
        place = folder / str(stages)
        written(place, stages)
        text = (place / "big.pipeline").read_text()
        line = text.count("\n", 0, text.index(f"stage s{stages // 2} ")) + 1
        editor = _Editor(place)
        opened = editor.open(text)
        keys = []
        for _ in range(_KEYS):
            keys.append(editor.type(line, "x"))
            time.sleep(_PACE_S)
        whole = editor.settle()
        editor.close()
        cells = [f"{seconds * 1000:,.0f} ms" for seconds in (opened, median(keys), max(keys))]
        print(f"| {stages:,} | {' | '.join(cells)} | {whole * 1000:,.0f} ms |")
