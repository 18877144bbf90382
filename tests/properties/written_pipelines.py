"""Random pipelines written from the table of settings, right in form and often wrong in meaning."""

import random

from orch.compiler.settings import BLOCKS, BlockSpec

_BLOCKS = tuple(BLOCKS.values())
_NAMES = ("a", "b", "build", "web-lint", "x_1", "test", "A", "stage", "params")
_TYPES = ("string", "int", "float", "bool", "duration", "size", "path", "list<string>", "map<int>")
_EXPRESSIONS = (
    "params.a", "lets.b", "a", "matrix.x_1", "stages.build.status", "stages.test.values.a",
    "run.id", "run.status", "pipeline.name", '"x" ~ a', "1 + 2", "not true", "a if b else 3",
    "[1, a]", "1 / 0", "range(0, 3)", 'glob("*")', "a | upper | quote", "a | raw", "{'k': a}",
    "a.b.c", "x[0]", "-a", 'stages["web-lint"].exit_code', "'a' in a", "a == 1",
    "range(0, 99999)", "'x' | int", "_a", "a(",
)  # fmt: skip
_SCALARS = (
    "1", "-3", "0.25", "1_000", "5m", "1h30m", "250ms", "64KiB", "2GB", "true", "1..4",
    "100ms..3s", "build", "timeout", "exit(75)", "web-lint", 'test[x_1="a"]', '"a b"', "'lit'",
    '""', '"é\\u{1F600}"', '"*.py"', '"../x"', '"/abs"', '"sh"', '"none"', "bash", "node", "full",
    '"""\n  echo hi\n"""', "99d",
)  # fmt: skip


class PipelineWriter:
    """Writes one pipeline with the dice given."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def text(self) -> str:
        blocks = [
            self._block(self._dice.choice(_BLOCKS), 2) for _ in range(self._dice.randint(0, 8))
        ]
        constants = [
            f"{self._dice.choice(('let', 'let', 'secret', 'param'))} {self._name()}"
            f"{self._dice.choice(('', ': ' + self._dice.choice(_TYPES)))} = {self._value(2)}"
            for _ in range(self._dice.randint(0, 3))
        ]
        parts = ["pipeline demo { }", *blocks, *constants]
        self._dice.shuffle(parts)
        return "\n".join(parts) + "\n"

    def _name(self) -> str:
        return self._dice.choice(_NAMES)

    def _block(self, spec: BlockSpec, depth: int) -> str:
        head = self._dice.choice(
            (spec.keyword, f"{spec.keyword} {self._name()}", f"{spec.keyword} {self._name()}",
             f'{spec.keyword} "b.pipeline" as {self._name()}')
        )  # fmt: skip
        inside = []
        if spec.rows:
            rows = self._dice.choices(spec.rows, k=self._dice.randint(0, 5))
            inside += [f"{row.name} = {self._value(2)}" for row in rows]
        if spec.entries is not None:
            inside += [
                f"{self._name()} = {self._value(2)}" for _ in range(self._dice.randint(0, 3))
            ]
        if spec.declares:
            inside.append(f"{self._name()}: {self._dice.choice(_TYPES)}")
        if spec.inner and depth:
            for inner in self._dice.choices(spec.inner, k=self._dice.randint(0, 2)):
                inside.append(self._block(inner, depth - 1))
        return f"{head} {{\n" + "\n".join(inside) + "\n}"

    def _value(self, depth: int) -> str:
        match self._dice.randint(0, 8 if depth else 5):
            case 0 | 1 | 2 | 3:
                return self._dice.choice(_SCALARS)
            case 4:
                return f"{{{{ {self._dice.choice(_EXPRESSIONS)} }}}}"
            case 5:
                around = self._dice.choice(("echo ", "'a' ", "$(x ", "# ", ""))
                return f'"{around}{{{{ {self._dice.choice(_EXPRESSIONS)} }}}} z"'
            case 6 | 7:
                items = (self._value(depth - 1) for _ in range(self._dice.randint(0, 3)))
                return f"[{', '.join(items)}]"
            case _:
                entries = (
                    f"{self._name()} = {self._value(depth - 1)}"
                    for _ in range(self._dice.randint(0, 3))
                )
                return f"{{ {', '.join(entries)} }}"
