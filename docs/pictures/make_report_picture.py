"""Makes docs/pictures/report-light.png: the top of a report, as a browser shows it.

`python -m docs.pictures.make_report_picture`, or `make pictures`, which sees to the browser. The
run is one of the browser's tests, written by hand, so the picture changes when a report does.
"""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from tests.browser.pages import small_report

PICTURE = Path(__file__).parent / "report-light.png"
MOST_BYTES = 200 * 1024
RUN_ID = "2026-11-22T09-55-41-431Z-9574035c"


def take_picture() -> None:
    """Write the picture. Raises `SystemExit` where it would be too large for a page."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        report = Path(folder) / "report.html"
        written = small_report(Path(folder) / "run").decode()
        shown = re.sub(r"\d{4}-[-0-9TZ]+-[0-9a-f]{8}", RUN_ID, written)
        report.write_text(shown, encoding="utf-8")
        path = shutil.which(os.environ.get("TEST_BROWSER", "chromium"))
        words = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=path, args=words)
        page = browser.new_page(viewport={"width": 1100, "height": 1330})
        page.goto(report.as_uri())
        page.screenshot(path=PICTURE)
        browser.close()
    if PICTURE.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{PICTURE} has {PICTURE.stat().st_size} bytes, and {MOST_BYTES} may be")


if __name__ == "__main__":
    take_picture()
    sys.stdout.write("docs/pictures/report-light.png\n")
