"""The environment of all tests: what a surrounding run, CI or terminal set is taken away first."""

import os
import signal

import pytest
from hypothesis import settings

# Hypothesis would fail an example that takes more than 200 ms, which says how busy a machine is.
settings.register_profile("whole suite", deadline=None)
settings.load_profile("whole suite")

# Under `make demo` the tests are a stage of a run: its variables would move the files of the runs
# that they start. The others change what orch draws. What `make fuzz` says is meant for the tests.
for name in list(os.environ):
    if name.startswith("ORCH_FUZZ_"):
        continue
    if name.startswith("ORCH_") or name in {
        "MCP_RUNNER_TASK_ID", "BASE_SHA", "CI", "GITHUB_ACTIONS", "NO_COLOR", "FORCE_COLOR",
        "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES",
    }:  # fmt: skip
        del os.environ[name]

# A shell that isn't interactive starts what it puts into the background with SIGINT and SIGQUIT
# ignored, `nohup` what it starts with SIGHUP: so would be all that the tests send these to.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What `make fuzz` did, so that it can be done again."""
    from tests.properties.fuzzing import FIRST_SEED, MINUTES

    if MINUTES:
        terminalreporter.write_line(f"fuzzed for {MINUTES:g} minutes, with seeds from {FIRST_SEED}")
