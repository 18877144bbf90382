"""orch.toml: what is wrong with it has a code and a place, as in a pipeline."""

from pathlib import Path

import pytest

from orch.compiler.compile import compile_pipeline
from orch.compiler.project_settings import PROJECT_FILE, read_project_settings
from orch.compiler.request import Compilation, Request
from orch.dsl.diagnostics import Diagnostic

DEMO = 'pipeline demo { }\nstage a { run = "true" }\n'


def compiled(root: Path, text: str | bytes, **policy: str) -> Compilation:
    (root / "main.pipeline").write_text(DEMO, encoding="utf-8")
    data = text if isinstance(text, bytes) else text.encode()
    return compile_pipeline(str(root), "main.pipeline", Request(project_file=data, policy=policy))


def shown(found: Compilation, diagnostic: Diagnostic) -> tuple[str, int, str]:
    """Code, line and what is underlined."""
    assert diagnostic.path == PROJECT_FILE
    assert diagnostic.span is not None
    source = found.sources[PROJECT_FILE]
    line = source.position(diagnostic.span.start).line
    return diagnostic.code, line, source.text[diagnostic.span.start : diagnostic.span.end]


@pytest.mark.parametrize(
    ("text", "said", "meant"),
    [
        ("[polcy]\ntimeout = '5m'\n", ("E0205", 1, "polcy"), "policy"),
        ("# ours\ntimeout = '5m'\n", ("E0205", 2, "timeout"), None),
        ("[[jobs]]\nname = 'x'\n", ("E0205", 1, "jobs"), None),
        ("\n[sync]\nurl = 's3://b/p'\n", ("E0205", 2, "sync"), None),
        ("policy = 3\n", ("E0401", 1, "policy"), None),
        ("[policy]\ntimeut = '5m'\n", ("E0205", 2, "timeut"), "timeout"),
        ("[policy]\nattempts = 3\n", ("E0205", 2, "attempts"), "retry.attempts"),
        ("[policy]\nretries = 3\n", ("E0205", 2, "retries"), "retry"),
        ("[policy.retyr]\nattempts = 3\n", ("E0205", 1, "retyr"), "retry"),
        ("[policy.retry]\ntries = 3\n", ("E0205", 2, "tries"), "retry.attempts"),
        ("policy.retry.tries = 3\n", ("E0205", 1, "tries"), "retry.attempts"),
        ("[policy]\nretry = { factor = 2, tries = 3 }\n", ("E0205", 2, "tries"), "retry.attempts"),
        ('[policy]\n"retry" . "tries" = 3\n', ("E0205", 2, '"tries"'), "retry.attempts"),
        ('["pol\\u0069cy"]\n"timeo\\u0075t" = 5\n', ("E0401", 2, '"timeo\\u0075t" = 5'), None),
        ("[policy]\nretry = 3\n", ("E0401", 2, "retry"), None),
        ("[policy]\r\ntimeout = 5\r\n", ("E0401", 2, "timeout"), None),
        ("[policy]\ntimeout = '5'\n", ("E0401", 2, "timeout"), None),
        ("[policy]\nconcurrency = 'many'\n", ("E0401", 2, "concurrency"), None),
        ("[policy]\nconcurrency = true\n", ("E0401", 2, "concurrency"), None),
        ("[policy]\ndeadline = { hours = 2 }\n", ("E0401", 2, "deadline"), None),
        ("[policy]\ndeadline = 2026-01-02\n", ("E0401", 2, "deadline"), None),
        ("[policy]\nconcurrency = 0\n", ("E0402", 2, "concurrency"), None),
        ("[policy.retry]\non = [\n  'exit(0)',\n]\n", ("E0402", 2, "on"), None),
        ("[policy.retry]\njitter = 'ful'\n", ("E0402", 2, "jitter"), "full"),
        ("[policy.retry]\nbackoff = '3s..1s'\n", ("E0410", 2, "backoff"), None),
        ("[policy.retry]\nbackoff = ['1s', '3s']\n", ("E0401", 2, "backoff"), None),
        ("x = '''\n[policy]\ntimeout = 1\n'''\n", ("E0205", 1, "x"), None),
        ("[policy]\ntimeout = '5m'\ntimeout = '6m'\n", ("E0101", 3, "\n"), None),
        ("[policy\n", ("E0101", 1, "\n"), None),
        ("a = 1\nb = \n", ("E0101", 2, "\n"), None),
        (b"a = '\xff'\n", ("E0002", 1, "\N{REPLACEMENT CHARACTER}"), None),
    ],
)
def test_what_is_wrong_with_orch_toml_is_told_at_its_place(
    text: str | bytes, said: tuple[str, int, str], meant: str | None, tmp_path: Path
) -> None:
    """Exactly one diagnostic, on the name, with what was probably meant."""
    found = compiled(tmp_path, text)
    assert found.plan is None
    [diagnostic] = found.diagnostics
    assert shown(found, diagnostic) == said
    is_suggested = "did you mean" in (diagnostic.help or "")
    assert (f"did you mean `{meant}`?" == diagnostic.help) is (meant is not None) is is_suggested


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[policy.heartbeat]\nstale = '1s'\n", "E0601"),
        ("[policy.lock]\nattempts = 20\n", "E0602"),
    ],
)
def test_bounds_that_contradict_each_other_are_told_from_orch_toml_too(
    text: str, code: str, tmp_path: Path
) -> None:
    """Their sum is the pipeline's, which has no place for them."""
    found = compiled(tmp_path, text)
    assert [(d.code, d.span) for d in found.diagnostics] == [(code, None)]


def test_errors_of_orch_toml_hide_none_of_the_pipeline(tmp_path: Path) -> None:
    """All in one go, also where the entry file is missing."""
    found = compiled(tmp_path, "[polcy]\n[policy]\ntimeut = 1\n", timeut="5m")
    assert [(d.path, d.code) for d in found.diagnostics] == [
        ("main.pipeline", "E0205"),
        ("orch.toml", "E0205"),
        ("orch.toml", "E0205"),
    ]
    missing = compile_pipeline(str(tmp_path), "no.pipeline", Request(project_file=b"[polcy]\n"))
    assert [d.code for d in missing.diagnostics] == ["E0001", "E0205"]


def test_a_sound_orch_toml_counts_as_no_source(tmp_path: Path) -> None:
    """It is shown where it is to blame; else a check speaks of pipelines alone."""
    found = compiled(tmp_path, '[policy]\ntimeout = "5m"\n')
    assert found.diagnostics == ()
    assert list(found.sources) == ["main.pipeline"]
    assert found.policies["a"]["timeout"].origin == "orch.toml:2"


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 100_000, "a = 1" + "0" * 10_000, "a." * 2_000 + "b = 1", "x = [\n" * 500],
)
def test_no_orch_toml_is_past_us(text: str) -> None:
    """Depth, size and breadth end in a diagnostic, or in nothing; never in an exception."""
    settings = read_project_settings(text.encode())
    assert all(d.path == PROJECT_FILE for d in settings.diagnostics)
    assert settings.diagnostics
