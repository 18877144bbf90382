"""Writes what editors know of the language from the language's own table: `make syntax`.

The TextMate grammar is made as a whole; in Vim's syntax file the lines of words are.
"""

import json
import re
from pathlib import Path

from editors.textmate import grammar
from orch.cli.language_words import language_words
from orch.dsl.record import field_names

ROOT = Path(__file__).parent
GRAMMAR = ROOT / "vscode" / "syntaxes" / "pipeline.tmLanguage.json"
VIM = ROOT / "vim" / "syntax" / "pipeline.vim"


def files() -> dict[Path, str]:
    """What is written where."""
    text = json.dumps(grammar(), indent=2, ensure_ascii=False)
    return {GRAMMAR: text + "\n", VIM: with_words(VIM.read_text(encoding="utf-8"))}


def with_words(text: str) -> str:
    """Vim's syntax file with the words as they are now."""
    words = language_words()
    for kind in field_names(type(words)):
        line = f"let s:words.{kind} = '{' '.join(sorted(getattr(words, kind)))}'"
        text, count = re.subn(rf"^let s:words\.{kind} = .*$", line, text, flags=re.MULTILINE)
        assert count == 1, f"{VIM} has no line for the {kind}"
    return text


if __name__ == "__main__":
    for path, written in files().items():
        path.write_text(written, encoding="utf-8")
