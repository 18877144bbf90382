"""The run that a command is about: `last`, a run id, or the beginning of one."""

import os
from collections.abc import Callable
from typing import Any

import click

from orch.cli.options import bundled, root_option
from orch.runtime import clock
from orch.runtime.liveness import RunView, observe
from orch.runtime.paths import RunPaths, find_run


def chosen_run_options(*, is_required: bool) -> Callable[[Any], Any]:
    """`RUN`, `--task` and `--root`; the command gets `paths`, the `RunPaths` of the run."""

    def choose(*, word: str | None, task: str | None, root: str) -> RunPaths:
        return find_run(root, "last" if word is None else word, os.environ, task)

    return bundled(
        "paths",
        choose,
        {
            "word": click.argument(
                "word", metavar="RUN" if is_required else "[RUN]", required=is_required
            ),
            "task": click.option("--task", metavar="ID", help="Look at runs of this task only."),
            "root": root_option,
        },
    )


def look_at(paths: RunPaths) -> RunView:
    """The run as it stands now, judged."""
    return observe(paths, clock.wall_ms())
