"""Makes docs/pictures/run.svg: a real run of docs/pictures/run.pipeline in a real terminal.

`python -m docs.pictures.make_picture`, or `make picture`. Only the run's id is replaced, so that
the picture changes when what orch draws has changed, and else but for a few milliseconds.
"""

import io
import re
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.cli.orch_program import orch_in_terminal
from tests.cli.screen import Screen

FOLDER = Path(__file__).parent
COLUMNS, ROWS = 84, 40
RUN_ID = "2026-11-22T09-55-41-431Z-9574035c"


def take_picture() -> str:
    """The SVG of a run, from the words typed to the last line."""
    screen = Screen(COLUMNS, ROWS)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "pipelines").mkdir()
        shutil.copy(FOLDER / "run.pipeline", root / "pipelines" / "site.pipeline")
        # Compiled before, so that what is filmed is a run on unchanged sources.
        orch_in_terminal("plan", "pipelines/site.pipeline", cwd=root, screen=Screen())
        words = ("run", "pipelines/site.pipeline")
        code, _ = orch_in_terminal(*words, cwd=root, screen=screen)
    if code != 1:
        raise SystemExit(f"the run ended with {code}:\n" + "\n".join(screen.shown()))
    prompt = f"\x1b[32m$\x1b[0m orch {' '.join(words)}\n"
    shown = re.sub(r"\d{4}-[-0-9TZ]+-[0-9a-f]{8}", RUN_ID, prompt + screen.painted().rstrip())
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(shown))
    svg = console.export_svg(title="orch", unique_id="run")
    # The fonts that rich names lie on somebody's server; the reader's own will do.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    (FOLDER / "run.svg").write_text(take_picture(), encoding="utf-8")
    sys.stdout.write("docs/pictures/run.svg\n")
