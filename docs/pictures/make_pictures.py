"""Makes the pictures of docs/pictures: real runs in a real terminal, drawn as a person sees them.

`python -m docs.pictures.make_pictures`, or `make pictures`. Ids, times of day and the machine are
replaced, so that a picture changes when what orch draws has changed, and else but for what was
measured.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

from docs.pictures.window_svg import window_svg

from tests.cli.emulator import Emulator, orch_window

FOLDER = Path(__file__).parent
COLUMNS = 86
_RUN_ID = re.compile(r"\d{4}-\d\d-\d\dT[-0-9]+Z-[0-9a-f]{8}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[:.0-9]+Z")
_OWNER = re.compile(r"process \d+ on \S+")


class Shots:
    """A project in which commands are typed, and the pictures taken of them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        (root / "pipelines").mkdir()
        for path in FOLDER.glob("*.pipeline"):
            shutil.copy(path, root / "pipelines")

    def of_checking(self) -> None:
        """A file with mistakes."""
        self._take(
            "check",
            "Mistakes, each with its line, what is wrong and a proposal",
            "check pipelines/release.pipeline",
            2,
        )

    def of_running(self) -> None:
        """The picture of the README: a run from the words typed to the last line."""
        # Compiled before, so that what is filmed is a run on unchanged sources.
        self._typed("plan pipelines/site.pipeline", 0)
        said = "A run: stages as they end, then how it ended, what failed and why, what to type"
        self._take("run", said, "run site", 1)

    def of_looking_on(self) -> None:
        """A pipeline that has been run before: as it fails, and while it runs."""
        self._typed("run nightly", 0)
        (self._root / "broken").touch()
        said = "The last screen of a run: what failed, the end of its stderr, and what to type"
        self._take("failure", said, "run nightly", 1, rows=16)
        (self._root / "broken").unlink()
        with self._window("run nightly", 30) as window:
            window.wait_for("compiling module (8|9|10) of 30")
            said = "A run in a terminal: what runs, what waits for what, how much is left"
            self._save("live", said, "run nightly", window)
            self._take(
                "status", "How each stage of a run stands, or what it waits for", "status", 0
            )
            window.press("\x03")
            window.finish()
        self._take("runs", "The newest runs: how each ended, how long it took, and why", "runs", 0)

    def _take(self, name: str, said: str, words: str, code: int, rows: int = 40) -> None:
        self._save(name, said, words, self._typed(words, code, rows))

    def _typed(self, words: str, code: int, rows: int = 40) -> Emulator:
        """The window when the command has ended, which must be with this exit code."""
        with self._window(words, rows) as window:
            ended = window.finish()
        if ended != code:
            shown = "\n".join(window.lines())
            raise SystemExit(f"orch {words} ended with {ended}:\n{shown}")
        return window

    def _window(self, words: str, rows: int) -> Emulator:
        return orch_window(*words.split(), cwd=self._root, columns=COLUMNS, rows=rows, CI="")

    def _save(self, name: str, said: str, words: str, window: Emulator) -> None:
        """Draw the window, below the words that were typed where they have not scrolled away."""
        lines = [
            [(self._replaced(text), styles) for text, styles in line] for line in window.pieces()
        ]
        while not "".join(text for text, _ in lines[-1]).strip():
            lines.pop()
        if not window.screen.history.top:
            lines.insert(0, [("$ ", ("green",)), (f"orch {words}", ("bold",))])
        (FOLDER / f"{name}.svg").write_text(window_svg(lines, said, COLUMNS), encoding="utf-8")
        sys.stdout.write(f"docs/pictures/{name}.svg\n")

    def _replaced(self, text: str) -> str:
        """The text as of another day: the runs of the project are one an hour."""
        runs = sorted(path.name for path in self._root.glob(".runs/*/cli/*"))
        text = _RUN_ID.sub(
            lambda found: f"2026-11-22T{8 + runs.index(found[0]):02}-55-41-431Z-9574035c", text
        )
        text = _INSTANT.sub(f"2026-11-22T{7 + len(runs):02}:55:41.431Z", text)
        return _OWNER.sub("process 4711 on build-1", text)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        shots = Shots(Path(folder))
        shots.of_checking()
        shots.of_running()
        shots.of_looking_on()
