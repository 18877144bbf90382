"""What pages show of a command is what the command prints; `make bless` writes it anew."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines.spec_guard import pages
from tests.docs.console import Turn, is_as_shown, play, rewritten

ROOT = Path(__file__).parents[2]
PAGES = [page for page in pages(ROOT) if "```console" in (ROOT / page).read_text(encoding="utf-8")]


def wrong_turns(root: Path, page: str, folder: Path) -> list[tuple[Turn, str]]:
    """Every command that prints other than its page shows, with what it prints."""
    return [turn for turn in play(root, page, folder) if not is_as_shown(*turn)]


def told(page: str, turns: list[tuple[Turn, str]]) -> list[str]:
    return [f"{page}:{turn.line}: $ {turn.command}\n{printed}" for turn, printed in turns]


@pytest.fixture(scope="module")
def wrong_of_pages(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[list[tuple[Turn, str]]]]]:
    """What is wrong with each page that is asked for; they are played side by side."""
    asked = [
        page for page in PAGES if any(f"[{page}]" in each.name for each in request.session.items)
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {
            page: pool.submit(wrong_turns, ROOT, page, tmp_path_factory.mktemp("page"))
            for page in asked
        }


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_commands_print(
    page: str,
    wrong_of_pages: dict[str, Future[list[tuple[Turn, str]]]],
    request: pytest.FixtureRequest,
) -> None:
    """Every command of its console blocks, in the order of the page."""
    wrong = wrong_of_pages[page].result()
    if request.config.getoption("update_snapshots"):
        text = (ROOT / page).read_text(encoding="utf-8")
        (ROOT / page).write_text(rewritten(text, wrong), encoding="utf-8")
        return
    anew = "`make bless ARGS=tests/docs/test_console.py` shows what is printed now"
    assert not wrong, "\n".join([*told(page, wrong), anew])


PAGE = """\
## A pipeline

```pipeline file=a.pipeline
pipeline demo { }
stage one { run = "echo hello" }
```

```console
$ orch check a.pipeline
no problems in 1 file
$ orch run a.pipeline 2>&1 \\
>   | cat
…
✓ demo succeeded in 3ms: 1 succeeded
```

## Another

```console
$ ls
```
"""


def write(folder: Path, text: str) -> str:
    (folder / "page.md").write_text(text, encoding="utf-8")
    return "page.md"


def test_a_true_page_passes(tmp_path: Path) -> None:
    """Times are as good as others, and every section has a folder of its own."""
    page = write(tmp_path, PAGE)
    assert wrong_turns(tmp_path, page, tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("no problems in 1 file", "no problems", 9),
        ("1 succeeded", "2 succeeded", 11),
        ("a.pipeline\nno", "b.pipeline\nno", 9),
        ("$ ls\n", "$ ls\na.pipeline\n", 20),
    ],
)
def test_a_false_page_is_found(tmp_path: Path, old: str, new: str, line: int) -> None:
    """A word of the output, a number of a run, a file that isn't there, output made up."""
    assert old in PAGE
    page = write(tmp_path, PAGE.replace(old, new))
    (found,) = told(page, wrong_turns(tmp_path, page, tmp_path))
    assert found.startswith(f"page.md:{line}: $ ")


def test_a_page_written_anew_is_true(tmp_path: Path) -> None:
    """Only what is shown changes, and then it is as it should be."""
    page = write(tmp_path, PAGE.replace("no problems in 1 file\n", "").replace("$ ls", "$ echo x"))
    (tmp_path / "first").mkdir()
    turns = wrong_turns(tmp_path, page, tmp_path / "first")
    text = rewritten((tmp_path / page).read_text(encoding="utf-8"), turns)
    assert text == PAGE.replace("$ ls", "$ echo x\nx")
    assert wrong_turns(tmp_path, write(tmp_path, text), tmp_path) == []
