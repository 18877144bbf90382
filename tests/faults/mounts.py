"""File systems of a test's own: small ones, read-only ones, others than that of the project.

They are mounted in a namespace of their own, so they need no rights where users may have one, are
seen by nobody else, and are gone with the last process of the test.
"""

import shlex
import subprocess
from functools import cache

import pytest

from tests.runs.project import ORCH, Answer, Project

PROLOGUE = f"""
set -eu
mkdir -p asked small
ask() {{
    name=$1; shift; code=0
    {shlex.join(ORCH)} "$@" >asked/$name.out 2>asked/$name.err </dev/null || code=$?
    echo $code >asked/$name.code
}}
"""


@cache
def namespace_words() -> tuple[str, ...] | None:
    """What goes before a command that may mount; None where nothing of the kind is allowed."""
    for words in (("unshare", "-rm"), ("unshare", "-m")):
        trial = [*words, "mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt"]
        try:
            if subprocess.run(trial, capture_output=True, check=False).returncode == 0:
                return words
        except FileNotFoundError:
            return None
    return None


def ask_among_mounts(project: Project, script: str) -> dict[str, Answer]:
    """Run a script in the project that may mount onto the folder `small`, and elsewhere. Its words
    `ask NAME WORD…` run `orch WORD…`; all answers by their names. Skips the test where nothing can
    be mounted."""
    words = namespace_words()
    if words is None:
        pytest.skip(
            "neither may a user have a mount namespace here (unshare -rm), nor may we mount"
        )
    done = subprocess.run(
        [*words, "sh", "-c", PROLOGUE + script],
        cwd=project.root,
        env=project.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    asked = project.root / "asked"
    return {
        path.stem: Answer(
            int(path.read_text()),
            path.with_suffix(".out").read_text(),
            path.with_suffix(".err").read_text(),
        )
        for path in asked.glob("*.code")
    }
