"""`orch gc`: remove old runs, and what the cache holds beyond its limit."""

import os
from collections.abc import Callable
from typing import Any

import click

from orch.cli.face import Face
from orch.cli.failure import CommandError
from orch.cli.options import Command, bundled, face_options, root_option, whole_number
from orch.cli.units import count_text, size_text
from orch.dsl.literals import explain_literal, read_duration, read_size
from orch.dsl.record import as_dictionary
from orch.runtime import clock
from orch.runtime.garbage import Limits, Removed, collect_garbage
from orch.runtime.output_cache import cache_limit

_MOST_KEPT = 3
"""Of so many runs that stay it is said why, without -v."""


def _quantity(read: Callable[[str], int | None], example: str) -> Callable[..., int | None]:
    def convert(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int | None:
        if text is None:
            return None
        value = read(text)
        if value is None:
            problem = f"`{text}` has no unit"
            if not text.isdecimal():
                problem, _help = explain_literal(text)
            raise click.BadParameter(f"{problem}; write for example {example}")
        return value

    return convert


def _make_limits(
    *, keep: int | None, older_than: int | None, runs_size: int | None, cache_size: int | None
) -> Limits:
    oldest_ms = None if older_than is None else clock.wall_ms() - older_than
    if cache_size is None:
        try:
            cache_size = cache_limit(os.environ)
        except ValueError as error:
            raise CommandError(str(error)) from None
    return Limits(keep, oldest_ms, runs_size, cache_size)


@click.command(
    cls=Command,
    examples=(
        "orch gc --older-than 30d --dry-run   what would go",
        "orch gc --keep 50 --cache-size 500MiB",
    ),
)
@bundled(
    "limits",
    _make_limits,
    {
        "keep": click.option(
            "--keep",
            type=whole_number(0),
            metavar="N",
            help="Remove all but the newest N runs of each task.",
        ),
        "older_than": click.option(
            "--older-than",
            metavar="DURATION",
            callback=_quantity(read_duration, "30d"),
            help="Remove runs, and records of fresh stages, that are older than that, such as 30d.",
        ),
        "runs_size": click.option(
            "--runs-size",
            metavar="SIZE",
            callback=_quantity(read_size, "10GiB"),
            help="Remove the oldest runs until the rest fits into that size, such as 10GiB.",
        ),
        "cache_size": click.option(
            "--cache-size",
            metavar="SIZE",
            callback=_quantity(read_size, "2GiB"),
            help="Shrink the cache of outputs to that size; else ORCH_CACHE_BYTES, else 2GiB.",
        ),
    },
)
@click.option("--dry-run", is_flag=True, help="Say what would be removed; remove nothing.")
@root_option
@face_options("text", "json")
def command(*, limits: Limits, dry_run: bool, root: str, face: Face) -> int:
    """Remove runs beyond the limits given, and what the cache of outputs holds beyond its own.

    Without a limit for them no runs are removed. Runs that are under way, silent, or held by
    another host stay in any case, and so does the state of their tasks.
    """
    removed = collect_garbage(root, os.environ, limits, clock.wall_ms(), is_dry=dry_run)
    if not face.is_text:
        face.print_json({**_json(removed), "dry_run": dry_run})
        return 0
    shown = removed.kept if face.verbosity > 0 else removed.kept[:_MOST_KEPT]
    for sentence in shown:
        face.complain(sentence)
    if more := len(removed.kept) - len(shown):
        face.complain(
            f"{count_text(more, 'more run')} {'stays' if more == 1 else 'stay'}; -v says why"
        )
    if face.verbosity > 0:
        for name in removed.runs:
            face.say(f"{name.run_id}  task {name.task_id}\n")
    if face.verbosity >= 0:
        face.say(_told(removed, limits, is_dry=dry_run))
    return 0


def _json(removed: Removed) -> dict[str, Any]:
    return as_dictionary(removed)


def _told(removed: Removed, limits: Limits, *, is_dry: bool) -> str:
    parts: list[str] = []
    if removed.runs:
        parts.append(f"{count_text(len(removed.runs), 'run')} ({size_text(removed.run_bytes)})")
    if removed.objects:
        size = size_text(removed.object_bytes)
        parts.append(f"{count_text(removed.objects, 'output')} of the cache ({size})")
    if removed.records:
        parts.append(f"{count_text(removed.records, 'record')} of fresh stages")
    verb = "would remove" if is_dry else "removed"
    told = f"{verb} {', '.join(parts)}\n" if parts else "there is nothing to remove\n"
    if limits.runs is None and limits.oldest_ms is None and limits.run_bytes is None:
        told += "runs stay: --keep, --older-than or --runs-size say which may go\n"
    return told
