"""Values through real runs: arguments, environment, input, scripts and summaries, byte for byte."""

import json
import random
from pathlib import Path
from typing import Any

from tests.properties.fuzzing import seeds
from tests.properties.nasty import NASTY, nasty
from tests.runs.project import Project

RECORDER = """
import json, os, sys
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump([sys.argv[2:], os.environ.get("VALUE"), sys.stdin.buffer.read().decode()], file)
"""

PIPELINE = """
param v: string
param w: string
param list: list<string>

stage arguments {
  run = ["python3", "-X", "utf8", "record.py", "arguments.json", "{{ v }}", "a{{ w }}b", {{ list }}]
}
stage environment {
  env { VALUE = "{{ v }}", ORCH_X = "{{ w }}" }
  run = ["python3", "-X", "utf8", "record.py", "environment.json"]
}
stage input {
  stdin = "{{ v }}\\n{{ w }}"
  run = ["python3", "-X", "utf8", "record.py", "input.json"]
}
stage script {
  run = \"\"\"
    python3 -X utf8 record.py script.json -- {{ v }} "a{{ w }}b" 'c{{ v }}' {{ list }}
  \"\"\"
}
stage bash {
  shell = bash
  run = \"\"\"
    values=({{ list }} "{{ w }}")
    python3 -X utf8 record.py bash.json "${values[@]}"
  \"\"\"
}
stage python {
  shell = python
  run = \"\"\"
    import json
    with open("python.json", "w", encoding="utf-8") as file:
        json.dump([[{{ v }}, *{{ list }}], {{ w }}, ""], file)
  \"\"\"
}
stage said {
  run = ["true"]
  summary = "{{ v }}|{{ w }}"
}
"""


def test_what_a_stage_gets_is_the_value(tmp_path: Path) -> None:
    """`--params` gives the values as JSON, so nothing else reads them on their way."""
    project = Project(tmp_path)
    project.write(PIPELINE)
    (project.root / "record.py").write_text(RECORDER, encoding="utf-8")
    for seed in seeds(2, 0.05):
        dice = random.Random(seed)
        v, w = nasty(dice), nasty(dice)
        items = dice.sample(NASTY, 12)
        check(project, v, w, items, seed)


def check(project: Project, v: str, w: str, items: list[str], seed: int) -> None:
    params = project.root / "params.json"
    params.write_text(json.dumps({"v": v, "w": w, "list": items}), encoding="utf-8")
    answer = project.orch("run", "demo.pipeline", "--params", "params.json", "--format", "json")
    assert answer.exit_code == 0, f"seed {seed}: {answer}"

    def recorded(name: str) -> Any:
        return json.loads((project.root / f"{name}.json").read_text(encoding="utf-8"))

    assert recorded("arguments")[0] == [v, f"a{w}b", *items], f"seed {seed}"
    assert recorded("environment")[1] == v, f"seed {seed}"
    assert recorded("input")[2] == f"{v}\n{w}", f"seed {seed}"
    assert recorded("script")[0] == ["--", v, f"a{w}b", f"c{v}", *items], f"seed {seed}"
    assert recorded("bash")[0] == [*items, w], f"seed {seed}"
    assert recorded("python")[:2] == [[v, *items], w], f"seed {seed}"
    (said,) = [stage for stage in project.manifest()["stages"] if stage["id"] == "said"]
    assert said["summary"] == f"{v}|{w}", f"seed {seed}"
