"""The manual's page of commands holds every command, and its help as it is (test_console.py)."""

import re
from pathlib import Path

import click
import pytest

from orch.cli.commands import _orch

ROOT = Path(__file__).parents[2]
PAGE = "docs/manual/reference/commands.md"


def test_every_command_has_its_section_and_shows_its_help(request: pytest.FixtureRequest) -> None:
    """In the order of `orch --help`, and nothing else has one. `make bless` writes the sections."""
    known = _orch.list_commands(click.Context(_orch))
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    if request.config.getoption("update_snapshots"):
        kept, *sections = re.split(r"^(?=## orch \S+$)", text, flags=re.MULTILINE)
        told = {section.split()[2]: section for section in sections}
        empty = "## orch {0}\n\n```console\n$ orch {0} --help\n```\n"
        shown = [told.get(name, empty.format(name)).strip("\n") for name in known]
        text = "\n\n".join([kept.rstrip("\n"), *shown]) + "\n"
        (ROOT / PAGE).write_text(text, encoding="utf-8")
    assert re.findall(r"^## orch (\S+)$", text, re.MULTILINE) == known
    assert re.findall(r"^\$ orch (\S+) --help$", text, re.MULTILINE) == known


def test_what_the_page_says_of_variables_is_read_somewhere() -> None:
    """Every variable that it names is one that a room reads."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)*)`", text)) - {"FILE", "RUN", "STAGE"}
    sources = "".join(
        path.read_text(encoding="utf-8")
        for room in ("cli", "runtime")
        for path in (ROOT / room).glob("*.py")
    )
    assert named
    assert {name for name in named if f'"{name}"' not in sources} == set()
