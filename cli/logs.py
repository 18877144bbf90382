"""`orch logs RUN [STAGE]`: what stages wrote, as they wrote it."""

import os
from collections.abc import Iterator
from typing import Literal

import click

from orch.cli.chosen_run import chosen_run_options, look_at
from orch.cli.face import Face
from orch.cli.failure import CommandError
from orch.cli.log_printer import LogPrinter, headline
from orch.cli.options import Command, bundled, face_options, whole_number
from orch.cli.terminal import Terminal
from orch.cli.units import count_text
from orch.cli.writer import STDOUT
from orch.compiler.late import is_meant_by
from orch.dsl.record import record
from orch.runtime.files import open_file
from orch.runtime.liveness import RunView
from orch.runtime.paths import RunPaths
from orch.runtime.stage_entry import StageEntry

_CHUNK_BYTES = 1 << 16

Stream = Literal["stdout", "stderr"]


@record
class _Log:
    """One log file of one attempt; it is there and was not empty."""

    stage: str
    attempt: int
    stream: Stream
    path: str
    size_bytes: int


@record
class _Choice:
    """Which logs are wanted; `stream` None: both, `attempt` None: the last. `is_followed`: until
    the run has ended."""

    stream: Stream | None
    attempt: int | None
    is_every_attempt: bool
    is_followed: bool

    @property
    def streams(self) -> tuple[Stream, ...]:
        return ("stdout", "stderr") if self.stream is None else (self.stream,)

    def attempts(self, entry: StageEntry) -> range:
        if self.attempt is not None:
            return range(self.attempt, self.attempt + 1)
        return range(1 if self.is_every_attempt else max(1, entry.attempts), entry.attempts + 1)


def _make_choice(
    *, only_stdout: bool, only_stderr: bool, attempt: int | None, every_attempt: bool, follow: bool
) -> _Choice:
    if attempt is not None and every_attempt:
        raise click.UsageError("--attempt and --all exclude each other")
    stream: Stream | None = None
    if only_stdout is not only_stderr:
        stream = "stdout" if only_stdout else "stderr"
    return _Choice(stream, attempt, every_attempt, follow)


@click.command(
    cls=Command,
    examples=(
        "orch logs last -f                    while it runs, from any terminal",
        "orch logs last test --stderr --attempt 1 > first-try.txt",
    ),
)
@chosen_run_options(is_required=True)
@click.argument("stage", required=False, metavar="[STAGE]")
@bundled(
    "choice",
    _make_choice,
    {
        "only_stdout": click.option(
            "--stdout",
            "only_stdout",
            is_flag=True,
            help="Only what went to stdout, without headlines.",
        ),
        "only_stderr": click.option(
            "--stderr",
            "only_stderr",
            is_flag=True,
            help="Only what went to stderr, without headlines.",
        ),
        "attempt": click.option(
            "--attempt",
            type=whole_number(1),
            metavar="N",
            help="Only this attempt; the first is 1.",
        ),
        "every_attempt": click.option(
            "--all", "every_attempt", is_flag=True, help="Every attempt, not only the last."
        ),
        "follow": click.option(
            "-f", "--follow", is_flag=True, help="Print more as it comes, until the run has ended."
        ),
    },
)
@face_options("text", "json")
def command(*, paths: RunPaths, stage: str | None, choice: _Choice, face: Face) -> int:
    """Print what a stage wrote, or all stages: stdout and stderr of the last attempt.

    Where several logs are printed each has a headline. Elsewhere than in a terminal the bytes are
    printed as they were written. STAGE may also name a matrix stage or an alias: all of it.
    """
    view = look_at(paths)
    if choice.is_followed:
        _follow(view, stage, choice, face)
        return 0
    logs = list(_find_logs(view, stage, choice))
    if not logs and choice.attempt is not None:
        _expect_attempt(view, stage, choice.attempt)
    if not face.is_text:
        face.print_json({"logs": [_log_json(log, paths) for log in logs]})
        return 0
    has_headlines = len(logs) > 1
    for log in logs:
        if has_headlines:
            face.say(headline(log.stage, log.attempt, log.stream, face.out))
        _print_log(log, face.out)
    if not logs and face.verbosity >= 0:
        face.note("nothing was written\n")
    return 0


def _follow(view: RunView, wanted: str | None, choice: _Choice, face: Face) -> None:
    if not face.is_text:
        raise click.UsageError("--follow and --format json exclude each other")
    from orch.cli.follow_logs import Wanted, follow_logs

    stages = {entry.id for _, entry in chosen_entries(view, wanted)}
    has_headlines = len(stages) > 1 or len(choice.streams) > 1
    follow_logs(
        view.paths,
        Wanted(
            stages.__contains__,
            choice.streams,
            choice.attempt,
            choice.is_every_attempt,
            has_headlines,
        ),
        face,
    )


def _find_logs(view: RunView, wanted: str | None, choice: _Choice) -> Iterator[_Log]:
    """The logs that are there, in the order of the plan."""
    for index, entry in chosen_entries(view, wanted):
        for attempt in choice.attempts(entry):
            for stream in choice.streams:
                path = f"{_folder(view, index, entry, attempt)}/{stream}.log"
                if os.path.isfile(path):
                    yield _Log(entry.id, attempt, stream, path, os.stat(path).st_size)


def _expect_attempt(view: RunView, wanted: str | None, attempt: int) -> None:
    """Raises where none of the stages was tried so often."""
    most = max((entry.attempts for _, entry in chosen_entries(view, wanted)), default=0)
    if attempt > most:
        who = "every stage" if wanted is None else f"`{wanted}`"
        had = count_text(most, "attempt") if most else "none"
        raise CommandError(f"there was no attempt {attempt}: {who} had {had}")


def chosen_entries(view: RunView, wanted: str | None) -> list[tuple[int, StageEntry]]:
    """The stages of a run that a word means, with their places in the plan: one, or those of a
    matrix stage or an alias; without a word all. Raises `CommandError` where it means none."""
    if wanted is None:
        return list(enumerate(view.manifest.stages))
    entries = [
        (index, entry)
        for index, entry in enumerate(view.manifest.stages)
        if is_meant_by(wanted, entry.id)
    ]
    if not entries:
        raise _unknown_stage(wanted, [entry.id for entry in view.manifest.stages])
    return entries


def _folder(view: RunView, index: int, entry: StageEntry, attempt: int) -> str:
    """Where an attempt has its logs; a stage of a recompiled plan had another place before."""
    if entry.logs is None:
        return view.paths.logs(index, entry.id, attempt)
    return f"{view.paths.run}/{os.path.dirname(entry.logs)}/{attempt}"


def _unknown_stage(wanted: str, known: list[str]) -> CommandError:
    from orch.dsl.suggest import near_miss

    # A matrix stage may be meant by the name before its brackets.
    hint = near_miss(wanted, [*known, *(stage_id.partition("[")[0] for stage_id in known)])
    return CommandError(
        f"the run has no stage `{wanted}`" + (f"; did you mean `{hint}`?" if hint else ""),
        help_text="`orch status` lists the stages.",
    )


def _log_json(log: _Log, paths: RunPaths) -> dict[str, str | int]:
    return {
        "stage": log.stage,
        "attempt": log.attempt,
        "stream": log.stream,
        "path": paths.shown(log.path),
        "size_bytes": log.size_bytes,
    }


def _print_log(log: _Log, terminal: Terminal) -> None:
    """Copy a log to stdout, made harmless where stdout is a terminal; in constant memory."""
    printer = LogPrinter(terminal)
    fd = open_file(log.path, os.O_RDONLY)
    try:
        while (data := os.read(fd, _CHUNK_BYTES)) and not STDOUT.is_gone:
            printer.feed(data)
    finally:
        os.close(fd)
    printer.finish()
