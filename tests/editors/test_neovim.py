"""neovim's own client is answered by `orch lsp`: what the server says reaches people."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.editors.vim import run_script

ROOT = Path(__file__).parents[2]

TEXT = """\
pipeline main { }

param level: string = "quick" { in = ["quick", "full"] }

stage build {
  run = "echo level={{ params.level }}"
}
stage test { needs = [build], run = "make test" }
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client got for this file, and for two of which one uses the other."""
    place = tmp_path_factory.mktemp("project")
    (place / "orch.toml").touch()
    (place / "main.pipeline").write_text(TEXT, encoding="utf-8")
    (place / "uses.pipeline").write_text(
        'pipeline uses { }\nuse "lib.pipeline" as lib { }\n', encoding="utf-8"
    )
    (place / "lib.pipeline").write_text(
        'param name: string\nstage a { run = "echo x={{ name }}" }\n', encoding="utf-8"
    )
    script = Path(__file__).with_name("client.lua")
    path = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
    manual = ROOT / "docs" / "manual" / "editors.md"
    run_script("nvim", script, place, PATH=path, TOLD=str(place / "told.json"), MANUAL=str(manual))
    found: dict[str, Any] = json.loads((place / "told.json").read_text(encoding="utf-8"))
    return found


def test_a_mistake_arrives_as_it_is_typed(told: dict[str, Any]) -> None:
    """At its place, as an error, and goes when it is mended."""
    assert told["diagnostics"] == [["E0201", 7, 22, 1]]


def test_hover_tells_what_a_parameter_is(told: dict[str, Any]) -> None:
    """Its declaration, and its value."""
    assert "param level: string" in told["hover"]
    assert "quick" in told["hover"]


def test_a_name_leads_to_its_declaration(told: dict[str, Any]) -> None:
    """The line of the stage that is needed."""
    assert told["definition"] == 4


def test_completion_offers_what_may_stand_there(told: dict[str, Any]) -> None:
    """In `needs` the other stage."""
    assert "build" in told["completion"]


def test_renaming_reaches_every_place(told: dict[str, Any]) -> None:
    """The declaration and who needs it, and nothing else."""
    assert told["renamed"] == TEXT.replace("build", "make-all").splitlines()


def test_formatting_is_that_of_the_command(told: dict[str, Any]) -> None:
    """What was badly set is as `orch fmt` sets it."""
    assert told["formatted"] == ["", "let x = 1"]


def test_an_argument_is_given_in_the_file_that_owes_it(told: dict[str, Any]) -> None:
    """The diagnostic stands at the parameter; the edit is made in the other file, and mends it."""
    assert told["owed"] == [["E0404", 0, 6, 1]]
    assert told["actions"] == ["Give `name` in uses.pipeline"]
    assert told["given"] == [
        "pipeline uses { }",
        'use "lib.pipeline" as lib { with { name = "" } }',
    ]
