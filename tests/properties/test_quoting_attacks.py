"""Whatever mutation of a real script the compiler accepts, no value in it is ever run as code."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from orch.compiler.names import Scope
from tests.compiler.written import findings, quoted
from tests.properties.fuzzing import seeds
from tests.properties.real_scripts import ATTACKS, BASH_SCRIPTS, DANGERS, FRAGMENTS, SCRIPTS

SHELLS = [
    ("sh", ["dash"]),
    ("sh", ["bash", "--posix"]),
    ("sh", ["busybox", "sh"]),
    ("bash", ["bash"]),
]
MUTANTS_A_SEED = 200


def mutant(dice: random.Random, scripts: tuple[str, ...]) -> str:
    """A piece of a real script, perhaps a dangerous line, fragments put in and parts taken out."""
    text = dice.choice(scripts)
    if dice.random() < 0.6:
        lines = text.splitlines(keepends=True)
        first = dice.randrange(len(lines))
        text = "".join(lines[first : first + dice.randint(1, 4)])
    if dice.random() < 0.5:
        text = dice.choice((f"{text}\n{dice.choice(DANGERS)}", f"{dice.choice(DANGERS)}{text}"))
    for _ in range(dice.randint(0, 5)):
        at = dice.randint(0, len(text))
        to = min(len(text), at + dice.choice((0, 0, 1, 2, 8)))
        if "{{" not in text[max(0, at - 4) : to + 4] and "}}" not in text[max(0, at - 4) : to + 4]:
            text = text[:at] + "".join(dice.choices(FRAGMENTS, k=dice.randint(1, 2))) + text[to:]
    return text.replace("{{{", "{ {{")


def is_accepted(text: str, shell: str) -> bool:
    """Whether all values are proved, and no lint says that somebody reads them again."""
    codes = {code for code, _ in findings(text, shell, Scope(lets={"v": "plain"}))}
    return codes <= {"W0704"}


def run(command: list[str], text: str, folder: Path) -> None:
    """Runs a script that can start nothing but the shell's own commands."""
    process = subprocess.Popen(
        [*command, "-c", f"ulimit -t 2; ulimit -f 64\n{text}"],
        env={"PATH": "/nowhere", "LC_ALL": "C.UTF-8"},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # A mutant may wait for itself for ever; what it did until then counts.
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize(("shell", "command"), SHELLS, ids=str)
def test_no_accepted_mutant_runs_a_value(shell: str, command: list[str], tmp_path: Path) -> None:
    program = shutil.which(command[0])
    if program is None:
        pytest.skip("isn't installed")
    scripts = BASH_SCRIPTS if shell == "bash" else SCRIPTS
    accepted = tried = 0
    for seed in seeds(2, 0.08):
        dice = random.Random(f"{seed} {shell}")
        tried += MUTANTS_A_SEED
        for number in range(MUTANTS_A_SEED):
            text = mutant(dice, scripts)
            if "{{v}}" not in text or not is_accepted(text, shell):
                continue
            accepted += 1
            for attack in dice.sample(ATTACKS, 2):
                attacked = quoted(text, shell, Scope(lets={"v": attack})).text
                assert attacked is not None
                folder = tmp_path / f"{seed}-{number}"
                folder.mkdir()
                run([program, *command[1:]], attacked, folder)
                assert not (folder / "PWNED").exists(), f"seed {seed}\n{text}\nbecame\n{attacked}"
                shutil.rmtree(folder)
    assert accepted > tried / 10
