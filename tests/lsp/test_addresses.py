"""Which file an address of the editor's names."""

import pytest

from orch.cli.lsp.protocol import path_of


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/b%20c.pipeline", "/a/b c.pipeline"),
        ("file:///a%C3%A9.pipeline", "/aé.pipeline"),
        ("untitled:1", None),
        ("file://host", None),
        ("file:///a%00b.pipeline", None),
    ],
)
def test_an_address_names_a_file_or_none(uri: str, path: str | None) -> None:
    """One with a NUL names none: asking the system for it used to be an error of the server."""
    assert path_of(uri) == path
