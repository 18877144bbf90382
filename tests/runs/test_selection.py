"""Choosing what runs: `--only` and `--from`."""

from typing import Any

from tests.runs.project import Answer, Project

PIPELINE = """
stage build { run = "echo build >> ran" }
stage test {
  needs = [build], matrix { on = ["a", "b"] }
  run   = "echo test{{ matrix.on }} >> ran"
}
stage pack { needs = [test], run = "echo pack >> ran" }
stage other { run = "echo other >> ran" }
finally tidy { run = "echo tidy >> ran" }
finally tell { run = "echo tell >> ran" }
"""


def ran(project: Project) -> set[str]:
    return set(project.text("ran").split())


def dry(answer: Answer) -> set[str]:
    """The stages that a plan runs."""
    stages: list[dict[str, Any]] = answer.json()["stages"]
    return {stage["id"] for stage in stages if stage["skip"] is None}


def test_only_runs_what_is_named_and_the_finally_stages(project: Project) -> None:
    """What is needed isn't run, and holds nothing up; the reason is in the manifest."""
    project.write(PIPELINE)
    assert project.run("--only", "pack", "--only", "test[on=b]").exit_code == 0
    assert ran(project) == {"testb", "pack", "tidy", "tell"}
    build = project.manifest()["stages"][0]
    assert (build["status"], build["reason"]) == ("skipped", "selection")
    assert "skipped, not selected" in project.orch("status").stdout


def test_a_matrix_an_alias_and_what_comes_after_a_stage_are_selected_by_name(
    project: Project,
) -> None:
    """`--from` takes a stage and all that comes after it; both may be said, and several times."""
    (project.root / "lib.pipeline").write_text(
        'stage lint { run = "true" }\nstage unit { needs = [lint] run = "true" }'
    )
    project.write(PIPELINE + 'use "lib.pipeline" as web { needs = [other] }')
    ends = {"tidy", "tell"}
    for words, expected in (
        (("--only", "test"), {"test[on=a]", "test[on=b]"}),
        (("--only", "web"), {"web.lint", "web.unit"}),
        (("--from", "test"), {"test[on=a]", "test[on=b]", "pack"}),
        (("--from", "test[on=a]"), {"test[on=a]", "pack"}),
        (("--from", "other", "--only", "build"), {"other", "web.lint", "web.unit", "build"}),
    ):
        assert dry(project.run("--dry-run", *words)) == expected | ends


def test_of_finally_stages_that_are_named_only_those_run(project: Project) -> None:
    """Who asks for one clean-up doesn't get another."""
    project.write(PIPELINE)
    assert project.run("--only", "tidy").exit_code == 0
    assert ran(project) == {"tidy"}


def test_services_that_selected_stages_need_are_selected(project: Project) -> None:
    """A stage without its service could only fail."""
    project.write(
        'service db { run = ["sleep", "9"] }\nservice web { run = ["sleep", "9"] }\n'
        'stage a { needs = [db], run = "true" }\nstage b { needs = [web], run = "true" }'
    )
    assert dry(project.run("--dry-run", "--only", "a")) == {"db", "a"}


def test_a_selection_counts_in_the_bounds_and_holds_after_a_resume(project: Project) -> None:
    """It is frozen with the plan: no life of the run starts what was not selected."""
    project.write(PIPELINE.replace("echo pack", "test -e go; echo pack"))
    whole = project.run("--dry-run").json()["bounds"]
    bounds = project.run("--dry-run", "--only", "pack").json()["bounds"]
    assert (whole["attempts"], bounds["attempts"]) == (7, 3)
    assert project.run("--only", "pack").exit_code == 1
    (project.root / "go").touch()
    assert project.orch("resume", "last").exit_code == 0
    assert ran(project) == {"tidy", "tell", "pack"}


def test_a_value_of_a_stage_that_was_not_selected_is_missed_by_name(project: Project) -> None:
    """The stage that reads it fails, and says what it missed."""
    project.write("""
stage make { values { word: string } run = "echo word=x > $ORCH_VALUES" }
stage take { needs = [make], run = "echo {{ stages.make.values.word }}" }
""")
    assert project.run("--only", "take").exit_code == 1
    reason = project.manifest()["stages"][1]["reason"]
    assert "stage `make` was skipped and handed on no value `word`" in reason


def test_an_unknown_name_is_refused_and_a_near_one_proposed(project: Project) -> None:
    """Exit code 2, before anything is made."""
    project.write(PIPELINE)
    for option in ("--only", "--from"):
        answer = project.orch("run", "demo.pipeline", option, "biuld")
        assert answer.exit_code == 2
        assert "no stage is called `biuld`" in answer.stderr
        assert "did you mean `build`?" in answer.stderr
        assert not (project.root / ".runs").exists()
    assert "orch plan" in project.orch("run", "demo.pipeline", "--only", "").stderr


def test_a_service_alone_is_no_selection(project: Project) -> None:
    """Nobody would need it, so nothing would run and the run succeed."""
    project.write("""
      service db { run = "sleep 60" }
      stage ask { needs = [db] run = "true" }
    """)
    refused = project.run("--only", "db")
    assert refused.exit_code == 2
    assert "`db` is a service" in refused.stderr
    assert project.run("--from", "db").exit_code == 0
