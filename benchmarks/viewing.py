"""The table of the live view: what a run in a terminal spends on being looked at.

The run stands in a real pseudo-terminal whose other end is read as a terminal does. In its own
process the view's two entries, an event and a tick, are timed by the clock of the thread's CPU
time; what reading the clock takes is measured too, and taken off.
"""

import json
import os
import pty
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import graphs
from benchmarks.measuring import ROOT

NAME = "view"
_SIZES = (1_000, 10_000)
_FIGURES = "figures.json"


def main() -> None:
    """`orch` with these arguments, and what its view took in a file beside."""
    from orch.cli.live_view import LiveView
    from orch.cli.main import main as orch

    taken = {"events": 0, "events_ns": 0, "ticks": 0, "ticks_ns": 0, "frames": 0}
    taken |= {"readings": 0, "readings_ns": 0}

    def timed(entry: Callable[..., None], name: str) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            began = time.thread_time_ns()
            entry(*arguments)
            taken[f"{name}_ns"] += time.thread_time_ns() - began
            taken[name] += 1

        return call

    def counted(draw: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            taken["frames"] += 1
            draw(*arguments)

        return call

    nothing = timed(lambda: None, "readings")
    for _ in range(1000):
        nothing()
    entries: Any = LiveView
    entries.__call__ = timed(entries.__call__, "events")
    entries.tick = timed(entries.tick, "ticks")
    entries._draw = counted(entries._draw)  # noqa: SLF001 # A tick mostly draws nothing.
    began_s = time.monotonic()
    try:
        orch()
    finally:
        wall_ms = (time.monotonic() - began_s) * 1000
        own_ms = time.process_time() * 1000
        figures = {**taken, "wall_ms": wall_ms, "own_ms": own_ms}
        Path(_FIGURES).write_text(json.dumps(figures))


def show(folder: Path) -> None:
    """Measure and print the table."""
    print(f"\n### `{NAME}`: no-op stages in a terminal, two jobs\n")
    print(
        "| stages | run | an event | frames a second | a frame | the view's CPU | part of a core "
        "| orch's own CPU | with -q |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for stages in _SIZES:
        place = folder / str(stages)
        graphs.run(place, [()] * stages)
        _run(place, "--dry-run")
        quiet = _run(place, "-q")
        seen = _run(place)
        reading_ns = seen["readings_ns"] / seen["readings"]
        events_ms, frames_ms = (
            (seen[f"{entry}_ns"] - seen[entry] * reading_ns) / 1e6 for entry in ("events", "ticks")
        )
        view_ms, wall_ms = events_ms + frames_ms, seen["wall_ms"]
        print(
            f"| {stages:,} | {wall_ms / 1000:.1f} s | {events_ms / seen['events'] * 1000:.0f} µs"
            f" | {seen['frames'] / wall_ms * 1000:.1f} | {frames_ms / seen['frames']:.2f} ms"
            f" | {view_ms:.0f} ms | {view_ms / wall_ms:.1%}"
            f" | {seen['own_ms']:.0f} ms | {quiet['own_ms']:.0f} ms |"
        )


def _run(folder: Path, *options: str) -> dict[str, float]:
    """What a run in a terminal of its own has taken."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        program = (
            sys.executable,
            "-m",
            __spec__.name,
            "run",
            "-j",
            "2",
            *options,
            "graph.pipeline",
        )
        os.execve(program[0], program, {**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT)})
    try:
        while os.read(terminal, 1 << 16):
            pass
    except OSError:
        # Linux says EIO when the last program in a terminal has ended.
        pass
    os.close(terminal)
    _pid, status = os.waitpid(pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"the run of {folder.name} stages in a terminal failed")
    figures: dict[str, float] = json.loads((folder / _FIGURES).read_text())
    return figures


if __name__ == "__main__":
    main()
