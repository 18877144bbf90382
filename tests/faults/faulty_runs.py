"""A project whose runs are disturbed, what is looked at afterwards, and what must hold then."""

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from orch.compiler.plan import Plan
from orch.dsl.record import changed
from orch.runtime.errors import ErrorRecord
from orch.runtime.events import RunEvent, SnapshotSkipped, StageCompleted
from orch.runtime.files import is_temporary
from orch.runtime.journal import read_journal
from orch.runtime.manifest import Manifest, fold
from orch.runtime.manifest_file import read_manifest
from orch.runtime.metrics import read_metrics
from orch.runtime.owner import read_owner
from orch.runtime.paths import RunPaths, resolve_run_paths
from orch.runtime.plan_file import read_plan
from orch.runtime.states import RunStatus, StageStatus
from orch.runtime.task_state import read_task_state

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


class ForkServer:
    """The program that forks orchs, for one thread."""

    def __init__(self) -> None:
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.fork_server"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **request: Any) -> Any:
        stdin, stdout = self._program.stdin, self._program.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        return json.loads(stdout.readline())

    def close(self) -> None:
        self._program.communicate()


@contextmanager
def fork_server() -> Iterator[ForkServer]:
    server = ForkServer()
    try:
        yield server
    finally:
        server.close()


@dataclass(frozen=True)
class Ended:
    """How an orch ended: its exit code, or minus the signal; and what it said."""

    code: int
    stdout: str
    stderr: str

    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.stdout)
        return value

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The events of a type, where `--format jsonl` was asked for."""
        events = [json.loads(line) for line in self.stdout.splitlines()]
        return [event for event in events if event.get("type") == kind]


class FaultyProject:
    """A project in `folder`/project, a copy of `template`; its commands count themselves in
    `folder`/counted, which no power loss reaches."""

    def __init__(self, folder: Path, template: Path, server: ForkServer) -> None:
        self.folder = folder
        self.root = folder / "project"
        self.root.mkdir(parents=True)
        self._template = template
        self._said: dict[int, Path] = {}
        self.server = server
        self.counted = folder / "counted"

    def start(self, *words: str, watcher: Mapping[str, Any] | None = None) -> int:
        """The pid of `orch WORDS`, under way."""
        if not (self.root / "demo.pipeline").exists():
            shutil.copytree(self._template, self.root, dirs_exist_ok=True)
        pid: int = self.server.ask(
            do="start",
            root=str(self.root),
            words=words,
            watcher=watcher,
            environment={"COUNTED": str(self.counted), "HOME": str(self.folder)},
            output=str(self.folder / f"said{len(self._said)}"),
        )
        self._said[pid] = self.folder / f"said{len(self._said)}"
        return pid

    def orch(self, *words: str, watcher: Mapping[str, Any] | None = None) -> Ended:
        """`orch WORDS`, to its end."""
        return self.wait(self.start(*words, watcher=watcher))

    def wait(self, pid: int) -> Ended:
        """The end of an orch that was started."""
        code = self.server.ask(do="wait", pid=pid)
        said = [Path(f"{self._said[pid]}.{name}") for name in ("stdout", "stderr")]
        # One that is killed at once has not even opened them.
        ended = Ended(code, *(path.read_text() if path.exists() else "" for path in said))
        assert "Traceback" not in ended.stderr, ended
        assert "failed inside" not in ended.stderr, ended
        return ended

    def reap(self, patience_s: float) -> float:
        """Wait for the end of all that orchs have left; how long it took. Nothing may be left
        after `patience_s`."""
        answer = self.server.ask(do="reap", patience_s=patience_s)
        assert not answer["survivors"], answer
        return float(answer["waited_s"])

    def counts(self, paths: RunPaths) -> Counter[str]:
        """How often each stage of a run was started by anybody."""
        lines = self.counted.read_text().splitlines() if self.counted.exists() else []
        words = [line.split() for line in lines]
        return Counter(stage for run_id, stage in words if run_id == paths.run_id)

    def runs(self) -> list[RunPaths]:
        """The runs that have a folder, in the order of their ids."""
        folders = sorted((self.root / ".runs").glob("*/cli/*"))
        return [resolve_run_paths(self.root, f.parts[-3], f.name, {}) for f in folders]


@dataclass(frozen=True)
class Seen:
    """What the files of a run say, where there is a journal already; and how often each stage was
    started."""

    journal: tuple[RunEvent, ...] | None
    manifest: Manifest | None
    counts: Counter[str]

    @property
    def status(self) -> RunStatus | None:
        return None if self.manifest is None else self.manifest.status

    def succeeded(self) -> set[str]:
        """The stages whose success is in the journal."""
        return {
            event.payload.stage
            for event in self.journal or ()
            if isinstance(event.payload, StageCompleted)
            and event.payload.status is StageStatus.SUCCEEDED
        }


def look_at_files(project: FaultyProject, paths: RunPaths) -> Seen:
    """Read every file of a run and of its task as programs do: each is missing or whole, the
    manifest on disk is what some prefix of the journal says (unless it says that the journal took
    no more), and what the journal says was kept is there to the byte."""
    owner = read_owner(paths.owner)
    assert owner is None or owner.pid > 0
    state = read_task_state(paths.state)
    assert state is None or all(row["run_id"] for row in state.runs)
    metrics = Path(paths.metrics).read_bytes() if Path(paths.metrics).exists() else b""
    assert all(isinstance(json.loads(line), dict) for line in metrics.split(b"\n")[:-1])
    for record in _files(Path(paths.errors)):
        assert set(json.loads(record.read_bytes())) >= set(ErrorRecord.__match_args__[:-1]), record
    for snapshot in _files(Path(paths.pending)):
        assert json.loads(snapshot.read_bytes())["run_id"]
    if not Path(paths.journal).exists():
        assert not project.counts(paths), "a stage was started before there was a journal"
        return Seen(None, None, Counter())
    plan = read_plan(paths.plan)
    events = read_journal(paths.journal).events
    written = read_manifest(paths.manifest)
    has_storage_failed = written is not None and (written.reason or "").startswith("storage:")
    if written is not None and not has_storage_failed:
        assert is_told_by(events, plan, written), "a manifest that no journal says"
    manifest = fold(plan, events)
    for entry in manifest.stages:
        for kept in entry.artifacts if entry.status is StageStatus.SUCCEEDED else ():
            data = Path(paths.run, kept["path"]).read_bytes()
            assert len(data) == kept["size_bytes"]
            assert sha256(data).hexdigest() == kept["sha256"]
    return Seen(events, manifest, project.counts(paths))


def is_told_by(events: Sequence[RunEvent], plan: Plan, written: Manifest) -> bool:
    """Whether some prefix of the journal says this manifest; where the journal tells that it could
    not be read for the excerpts, one without them (ADR 28)."""
    prefixes = [fold(plan, events[:count]) for count in range(len(events), -1, -1)]
    skipped = [event.payload for event in events if isinstance(event.payload, SnapshotSkipped)]
    if any(payload.what == "excerpts" for payload in skipped):
        prefixes += [_without_excerpts(manifest) for manifest in prefixes]
    return written in prefixes


def _without_excerpts(manifest: Manifest) -> Manifest:
    bare = (changed(entry, stdout_excerpt="", stderr_excerpt="") for entry in manifest.stages)
    return changed(manifest, stages=tuple(bare))


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if not is_temporary(path.name)]


def check_status(project: FaultyProject, paths: RunPaths, seen: Seen) -> None:
    """`orch status` says that the run is lost, or how it ended; of a run that never began, that
    there is none."""
    answer = project.orch("status", paths.run_id, "--format", "json")
    if seen.manifest is None:
        assert answer.code == 2, answer
        return
    is_over = seen.manifest.status is not RunStatus.RUNNING
    due = seen.manifest.status.value if is_over else "lost"
    until_s = time.monotonic() + PATIENCE_S
    while answer.code == 0 and answer.json()["status"] != due and time.monotonic() < until_s:
        # A warden that was just being forked shares the owner's lock until it has let go of all
        # that it inherited, and dies then.
        time.sleep(0.02)
        answer = project.orch("status", paths.run_id, "--format", "json")
    assert answer.code == 0, answer
    assert answer.json()["status"] == due


def resume_to_the_end(project: FaultyProject, paths: RunPaths, seen: Seen) -> None:
    """Resume a run and hold that it ends as it should have: all succeeded, nothing twice that had
    succeeded before, what is owed of `finally` made good, and every file says so."""
    before = project.counts(paths)
    if seen.manifest is None:
        answer = project.orch("run", "demo.pipeline", "--format", "json")
        paths = project.runs()[-1]
    else:
        answer = project.orch("resume", paths.run_id, "--format", "json")
    assert answer.code == 0, answer
    after = project.counts(paths)
    for stage in seen.succeeded():
        assert after[stage] == before[stage], f"{stage} ran again"
    check_the_end(project, paths)


def check_the_end(project: FaultyProject, paths: RunPaths) -> None:
    """A run that succeeded: its files agree, and nothing of its making is left over."""
    end = look_at_files(project, paths)
    assert end.manifest is not None
    assert end.status is RunStatus.SUCCEEDED
    counts = project.counts(paths)
    assert all(counts[entry.id] for entry in end.manifest.stages), counts
    check_is_recorded(project, paths)
    assert not Path(paths.values).exists()
    folders = (paths.run, paths.errors, paths.task_runs, paths.task_out, paths.pending)
    left = [path for folder in folders for path in Path(folder).glob(".*.tmp")]
    assert not left, f"left over: {left}"


def check_is_recorded(project: FaultyProject, paths: RunPaths) -> None:
    """Manifest, metrics and state each say once that the run has succeeded."""
    end = look_at_files(project, paths)
    assert end.manifest is not None
    assert read_manifest(paths.manifest) == end.manifest
    state = read_task_state(paths.state)
    assert state is not None
    assert [row["status"] for row in state.runs if row["run_id"] == paths.run_id] == ["succeeded"]
    lines = read_metrics(paths.metrics)
    assert [line["status"] for line in lines if line["run_id"] == paths.run_id] == ["succeeded"]
