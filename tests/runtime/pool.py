"""What the tests of the wardens share: specs, the small orch, and looking for processes."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orch.runtime.attempt import AttemptOutcome, AttemptSpec, CapturedStream, Shortcoming
from orch.runtime.wire import encode_spec

PROGRAM = Path(__file__).with_name("pool_program.py")
SERIAL = itertools.count()
PATIENCE_S = 30.0
"""Longer than anything a test waits for; only a failing test waits that long."""


def make_spec(folder: Path, argv: str | tuple[str, ...], **changes: Any) -> AttemptSpec:
    """A spec with small buffers; a string is a script for sh."""
    fields: dict[str, Any] = {
        "argv": ("/bin/sh", "-eu", "-c", argv) if isinstance(argv, str) else argv,
        "env": {"PATH": os.environ["PATH"]},
        "cwd": str(folder),
        "stdin": None,
        "timeout_ms": 60_000,
        "grace_ms": 300,
        "buffer_bytes": 4096,
        "error_bytes": 1024,
        "log_bytes": 1 << 20,
        "stdout_log": str(folder / "logs" / "stdout.log"),
        "stderr_log": str(folder / "logs" / "stderr.log"),
        "is_streamed": False,
    }
    return AttemptSpec(**(fields | changes))


@dataclass
class Attempt:
    """An attempt for the small orch: stopped when the file `stop_when` exists, and with the grace
    skipped when `kill_when` does."""

    spec: AttemptSpec
    stop_when: Path | None = None
    kill_when: Path | None = None

    def to_json(self, key: str) -> dict[str, Any]:
        files = {"stop_when": self.stop_when, "kill_when": self.kill_when}
        named = {name: str(path) for name, path in files.items() if path}
        return {"key": key, "spec": encode_spec(self.spec), **named}


@dataclass
class Pool:
    """A small orch under way."""

    process: subprocess.Popen[bytes]
    reports: list[dict[str, Any]] = field(default_factory=list)

    def wait(self) -> None:
        out, err = self.process.communicate(timeout=PATIENCE_S)
        assert not err, err.decode()
        self.reports = [json.loads(line) for line in out.splitlines()]

    def outcome(self, key: str) -> AttemptOutcome:
        """The outcome of the attempt, which must have been reported exactly once."""
        (ended,) = [r for r in self.reports if r["report"] == "Ended" and r["key"] == key]
        fields = dict(ended["outcome"])
        for stream in ("stdout", "stderr"):
            fields[stream] = CapturedStream(**fields[stream])
        fields["values"] = fields["values"].encode()
        if fields["shortcoming"] is not None:
            fields["shortcoming"] = Shortcoming(**fields["shortcoming"])
        return AttemptOutcome(**fields)

    def wardens(self) -> list[int]:
        """The pids of its wardens."""
        try:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            return [pid for pid in map(int, children.read_text().split()) if is_warden(pid)]
        except OSError:
            return []

    def abort(self) -> None:
        self.process.kill()
        self.process.communicate()


def start_pool(attempts: Mapping[str, Attempt], limit: int = 2) -> Pool:
    task = {"limit": limit, "attempts": [a.to_json(key) for key, a in attempts.items()]}
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(task).encode())
    process.stdin.close()
    process.stdin = None
    return Pool(process)


def run_one(spec: AttemptSpec, **when: Path) -> AttemptOutcome:
    """Run one attempt to its end."""
    pool = start_pool({"only": Attempt(spec, **when)}, limit=1)
    try:
        pool.wait()
    finally:
        pool.abort()
    return pool.outcome("only")


def wait_until(holds: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, f"waited in vain until {what}"
        time.sleep(0.01)


def new_token() -> str:
    """A duration for `sleep` of about a minute, and like no other in any test that runs now."""
    return f"60.{os.getpid():07}{next(SERIAL):04}"


def processes_with(token: str) -> list[str]:
    """The command lines of living processes that hold the token."""
    lines = []
    for folder in Path("/proc").iterdir():
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, UnicodeDecodeError):
            continue
        line = f"{folder.name}: {line}"
        if folder.name.isdecimal() and token in line:
            lines.append(line)
    return lines


def is_warden(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text() == "orch-warden\n"
    except OSError:
        return False
