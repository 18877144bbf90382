"""What editors know of the language is what its own table says."""

from pathlib import Path

import pytest

from editors.make_syntax import GRAMMAR, VIM, files
from orch.cli.language_words import language_words


@pytest.mark.parametrize("path", [GRAMMAR, VIM], ids=lambda path: path.name)
def test_the_syntax_files_of_editors_are_up_to_date(path: Path) -> None:
    """`make syntax` writes them; a word that is new in the language is known at once."""
    assert files()[path] == path.read_text(encoding="utf-8"), "run `make syntax`"


def test_words_of_every_kind_are_found() -> None:
    """Also those of blocks in blocks, and words among which `exit(N)` is."""
    words = language_words()
    assert {"stage", "finally", "use"} <= words.keywords
    assert {"retry", "heartbeat", "ready", "with"} <= words.blocks
    assert {"run", "attempts", "tcp", "slots", "help"} <= words.settings
    assert {"python", "equal", "exit", "timeout"} <= words.words
    assert {"stages", "params"} <= words.roots
    assert not words.words & {"TERM", "secrets"}
