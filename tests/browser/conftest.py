"""Reports in a real browser: collected where TEST_BROWSER names one (`make test-browser`)."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.pages import Seen, hostile_report, large_report, small_report

collect_ignore_glob = [] if "TEST_BROWSER" in os.environ else ["test_*.py"]

SHOTS = Path(__file__).parents[2] / "build" / "browser"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One headless browser for all tests."""
    from playwright.sync_api import sync_playwright

    # In a container everybody is root, and there the browser's own sandbox can't be made.
    words = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        path = shutil.which(os.environ["TEST_BROWSER"])
        made = driver.chromium.launch(executable_path=path, args=words)
        yield made
        made.close()


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report of each kind, written once."""
    folder = tmp_path_factory.mktemp("reports")
    makers: dict[str, Callable[[Path], bytes]] = {
        "small": small_report,
        "hostile": hostile_report,
        "some": lambda root: large_report(root, 500),
        "large": lambda root: large_report(root, 5000),
    }
    written = {}
    for name, make in makers.items():
        written[name] = folder / f"{name}.html"
        written[name].write_bytes(make(folder / name))
    return written


@pytest.fixture
def visit(browser: Any, reports: dict[str, Path]) -> Iterator[Callable[..., Any]]:
    """Opens a report by its name; afterwards nothing may have been asked for or complained of."""
    contexts: list[Any] = []
    seen = Seen()

    def open_report(name: str, width: int = 1280, height: int = 900, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        seen.listen(page)
        page.goto(reports[name].as_uri())
        return page

    yield open_report
    for context in contexts:
        context.close()
    assert seen.complaints == []
    assert set(seen.requests) <= {path.as_uri() for path in reports.values()}


@pytest.fixture
def shots() -> Path:
    """Where pictures of the page are left, to be looked at."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    return SHOTS
