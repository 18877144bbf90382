"""What only the author can decide is offered in several ways, or with something to fill in."""

from pathlib import Path

import pytest

from orch.cli.lsp.mending import mendings
from orch.cli.lsp.renaming import edited
from tests.lsp.marked import MAIN, opened, project_of

WRONG_ORDER = 'stage a { run = "x" env { A = "{{ stages.b.status }}" } }\n'
READING_SERVICE = 'service s { run = ["x", "{{ stages.b.status }}"] }\n'
OF_SERVICE = 'service s { run = ["x"] }\nstage u { needs = [s] '
SECRET = "secret TOKEN\n"


@pytest.mark.parametrize(
    ("wrong", "title", "right"),
    [
        (
            'stage a {\n  run = "x"\n  summary = "{{ stages.a.status }}"\n}\n',
            "Read it in a new stage after `a`",
            (
                'stage a {\n  run = "x"\n}\n\nstage after_a {\n  needs = [a]\n'
                '  run   = ["echo", {{ stages.a.status }}]\n}\n'
            ),
        ),
        (
            'stage a { run = ["x", "{{ stages.a.status }}", "y"] }\n',
            "Don't read it in `a`",
            'stage a { run = ["x", "y"] }\n',
        ),
        (
            'service s { run = ["{{ stages.s.status }}", "y"] }\n',
            "Read it in a new `finally` stage",
            (
                'service s { run = ["NAME", "y"] }\n\nfinally after_s {\n'
                '  run = ["echo", {{ stages.s.status }}]\n}\n'
            ),
        ),
        (
            'finally f { when = {{ stages.f.status == "failed" }}, run = "x" }\n',
            "Don't read it in `f`",
            'finally f { run = "x" }\n',
        ),
        (
            OF_SERVICE + 'run = "x {{ stages.s.status }}" } # y\nfinally after_u { run = "x" }\n',
            "Read it in a new `finally` stage",
            OF_SERVICE + 'run = "x " } # y\n\nfinally after_u_2 {\n'
            '  run = ["echo", {{ stages.s.status }}]\n}\n',
        ),
        (
            WRONG_ORDER + 'stage b { needs = [a, c], run = "x" }\nstage c { run = "x" }\n',
            "Turn the need around",
            (
                'stage a { needs = [b] run = "x" env { A = "{{ stages.b.status }}" } }\n'
                'stage b { needs = [c], run = "x" }\n'
            ),
        ),
        (
            WRONG_ORDER + 'stage b { needs = [a], run = "x" }\n',
            "Read it in a new stage after `b`",
            (
                'stage a { run = "x" env { A = "" } }\n\nstage after_b {\n  needs = [b]\n'
                '  run   = ["echo", {{ stages.b.status }}]\n}\nstage b {'
            ),
        ),
        (
            READING_SERVICE + 'stage b { needs = [s] run = "x" }\n',
            "Let `b` not need `s`",
            READING_SERVICE + 'stage b { run = "x" }\n',
        ),
        (
            'finally f { run = "x" }\nstage a { run = "{{ stages.f.status }}" }\n',
            "Make `f` a stage that comes before",
            'stage f { run = "x" }\nstage a { needs = [f] run = "{{ stages.f.status }}" }\n',
        ),
        (
            'service s { run = "x" }\n',
            "Add a stage",
            'stage NAME {\n  needs = [s]\n  run = ""\n}\n\nservice s {',
        ),
        (
            'param w: duration = 2s\nstage a { run = "x", retry { backoff = {{ w }}..5s } }\n',
            "Write its ends out",
            'param w: duration = 2s\nstage a { run = "x", retry { backoff = 2s..5s } }\n',
        ),
        (
            'stage a { run = "x", retry { backoff = 1s..{{ 2 + 3 }} } }\n',
            "Write its ends out",
            'stage a { run = "x", retry { backoff = 1s..1s } }\n',
        ),
        (
            SECRET + 'stage a {\n  run = """\n    x "{{ TOKEN }}" \'{{ run.id }}\'\n  """\n}\n',
            "List it in `secrets` and let",
            SECRET
            + 'stage a {\n  secrets = [TOKEN]\n  run = """\n    x "${TOKEN}" \'{{ run.id }}\'',
        ),
        (
            SECRET + 'stage a { run = ["x", "-H", "A: {{ TOKEN }}"], secrets = [] }\n',
            "List it in `secrets` and let",
            SECRET + 'stage a { run = "x -H \'A: \'\\"$TOKEN\\"", secrets = [TOKEN] }\n',
        ),
        (
            SECRET + 'stage a { shell = python, run = "print({{ TOKEN }})" }\n',
            "List it in `secrets` and let",
            SECRET + "stage a { secrets = [TOKEN] shell = python, "
            "run = \"print(__import__('os').environ['TOKEN'])\" }\n",
        ),
        (
            SECRET + 'stage a { run = \'x\', env = { B = "C {{ TOKEN }}", D = "" } }\n',
            "List it in `secrets` and let",
            SECRET + "stage a { secrets = [TOKEN] run = 'export B=\"C ${TOKEN}\"; x', "
            'env = { D = "" } }\n',
        ),
        (
            SECRET + 'stage a {\n  run = """\n    x\n  """\n  env {\n    B = {{ TOKEN }}\n  }\n}\n',
            "List it in `secrets` and let",
            SECRET + 'stage a {\n  secrets = [TOKEN]\n  run = """\n    export B="${TOKEN}"\n    x\n'
            '  """\n  env {\n  }\n}\n',
        ),
        (
            SECRET + 'stage a { run = """x {{ TOKEN }}""" }\n',
            "List it in `secrets` and let",
            SECRET + 'stage a { secrets = [TOKEN] run = """x "$TOKEN" """ }\n',
        ),
        (
            SECRET + 'stage a { run = """x\ny""" env { B = {{ TOKEN }} } }\n',
            "List it in `secrets` and let",
            SECRET
            + 'stage a {\n  secrets = [TOKEN] run = """export B="${TOKEN}"; x\ny""" env { } }\n',
        ),
        (
            SECRET + 'stage a { run = "x" summary = "{{ TOKEN }}" }\n',
            "List it in `secrets`, and take it out here",
            SECRET + 'stage a { secrets = [TOKEN] run = "x" }\n',
        ),
        (SECRET + 'let x = "a{{ TOKEN }}"\n', "Take it out here", SECRET + 'let x = "a"\n'),
    ],
)
def test_what_has_several_ways_out_is_offered_each(
    wrong: str, title: str, right: str, tmp_path: Path
) -> None:
    """By example, as it is followed; none is done by an editor by itself."""
    project = project_of(tmp_path)
    begin = "pipeline demo { }\n"
    opened(project, begin + wrong)
    offered = [(d, m) for d in project.diagnostics(MAIN) for m in mendings(d, project.pieced)]
    mended, chosen = next(each for each in offered if each[1].title.startswith(title))
    text = edited(begin + wrong, list(chosen.edits[MAIN]))
    assert text.startswith(begin + right)
    assert not chosen.is_sure
    opened(project, text)
    left = [(d.code, d.message) for d in project.diagnostics(MAIN)]
    assert (mended.code, mended.message) not in left


@pytest.mark.parametrize(
    ("wrong", "title"),
    [
        # `b` reads `a`, or needs what needs it: it can't come before.
        (
            WRONG_ORDER + 'stage b { needs = [a], run = "{{ stages.a.status }}" }\n',
            "Turn the need around",
        ),
        (
            WRONG_ORDER
            + 'stage b { needs = [a, c], run = "x" }\nstage c { needs = [a] run = "x" }',
            "Turn the need around",
        ),
        # What `f` reads might not have ended.
        (
            (
                'stage x { run = "x" }\nfinally f { run = "{{ stages.x.status }}" }\n'
                'finally g { run = "{{ stages.f.status }}" }\n'
            ),
            "Make `f` a stage",
        ),
    ],
)
def test_what_would_only_be_wrong_elsewhere_is_not_offered(
    wrong: str, title: str, tmp_path: Path
) -> None:
    """By example."""
    project = project_of(tmp_path)
    opened(project, "pipeline demo { }\n" + wrong)
    found = [each for d in project.diagnostics(MAIN) for each in mendings(d, project.pieced)]
    assert found
    assert not [each.title for each in found if each.title.startswith(title)]


@pytest.mark.parametrize(
    ("param", "use", "right"),
    [
        ("param name: int", " { }", " { with { name = 0 } }"),
        ("param name: string", "", ' { with { name = "" } }'),
        ('param name: string { in = ["x", "y"] }', " { }", ' { with { name = "x" } }'),
        ("param name: int { in = 3..5 }", " { needs = [] }", " { with { name = 3 }, needs = [] }"),
        (
            "param name: list<string>\nparam other: bool",
            " { with { other = true } }",
            " { with { name = [], other = true } }",
        ),
        (
            "param name: duration\nparam other: bool",
            " {\n  with {\n    other = true\n  }\n}",
            " {\n  with {\n    name = 1s\n    other = true\n  }\n}",
        ),
    ],
)
def test_an_argument_that_a_use_owes_is_given_in_its_file(
    param: str, use: str, right: str, tmp_path: Path
) -> None:
    """The diagnostic stands at the parameter, the edit in the file that uses it."""
    project = project_of(tmp_path, lib=f'{param}\nstage a {{ run = "x" }}\n')
    main = 'pipeline demo { }\nuse "lib.pipeline" as lib'
    opened(project, f"{main}{use}\n")
    owed = [d for d in project.diagnostics("lib.pipeline") if d.code == "E0404"]
    (found,) = mendings(owed[0], project.pieced)
    assert found.title == "Give `name` in main.pipeline"
    (edits,) = found.edits.values()
    assert list(found.edits) == [MAIN]
    text = edited(f"{main}{use}\n", list(edits))
    assert text == f"{main}{right}\n"
    opened(project, text)
    assert [d.code for d in project.diagnostics("lib.pipeline") if d.is_error] == []
