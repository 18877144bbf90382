"""Makes docs/pictures/editor.svg: a file with a mistake in neovim, beside which `orch lsp` runs.

`python -m docs.pictures.make_editor_picture`, or `make pictures`, which sees to neovim.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from docs.pictures.window_svg import window_svg

from tests.cli.emulator import Emulator

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
COLUMNS, ROWS = 86, 26
SAID = "A file in neovim: colours, a mistake behind its line, and what a parameter is"


def take_picture() -> None:
    """Write the picture: the mistake has been told, and the cursor asks what a name means."""
    editor = shutil.which("nvim")
    if editor is None:
        raise SystemExit("nvim is not there: apt-get install neovim")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(FOLDER / "editor.pipeline", folder)
        words = ("-u", "NONE", "-i", "NONE", "-S", str(FOLDER / "editor.lua"))
        environment = {
            "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
            "ORCH_VIM": str(ROOT / "editors" / "vim"),
            "TERM": "xterm",
        }
        with Emulator(
            editor, *words, cwd=Path(folder), columns=COLUMNS, rows=ROWS, **environment
        ) as window:
            window.wait_for("no stage")
            window.press("/params.level\r8l:lua vim.lsp.buf.hover()\r")
            window.wait_for("Value:")
            lines = window.pieces()[:-1]
    while "".join(text for text, _ in lines[-1]).strip() in {"~", ""}:
        lines.pop()
    (FOLDER / "editor.svg").write_text(window_svg(lines, SAID, COLUMNS), encoding="utf-8")


if __name__ == "__main__":
    take_picture()
    sys.stdout.write("docs/pictures/editor.svg\n")
