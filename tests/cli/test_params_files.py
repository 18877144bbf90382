"""Arguments from files: `--params`, TOML and JSON, through the real command."""

import json
from pathlib import Path

import pytest

from tests.cli.orch_program import orch

PIPELINE = """\
pipeline demo { }
param level: string = "default" { env = "DEMO_LEVEL" }
param count: int = 1
param ratio: float = 1.5
param wait: duration = 5s
param names: list<string> = []
param sizes: map<map<int>> = { }
stage show {
  run = ["echo", "{{ level }} {{ count }} {{ ratio }} {{ wait | seconds }} {{ names | json }}"]
  env { SIZES = "{{ sizes | json }}" }
}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "demo.pipeline").write_text(PIPELINE, encoding="utf-8")
    return tmp_path


def plan(root: Path, *words: str, **environment: str) -> dict[str, object]:
    """The params of the plan that the command makes."""
    words = ("plan", "demo.pipeline", "--root", ".", "--format", "json", *words)
    done = orch(*words, cwd=root, env=environment)
    assert done.returncode == 0, done.stderr
    params: dict[str, object] = json.loads(done.stdout)["params"]
    return params


def test_the_command_line_is_over_files_over_the_environment_over_defaults(root: Path) -> None:
    """And a later file is over an earlier one, name by name."""
    (root / "one.toml").write_text('level = "one"\ncount = 2\n', encoding="utf-8")
    (root / "two.json").write_text('{"level": "two"}', encoding="utf-8")
    both = ("--params", "one.toml", "--params", "two.json")
    assert plan(root)["level"] == "default"
    assert plan(root, DEMO_LEVEL="env")["level"] == "env"
    params = plan(root, *both, DEMO_LEVEL="env")
    assert (params["level"], params["count"]) == ("two", 2)
    assert plan(root, *both, "-p", "level=word", DEMO_LEVEL="env")["level"] == "word"


def test_tables_and_lists_are_maps_and_lists(root: Path) -> None:
    """Tables within tables too; durations are texts, and an int is taken as a float."""
    text = 'ratio = 3\nwait = "1m"\nnames = ["a", "b"]\n[sizes.x]\ny = 3\n'
    (root / "all.toml").write_text(text, encoding="utf-8")
    params = plan(root, "--params", "all.toml")
    assert params == {
        "level": "default",
        "count": 1,
        "ratio": 3.0,
        "wait": 60_000,
        "names": ["a", "b"],
        "sizes": {"x": {"y": 3}},
    }


CANNOT_BE_READ = [
    ("f.toml", b"\xff\xfe", "`f.toml` is not UTF-8 at byte 0"),
    ("f.json", b'{"level": NaN}', "`f.json` holds NaN, which is no JSON value"),
    ("f.json", b"[1]", "`f.json` has to hold an object of names and values"),
    ("f.json", b"", "`f.json` is not JSON at line 1, column 1"),
    ("f.json", b'{"sizes": {"x": {"a": 1, "a": 2}}}', "`f.json` gives `a` twice"),
    ("f.json", b'{"sizes":' * 100_000, "`f.json` holds a number or a nesting past all limits"),
    (
        "f.toml",
        b"count = 1\ncount = 2\n",
        "`f.toml` gives a name a second time at line 2, column 1",
    ),
    ("f.toml", b"sizes = { a = 1, a = 2 }", "`f.toml` gives a name a second time at line 1"),
    ("f.toml", b"count", "`f.toml` is not TOML at its end"),
    ("missing.toml", None, "can't read `missing.toml`: no such file or directory"),
    (".", None, "can't read `.`: is a directory"),
]

MISFITS = [
    ("f.toml", b"level = 2026-01-01", ("E0401", "`level` is `2026-01-01`, which is no string")),
    ("f.toml", b"ratio = nan", ("E0401", "`ratio` is `NaN`, which is no float")),
    ("f.toml", b"ratio = -inf", ("E0401", "`ratio` is `-Infinity`, which is no float")),
    ("f.json", b'{"ratio": 1e999}', ("E0401", "`ratio` is `Infinity`, which is no float")),
    ("f.json", b'{"count": "3"}', ("E0401", '`count` is `"3"`, which is no int')),
    ("f.json", b'{"count": true}', ("E0401", "`count` is `true`, which is no int")),
    ("f.json", b'{"wait": 5}', ("E0401", "`wait` is `5`, which is no duration")),
    ("f.toml", b"names = [1]", ("E0401", "`names` is `[1]`, which is no list<string>")),
    ("f.toml", b"count = 99999999999999999999", ("E0401", "which is no int")),
    ("f.json", b'{"level": "\\ud800"}', ("E0401", "which is no string")),
    ("f.toml", b"levle = 1", ("E0208", "there is no parameter `levle`")),
]


def complaint(root: Path, name: str, content: bytes | None) -> str:
    """What `plan` prints as JSON on being given this file."""
    if content is not None:
        (root / name).write_bytes(content)
    words = ("plan", "demo.pipeline", "--root", ".", "--params", name, "--format", "json")
    done = orch(*words, cwd=root)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.parametrize(("name", "content", "said"), CANNOT_BE_READ)
def test_a_file_that_can_not_be_read_is_named(
    name: str, content: bytes | None, said: str, root: Path
) -> None:
    """With the reason, and the place where there is one; in our words."""
    assert said in json.loads(complaint(root, name, content))["error"]["message"]


@pytest.mark.parametrize(("name", "content", "said"), MISFITS)
def test_a_value_that_does_not_fit_is_a_diagnostic(
    name: str, content: bytes, said: tuple[str, str], root: Path
) -> None:
    """At its parameter; without a place where there is none."""
    code, message = said
    [found] = json.loads(complaint(root, name, content))["diagnostics"]
    assert (found["code"], message in found["message"]) == (code, True), found["message"]
    assert (found["start"] is None) == (code == "E0208")
