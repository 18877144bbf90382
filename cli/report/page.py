"""The whole page: one file that loads nothing, asks nobody, and runs no script but its own.

Its Content-Security-Policy allows nothing but the one style sheet and the one script that stand in
it, by their digests. So a name or an output that broke out of its place would still do nothing.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

from orch.cli.report.data import Report
from orch.cli.report.figure import draw_graph
from orch.cli.report.markup import Markup, tag
from orch.cli.report.plan_section import draw_bounds, draw_machine, draw_plan
from orch.cli.report.stage_details import draw_details
from orch.cli.report.stage_table import draw_table
from orch.cli.report.summary import draw_failures, draw_header, headline, title
from orch.cli.report.timeline import draw_path, draw_timeline
from orch.runtime.clock import utc_text
from orch.runtime.files import utf8

_MANY = 100
"""With more stages than this what is out of sight is laid out only when it is looked at."""

_Section = tuple[str, str, Callable[[Report], Iterator[Markup]]]


def page_parts(report: Report) -> Iterator[bytes]:
    """The file as UTF-8, in parts: a large one is not held as a whole. Raises
    `ExcerptsLostError`."""
    for part in _parts(report):
        yield utf8(part)


def _parts(report: Report) -> Iterator[str]:
    style, script = _read("style.css"), _read("script.js")
    sections = list(_sections(report))
    yield "<!doctype html>\n"
    yield '<html lang="en">\n'
    yield tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title(report)),
        tag("style", Markup(style)),
    )
    yield "\n<body>\n"
    yield tag("a", "Skip to the stages", href="#stages", class_="skip")
    yield tag("header", *draw_header(report))
    links = (tag("li", tag("a", name, href=f"#{key}")) for key, name, _ in sections)
    yield tag("nav", tag("ul", *links), aria_label="Parts of the report")
    yield "\n<main>\n"
    for key, name, draw in sections:
        many = ' class="many"' if len(report.entries) > _MANY else ""
        yield f'<section id="{key}" aria-labelledby="{key}-name"{many}>\n'
        yield tag("h2", name, id=f"{key}-name")
        yield from draw(report)
        yield "\n</section>\n"
    yield "</main>\n"
    yield tag("footer", tag("p", f"Written by orch on {utc_text(report.at_ms)}."))
    yield tag("script", Markup(script))
    yield "\n</body>\n</html>\n"


def _sections(report: Report) -> Iterator[_Section]:
    """The parts that this run has, with their ids and headings."""
    if report.failures:
        yield "failures", headline(report), draw_failures
    yield "timeline", "Timeline", draw_timeline
    if report.path:
        yield "path", "Critical path", draw_path
    yield "stages", "Stages", draw_table
    yield "graph", "Graph", draw_graph
    yield "details", "Stage by stage", draw_details
    yield "bounds", "Bounds", draw_bounds
    yield "plan", "Plan", draw_plan
    yield "machine", "Where it ran", draw_machine


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _read(name: str) -> str:
    """A file that ships with this package; it holds nothing that would end its element."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    assert "</" not in text, f"{name} would end the element it stands in"
    return text
