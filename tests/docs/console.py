"""Console blocks of pages: the commands they show are run, and what they print is compared.

A page is one session: in a folder of its own the files of its blocks are written (`pipeline`,
`toml file=orch.toml`, `pipeline file=lib/a.pipeline`), `sh setup` blocks are run, and so are the
commands of its `console` blocks, each behind `$ `, all in the order of the page. A fresh folder is
begun by a heading of the second level, unless the page says `<!-- one session -->`.

A line `…` stands for any number of lines. Run ids, instants, digests and how long a run took
are compared as such: any is as good as another. The lines of a run, which come in the order in
which its stages end, are compared without it.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.spec_guard import Block, blocks_of

ONE_SESSION = "<!-- one session -->"
SECONDS = 120

_SAME = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z-[0-9a-f]{8}"), "RUN-ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "INSTANT"),
    (re.compile(r"sha256:[0-9a-f]{64}"), "DIGEST"),
)
_TOOK = re.compile(r" +(\d+m )?\d+(\.\d+)?(ms|s)\b")
_RUNNING = re.compile(r"\borch (runs?|start|resume|status|exec|logs)\b")


@dataclass(frozen=True)
class Turn:
    """A command with what is shown of its output; `line` is that of the page."""

    line: int
    command: str
    shown: str


def turns_of(block: Block) -> Iterator[Turn]:
    """The commands of a console block. A command goes on in lines that begin with `> `."""
    lines = block.text.splitlines()
    assert block.text.startswith("$ "), f"line {block.line} begins with no command"
    starts = [at for at, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        said = start + 1
        while said < end and lines[said].startswith("> "):
            said += 1
        command = "\n".join(line[2:] for line in lines[start:said])
        yield Turn(block.line + 1 + start, command, "".join(f"{x}\n" for x in lines[said:end]))


def play(root: Path, page: str, folder: Path) -> Iterator[tuple[Turn, str]]:
    """Every turn of a page with what its command really printed, stdout and stderr together."""
    is_one = ONE_SESSION in (root / page).read_text(encoding="utf-8")
    section, number = None, 0
    here = folder / "0"
    for block in blocks_of(root, page):
        if block.section != section and not is_one:
            number += 1
            here = folder / str(number)
        section = block.section
        here.mkdir(exist_ok=True)
        match block.info.split():
            case ["console"]:
                for turn in turns_of(block):
                    yield turn, _printed(turn.command, here)
            case ["sh", "setup"]:
                _printed(block.text, here)
            case ["pipeline"] | [_, _] if block.file or block.info == "pipeline":
                file = here / (block.file or "main.pipeline")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.text, encoding="utf-8")


def _printed(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/bash", "-c", command],
        cwd=folder,
        env=os.environ | {"PATH": path, "LC_ALL": "C.UTF-8", "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    return done.stdout.replace(str(folder.resolve()), "/project")


def is_as_shown(turn: Turn, printed: str) -> bool:
    """Whether a command printed what its page shows."""
    is_run = bool(_RUNNING.search(turn.command))
    shown, real = (_comparable(text, is_run=is_run) for text in (turn.shown, printed))
    if is_run and "…\n" not in shown:
        return sorted(shown) == sorted(real)
    pattern = "".join("(.*\n)*" if line == "…\n" else re.escape(line) for line in shown)
    return bool(re.fullmatch(pattern, "".join(real)))


def _comparable(text: str, *, is_run: bool) -> list[str]:
    for pattern, word in _SAME:
        text = pattern.sub(word, text)
    if is_run:
        text = _TOOK.sub(" 0s", text)
    return [f"{line.rstrip()}\n" for line in text.splitlines()]


def rewritten(text: str, turns: list[tuple[Turn, str]]) -> str:
    """The page with the output of every turn as it was printed."""
    lines = text.splitlines(keepends=True)
    for turn, printed in reversed(turns):
        at = turn.line + turn.command.count("\n")
        end = at + turn.shown.count("\n")
        lines[at:end] = [f"{line.rstrip()}\n" for line in printed.splitlines()]
    return "".join(lines)
