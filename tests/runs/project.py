"""A project in a temporary folder, with the real `orch` run in it as people run it."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.runtime.pool import wait_until

ORCH = (sys.executable, "-m", "orch.cli.main")
PATIENCE_S = 60.0
"""No wait of a test depends on speed; this one only keeps a broken one from hanging."""


@dataclass(frozen=True)
class Answer:
    exit_code: int
    stdout: str
    stderr: str

    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.stdout)
        return value


class Project:
    """`root` is the project root; runs are filed under the pipeline's name, `demo`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = {**os.environ, "HOME": str(root / "home")}

    def write(self, text: str, name: str = "demo.pipeline") -> None:
        """A pipeline file; a `pipeline demo` block is put before it."""
        (self.root / name).write_text(f'pipeline demo {{ title = "Test" }}\n{text}')

    def start(self, *words: str, **options: Any) -> "subprocess.Popen[str]":
        """`orch WORDS`, in a session of its own, going on beside the test."""
        return subprocess.Popen(
            [*ORCH, *words],
            cwd=self.root,
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=options.pop("stderr", subprocess.PIPE),
            start_new_session=True,
            **options,
        )

    def orch(self, *words: str) -> Answer:
        """`orch WORDS`, to its end."""
        return self.finish(self.start(*words))

    def finish(self, process: "subprocess.Popen[str]") -> Answer:
        try:
            stdout, stderr = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return Answer(process.returncode, stdout or "", stderr or "")

    def run(self, *words: str) -> Answer:
        return self.orch("run", "demo.pipeline", "--format", "json", *words)

    def run_folder(self, run_id: str | None = None) -> Path:
        """The folder of a run, the last one by default."""
        runs = sorted((self.root / ".runs/demo/cli").iterdir())
        return runs[-1] if run_id is None else self.root / ".runs/demo/cli" / run_id

    def manifest(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.run_folder() / "manifest.json").read_text())
        return value

    def statuses(self) -> dict[str, str]:
        return {entry["id"]: entry["status"] for entry in self.manifest()["stages"]}

    def events(self) -> list[dict[str, Any]]:
        journal = (self.run_folder() / "journal.jsonl").read_text()
        return [json.loads(line) for line in journal.splitlines()]

    def state(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.root / "out/demo/state.json").read_text())
        return value

    def text(self, name: str) -> str:
        path = self.root / name
        return path.read_text() if path.exists() else ""

    def wait_for_file(self, name: str) -> None:
        wait_until((self.root / name).exists, f"{name} exists")
