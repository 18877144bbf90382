"""The corpus: pipelines whose plans are kept as snapshots, and what they are compiled with."""

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Compilation, Request
from orch.dsl.json_text import canonical_json

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Entry:
    """A pipeline of the corpus: a file of its own, or a folder with a `main.pipeline`."""

    name: str
    main: Path

    @property
    def arguments(self) -> dict[str, str]:
        """Its arguments, of which it says in its head: `#! params: a=b`."""
        return dict(pair.split("=", 1) for pair in self._header("params"))

    def place(self, root: Path) -> None:
        """Copy the entry into an empty project root."""
        if self.main.name == "main.pipeline":
            shutil.copytree(self.main.parent, root, dirs_exist_ok=True)
        else:
            root.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.main, root)
        for name in self._header("files"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()

    def compile(self, root: Path) -> Compilation:
        """Compile the entry in a root where it was placed."""
        return compile_pipeline(str(root), self.main.name, Request(arguments=self.arguments))

    def plan_text(self, root: Path) -> str:
        """The canonical JSON of its plan; fails with the messages where there is none."""
        compilation = self.compile(root)
        assert compilation.plan is not None, [d.message for d in compilation.diagnostics]
        return canonical_json(compilation.plan.to_json())

    def _header(self, name: str) -> list[str]:
        for line in self.main.read_text(encoding="utf-8").split("\n"):
            if line.startswith(f"#! {name}:"):
                return shlex.split(line.partition(":")[2])
        return []


def entries() -> list[Entry]:
    """All entries of the corpus, by name."""
    single = [Entry(path.stem, path) for path in CORPUS.glob("*.pipeline")]
    folders = [Entry(path.parent.name, path) for path in CORPUS.glob("*/main.pipeline")]
    return sorted([*single, *folders], key=lambda entry: entry.name)
