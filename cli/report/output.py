"""What a stage wrote, as far as the journal keeps it and the report has room."""

from collections.abc import Iterator

from orch.cli.outcome_text import shell_text
from orch.cli.report.data import Report
from orch.cli.report.markup import Markup, code, joined, tag, text
from orch.cli.units import size_text
from orch.cli.visible import visible_lines
from orch.runtime.stage_entry import StageEntry

FAILED_CHARACTERS = 16_384
"""Of each stream of a stage that failed."""

OTHER_CHARACTERS = 2048
"""Of each stream of any other stage."""


def draw_output(report: Report, entry: StageEntry, most: int) -> Iterator[Markup]:
    """Both streams of the last attempt, at most so many characters of each, stderr first; where
    the whole logs are."""
    streams = (
        ("stderr", entry.stderr_excerpt, entry.stderr_bytes),
        ("stdout", entry.stdout_excerpt, entry.stdout_bytes),
    )
    for name, excerpt, size_bytes in streams:
        if excerpt:
            yield _stream(entry.id, name, excerpt, size_bytes, most)
    if not entry.stdout_bytes and not entry.stderr_bytes:
        if not entry.stderr_excerpt:
            yield tag("p", *_nothing(report, entry))
        return
    if entry.logs is not None:
        folder = report.view.paths.shown(f"{report.view.paths.run}/{entry.logs}")
        command = _logs_command(report, entry)
        yield tag("p", "The whole logs: ", code(folder), " · ", command, class_="hint")


def _nothing(report: Report, entry: StageEntry) -> tuple[str, ...]:
    """The journal tells what an attempt wrote when it has ended; its logs tell it at once."""
    if entry.completed_at:
        return ("It wrote nothing.",)
    return ("What it has written so far: ", _logs_command(report, entry))


def _logs_command(report: Report, entry: StageEntry) -> Markup:
    return code(shell_text(("orch", "logs", report.view.manifest.run_id, entry.id)))


def _stream(stage_id: str, name: str, excerpt: str, size_bytes: int, most: int) -> Markup:
    shown, left_out = _ends(excerpt, most)
    about = [f"{name}, {size_text(size_bytes)}"]
    if left_out:
        about.append(f", {left_out:,} characters of the excerpt left out in the middle")
    lines = Markup("\n").join(map(text, visible_lines(shown)))
    body = tag(
        "pre",
        tag("code", Markup(lines)),
        tabindex="0",
        role="region",
        aria_label=f"{name} of {stage_id}",
    )
    return tag("figure", tag("figcaption", *about), body, class_="output")


def _ends(excerpt: str, most: int) -> tuple[str, int]:
    """The head and, three times as long, the tail of a text, cut at line ends where these are near;
    how much is left out between them."""
    if len(excerpt) <= most:
        return excerpt, 0
    head, tail = excerpt[: most // 4], excerpt[-(most - most // 4) :]
    head = head[: head.rfind("\n") + 1] or head + "\n"
    tail = tail[tail.find("\n", 0, 200) + 1 :]
    return f"{head}⋯\n{tail}", len(excerpt) - len(head) - len(tail)


def draw_command(argv: tuple[str, ...], most: int = 4096) -> Markup:
    """An argument list: the script of a shell as lines, all else as words quoted for a shell."""
    is_script = len(argv) > 2 and argv[-2] == "-c"
    lines = [shell_text(argv[:-1] if is_script else argv)]
    if is_script:
        script = argv[-1].strip("\n")
        lines += visible_lines(script)
    whole = "\n".join(lines)
    shown = whole if len(whole) <= most else whole[:most]
    parts: list[str] = [
        tag("pre", tag("code", text(shown)), tabindex="0", role="region", aria_label="command")
    ]
    if len(whole) > most:
        parts.append(tag("p", f"{len(whole) - most:,} characters more stand in the plan."))
    return joined(parts)
