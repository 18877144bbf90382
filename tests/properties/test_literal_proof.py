"""Values in random Python and JavaScript programs arrive unchanged, or are refused."""

import json
import os
import random
import re
import shutil
import subprocess
from typing import Any

import pytest

from orch.compiler.names import Scope
from tests.compiler.written import quoted
from tests.properties.fuzzing import seeds
from tests.properties.nasty import nasty

# Each shows its value once; `V` is where the template stands.
SHOWING = {
    "python": [
        "out.append(V)", "x = [V, 1]\nout += x[:1]", "f = lambda a=V: a\nout.append(f())",
        "out.append({'k': V}['k'])", "if V == V:\n    out.append(V)", "out.append((V))",
        "out.append(*[V])", "y = V; out.append(y)", "out.append(  # it's \"open\n  V\n)",
        "def f(a=V):\n    '''doc \" #'''\n    return a\nout.append(f())", "out.extend([V,])",
        "out.append(V if 1 <= 2 else None)", "out.append(f'{1 + 1}' and V)",
    ],
    "node": [
        "out.push(V)", "x = [V, 1]; out.push(x[0])", "out.push(((a) => a)(V));",
        "out.push({k: V}.k)", "if (true) { out.push(V) }", "out.push((V))", "out.push(...[V])",
        "out.push(  // it's \"open`\n  V\n)", "out.push(`a ${1} \\``.length && V)",
        "x = function (a = V) { /* it's ` */ return a }\nout.push(x())", "x = 4 / 2; out.push(V)",
        "r = /['\"`]/g; out.push(V)", "out.push(1 ? V : 2)", "x = V\nout.push(x)",
    ],
}  # fmt: skip
AROUND = {
    "python": ["", '# it\'s """ open\n', "z = 'it\\'s' + \"'\" r'\\\\'\n", '"""a " \' # """\n'],
    "node": ["", "// it's ` open\n", "z = 'it\\'s' + \"'\" + `'\"`\n", "/* \" ' ` */\n"],
}
RISKY = {
    "python": [
        "out.append('V')",
        "out.append(f'{ V }')",
        "# V",
        "out.append(rV)",
        "out.V",
        "'''V'''",
    ],
    "node": [
        "out.push('V')",
        "out.push(`V`)",
        "// V",
        "out.push(`${ V }`)",
        "out.V",
        "/V/",
        "/* V */",
    ],
}
PROGRAMS = {
    "python": ("import json\nout = []\nBODY\nprint(json.dumps(out))", ["python3", "-c"]),
    "node": ("var out = [], x, y, z, r;\nBODY\nconsole.log(JSON.stringify(out))", ["node", "-e"]),
}


def value(dice: random.Random, depth: int = 2) -> Any:
    """A value of any kind that a template may have."""
    match dice.randint(0, 7 if depth else 4):
        case 4:
            numbers = [0, -1, 3, 2**53 - 1, -(2**53) + 1, 0.25, -1.5, 1e300, True, False]
            return dice.choice(numbers)
        case 5:
            return tuple(value(dice, depth - 1) for _ in range(dice.randint(0, 3)))
        case 6:
            return {nasty(dice): value(dice, depth - 1) for _ in range(dice.randint(0, 3))}
        case _:
            return nasty(dice)


@pytest.mark.parametrize("shell", ["python", "node"])
def test_every_literal_is_its_value(shell: str) -> None:
    """Several hundred statements share one process; a tenth reads its value while it runs."""
    frame, command = PROGRAMS[shell]
    if shutil.which(command[0]) is None:
        pytest.skip("isn't installed")
    for seed in seeds(3, 0.03):
        dice = random.Random(f"{seed} {shell}")
        lines: list[str] = []
        lets: dict[str, Any] = {}
        late: dict[str, str] = {}
        shown = []
        for number in range(120):
            name = f"v{number}"
            given = value(dice)
            if isinstance(given, str) and dice.random() < 0.3:
                late[f"stages.s.values.{name}"] = given
                name = f"stages.s.values.{name}"
            else:
                lets[name] = given
            statement = dice.choice(SHOWING[shell])
            shown.append(given)
            lines.append(dice.choice(AROUND[shell]) + statement.replace("V", f"{{{{ {name} }}}}"))
        source = frame.replace("BODY", "\n".join(lines))
        done = quoted(source, shell, Scope(lets=lets))
        assert done.text is not None, (seed, done.diagnostics)
        assert done.text.isascii()
        variables = {variable: late[text] for variable, text in done.bindings.items()}
        output = subprocess.run(
            [*command, done.text],
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **variables},
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert not output.stderr, f"seed {seed}: {output.stderr.decode()}"
        assert json.loads(output.stdout) == json.loads(json.dumps(shown)), f"seed {seed}"


@pytest.mark.parametrize("shell", ["python", "node"])
def test_what_is_no_place_for_a_literal_is_refused(shell: str) -> None:
    """Whatever stands around it."""
    frame, _ = PROGRAMS[shell]
    for seed in seeds(60, 0.01):
        dice = random.Random(f"{seed} {shell}")
        body = "".join(
            dice.choice(AROUND[shell]) + re.sub("V", "1", dice.choice(SHOWING[shell])) + "\n"
            for _ in range(dice.randint(0, 4))
        )
        body += dice.choice(RISKY[shell]).replace("V", "{{ v }}")
        done = quoted(frame.replace("BODY", body), shell, Scope(lets={"v": nasty(dice)}))
        assert [d.code for d in done.diagnostics] == ["E0504"], f"seed {seed}\n{body}"
