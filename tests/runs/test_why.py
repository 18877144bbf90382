"""`orch why`: what had changed, in words and for programs."""

from tests.runs.project import Project


def test_why_names_what_decided(project: Project) -> None:
    """Of each kind of stage, of the last run and of an earlier one, of a whole matrix at once."""
    project.write("""
      stage build { matrix { v = ["1", "2"] } inputs = ["src{{ matrix.v }}.c"] run = "true" }
      stage tell  { run = "true" }
      stage never { when = false run = "true" }
    """)
    assert project.run().exit_code == 0
    first = project.manifest()["run_id"]
    (project.root / "src2.c").write_text("int x;\n")
    assert project.run().exit_code == 0

    def told(*words: str) -> str:
        answer = project.orch("why", *words)
        assert (answer.exit_code, answer.stderr) == (0, ""), answer
        return answer.stdout

    assert told("build") == (
        f"build[v=1] was fresh: nothing has changed since run {first}\n"
        "build[v=2] was run:\n  `src2.c` is new\n"
    )
    assert told(first, "build[v=1]") == "build[v=1] was run:\n  it never succeeded here\n"
    assert told("tell") == "tell is run every time: it declares no `inputs`\n"
    assert told("never") == "never was skipped: when is false\n"
    (stage,) = project.orch("why", "last", "build[v=2]", "--format", "json").json()["stages"]
    assert stage == {
        "stage": "build[v=2]", "status": "succeeded", "fresh": False, "reason": None,
        "why": ["`src2.c` is new"],
    }  # fmt: skip
    for word in ("last", first):
        refused = project.orch("why", word)
        assert refused.exit_code == 2
        assert f"`{word}` is a run; which stage of it is asked about?" in refused.stderr
        assert f"`orch why {word} STAGE`" in refused.stderr
    refused = project.orch("why", "bild")
    assert refused.exit_code == 2
    assert "did you mean `build`?" in refused.stderr
