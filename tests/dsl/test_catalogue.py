"""The catalogue has a headline for each code, and tells where its page is."""

import re
from pathlib import Path

import pytest

from orch.dsl import catalogue
from orch.dsl.catalogue import CODES, page


def test_every_code_has_a_headline() -> None:
    """In order, one lowercase line each, without a full stop."""
    assert list(CODES) == sorted(CODES)
    for code, headline in CODES.items():
        assert re.fullmatch(r"[EW]0[0-7]\d\d", code)
        assert "\n" not in headline
        assert not headline.endswith(".")
        assert headline[0] == "`" or not headline[0].isupper() or headline.startswith("ShellCheck")


def test_a_page_is_read_from_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a code that doesn't exist has none."""
    monkeypatch.setattr(catalogue, "_PAGES", str(tmp_path))
    (tmp_path / "E0101.md").write_text("# E0101 é\n", encoding="utf-8")
    assert page("E0101") == "# E0101 é\n"
    with pytest.raises(KeyError):
        page("../E0101")
