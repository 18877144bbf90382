"""Quoting is proved: in random scripts every value arrives byte for byte, or it is refused."""

import os
import random
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from orch.compiler.names import Scope
from tests.compiler.written import quoted
from tests.properties.compositions import PRELUDE, Composer
from tests.properties.fuzzing import seeds
from tests.properties.nasty import nasty

SHELLS = [
    ("sh", ["sh"]),
    ("sh", ["dash"]),
    ("sh", ["bash", "--posix"]),
    ("sh", ["busybox", "sh"]),
    ("bash", ["bash"]),
]
SCRIPTS_A_PROCESS = 60


@dataclass
class Sample:
    """A script with its values in it, and what it is to show."""

    text: str
    shown: list[str]
    variables: dict[str, str]
    source: str


def filled(text: str, values: list[str]) -> str:
    return re.sub(r"\{\{v(\d+)\}\}", lambda match: values[int(match[1])], text)


def sample(dice: random.Random, shell: str, number: int) -> Sample | None:
    """A random script; None where the compiler refuses it."""
    composer = Composer(dice, is_bash=shell == "bash")
    source, shown = composer.script()
    values = [nasty(dice) for _ in range(composer.values)]
    text, late = source, {}
    for index in range(composer.values):
        if dice.random() < 0.3:
            late[f"stages.s.values.v{index}"] = values[index]
            text = text.replace(f"{{{{v{index}}}}}", f"{{{{stages.s.values.v{index}}}}}")
    done = quoted(text, shell, Scope(lets={f"v{n}": value for n, value in enumerate(values)}))
    if done.text is None:
        assert {d.code for d in done.diagnostics if d.is_error} == {"E0504"}, (text, done)
        return None
    # Many scripts share one process, and so its environment.
    text = re.sub(r"ORCH_B(\d+)", rf"ORCH_B\1_{number}", done.text)
    variables = {f"{name}_{number}": late[expression] for name, expression in done.bindings.items()}
    return Sample(text, [filled(one, values) for one in shown], variables, source)


def shown_by(command: list[str], samples: list[Sample], folder: Path) -> list[str]:
    path = folder / "script"
    path.write_text(PRELUDE + "\n".join(s.text for s in samples), encoding="utf-8", newline="")
    variables = {name: value for s in samples for name, value in s.variables.items()}
    done = subprocess.run(
        [*command, str(path)],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **variables},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
    )
    found = done.stdout.decode(errors="surrogateescape").split("\0")[:-1]
    return [*found, *([f"stderr: {done.stderr.decode()}"] if done.stderr else [])]


@pytest.mark.parametrize(("shell", "command"), SHELLS, ids=str)
def test_every_value_arrives_or_is_refused(shell: str, command: list[str], tmp_path: Path) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip("isn't installed")
    refused = proved = 0
    for seed in seeds(5, 0.06):
        dice = random.Random(f"{seed} {shell}")
        made = [sample(dice, shell, number) for number in range(SCRIPTS_A_PROCESS)]
        samples = [one for one in made if one is not None]
        proved, refused = proved + len(samples), refused + made.count(None)
        expected = [one for s in samples for one in s.shown]
        if shown_by(command, samples, tmp_path) != expected:
            for one in samples:
                assert shown_by(command, [one], tmp_path) == one.shown, (
                    f"seed {seed}\n{one.source}\nbecame\n{one.text}"
                )
            pytest.fail(f"seed {seed}: these scripts change each other")
    assert proved > 2 * refused > 0
