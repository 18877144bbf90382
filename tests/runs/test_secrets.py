"""Secrets in real runs: given to those that list them, seen by nobody, left nowhere."""

import base64

import pytest

from tests.runs.project import Answer, Project
from tests.runtime.pool import processes_with

TOKEN = 'tok-3f9a77c1/& "x'
KEY = "first line of a key\nsecond line of it"

EVERYWHERE = """
  secret TOKEN
  secret KEY { file = "key" }
  policy { fail_fast = false }
  stage deploy {
    secrets = [TOKEN, KEY]
    run     = '''
      test "$TOKEN" = "$(cat token.txt)"
      echo "the token is $TOKEN, the key $KEY"
      printf '%.6s' "$TOKEN"; sleep 0.1; printf '%s\\n' "${TOKEN#??????}" >&1
      printf 'user:%s' "$TOKEN" | base64 >&2
      printf '%s\\n' "$KEY" | sed 's/^/> /' >&2
      exit 3
    '''
  }
  stage hand { secrets = [TOKEN] values { v: string }
    run = 'printf "v=%s\\n" "$TOKEN" >"$ORCH_VALUES"' }
  stage hand_escaped { secrets = [TOKEN] values { v: list<string> }
    run = 'echo "v=[\\"\\u0074ok-3f9a77c1/& \\\\\\"x\\"]" >"$ORCH_VALUES"' }
  stage other { run = 'test -z "${TOKEN:-}"; cat token.txt' }
  stage lost { secrets = [TOKEN] allow_failure = true run = ["./no such program"] }
  finally clean { run = 'test -z "${TOKEN:-}"; cat key' }
"""


@pytest.fixture
def leaky(project: Project) -> Project:
    """A project whose stages tell every secret in every way they can."""
    project.write(EVERYWHERE)
    project.environment["TOKEN"] = TOKEN
    (project.root / "token.txt").write_text(TOKEN)
    (project.root / "key").write_text(KEY + "\n")
    return project


def assert_nothing_told(project: Project, answer: Answer) -> None:
    """Neither a screen nor a file of orch's holds a secret, a line of one, or what encodes it."""
    encoded = base64.b64encode(b"user:" + TOKEN.encode()).decode()[8:-4]
    forms = ["tok-3f9a77c1", "first line", "second line", encoded]
    for form in forms:
        assert form not in answer.stdout + answer.stderr
        for top in (".runs", "out", ".orch"):
            for path in (project.root / top).rglob("*"):
                assert form not in str(path)
                assert not path.is_file() or form.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_no_secret_is_seen_or_left_behind(leaky: Project, form: str) -> None:
    """Logs, excerpts, events, error records, values, reports and screens show `***`."""
    answer = leaky.orch("run", "demo.pipeline", "--format", form, "-v")
    assert answer.exit_code == 1
    assert_nothing_told(leaky, answer)
    for words in (("status", "last"), ("logs", "last")):
        assert_nothing_told(leaky, leaky.orch(*words))
    ends = {entry["id"]: entry for entry in leaky.manifest()["stages"]}
    assert ends["deploy"]["exit_code"] == 3
    assert ends["deploy"]["stdout_excerpt"] == "the token is ***, the key ***\n***\n"
    assert ends["deploy"]["stderr_excerpt"].endswith("> ***\n> ***\n")
    for name in ("hand", "hand_escaped"):
        assert ends[name]["status"] == "failed"
        assert "they hold a secret" in ends[name]["reason"], ends[name]
    assert (ends["other"]["status"], ends["other"]["stdout_excerpt"]) == ("succeeded", "***")
    assert (ends["clean"]["status"], ends["clean"]["stdout_excerpt"]) == ("succeeded", "***\n")


def test_every_byte_is_counted_as_the_command_wrote_it(project: Project) -> None:
    """The mask is shorter than the secret; `stdout_bytes` is what was written."""
    project.environment["TOKEN"] = "0123456789"
    project.write('secret TOKEN  stage a { secrets = [TOKEN] run = "echo $TOKEN" }')
    assert project.run().exit_code == 0
    (a,) = project.manifest()["stages"]
    assert (a["stdout_bytes"], a["stdout_excerpt"]) == (11, "***\n")


def test_a_missing_secret_stops_the_run_before_it_starts(project: Project) -> None:
    """Exit 2, which secret, which stage, what to do; no run directory is made."""
    project.write("""
      secret TOKEN
      stage build  { run = "touch built" }
      stage deploy { needs = [build] secrets = [TOKEN] run = "true" }
    """)
    project.environment.pop("TOKEN", None)
    answer = project.orch("run", "demo.pipeline")
    assert answer.exit_code == 2
    for word in ("`deploy`", "`TOKEN`", "`$TOKEN` is not set", "export TOKEN=…"):
        assert word in answer.stderr
    assert not (project.root / "built").exists()
    assert not (project.root / ".runs").exists()


def test_a_resumed_run_takes_its_secrets_anew(project: Project) -> None:
    """They are not kept; one that only settled stages list is not asked for."""
    project.write("""
      secret FIRST
      secret SECOND
      stage one { secrets = [FIRST] run = "true" }
      stage two { needs = [one] secrets = [SECOND] run = 'echo "$SECOND"; test -e ready' }
    """)
    project.environment |= {"FIRST": "first-one", "SECOND": "second-old"}
    assert project.run().exit_code == 1
    (project.root / "ready").touch()
    del project.environment["FIRST"]
    project.environment["SECOND"] = "xy"
    refused = project.orch("resume", "last")
    assert (refused.exit_code, "`SECOND`" in refused.stderr) == (2, True)
    project.environment["SECOND"] = "second-new"
    answer = project.orch("resume", "last")
    assert answer.exit_code == 0, answer.stderr
    folder = project.run_folder()
    logs = [path.read_text() for path in sorted(folder.glob("stages/*two/*/stdout.log"))]
    assert logs == ["***\n", "***\n"]


def test_no_command_line_holds_a_secret_while_it_is_used(project: Project) -> None:
    """It travels in the environment alone."""
    project.environment["TOKEN"] = "tok-of-command-lines"
    project.write('secret TOKEN  stage a { secrets = [TOKEN] run = "touch up; sleep 30" }')
    process = project.start("run", "demo.pipeline")
    try:
        project.wait_for_file("up")
        assert processes_with("tok-of-command-lines") == []
    finally:
        process.terminate()
        project.finish(process)


def test_a_flood_with_a_secret_is_masked_within_the_same_bounds(project: Project) -> None:
    """64 MiB through a log of 1 MiB: counted, cut, and the secret at its end masked."""
    project.environment["TOKEN"] = "tok-of-a-flood"
    project.write("""
      secret TOKEN
      stage a {
        secrets = [TOKEN]
        output  { log = 1MiB }
        run     = 'head -c 67108864 /dev/zero; echo "$TOKEN"'
      }
    """)
    assert project.run().exit_code == 0
    (a,) = project.manifest()["stages"]
    assert a["stdout_bytes"] == 67_108_864 + 15
    assert a["stdout_excerpt"].endswith("\0***\n")
    assert (project.run_folder() / a["logs"] / "stdout.log").stat().st_size == 1 << 20


def test_a_plain_run_pays_nothing_for_secrets(project: Project) -> None:
    """What makes their encoded forms is not even imported."""
    words = ("run", "demo.pipeline", "-q")
    project.write('stage a { run = "true" }')
    project.environment["PYTHONPROFILEIMPORTTIME"] = "1"
    assert "orch.runtime.secret_forms" not in project.orch(*words).stderr
    project.environment["TOKEN"] = "tok-3f9a77c1"
    project.write('secret TOKEN  stage a { secrets = [TOKEN] run = "true" }')
    assert "orch.runtime.secret_forms" in project.orch(*words).stderr
