"""Values known only while running reach every command byte for byte, whatever they hold."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.properties.fuzzing import seeds
from tests.properties.nasty import NASTY, nasty
from tests.runs.project import Project

WRITER = """
import json, os
lines = []
for name, text in json.load(open("given.json", encoding="utf-8")).items():
    word = "END"
    while word in text.split("\\n"):
        word += "_"
    lines += [f"{name}<<{word}", text, word]
with open(os.environ["ORCH_VALUES"], "w", encoding="utf-8", newline="") as file:
    file.write("\\n".join(lines) + "\\n")
"""
"""Each value in the form of several lines, which holds a text of any kind."""

RECORDER = """
import json, os, sys
with open(sys.argv[1] + ".json", "w", encoding="utf-8") as file:
    text = sys.stdin.buffer.read().decode()
    json.dump([sys.argv[2:], os.environ.get("VALUE"), text], file)
"""

RECORD = "python3 -X utf8 record.py"

HAND = """
stage hand {
  run = ["python3", "-X", "utf8", "write.py"]
  values { v: string, w: string }
}
"""

COMMANDS = f"""
stage sh {{
  needs = [hand]
  run = \"\"\"
    {RECORD} sh -- {{{{ stages.hand.values.v }}}} "a{{{{ stages.hand.values.w }}}}b" \\\\
      'c{{{{ stages.hand.values.v }}}}' "$(printf '%s.' {{{{ stages.hand.values.w }}}})"
  \"\"\"
}}
stage bash {{
  needs = [hand]
  shell = bash
  run = \"\"\"
    values=({{{{ stages.hand.values.v }}}} "{{{{ stages.hand.values.w }}}}")
    {RECORD} bash "${{values[@]}}" <<< x
  \"\"\"
}}
stage python {{
  needs = [hand]
  shell = python
  run = \"\"\"
    import json
    with open("python.json", "w", encoding="utf-8") as file:
        json.dump([[{{{{ stages.hand.values.v }}}}, {{{{ stages.hand.values.w }}}}]], file)
  \"\"\"
}}
stage outside {{
  needs = [hand]
  env {{ VALUE = "{{{{ stages.hand.values.v }}}}" }}
  stdin = "{{{{ stages.hand.values.w }}}}"
  run = ["python3", "-X", "utf8", "record.py", "outside", "{{{{ stages.hand.values.v }}}}"]
  summary = "{{{{ stages.hand.values.w }}}}"
}}
""".replace(" \\\\\n", " \\\n")

NODE = """
stage node {
  needs = [hand]
  shell = node
  run = \"\"\"
    const values = [{{ stages.hand.values.v }}, {{ stages.hand.values.w }}];
    require("fs").writeFileSync("node.json", JSON.stringify([values]));
  \"\"\"
}
"""


def test_what_a_stage_hands_on_reaches_every_command_unchanged(tmp_path: Path) -> None:
    """Nobody reads it on its way: not the shell, no literal's rules, no line's end."""
    project = project_of(tmp_path, COMMANDS)
    for v, w, seed in pairs():
        run(project, v, w, seed)
        assert recorded(project, "sh")[0] == ["--", v, f"a{w}b", f"c{v}", f"{w}."], f"seed {seed}"
        assert recorded(project, "bash")[0] == [v, w], f"seed {seed}"
        assert recorded(project, "python")[0] == [v, w], f"seed {seed}"
        assert recorded(project, "outside") == [[v], v, w], f"seed {seed}"
        (said,) = [s for s in project.manifest()["stages"] if s["id"] == "outside"]
        assert said["summary"] == w, f"seed {seed}"


@pytest.mark.skipif(shutil.which("node") is None, reason="node isn't installed")
def test_what_a_stage_hands_on_reaches_node_unchanged(tmp_path: Path) -> None:
    """No rule of JavaScript's literals reads it."""
    project = project_of(tmp_path, NODE)
    for v, w, seed in pairs():
        run(project, v, w, seed)
        assert recorded(project, "node")[0] == [v, w], f"seed {seed}"


def project_of(folder: Path, readers: str) -> Project:
    project = Project(folder)
    project.write(HAND + readers)
    (project.root / "write.py").write_text(WRITER, encoding="utf-8")
    (project.root / "record.py").write_text(RECORDER, encoding="utf-8")
    return project


def pairs() -> Iterator[tuple[str, str, int]]:
    """Two nasty values for each seed, and the seed."""
    awkward = [text for text in NASTY if "\r" in text or "\n" in text or "END" in text]
    for seed in seeds(2, 0.05):
        dice = random.Random(seed)
        yield dice.choice(awkward), nasty(dice), seed


def run(project: Project, v: str, w: str, seed: int) -> None:
    given = json.dumps({"v": v, "w": w})
    (project.root / "given.json").write_text(given, encoding="utf-8")
    answer = project.run()
    assert answer.exit_code == 0, f"seed {seed}: {answer}"


def recorded(project: Project, name: str) -> Any:
    return json.loads((project.root / f"{name}.json").read_text(encoding="utf-8"))
