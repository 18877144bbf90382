"""Many `orch` commands for the price of one interpreter: `zygote.py` reads a list of command lines
as JSON, forks a process for each, and prints how each ended. With `together` after them they run
all at once, else one after another.

Each is a whole process with a session of its own that runs the command's own `main`; only its
imports have been done already.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import orch.cli.main
import orch.cli.run
import orch.cli.running
import orch.cli.sources
import orch.runtime.persistence
import orch.runtime.run


def start(words: list[str], outputs: list[Path]) -> int:
    pid = os.fork()
    if pid == 0:
        os.setsid()
        for number, output in enumerate(outputs, 1):
            os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT), number)
        os._exit(orch.cli.main.main(words))
    return pid


def answers_to(lines: list[list[str]], place: Path) -> list[tuple[int, str, str]]:
    """The answers to command lines that run all at once; `place` is for what they print."""
    place.mkdir()
    outputs = [[place / f"{number}.out", place / f"{number}.err"] for number in range(len(lines))]
    pids = [start(words, paths) for words, paths in zip(lines, outputs, strict=True)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    texts = [[path.read_text(errors="replace") for path in paths] for paths in outputs]
    return [(code, out, err) for code, (out, err) in zip(codes, texts, strict=True)]


def main(text: str, place: Path) -> None:
    lines = json.loads(text)
    groups = [lines] if "together" in sys.argv else [[words] for words in lines]
    answers = [answers_to(group, place / str(n)) for n, group in enumerate(groups)]
    sys.stdout.write(json.dumps([answer for group in answers for answer in group]))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(sys.argv[1], Path(place))
