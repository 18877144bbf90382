"""A project as its tests see it: pipelines compiled to plans, and what is wrong with them.

Everything a plan depends on is given in words: no variable of the environment of the tests reaches
it. A pipeline that can't be planned fails the test with its diagnostics, drawn as `orch check`
draws them.
"""

import os
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import pytest

from orch.cli.failure import CommandError
from orch.cli.plan_page import plan_page
from orch.cli.project import read_project_file, relative_path
from orch.cli.python_values import Policy, plain_value, policy_text
from orch.cli.report_diagnostics import draw_diagnostics
from orch.cli.terminal import PLAIN
from orch.compiler.compile import compile_pipeline
from orch.compiler.plan import Plan, PlannedStage
from orch.compiler.request import Compilation, Request
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.record import EMPTY


class ProjectUnderTest:
    """The pipelines below one project root. Paths are relative to it, or absolute below it."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(os.path.realpath(root))

    def at(self, root: str | os.PathLike[str]) -> "ProjectUnderTest":
        """The project at another root, such as `tmp_path`; relative to this one's."""
        return ProjectUnderTest(self.root / root)

    def plan(
        self,
        path: str | os.PathLike[str],
        arguments: Mapping[str, Any] = EMPTY,
        /,
        *,
        policy: Policy = EMPTY,
        environment: Mapping[str, str] = EMPTY,
        **named: Any,
    ) -> "PlanUnderTest":
        """The plan of a pipeline file for these arguments.

        Arguments are Python values of their parameters' types; durations may be `timedelta` and
        paths path objects. `arguments` takes those whose names a keyword can't be. `policy` is what
        `--policy` takes, `environment` the variables that `env` of a param may read. The policy of
        the project's orch.toml holds. Lints don't fail: they are in the result.
        """
        request = self._request({**arguments, **named}, policy, environment, demands=True)
        compilation = self._compiled(path, request)
        if compilation.plan is None:
            is_missing = not compilation.sources
            where = f"\nlooked for below the project root `{self.root}`" if is_missing else ""
            pytest.fail(_drawn(compilation) + where, pytrace=False)
        return PlanUnderTest(compilation.plan, Diagnostics(compilation))

    def check(
        self,
        path: str | os.PathLike[str],
        arguments: Mapping[str, Any] = EMPTY,
        /,
        *,
        policy: Policy = EMPTY,
        environment: Mapping[str, str] = EMPTY,
        **named: Any,
    ) -> "Diagnostics":
        """All that is wrong with a file, lints too, as `orch check` finds it: arguments may miss,
        and a library is fine."""
        request = self._request({**arguments, **named}, policy, environment, demands=False)
        return Diagnostics(self._compiled(path, request))

    def _request(
        self,
        arguments: Mapping[str, Any],
        policy: Policy,
        environment: Mapping[str, str],
        *,
        demands: bool,
    ) -> Request:
        try:
            project_file = read_project_file(str(self.root))
        except CommandError as error:
            _give_up(error.message)
        return Request(
            argument_values={name: plain_value(value) for name, value in arguments.items()},
            environment=environment,
            demand_arguments=demands,
            policy={name: policy_text(value) for name, value in policy.items()},
            project_file=project_file,
        )

    def _compiled(self, path: str | os.PathLike[str], request: Request) -> Compilation:
        if not self.root.is_dir():
            _give_up(f"the project root `{self.root}` is no folder")
        try:
            below = relative_path(str(self.root), str(self.root / path))
        except CommandError as error:
            _give_up(error.message)
        return compile_pipeline(str(self.root), below, request)


class PlanUnderTest:
    """A compiled plan. Equal to another that does the same, and to a syrupy `snapshot` of it."""

    def __init__(self, plan: Plan, lints: "Diagnostics") -> None:
        self.plan = plan
        self.lints = lints

    @cached_property
    def stages(self) -> dict[str, PlannedStage]:
        """The stages by their id, in the order of the plan."""
        return {stage.id: stage for stage in self.plan.stages}

    @property
    def digest(self) -> str:
        return self.plan.digest

    def to_json(self) -> dict[str, Any]:
        """What `orch plan --format json` prints."""
        return self.plan.to_json()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PlanUnderTest):
            return self.digest == other.digest
        # Whoever compares with a snapshot has imported syrupy already.
        if "syrupy" in sys.modules:
            from orch.cli.plan_snapshot import is_snapshot, matches_snapshot

            if is_snapshot(other):
                return matches_snapshot(self, other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __str__(self) -> str:
        """The page of the plan that a snapshot keeps."""
        return plan_page(self.plan)

    def __repr__(self) -> str:
        return f"<plan of {self.plan.pipeline.name}, {len(self.plan.stages)} stages>"


class Diagnostics(list[Diagnostic]):
    """What a compilation found, sorted by file and place; as a text it is drawn."""

    def __init__(self, compilation: Compilation) -> None:
        super().__init__(compilation.diagnostics)
        self._compilation = compilation

    @property
    def codes(self) -> list[str]:
        """Their codes alone, such as `["E0201", "W0701"]`."""
        return [diagnostic.code for diagnostic in self]

    def __str__(self) -> str:
        return _drawn(self._compilation)

    def __repr__(self) -> str:
        return f"<diagnostics: {', '.join(self.codes) or 'none'}>"


def explained(left: object, right: object) -> list[str] | None:
    """For pytest: why a plan is not the other one, or why there are other diagnostics."""
    import difflib

    if isinstance(left, PlanUnderTest) and isinstance(right, PlanUnderTest):
        pages = (str(left).splitlines(), str(right).splitlines())
        difference = difflib.unified_diff(*pages, "left", "right", lineterm="", n=2)
        return [f"{left!r} is not {right!r}", *difference]
    for one in (left, right):
        if isinstance(one, Diagnostics):
            return ["other diagnostics than expected:", *str(one).splitlines()]
    return None


def _drawn(compilation: Compilation) -> str:
    """As `orch check` prints diagnostics, without colours."""
    count = len({*compilation.sources, *(each.path for each in compilation.diagnostics)})
    return draw_diagnostics(compilation.diagnostics, compilation.sources, count, PLAIN).rstrip()


def _give_up(message: str) -> NoReturn:
    pytest.fail(f"orch: {message}", pytrace=False)
