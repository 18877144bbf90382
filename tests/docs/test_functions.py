"""The manual's tables of filters, functions and operators: complete, and every row is evaluated."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orch.compiler.functions import FILTERS, FUNCTIONS, REQUIRED, Signature
from pipelines.spec_guard import Block, Example, blocks_of, compile_example

ROOT = Path(__file__).parents[2]
PAGE = "docs/manual/reference/functions.md"
CELLS = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Row:
    """A row of a table; `subject` is empty where it gives a further example."""

    section: str
    line: int
    subject: str
    example: str
    result: str


def rows() -> list[Row]:
    section, found = "", []
    for number, line in enumerate((ROOT / PAGE).read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("|") and section and not line.startswith("|---"):
            subject, _, example, result = (
                cell.strip().replace("\\|", "|") for cell in CELLS.split(line)[1:-1]
            )
            if example != "example":
                found.append(Row(section, number, subject, example.strip("`"), result))
    return found


ROWS = rows()
BLOCKS: list[Block] = list(blocks_of(ROOT, PAGE))


def evaluated(expression: str) -> Any:
    """The value of an expression as JSON has it, or the code that it yields."""
    lets = next(block.text for block in BLOCKS if block.info == "pipeline")
    setup = next(block.text for block in BLOCKS if block.info == "sh setup")
    text = f'{lets}\nlet x = {{{{ {expression} }}}}\nstage s {{ run = ["{{{{ x | json }}}}"] }}\n'
    example = Example(
        PAGE, "", 1, {"main.pipeline": "pipeline p { }\n" + text}, setup, is_planned=True
    )
    compilation = compile_example(example)
    if compilation.plan is None:
        (code,) = {each.code for each in compilation.diagnostics if each.is_error}
        return code
    return json.loads(compilation.plan.stages[0].argv[0])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.example)
def test_an_example_gives_its_result(row: Row) -> None:
    """The value, or the code where it is an error."""
    expected = json.loads(row.result.strip("`")) if row.result.startswith("`") else row.result
    assert evaluated(row.example) == expected, f"line {row.line}"


def signature_text(name: str, signature: Signature) -> str:
    words = {None: "none", False: "false", "": '""'}
    parts = [
        parameter if default is REQUIRED else f"{parameter}={words[default]}"
        for parameter, default in signature.parameters
    ]
    return f"{name}({', '.join(parts)})" if parts else name


@pytest.mark.parametrize(("section", "known"), [("Filters", FILTERS), ("Functions", FUNCTIONS)])
def test_every_one_has_its_row_with_its_signature(
    section: str, known: dict[str, Signature]
) -> None:
    """And there is a row for nothing else."""
    told = [row.subject.strip("`") for row in ROWS if row.section == section and row.subject]
    assert sorted(told) == sorted(signature_text(name, each) for name, each in known.items())


def test_a_wrong_result_would_be_found() -> None:
    """What rows are compared with is what the compiler gives."""
    assert evaluated("2 + 2") == 4
    assert evaluated('names | join("-")') == "web-api-web"
    assert evaluated("2 + nothing") == "E0203"
