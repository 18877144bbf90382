"""The bounds of small pipelines, worked out by hand from contracts.md section 2.

All stages: `timeout` 10 s, `grace` 1 s, so 11 s an attempt; 1 KiB of buffer and 1 MiB of log for
each of two streams.
"""

from pathlib import Path

import pytest

from orch.compiler.compile import compile_pipeline
from orch.compiler.plan import Bounds
from orch.compiler.request import Request

HEAD = """\
pipeline p { }
pool one { slots = 1 }
pool two { slots = 2 }
"""
POLICY = "timeout = 10s, grace = 1s, output { buffer = 1KiB, log = 1MiB }"

# name: (policy, stages, wall in seconds, stages held at once, attempts)
CASES: dict[str, tuple[str, str, float, int, int]] = {
    "no concurrency counts as one for the time and as no limit for the memory": (
        "",
        "stage a { RUN } stage b { RUN } stage c { RUN }",
        33,
        3,
        3,
    ),
    "of a chain one is held at once": (
        "",
        "stage a { RUN } stage b { needs = [a] RUN } stage c { needs = [b] RUN }",
        33,
        1,
        3,
    ),
    "independent stages fill rows": (
        "concurrency = 2",
        'stage a { matrix { x = ["1", "2", "3", "4", "5"] } RUN }',
        33,
        2,
        5,
    ),
    "a diamond is as long as its longest side": (
        "concurrency = 2",
        (
            "stage a { RUN } stage b { needs = [a] RUN timeout = 20s } stage c { needs = [a] RUN }"
            " stage d { needs = [b, c] RUN }"
        ),
        43,
        2,
        4,
    ),
    "a pool is a queue": (
        "concurrency = 8",
        (
            "stage a { RUN pool = one } stage b { RUN pool = one } stage c { RUN pool = two }"
            " stage d { RUN pool = two } stage e { RUN pool = two }"
        ),
        22,
        3,
        5,
    ),
    "attempts and the waits between them": (
        "concurrency = 4",
        "stage a { RUN retry { attempts = 4, backoff = 1s..3s } }",
        4 * 11 + 1 + 2 + 3,
        1,
        4,
    ),
    "waits grow by the factor": (
        "concurrency = 4",
        "stage a { RUN retry { attempts = 4, backoff = 100ms..1m, factor = 1.5 } }",
        44 + 0.1 + 0.15 + 0.225,
        1,
        4,
    ),
    "what is skipped counts nothing": (
        "concurrency = 4",
        "stage a { RUN } stage b { needs = [a] RUN when = false } stage c { needs = [b] RUN }",
        22,
        1,
        2,
    ),
    "the end is added to the time, not to the memory": (
        "concurrency = 2",
        "stage a { RUN } stage b { RUN } finally y { RUN } finally z { RUN timeout = 30s }",
        11 + 31,
        2,
        4,
    ),
    "a service counts until it is ready, and its grace": (
        "",
        (
            "service s { RUN ready { tcp = 1, timeout = 5s } } stage a { needs = [s] RUN }"
            " stage b { needs = [s] RUN }"
        ),
        5 + 11 + 11 + 1,
        3,
        3,
    ),
    "a service starts when the first stage that needs it is due": (
        "concurrency = 4",
        (
            "service s { RUN ready { tcp = 1, timeout = 5s } } stage a { RUN }"
            " stage b { needs = [a, s] RUN }"
        ),
        11 + 5 + 11 + 1,
        2,
        3,
    ),
    "a service may end beside what no longer needs it": (
        "concurrency = 4",
        "service s { RUN } stage a { needs = [s] RUN } stage b { needs = [a] RUN }",
        22,
        2,
        3,
    ),
    "a deadline caps all but the end": (
        "concurrency = 1, deadline = 15s",
        "stage a { RUN } stage b { needs = [a] RUN grace = 3s } finally z { RUN }",
        15 + 3 + 11,
        1,
        3,
    ),
    "a deadline that is far changes nothing": (
        "concurrency = 1, deadline = 1h",
        "stage a { RUN } finally z { RUN }",
        22,
        1,
        2,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_bounds_are_those_worked_out_by_hand(name: str, tmp_path: Path) -> None:
    """To the millisecond and the byte."""
    policy, stages, wall_s, held, attempts = CASES[name]
    text = f"{HEAD}policy {{ {POLICY}, {policy} }}\n{stages}\n".replace("RUN", 'run = ["true"]')
    (tmp_path / "p.pipeline").write_text(text.replace(", }", " }"), encoding="utf-8")
    compilation = compile_pipeline(str(tmp_path), "p.pipeline", Request())
    assert compilation.plan is not None, [d.message for d in compilation.diagnostics]
    assert compilation.plan.bounds == Bounds(
        wall_ms=round(wall_s * 1000),
        buffer_bytes=held * 2 * 1024,
        log_bytes=attempts * 2 * 2**20,
        attempts=attempts,
    )
