"""Vim and neovim without a window, with this repository's files for them and nobody's settings."""

import os
import subprocess
from pathlib import Path

PROGRAMS = {"nvim": ("nvim", "--headless"), "vim": ("vim", "-es", "-N", "--not-a-term")}
VIM = Path(__file__).parents[2] / "editors" / "vim"


def run_script(program: str, script: Path, place: Path, **environment: str) -> None:
    """Run a script of Vim's to its end; it must say nothing of mistakes in scripts.

    A script quits by itself; where it stops before, the program ends with a failure."""
    own = {"ORCH_VIM": str(VIM), "HOME": str(place), "TERM": "xterm"}
    done = subprocess.run(
        [*PROGRAMS[program], "-u", "NONE", "-i", "NONE", "-n", "-S", str(script), "-c", "cquit"],
        cwd=place, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, **own, **environment}, timeout=300,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "Error" not in said, said
