"""Links between pages lead somewhere: the file is there, and so is the heading."""

import re
import unicodedata
from pathlib import Path

import pytest

from pipelines.spec_guard import pages

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^(`{3,})[^\n]*\n.*?^\1$", re.MULTILINE | re.DOTALL)


def dead_links(root: Path, page: str) -> list[str]:
    """The targets of a page's relative links that are not there."""
    text = _FENCED.sub("", (root / page).read_text(encoding="utf-8"))
    dead = []
    for target in _LINK.findall(text):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (root / page).parent / path if path else root / page
        is_inside = file.resolve().is_relative_to(root.resolve())
        if not is_inside or not file.exists() or (anchor and anchor not in anchors(file)):
            dead.append(target)
    return dead


def anchors(file: Path) -> set[str]:
    """What a link to a heading of this page may say, as GitHub makes it of the heading's text."""
    text = _FENCED.sub("", file.read_text(encoding="utf-8"))
    found = dict[str, int]()
    for heading in re.findall(r"^#{1,6} +(.+?)\s*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = "".join(
            "-" if char == " " else char
            for char in plain
            if char in " -_" or unicodedata.category(char)[0] in "LN"
        )
        count = found.get(slug, 0)
        found[slug] = count + 1
        found.setdefault(f"{slug}-{count}" if count else slug, 1)
    return set(found)


@pytest.mark.parametrize("page", pages(ROOT))
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    """To files of this repository and to headings in them."""
    assert dead_links(ROOT, page) == []


@pytest.mark.parametrize(
    ("link", "is_dead"),
    [
        ("other.md", False),
        ("other.md#a-stage-name", False),
        ("other.md#a-stage-name-1", False),
        ("#here", False),
        ("https://example.invalid/x", False),
        ("gone.md", True),
        ("other.md#gone", True),
        ("other.md#in-a-block", True),
        ("#gone", True),
        ("../outside.md", True),
    ],
)
def test_a_dead_link_is_found(tmp_path: Path, link: str, is_dead: bool) -> None:
    """A file or heading that isn't there, and one outside of the repository."""
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside.md").write_text("# Outside\n", encoding="utf-8")
    (root / "page.md").write_text(f"# Here\n\nSee [this]({link}).\n", encoding="utf-8")
    (root / "other.md").write_text(
        "# Other\n## A `stage NAME`!\n## A stage name\n```sh\n# In a block\n```\n", encoding="utf-8"
    )
    assert dead_links(root, "page.md") == ([link] if is_dead else [])


def test_the_index_of_the_manual_names_every_page() -> None:
    """So that no page can be found by chance only."""
    index = ROOT / "docs" / "manual" / "README.md"
    named = {
        (index.parent / target.partition("#")[0]).resolve()
        for target in _LINK.findall(index.read_text(encoding="utf-8"))
    }
    assert set(index.parent.rglob("*.md")) - named == {index}
