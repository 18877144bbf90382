"""Reports made without a run, from journals written by hand, and what a browser says of them."""

from pathlib import Path
from typing import Any

from orch.cli.report.data import gather
from orch.cli.report.page import page_parts
from orch.compiler.plan import Bounds, Kind, PipelineInfo, Plan, with_digest
from orch.dsl.record import changed
from orch.runtime.events import Payload, ServiceReady, ServiceStarted
from orch.runtime.liveness import observe
from orch.runtime.states import RunStatus, StageStatus
from tests.cli.made_plans import make_plan, make_stage
from tests.cli.written_runs import (
    TRICKS,
    Story,
    completed,
    ended,
    one_after_the_other,
    ready,
    retrying,
    started,
    write_run,
)
from tests.runtime.samples import START_MS

_SECOND = 1000
COMPILER_SAYS = """\
src/router.ts:118:21 - error TS2345: Argument of type 'string | undefined' is not assignable.
  118       return match(path, routes.get(name));
                          ~~~~
src/router.ts:131:5 - error TS2322: Type 'null' is not assignable to type 'Route'.
Found 2 errors in src/router.ts.
"""


class Seen:
    """Everything that a page asked for, and everything that went wrong in it."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def listen(self, page: Any) -> None:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))


def html(root: Path, plan: Plan, story: Story) -> bytes:
    """The report of a run that is written to disk and looked at as `orch report` does."""
    root.mkdir()
    view = observe(write_run(root, plan, story), START_MS)
    return b"".join(page_parts(gather(view, START_MS)))


def small_report(root: Path) -> bytes:
    """A run in which something of everything happened."""
    unit = [f"unit[python=3.{minor}]" for minor in (11, 12, 13)]
    stages = (
        make_stage("database", "exec postgres -D data", kind="service"),
        make_stage("fetch", "npm ci"),
        make_stage("build", "npm run build", needs=("fetch",), title="Compile and bundle"),
        *(make_stage(name, "pytest", needs=("fetch",), matrix={"python": name[-5:-1]})
          for name in unit),
        make_stage("types", "npx tsc --noEmit", needs=("fetch",), attempts=2),
        make_stage("migrate", "make migrate", needs=("build", "database"), pool="db"),
        make_stage("seed", "make seed", needs=("build", "database"), pool="db"),
        make_stage("publish", "make publish", needs=("types", "migrate", "seed")),
        make_stage("clean", "rm -rf .tmp", kind="finally"),
    )  # fmt: skip
    plan = make_plan(*stages, name="shop", fail_fast=False)
    info = PipelineInfo("shop", "Build and publish the shop", None, ("nightly",), None)
    params = {"level": "full", "regions": ["eu", "us"]}
    plan = with_digest(changed(plan, pipeline=info, pools={"db": 1}, params=params))
    bounds = Bounds(26 * 60 * _SECOND, 1_441_792, 22 * 2**26, 12)
    plan = with_digest(changed(plan, bounds=bounds))
    s = _SECOND

    def done(stage: str, from_s: int, to_s: int, output: str = "") -> tuple[int, Payload]:
        """The end of a stage that ran from one second to another."""
        return to_s * s, completed(stage, output=output, duration_ms=(to_s - from_s) * s)

    bad = completed(
        "types", StageStatus.FAILED, attempts=2, output=COMPILER_SAYS, duration_ms=23 * s
    )
    skipped = completed(
        "publish", StageStatus.SKIPPED, attempts=0, reason="needs `types`, which failed"
    )
    story: Story = [
        (0, ready("fetch")), (200, started("fetch")),
        done("fetch", 0, 21, "added 214 packages in 20s\n"),
        *((21 * s, ready(name)) for name in ("build", *unit, "types")),
        (21 * s, started("build")), (21 * s, started(unit[0])),
        done(unit[0], 21, 52, "128 passed\n"), (52 * s, started(unit[1])),
        done("build", 21, 58, "dist/ 1.4 MB\n"),
        (58 * s, started("types")), (58 * s, ServiceStarted("database", 1, "stages/db/1")),
        (64 * s, ServiceReady("database", 1, 6 * s)),
        (64 * s, ready("migrate")), (64 * s, ready("seed")),
        (80 * s, retrying("types", 5 * s)), (80 * s, started("migrate")),
        done(unit[1], 52, 85, "128 passed\n"), (85 * s, started("types", 2)),
        done("migrate", 80, 101, "12 tables\n"), (101 * s, started("seed")),
        (108 * s, bad), (108 * s, started(unit[2])), (108 * s, skipped),
        done("seed", 101, 118, "9,120 rows\n"),
        done(unit[2], 108, 140, "127 passed, 1 skipped\n"),
        done("database", 58, 140),
        (140 * s, ready("clean")), (140 * s, started("clean")), done("clean", 140, 142),
        (142 * s, ended(RunStatus.FAILED, 142 * s)),
    ]  # fmt: skip
    return html(root, plan, story)


def hostile_report(root: Path) -> bytes:
    """Every name, title, script and output is a trick."""
    kinds: tuple[Kind, ...] = ("stage", "service", "finally")
    stages = [
        make_stage(trick, trick, title=trick, kind=kinds[at % 3], pool=trick, env={trick: trick})
        for at, trick in enumerate(TRICKS)
    ]
    plan = make_plan(*stages)
    info = PipelineInfo("demo", "".join(TRICKS), None, TRICKS, None)
    plan = with_digest(changed(plan, pipeline=info, params={trick: trick for trick in TRICKS}))
    story: Story = []
    for at_ms, stage in enumerate(plan.stages):
        end = completed(
            stage.id, StageStatus.FAILED, output="\n".join(TRICKS), reason=TRICKS[at_ms]
        )
        story += [(at_ms, ready(stage.id)), (at_ms, started(stage.id)), (at_ms + 1, end)]
    return html(root, plan, [*story, (99, ended(RunStatus.FAILED))])


def large_report(root: Path, count: int) -> bytes:
    """So many stages, some of which failed."""
    names = [f"stage{number}" for number in range(count)]
    plan = make_plan(*(make_stage(name, title="One of many") for name in names))
    story = one_after_the_other(names, failed=names[-30:])
    return html(root, plan, [*story, (10 * count + 10, ended(RunStatus.FAILED))])
