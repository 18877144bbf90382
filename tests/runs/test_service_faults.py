"""What goes wrong with services, for real: they die, never get ready, lose their port or their
warden, and their run is cancelled or killed. Nothing of them is alive when it has ended."""

import http.server
import os
import signal
import socket
from threading import Thread

import pytest

from tests.runs.serving import Serving
from tests.runtime.pool import processes_with, wait_until


@pytest.mark.parametrize(
    ("ready", "why"),
    [
        ("tcp = PORT", "port PORT: Connection refused"),
        ('exec = ["sleep", "TOKEN"]', "its probe `sleep` doesn't answer"),
        ("exec = 'exit 3'", "its probe `exit 3` ended with exit code 3"),
        ('exec = ["nothing-of-that-name"]', "nothing-of-that-name"),
        ('log = "listening"', "its output doesn't hold the text"),
    ],
)
def test_a_service_that_is_never_ready_fails_and_says_why(
    serving: Serving, ready: str, why: str
) -> None:
    """After its `timeout` it is ended, and the stages that wait for it are skipped for its sake."""
    serving.write(f"""
      service web {{
        run = "exec sleep TOKEN"
        ready {{ {ready}, every = 20ms, timeout = 1500ms }}
      }}
      stage other {{ run = "true" }}
      stage ask {{ needs = [other, web] run = "touch ran" }}
    """)
    assert serving.run().exit_code == 1
    web = serving.entry("web")
    assert (web["status"], web["timed_out"], web["ready_after_ms"]) == ("failed", True, None)
    assert web["reason"].startswith("readiness: not ready within 1.5 s: ")
    assert why.replace("PORT", str(serving.port)) in web["reason"]
    assert serving.entry("ask")["reason"] == "needs `web`, which failed"
    assert not (serving.root / "ran").exists()
    told = serving.orch("status", "last").stdout
    assert "not ready within 1.5 s" in told


def test_an_address_that_answers_badly_is_not_ready(serving: Serving) -> None:
    """Its status is told."""
    with http.server.HTTPServer(("127.0.0.2", 0), http.server.BaseHTTPRequestHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        serving.write(f"""
          service web {{
            run   = "exec sleep TOKEN"
            ready {{ http = "http://127.0.0.2:{server.server_port}/", timeout = 3s }}
          }}
          stage ask {{ needs = [web] run = "true" }}
        """)
        assert serving.run().exit_code == 1
        server.shutdown()
    assert serving.entry("web")["reason"].endswith("/ answered with status 501")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo cannot bind >&2; exit 3", "ended with exit code 3 while it was needed: cannot bind"),
        ("kill -9 $$", "ended with signal 9 while it was needed"),
        (
            "setsid sleep TOKEN & echo up",
            "ended with exit code 0 (a service stays in the foreground) while it was needed: up",
        ),
    ],
)
def test_a_service_that_dies_before_it_is_ready_shows_what_it_said(
    serving: Serving, script: str, reason: str
) -> None:
    """So somebody else's server on its port is told from its own; one that goes to the background
    is told so, and what it left is ended."""
    serving.write(f"""
      service web {{ run = "{script}" ready {{ tcp = PORT }} }}
      stage ask {{ needs = [web] run = "true" }}
    """)
    assert serving.run().exit_code == 1
    assert serving.entry("web")["reason"] == f"died: {reason}"
    assert serving.statuses() == {"web": "failed", "ask": "skipped"}
    record = serving.root / ".runs/demo/cli" / serving.run_folder().name
    assert (record / serving.entry("web")["error"]).is_file()


def test_a_port_that_is_taken_is_told_at_once(serving: Serving) -> None:
    """A foreign process that answers at the place is not taken for the service, which is not even
    started."""
    serving.write("""
      service web { run = "touch started; exec sleep TOKEN" ready { tcp = PORT } }
      stage ask { needs = [web] run = "true" }
    """)
    with socket.create_server(("127.0.0.1", serving.port)):
        assert serving.run().exit_code == 1
    assert serving.entry("web")["reason"] == "spawn"
    assert f"port {serving.port} is taken" in serving.entry("web")["stderr_excerpt"]
    assert not (serving.root / "started").exists()


def test_a_service_that_dies_takes_its_stages_along(serving: Serving) -> None:
    """Stages at work are ended, one between two tries gets no other, one that waits is skipped, and
    each says for whose sake. Others go on."""
    serving.write("""
      policy { fail_fast = false, concurrency = 8 }
      service db {
        run = "until test -e go; do sleep 0.01; done; echo full >&2; exit 1"
      }
      stage work  { needs = [db] run = "touch begun; exec sleep TOKEN" }
      stage tries {
        needs = [db]
        run   = "exit 1"
        retry { attempts = 9, backoff = 1m..2m }
      }
      stage last  { needs = [db, other] run = "true" }
      stage other { run = "until test -e go; do sleep 0.01; done; sleep 0.3" }
    """)
    process = serving.start("run", "demo.pipeline")
    serving.wait_for_file("begun")
    journal = serving.run_folder() / "journal.jsonl"
    wait_until(lambda: '"stage:retrying"' in journal.read_text(), "a stage is between two tries")
    (serving.root / "go").touch()
    assert serving.finish(process).exit_code == 1
    reasons = {entry["id"]: entry["reason"] for entry in serving.manifest()["stages"]}
    assert reasons == {
        "db": "died: ended with exit code 1 while it was needed: full",
        "work": "service: lost `db`, which it needs",
        "tries": "service: lost `db`, which it needs",
        "last": "needs `db`, which failed",
        "other": None,
    }
    assert serving.statuses()["work"] == serving.statuses()["tries"] == "failed"
    assert (serving.run_folder() / serving.entry("work")["error"]).is_file()


def test_a_service_that_ignores_its_signal_is_killed_with_all_its_children(
    serving: Serving,
) -> None:
    """After its grace; that nobody needed it any more makes it a success."""
    serving.write("""
      policy { grace = 200ms }
      service db {
        run   = '''
          trap '' TERM
          setsid sleep TOKEN & (sleep TOKEN &)
          touch up
          while :; do sleep TOKEN; done
        '''
        ready { exec = ["test", "-e", "up"], every = 10ms }
      }
      stage ask { needs = [db] run = "true" }
    """)
    answer = serving.run()
    assert answer.exit_code == 0, answer.stderr
    assert not processes_with(serving.token)
    assert (serving.entry("db")["status"], serving.entry("db")["signal"]) == ("succeeded", 9)


def test_a_cancel_ends_services_with_the_stages_and_finally_runs_after_them(
    serving: Serving,
) -> None:
    """All are cancelled, and a `finally` stage finds the service gone."""
    serving.write("""
      service db {
        run = "trap 'touch down; exit' TERM; touch up; while :; do sleep 0.02; done # TOKEN"
      }
      stage ask { needs = [db] run = "touch begun; exec sleep TOKEN" }
      finally clean { run = "test -e down" }
    """)
    process = serving.start("run", "demo.pipeline")
    serving.wait_for_file("begun")
    serving.wait_for_file("up")
    process.send_signal(signal.SIGINT)
    assert serving.finish(process).exit_code == 130
    assert serving.statuses() == {"db": "cancelled", "ask": "cancelled", "clean": "succeeded"}


def test_a_deadline_ends_services_too(serving: Serving) -> None:
    """Also one that is not ready yet."""
    serving.write("""
      policy { deadline = 400ms }
      service db { run = "exec sleep TOKEN" ready { tcp = PORT } }
      stage ask { needs = [db] run = "true" }
    """)
    assert serving.run().exit_code == 4
    assert serving.entry("db")["reason"] == "deadline"


def test_a_killed_run_starts_its_services_anew_when_it_goes_on(serving: Serving) -> None:
    """orch killed takes its service along; resume starts another for the stages that are left, and
    none once all that need it have succeeded."""
    serving.write("""
      service db { run = "echo up >> starts; exec sleep TOKEN" }
      stage one { needs = [db] run = "echo one >> ran" }
      stage two {
        needs = [db, one]
        run   = "echo two >> ran; touch begun; test -e go || exec sleep TOKEN"
      }
      stage end { needs = [two] run = "test -e fine" }
    """)
    process = serving.start("run", "demo.pipeline")
    serving.wait_for_file("begun")
    process.kill()
    serving.finish(process)
    wait_until(lambda: not processes_with(serving.token), "the service has gone with orch")
    (serving.root / "go").touch()
    assert serving.orch("resume", "last").exit_code == 1
    assert serving.text("ran").split() == ["one", "two", "two"]
    assert serving.text("starts") == "up\nup\n"
    assert (serving.entry("db")["status"], serving.entry("db")["attempts"]) == ("succeeded", 2)
    (serving.root / "fine").touch()
    answer = serving.orch("resume", "last")
    assert answer.exit_code == 0, answer.stderr
    assert serving.text("starts") == "up\nup\n"
    assert serving.statuses()["db"] == "succeeded"


def test_a_killed_warden_is_the_death_of_its_service(serving: Serving) -> None:
    """What it owned is ended, and so are the stages that need it."""
    serving.write("""
      service db { run = "echo $PPID > warden; exec sleep TOKEN" }
      stage ask { needs = [db] run = "touch begun; exec sleep TOKEN" }
    """)
    process = serving.start("run", "demo.pipeline")
    serving.wait_for_file("begun")
    wait_until(lambda: serving.text("warden").endswith("\n"), "the service runs")
    os.kill(int(serving.text("warden")), signal.SIGKILL)
    assert serving.finish(process).exit_code == 1
    assert serving.entry("db")["reason"] == "warden"
    assert serving.entry("ask")["reason"] == "service: lost `db`, which it needs"
