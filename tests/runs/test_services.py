"""Services in real runs: when they start, how they get ready, and when they are stopped."""

import re
import shutil
import socket
import subprocess

import pytest

from tests.runs.serving import Serving

ASK = "'import socket; socket.create_connection((\"127.0.0.1\", PORT))'"


def test_a_service_lives_as_long_as_a_stage_needs_it(serving: Serving) -> None:
    """It starts when the first is due, and not before; stages wait until it is ready; it is stopped
    when the last has ended, and that is a success. A stage after them finds it gone."""
    serving.write("""
      policy { concurrency = 1 }
      service web {
        run = "exec python3 server.py PORT 0.2 # TOKEN"
        ready { http = "http://127.0.0.1:PORT/good", every = 20ms }
      }
      stage build { run = "true" }
      stage ask {
        needs = [build, web]
        run   = "exec python3 -c 'import urllib.request as u; u.urlopen(\\"http://127.0.0.1:PORT/good\\")'"
      }
      stage after { needs = [ask] run = "true" }
    """)
    answer = serving.run()
    assert answer.exit_code == 0, answer.stderr
    kinds = serving.kinds()
    assert kinds[:6] == [
        "ready build", "started build", "completed build",
        "started web", "ready web", "ready ask",
    ]  # fmt: skip
    assert kinds.index("completed ask") < kinds.index("stopped web")
    assert kinds.index("completed web") == kinds.index("stopped web") + 1
    web = serving.entry("web")
    assert (web["status"], web["reason"], web["signal"]) == ("succeeded", None, 15)
    assert web["ready_after_ms"] >= 200


def test_a_service_may_speak_https_with_a_certificate_of_its_own(serving: Serving) -> None:
    """The probe wants to know whether it answers, not who it is."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
            "-keyout", "key.pem", "-out", "certificate.pem",
        ],
        cwd=serving.root, capture_output=True, check=True,
    )  # fmt: skip
    both = [(serving.root / name).read_text() for name in ("key.pem", "certificate.pem")]
    (serving.root / "server.pem").write_text("".join(both))
    serving.write("""
      service web {
        run = "exec python3 server.py PORT 0 server.pem # TOKEN"
        ready { http = "https://localhost:PORT/good", every = 20ms }
      }
      stage ask { needs = [web] run = "true" }
    """)
    answer = serving.run()
    assert answer.exit_code == 0, answer.stderr


@pytest.mark.parametrize(
    "ready",
    [
        "tcp = PORT",
        'http = "http://localhost:PORT/good?x=1"',
        "exec = 'python3 -c \"$ASK\"'",
        'exec = ["test", "-e", "up"]',
        'log = "now listening"',
    ],
)
def test_every_probe_waits_until_the_service_is_up(serving: Serving, ready: str) -> None:
    """What a stage finds is a service that answers; a text in the log may come in pieces, after
    more than is held of the output."""
    serving.write(f"""
      policy {{ output {{ buffer = 4KiB }} }}
      service web {{
        run   = '''
          yes 'now list ening' | head -c 200000
          sleep 0.2
          : TOKEN
          python3 server.py PORT 0 & server=$!
          until python3 -c "$ASK" 2>/dev/null; do sleep 0.02; done
          touch up
          printf 'now list' >&2; sleep 0.1; printf 'ening\\\n' >&2
          wait $server
        '''
        env   {{ ASK = {ASK} }}
        ready {{ {ready}, every = 20ms }}
      }}
      stage ask {{ needs = [web] run = ["python3", "-c", {ASK}] }}
    """)
    answer = serving.run()
    assert answer.exit_code == 0, answer.stderr
    web = serving.entry("web")
    assert web["ready_after_ms"] >= 200
    assert web["stdout_bytes"] == 200_000
    assert len(web["stdout_excerpt"]) < 5000


def test_the_signal_that_stops_it_is_its_own(serving: Serving) -> None:
    """`stop` goes out first, and its grace is left to it."""
    serving.write("""
      service db {
        run   = '''
          trap 'sleep 0.2; touch saved; exit 0' INT
          touch up
          while :; do sleep 0.02; done # TOKEN
        '''
        ready { exec = ["test", "-e", "up"], every = 10ms }
        stop  = "INT"
      }
      stage ask { needs = [db] run = "true" }
    """)
    assert serving.run().exit_code == 0
    assert (serving.root / "saved").exists()
    assert serving.entry("db")["exit_code"] == 0


def test_a_service_starts_only_for_a_stage_that_runs(serving: Serving) -> None:
    """Not for one whose condition is false, nor where what it needs has failed; a service with a
    false `when` is left out, and its stages run without it."""
    serving.write("""
      policy { fail_fast = false }
      service idle  { run = "touch idle" }
      service off   { run = "touch off" when = false }
      service late  { run = "touch late" when = {{ stages.build.values.wanted }} }
      service spare { run = "touch spare" }
      stage build { run = "echo wanted=false > \\"$ORCH_VALUES\\"" values { wanted: bool } }
      stage bad   { run = "exit 1" }
      stage a     { needs = [idle, build] run = "true" when = {{ stages.build.values.wanted }} }
      stage b     { needs = [idle, bad] run = "true" }
      stage c     { needs = [off, late, build] run = "true" }
    """)
    assert serving.run().exit_code == 1
    assert not [name for name in ("idle", "off", "late", "spare") if (serving.root / name).exists()]
    assert serving.entry("idle")["reason"] == "no stage that is to run needs it"
    assert serving.entry("spare")["reason"] == "no stage that is to run needs it"
    assert serving.entry("late")["reason"] == "when: `stages.build.values.wanted` is false"
    assert serving.statuses()["c"] == "succeeded"


def test_a_service_has_its_secrets_and_tells_none(serving: Serving) -> None:
    """It gets what it lists, as its probe does; its log, its reason and its last words are masked,
    also when it is started anew by a resume."""
    serving.environment["DB_PASSWORD"] = "correct-horse-battery"
    serving.write("""
      secret DB_PASSWORD { env = "DB_PASSWORD" }
      service db {
        run     = '''
          echo with "$DB_PASSWORD" and "$MODE"
          until test -e begun; do sleep 0.01; done
          echo "$DB_PASSWORD" >&2
          exit 1
        '''
        secrets = [DB_PASSWORD]
        env     { MODE = "test" }
        ready   { exec = 'test "$DB_PASSWORD$MODE" = "correct-horse-batterytest"', every = 10ms }
      }
      stage ask {
        needs = [db]
        run   = 'test -z "${DB_PASSWORD-}"; touch begun; exec sleep TOKEN'
      }
    """)
    for words in (("run", "demo.pipeline"), ("resume", "last")):
        answer = serving.orch(*words, "--format", "jsonl")
        assert answer.exit_code == 1
        assert "correct-horse" not in answer.stdout + answer.stderr
        assert serving.entry("db")["reason"].endswith("while it was needed: ***")
        assert (serving.run_folder() / serving.entry("db")["logs"] / "stdout.log").read_text() == (
            "with *** and test\n"
        )
        (serving.root / "begun").unlink()


def test_each_stage_of_a_matrix_and_a_use_shares_the_service_it_names(serving: Serving) -> None:
    """One service for all stages of a matrix, one for each `use` that brings it."""
    serving.write("""
      service db { run = "echo mine >> starts; exec sleep TOKEN" }
      stage ask { needs = [db] matrix { n = [1, 2, 3] } run = "true" }
      use "part.pipeline" as a { }
      use "part.pipeline" as b { }
      stage end { needs = [a, b] run = "true" }
    """)
    (serving.root / "part.pipeline").write_text(
        'pipeline part { }\nservice db { run = "echo other >> starts; exec sleep TOKEN" }\n'
        'stage ask { needs = [db] run = "true" }\n'.replace("TOKEN", serving.token)
    )
    answer = serving.run()
    assert answer.exit_code == 0, answer.stderr
    assert sorted(serving.text("starts").split()) == ["mine", "other", "other"]


def test_what_is_shown_of_a_service(serving: Serving) -> None:
    """A line when it is ready and one when it has stopped; its log is found by its name, and for
    whom it was started is told."""
    serving.write("""
      service db { run = "echo hello; exec sleep TOKEN" ready { log = "hello" } }
      stage ask { needs = [db] run = "true" }
    """)
    told = serving.orch("run", "demo.pipeline").stderr
    lines = [line.split()[1:-1] for line in told.splitlines()[1:]]
    assert ["db", "is", "ready"] in lines
    assert ["db", "stopped"] in lines
    assert serving.orch("logs", "last", "db").stdout == "hello\n"
    told = "db is a service, and was started for a stage that needs it:\n  ask\n"
    assert serving.orch("why", "last", "db").stdout == told


def test_a_fresh_stage_starts_no_service(serving: Serving) -> None:
    """It is looked at before its services start; another service makes it run again."""
    text = """
      service db { run = "echo up >> starts; exec sleep TOKEN" }
      stage ask { needs = [db] run = "cat in" inputs = ["in"] }
    """
    (serving.root / "in").write_text("1")
    serving.write(text)
    for _ in range(2):
        assert serving.run().exit_code == 0
    assert serving.text("starts") == "up\n"
    assert serving.entry("ask")["fresh"]
    assert serving.entry("db")["reason"] == "no stage that is to run needs it"
    serving.write(text.replace("echo up", "echo anew"))
    assert serving.run().exit_code == 0
    assert serving.entry("ask")["why"] == ["`db` changed"]
    assert serving.text("starts") == "up\nanew\n"


def test_status_says_what_a_stage_waits_for(serving: Serving) -> None:
    """A service that isn't ready, or stages that have not ended; that one is not to be run at all;
    and how long a service runs."""
    serving.write("""
      service db {
        run   = "touch begun; exec sleep TOKEN"
        ready { exec = ["test", "-e", "up"], every = 10ms }
      }
      stage ask  { needs = [db] run = "true" }
      stage tell { needs = [ask, db] run = "true" }
      stage never { needs = [ask] when = false run = "true" }
    """)
    started = serving.start("run", "demo.pipeline", "-q")
    serving.wait_for_file("begun")
    told = {line.split()[1]: line for line in serving.orch("status").stdout.splitlines() if line}
    assert told["ask"].endswith("waits until `db` is ready")
    assert told["tell"].endswith("waits for `db`, `ask`")
    assert told["never"].endswith("to be skipped, when is false")
    assert re.fullmatch(r" +▸ db +[\d.]+m?s +running", told["db"])
    (serving.root / "up").touch()
    assert serving.finish(started).exit_code == 0


def test_all_is_said_of_a_port_that_is_taken(serving: Serving) -> None:
    """However narrow the terminal is: who has it, and how to find out."""
    serving.write("""
      service web { run = "sleep TOKEN" ready { tcp = PORT } }
      stage ask { needs = [web] run = "true" }
    """)
    with socket.create_server(("127.0.0.1", serving.port)):
        told = serving.orch("run", "demo.pipeline").stderr
    assert "✗ web could not be started" in told
    words = " ".join(told.replace("│", " ").split())
    assert f"`ss -ltnp 'sport = :{serving.port}'` shows which it is" in words
