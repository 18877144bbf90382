"""Where secrets come from, who gets them, and how they can be unfit."""

import os
from pathlib import Path

import pytest

from orch.compiler.plan import Plan, SecretSource
from orch.dsl.record import changed
from orch.runtime.environment import RunFacts, resolve_environment
from orch.runtime.secrets import SecretError, resolve_secrets
from tests.runtime.samples import new_run, sample_plan, sample_stage

TOKEN = SecretSource("TOKEN", "TOKEN", None, required=True)


def plan_with(*sources: SecretSource, listed: str = "TOKEN", skip: str | None = None) -> Plan:
    stage = changed(sample_stage("deploy"), secrets=tuple(listed.split()), skip=skip)
    return changed(sample_plan(stage, "other"), secrets=sources)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"hunter22", "hunter22"),
        (b"hunter22\n", "hunter22"),
        (b"hunter22\r\n\n", "hunter22"),
        (b" two\nlines \n", " two\nlines "),
        (b"not \xff utf-8", os.fsdecode(b"not \xff utf-8")),
    ],
)
def test_a_file_holds_a_secret_without_its_last_line_end(
    tmp_path: Path, content: bytes, value: str
) -> None:
    """As `$(cat FILE)` gives it; links are followed, for that is how secrets are mounted."""
    (tmp_path / "real").write_bytes(content)
    (tmp_path / "link").symlink_to("real")
    for name in ("real", str(tmp_path / "link")):
        plan = plan_with(SecretSource("TOKEN", None, name, required=True))
        assert resolve_secrets(plan, str(tmp_path), {}).values == {"TOKEN": value}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no file `f`; put the whole secret there"),
        (b"", "the file `f` is empty"),
        (b"\n", "the file `f` is empty"),
        (b"abc\n", "the file `f` has under 4 characters"),
        (b"a\0bcd", "the file `f` holds a NUL"),
        (b"a" * 65537, "the file `f` holds more than 65536 bytes"),
    ],
)
def test_an_unfit_file_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    """With its name, and never with what it holds."""
    if content is not None:
        (tmp_path / "f").write_bytes(content)
    plan = plan_with(SecretSource("TOKEN", None, "f", required=True))
    with pytest.raises(SecretError, match=f"`deploy` needs the secret `TOKEN`, but {message}"):
        resolve_secrets(plan, str(tmp_path), {})


def test_a_file_that_is_none_is_neither_read_nor_waited_for(tmp_path: Path) -> None:
    """A FIFO would keep the run from starting, a folder has no content."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        plan = plan_with(SecretSource("TOKEN", None, name, required=True))
        with pytest.raises(SecretError, match=f"`{name}` can't be read"):
            resolve_secrets(plan, str(tmp_path), {})


@pytest.mark.parametrize("environment", [{}, {"TOKEN": ""}, {"TOKEN": "abc"}, {"TOKEN": "äöü"}])
def test_a_missing_or_short_variable_is_refused_where_a_stage_that_will_run_lists_it(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """Not where that stage is skipped or settled, or none lists it."""
    with pytest.raises(SecretError, match=r"`\$TOKEN`"):
        resolve_secrets(plan_with(TOKEN), str(tmp_path), environment)
    for plan, settled in (
        (plan_with(TOKEN, skip="when is false"), []),
        (plan_with(TOKEN), ["deploy"]),
        (plan_with(TOKEN, listed=""), []),
    ):
        assert resolve_secrets(plan, str(tmp_path), environment, settled).values == {}


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    """Nobody wants to start a run once for each secret."""
    other = SecretSource("KEY", None, "none", required=True)
    with pytest.raises(SecretError, match=r"`TOKEN`.*; stage `deploy` needs the secret `KEY`"):
        resolve_secrets(plan_with(TOKEN, other, listed="TOKEN KEY"), str(tmp_path), {})


def test_an_optional_secret_may_be_missing_but_not_short(tmp_path: Path) -> None:
    """A short one would be there and could not be masked."""
    plan = plan_with(SecretSource("TOKEN", "TOKEN", None, required=False))
    assert resolve_secrets(plan, str(tmp_path), {}).values == {}
    assert resolve_secrets(plan, str(tmp_path), {"TOKEN": ""}).values == {}
    with pytest.raises(SecretError):
        resolve_secrets(plan, str(tmp_path), {"TOKEN": "abc"})


def test_a_stage_gets_what_it_lists_and_no_source_of_another(tmp_path: Path) -> None:
    """By the secret's own name; sources of secrets that no stage lists are hidden too."""
    hook = SecretSource("HOOK", "CI_HOOK", None, required=True)
    unused = SecretSource("UNUSED", "UNUSED", None, required=True)
    plan = plan_with(TOKEN, hook, unused, listed="HOOK")
    inherited = {"TOKEN": "t-12345", "CI_HOOK": "h-12345", "UNUSED": "u-12345", "PATH": "/bin"}
    secrets = resolve_secrets(plan, str(tmp_path), inherited)
    run = RunFacts(new_run(tmp_path), "demo", secrets)
    deploy, other = (resolve_environment(inherited, run, stage, 1, {}) for stage in plan.stages)
    names = {"TOKEN", "HOOK", "CI_HOOK", "UNUSED", "PATH"}
    assert names & deploy.keys() == {"HOOK", "CI_HOOK", "PATH"}
    assert deploy["HOOK"] == "h-12345"
    assert names & other.keys() == {"PATH"}
    assert secrets.masked("t-12345 h-12345 u-12345") == "*** *** ***"


def test_two_secrets_may_take_each_other_s_names(tmp_path: Path) -> None:
    """What a stage lists wins over the source of what it does not."""
    a, b = (SecretSource(x, y, None, required=True) for x, y in (("A", "B"), ("B", "A")))
    plan = plan_with(a, b, listed="A")
    inherited = {"A": "value-of-a", "B": "value-of-b"}
    run = RunFacts(new_run(tmp_path), "demo", resolve_secrets(plan, str(tmp_path), inherited))
    environment = resolve_environment(inherited, run, plan.stages[0], 1, {})
    assert environment["A"] == "value-of-b"
