"""Artifacts of real runs: kept whole, where they belong, and nothing else."""

import os
import signal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.runs.project import Project
from tests.runtime.pool import wait_until


def kept(project: Project, stage: str = "build") -> dict[str, Any]:
    """What the manifest says of a stage's artifacts, by their paths."""
    (entry,) = [entry for entry in project.manifest()["stages"] if entry["id"] == stage]
    return {artifact["path"]: artifact for artifact in entry["artifacts"]}


def test_artifacts_are_copied_with_size_and_digest(project: Project) -> None:
    """Their content and whether they are executable; each is an event before its stage's end."""
    project.write("""
      stage build {
        artifacts = ["dist/**", "!dist/*.tmp"]
        run       = '''
          mkdir -p dist/deep; printf abc >dist/a; printf x >dist/deep/tool; chmod 755 dist/deep/tool
          : >dist/left.tmp
        '''
      }
      stage test { needs = [build] run = "rm -r dist" }
    """)
    assert project.run().exit_code == 0
    found = kept(project)
    assert list(found) == ["artifacts/build/dist/a", "artifacts/build/dist/deep/tool"]
    assert found["artifacts/build/dist/a"] == {
        "path": "artifacts/build/dist/a",
        "source": "dist/a",
        "size_bytes": 3,
        "sha256": sha256(b"abc").hexdigest(),
    }
    folder = project.run_folder()
    assert (folder / "artifacts/build/dist/a").read_bytes() == b"abc"
    assert os.access(folder / "artifacts/build/dist/deep/tool", os.X_OK)
    types = [event["type"] for event in project.events() if event.get("stage") == "build"]
    assert types[-3:] == ["artifact:staged", "artifact:staged", "stage:completed"]


def test_a_folder_named_as_an_artifact_is_not_silently_left_out(project: Project) -> None:
    project.write('stage build { artifacts = ["dist"] run = "mkdir -p dist; echo 1 >dist/a" }')
    assert project.run().exit_code == 1
    reason = project.manifest()["stages"][0]["reason"]
    assert reason == "artifacts: `dist` is a folder: `dist/**` means its files"


def test_each_stage_of_a_run_keeps_its_own(project: Project) -> None:
    """Also one that begins when the manifest was written long ago."""
    project.write("""
      stage one { artifacts = ["a"] run = "echo 1 >a" }
      stage two { needs = [one] artifacts = ["b", "c"] run = "echo 2 >b; echo 3 >c" }
    """)
    assert project.run().exit_code == 0
    assert list(kept(project, "one")) == ["artifacts/one/a"]
    assert list(kept(project, "two")) == ["artifacts/two/b", "artifacts/two/c"]


def test_names_are_seen_from_the_folder_of_the_stage(project: Project) -> None:
    """What lies elsewhere is named from the root; two of one name are refused."""
    (project.root / "app").mkdir()
    project.write("""
      policy { fail_fast = false }
      stage build {
        cwd = "app"
        artifacts = ["dist/*", "../shared/*"]
        run = "mkdir dist ../shared; touch dist/a ../shared/b"
      }
      stage twice {
        needs = [build]
        cwd = "app"
        artifacts = ["dist/a", "../dist/a"]
        run = "mkdir ../dist; touch ../dist/a"
      }
      stage each {
        matrix { python = ["3.11"], where = ["a b"] }
        artifacts = ["made"]
        run = "touch made"
      }
    """)
    assert project.run().exit_code == 1
    assert list(kept(project)) == ["artifacts/build/dist/a", "artifacts/build/shared/b"]
    ends = {entry["id"]: entry for entry in project.manifest()["stages"]}
    assert "`app/dist/a` and `dist/a` would both be kept as `dist/a`" in ends["twice"]["reason"]
    (each,) = [entry for name, entry in ends.items() if name.startswith("each[")]
    (artifact,) = each["artifacts"]
    assert artifact["path"].startswith("artifacts/0")
    assert (project.run_folder() / artifact["path"]).is_file()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("ln -s /etc/hostname out", None),
        ("ln -s ../../../etc out", None),
        ("mkfifo out", None),
        ("touch real out-of-it; ln -s real out", "artifacts/build/out"),
        ('rm -rf "$ORCH_ARTIFACTS"; ln -s /tmp "$ORCH_ARTIFACTS"; touch out', "in the way"),
        ('mkdir -p "$ORCH_ARTIFACTS"; ln -s /tmp "$ORCH_ARTIFACTS/build"; touch out', "in the way"),
        ('mkdir -p "$ORCH_ARTIFACTS/build"; touch out "$ORCH_ARTIFACTS/build/out"', "has its name"),
        ('mkdir -p "$ORCH_ARTIFACTS/build"; touch out; ln -s /tmp/x "$ORCH_ARTIFACTS/build/out"',
         "has its name"),
    ],
)  # fmt: skip
def test_no_link_leads_out_and_nothing_is_overwritten(
    project: Project, script: str, message: str | None
) -> None:
    """Neither of what is kept nor of where it is kept; what isn't a file of the project is not
    kept at all."""
    before = set(Path("/tmp").iterdir())
    project.write(f"""stage build {{ artifacts = ["out", "out/*"] run = '''{script}''' }}""")
    answer = project.run()
    (build,) = project.manifest()["stages"]
    if message is None or message.startswith("artifacts/"):
        assert answer.exit_code == 0, build
        assert list(kept(project)) == ([] if message is None else [message])
    else:
        assert (answer.exit_code, build["artifacts"]) == (1, [])
        assert build["reason"].startswith("artifacts: ")
        assert message in build["reason"]
    assert not any(path.name in ("build", "out") for path in set(Path("/tmp").iterdir()) - before)


def test_each_attempt_begins_with_no_artifacts(project: Project) -> None:
    """What a failed one left in the stage's folder is gone; the run's own files are not kept."""
    project.environment["ORCH_RUNS_DIR"] = "runs"
    project.write("""
      stage build {
        retry     { attempts = 2, backoff = 1ms..1ms }
        artifacts = ["**/*.json", "made"]
        run       = '''
          mkdir -p "$ORCH_ARTIFACTS/build"; touch made
          if [ "$ORCH_ATTEMPT" = 1 ]; then touch "$ORCH_ARTIFACTS/build/left"; exit 1; fi
          test ! -e "$ORCH_ARTIFACTS/build/left"
        '''
      }
    """)
    answer = project.run()
    assert answer.exit_code == 0, answer.stdout
    manifest = (project.root / answer.json()["manifest"]).read_text()
    assert '"path":"artifacts/build/made"' in manifest
    assert manifest.count('"sha256"') == 1


def test_staging_counts_against_the_time_out(project: Project) -> None:
    """A copy that lasts is ended as the command would have been, and nothing of it stays."""
    project.write("""
      stage build {
        timeout   = 1s
        artifacts = ["big"]
        run       = "truncate -s 1T big"
      }
    """)
    assert project.run().exit_code == 1
    (build,) = project.manifest()["stages"]
    assert (build["reason"], build["timed_out"], build["artifacts"]) == ("timeout", True, [])
    assert not list((project.run_folder() / "artifacts").iterdir())


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGKILL"])
def test_staging_ends_with_a_cancel_and_with_orch_itself(
    project: Project, signal_name: str
) -> None:
    """Also where a copy would take for ever; nothing of it stays."""
    project.write('stage build { artifacts = ["big"] run = "truncate -s 1T big" }')
    process = project.start("run", "demo.pipeline")
    copies = project.root / ".runs/demo/cli"
    wait_until(lambda: list(copies.glob("*/artifacts/build/big")), "it copies")
    process.send_signal(signal.Signals[signal_name])
    answer = project.finish(process)
    wait_until(lambda: not list(copies.glob("*/artifacts/build")), "the copy is gone")
    if signal_name == "SIGTERM":
        assert answer.exit_code == 143
        (build,) = project.manifest()["stages"]
        assert (build["status"], build["artifacts"]) == ("cancelled", [])
