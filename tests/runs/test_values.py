"""Values handed on between the stages of real runs: bound, typed, kept, and nothing left behind."""

import json

import pytest

from tests.runs.project import Project

HOSTILE = {
    'rm "$ORCH_VALUES"': "removed the file",
    'ln -sf /etc/hostname "$ORCH_VALUES"': "a symbolic link in place of the file",
    'rm "$ORCH_VALUES"; mkdir "$ORCH_VALUES"': "something that is no file",
    'rm "$ORCH_VALUES"; mkfifo "$ORCH_VALUES"': "something that is no file",
    'head -c 65537 /dev/zero >"$ORCH_VALUES"': "more than 65536 bytes",
    'truncate -s 1T "$ORCH_VALUES"': "more than 65536 bytes",
    "printf 'n=1\\0' >\"$ORCH_VALUES\"": "a NUL character",
    'rm -r "$ORCH_RUN_DIR/values"': "removed the file",
    "true": "without handing on `n`",
}


def test_values_reach_later_stages_with_their_types(project: Project) -> None:
    """In a script, `env`, `stdin`, `summary` and `when`; the manifest holds them as JSON."""
    project.write('''
      stage build {
        values { version: string, n: int, took: duration, names: list<string> }
        run = """
          echo 'version=1 $(touch pwned)' >"$ORCH_VALUES"
          printf 'n=7\\ntook=1m30s\\nnames=["a", "b c"]\\n' >>"$ORCH_VALUES"
        """
      }
      stage show {
        needs   = [build]
        when    = {{ stages.build.values.n > 6 }}
        env     { VERSION = "{{ stages.build.values.version }}" }
        stdin   = "{{ stages.build.values.names | join('+') }}"
        summary = "took {{ stages.build.values.took | seconds }} s"
        run     = """
          echo {{ stages.build.values.n + 1 }} "$VERSION" {{ stages.build.values.version }}; cat
        """
      }
      stage other { needs = [build] when = {{ stages.build.values.n > 7 }} run = "true" }
    ''')
    answer = project.run()
    assert answer.exit_code == 0, answer.stderr
    build, show, other = project.manifest()["stages"]
    version = "1 $(touch pwned)"
    assert build["values"] == {
        "version": version, "n": 7, "took": 90_000, "names": ["a", "b c"],
    }  # fmt: skip
    assert show["stdout_excerpt"] == f"8 {version} {version}\na+b c"
    assert show["summary"] == "took 90 s"
    assert other["status"] == "skipped"
    assert not (project.root / "pwned").exists()
    assert not (project.run_folder() / "values").exists()


@pytest.mark.parametrize("script", HOSTILE)
def test_whatever_takes_the_place_of_the_file_fails_the_stage_alone(
    project: Project, script: str
) -> None:
    """It is neither followed nor waited for nor read whole; the next attempt has a fresh file."""
    project.write(f"""
      stage bad {{
        values {{ n: int }}
        retry  {{ attempts = 2, backoff = 1ms..1ms }}
        run    = '''
          if [ "$ORCH_ATTEMPT" = 2 ]; then test ! -s "$ORCH_VALUES"; fi
          {script}
        '''
      }}
    """)
    assert project.run().exit_code == 1
    (bad,) = project.manifest()["stages"]
    assert (bad["status"], bad["attempts"], bad["exit_code"]) == ("failed", 2, 0)
    assert bad["reason"].startswith("values: ")
    assert HOSTILE[script] in bad["reason"]
    record = json.loads((project.run_folder() / bad["error"]).read_text())
    assert record["reason"] == "values"
    assert HOSTILE[script] in record["message"]


def test_the_file_is_private_and_fresh_for_each_attempt(project: Project) -> None:
    """Nobody else may read it, it lies in the run directory, and one of a failure is gone."""
    project.write("""
      stage build {
        values { n: int }
        retry  { attempts = 2, backoff = 1ms..1ms }
        run    = '''
          case "$ORCH_VALUES" in "$ORCH_RUN_DIR"/*) ;; *) exit 2 ;; esac
          test "$(stat -c '%a %s' "$ORCH_VALUES")" = "600 0"
          echo n=1 >"$ORCH_VALUES"
          test "$ORCH_ATTEMPT" = 2
        '''
      }
      stage plain { run = 'test -z "${ORCH_VALUES:-}"' }
    """)
    project.environment["ORCH_VALUES"] = "/of/an/outer/run"
    assert project.run().exit_code == 0, project.manifest()
    assert project.manifest()["stages"][0]["attempts"] == 2


def test_a_resumed_run_reads_the_values_that_were_handed_on(project: Project) -> None:
    """They come from the journal; the stage that made them is not run again."""
    project.write("""
      stage build { values { took: duration } run = 'echo x >>built; echo took=2s >"$ORCH_VALUES"' }
      stage show {
        needs = [build]
        run   = "test -e ready; echo {{ stages.build.values.took | seconds }}"
      }
    """)
    assert project.run().exit_code == 1
    (project.root / "ready").touch()
    assert project.orch("resume", "last").exit_code == 0
    assert project.text("built") == "x\n"
    build, show = project.manifest()["stages"]
    assert (build["values"], show["stdout_excerpt"]) == ({"took": 2000}, "2\n")


def test_reading_what_was_not_handed_on_fails_the_reader(project: Project) -> None:
    """Of a stage that was skipped or that failed, as was allowed; never an empty text."""
    project.write("""
      policy { fail_fast = false }
      param go: bool = false
      stage off  { values { n: int } when = {{ params.go }} run = "true" }
      stage soft { values { n: int } allow_failure = true run = "exit 3" }
      stage one  { needs = [off]  run = "echo {{ stages.off.values.n }}" }
      stage two  { needs = [off]  run = "echo {{ stages.off.values.n | default(5) }}" }
      stage three { needs = [soft] when = {{ stages.soft.values.n > 3 }} run = "true" }
      stage four {
        needs = [soft]
        when  = {{ stages.soft.status == "failed" and stages.soft.exit_code == 3 }}
        run   = "true"
      }
    """)
    assert project.run().exit_code == 1
    ends = {entry["id"]: entry for entry in project.manifest()["stages"]}
    assert ends["one"]["status"] == ends["three"]["status"] == "failed"
    assert "stage `off` was skipped and handed on no value `n`" in ends["one"]["reason"]
    assert "stage `soft` failed and handed on no value `n`" in ends["three"]["reason"]
    assert ends["two"]["stdout_excerpt"] == "5\n"
    assert ends["four"]["status"] == "succeeded"


def test_missing_values_are_a_failure_for_retry_on(project: Project) -> None:
    """`failure` means them too; a stage that tries again only after a time-out gives up."""
    project.write("""
      stage bad {
        values { n: int }
        retry  { attempts = 3, backoff = 1ms..1ms, on = [timeout] }
        run    = "true"
      }
    """)
    assert project.run().exit_code == 1
    assert project.manifest()["stages"][0]["attempts"] == 1
