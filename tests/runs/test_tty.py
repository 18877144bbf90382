"""Stages under a pseudo-terminal: what they see, and that all else is as it is without one."""

import pytest

from tests.runs.project import Project


def test_all_streams_are_terminals_and_stay_apart(project: Project) -> None:
    """No byte is changed or echoed, and each reader of the input is told that it has ended."""
    project.write("""
      stage a {
        tty = true
        run = '''
          test -t 0; test -t 1; test -t 2
          stty size; cat; read line || echo ended; printf 'a\\n\\tb\\r\\n'
          echo complaint >&2; echo there >/dev/tty
        '''
      }
      stage plain { run = "test ! -t 0; test ! -t 1; test ! -t 2" }
    """)
    assert project.run().exit_code == 0
    a, plain = project.manifest()["stages"]
    assert a["stdout_excerpt"] == "24 80\nended\na\n\tb\r\nthere\n"
    assert a["stderr_excerpt"] == "complaint\n"
    assert plain["status"] == "succeeded"


def test_input_that_is_given_is_no_terminal(project: Project) -> None:
    """It is there to its last byte, however much it is; the output is a terminal all the same."""
    project.write("""
      let text = {{ ["0123456789"] | join("") }}
      stage a { tty = true stdin = "{{ text }}\\u{4}end" run = "test ! -t 0; test -t 1; cat" }
    """)
    assert project.run().exit_code == 0
    assert project.manifest()["stages"][0]["stdout_excerpt"] == "0123456789\x04end"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("sleep 60", "timeout"),
        ("trap '' HUP TERM; sleep 60", "timeout"),
        ("sleep 60 & setsid sleep 60 & exit 3", "failure"),
        ("kill -9 $$", "signal"),
    ],
)
def test_attempts_end_as_they_do_without_one(project: Project, script: str, reason: str) -> None:
    """Time-outs, signals, and children that keep the terminal open."""
    project.write(f'''
      stage a {{ tty = true timeout = 2s grace = 100ms run = """{script}""" }}
    ''')
    assert project.run().exit_code == 1
    assert project.manifest()["stages"][0]["reason"] == reason


def test_a_flood_and_a_secret_are_treated_as_ever(project: Project) -> None:
    """Counted whole, cut by the log, masked."""
    project.environment["TOKEN"] = "tok-3f9a77c1"
    project.write("""
      secret TOKEN
      stage a {
        tty     = true
        secrets = [TOKEN]
        output  { log = 64KiB }
        run     = 'head -c 3000000 /dev/zero; echo "$TOKEN"'
      }
    """)
    assert project.run().exit_code == 0
    (a,) = project.manifest()["stages"]
    assert a["stdout_bytes"] == 3_000_013
    assert a["stdout_excerpt"].endswith("\0***\n")
    assert (project.run_folder() / a["logs"] / "stdout.log").stat().st_size == 64 << 10
