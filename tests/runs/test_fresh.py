"""Stages that declare `inputs`, in real runs: fresh while nothing changes, and run otherwise."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from tests.runs.project import Project
from tests.runtime.pool import wait_until

BUILD = """
  stage build {
    inputs  = ["src/*.c", "flags"]
    outputs = ["made/all"]
    env     { LEVEL = "1" }
    run     = "echo ran >>log; mkdir -p made; cat src/*.c >made/all"
  }
"""


def write_sources(project: Project) -> None:
    (project.root / "src").mkdir()
    (project.root / "src/a.c").write_text("a\n")


def entries(project: Project) -> dict[str, dict[str, Any]]:
    return {entry["id"]: entry for entry in project.manifest()["stages"]}


def run_and_tell(project: Project, *words: str) -> dict[str, Any]:
    """What a run did with each stage: `fresh`, or the reasons for which it ran."""
    answer = project.run(*words)
    assert answer.exit_code == 0, answer
    return {
        stage: "fresh" if entry["fresh"] else entry["why"]
        for stage, entry in entries(project).items()
    }


def test_a_stage_is_run_again_exactly_if_something_has_changed(project: Project) -> None:
    """Every kind of change, by its content, and what is none; each is named."""
    project.write(BUILD)
    write_sources(project)
    source = project.root / "src/a.c"

    def told() -> Any:
        return run_and_tell(project)["build"]

    assert told() == ["it never succeeded here"]
    assert told() == "fresh"
    os.utime(source, (1, 1))
    assert told() == "fresh", "times are no content"
    (project.root / "src/notes.txt").write_text("")
    assert told() == "fresh", "no pattern means this file"
    source.write_text("b\n")
    os.utime(source, (1, 1))
    assert told() == ["`src/a.c` changed"], "of the same size, with the same time"
    (project.root / "src/b.c").write_text("b\n")
    (project.root / "flags").write_text("")
    assert told() == ["`flags` is new", "`src/b.c` is new"]
    (project.root / "src/b.c").unlink()
    (project.root / "flags").chmod(0o755)
    assert told() == ["`flags` can be executed now", "`src/b.c` is gone"]
    project.write(BUILD.replace('"1"', '"2"'))
    assert told() == ["`env.LEVEL` changed"]
    project.write(BUILD.replace('"1"', '"2"').replace("echo ran", "echo run"))
    assert told() == ["the command changed"]
    assert told() == "fresh"
    assert run_and_tell(project, "--force")["build"] == ["--force"]
    assert len(project.text("log").splitlines()) == 7


def test_a_fresh_stage_starts_nothing_and_takes_no_slot(project: Project) -> None:
    """Its events are two, and neither says that it was started or waited for a slot."""
    project.write(BUILD)
    write_sources(project)
    for _ in range(3):
        assert project.run().exit_code == 0
    kinds = [event["type"] for event in project.events() if event.get("stage") == "build"]
    assert kinds == ["stage:fresh", "stage:completed"]
    build = entries(project)["build"]
    assert (build["attempts"], build["exit_code"], build["logs"]) == (0, 0, None)
    assert build["reason"].startswith("nothing has changed since run ")


def test_outputs_come_back_as_they_were(project: Project) -> None:
    """Missing or changed, with their mode; where the cache has them not, the stage is run."""
    project.write(
        """
      stage build {
        inputs  = ["src/*.c"]
        outputs = ["made/**"]
        run     = "echo ran >>log; mkdir -p made/bin; cp src/a.c made/a; echo x >made/bin/x; \\
                   chmod +x made/bin/x"
      }
    """.replace("\\\n", "")
    )
    write_sources(project)
    assert run_and_tell(project) == {"build": ["it never succeeded here"]}
    (project.root / "made/a").write_text("other")
    (project.root / "made/bin/x").unlink()
    (project.root / "made/bin").rmdir()
    assert run_and_tell(project) == {"build": "fresh"}
    assert (project.text("made/a"), project.text("made/bin/x")) == ("a\n", "x\n")
    assert os.access(project.root / "made/bin/x", os.X_OK)
    assert project.text("log") == "ran\n"
    for kept in (project.root / ".orch/cache/objects").glob("*/*"):
        kept.chmod(0o644)
        kept.write_text("damaged")
    (project.root / "made/a").unlink()
    assert run_and_tell(project) == {"build": ["output `made/a` is missing"]}
    assert project.text("made/a") == "a\n"


def test_what_needs_a_stage_follows_what_it_gives(project: Project) -> None:
    """Another output, another value; the same output is none. Through it goes what a stage without
    outputs was made of, and a fresh stage hands its values and artifacts on."""
    project.write("""
      stage tools { inputs = ["tools.txt"] run = "true" }
      stage build {
        needs     = [tools]
        inputs    = ["src/*.c"]
        outputs   = ["made"]
        artifacts = ["made"]
        values    { lines: int }
        summary   = "{{ run.id }}"
        run       = '''
          grep -v '^#' src/a.c >made
          echo "lines=$(wc -l <made)" >"$ORCH_VALUES"
        '''
      }
      stage test { needs = [build] inputs = ["t"] run = "echo {{ stages.build.values.lines }}" }
      stage tell { needs = [build] run = "echo {{ stages.build.values.lines }} >told" }
    """)
    write_sources(project)
    assert len(run_and_tell(project)) == 4
    (project.root / "told").unlink()
    assert run_and_tell(project) == {
        "tools": "fresh", "build": "fresh", "test": "fresh", "tell": [],
    }  # fmt: skip
    build = entries(project)["build"]
    assert project.text("told") == "1\n"
    assert build["values"] == {"lines": 1}
    assert build["summary"] == project.manifest()["run_id"]
    (kept,) = build["artifacts"]
    assert (project.run_folder() / kept["path"]).read_text() == "a\n"

    (project.root / "src/a.c").write_text("# a comment\na\n")
    assert run_and_tell(project) == {
        "tools": "fresh", "build": ["`src/a.c` changed"], "test": "fresh", "tell": [],
    }  # fmt: skip
    (project.root / "src/a.c").write_text("a\nb\n")
    assert run_and_tell(project)["test"] == [
        "`stages.build.values.lines` changed",
        "`build` ran and gave another output",
    ]
    (project.root / "tools.txt").write_text("2")
    told = run_and_tell(project)
    assert told["build"] == ["`tools` changed"]
    assert told["test"] == ["what comes before `build` changed"]


def test_what_is_not_asked_for_is_taken_as_it_stands(project: Project) -> None:
    """A stage that `--only` leaves out counts as it was at its last success, with `inputs` or
    without; when all are asked for again, nothing has changed either."""
    project.write("""
      stage tools { run = "true" }
      stage build { needs = [tools] inputs = ["src/*.c"] outputs = ["made"]
                    run = "cp src/a.c made" }
      stage test  { needs = [build, tools] inputs = ["made"] run = "true" }
    """)
    write_sources(project)
    run_and_tell(project)
    assert run_and_tell(project, "--only", "test") == {"tools": [], "build": [], "test": "fresh"}
    assert run_and_tell(project, "--only", "test", "--force")["test"] == ["--force"]
    assert run_and_tell(project) == {"tools": [], "build": "fresh", "test": "fresh"}


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("src", "`src` is a folder: `src/**` means its files"),
        ("src/", "`src` is a folder: `src/**` means its files"),
        (".", "`.` is a folder: `**` means its files"),
        ("link/*.c", "`link` is a link to a folder, and not followed: name the folder it leads to"),
    ],
)
def test_a_folder_among_the_inputs_is_not_taken_for_unchanged(
    project: Project, pattern: str, said: str
) -> None:
    """No pattern matches a folder, but who names one means what is in it: the stage runs, and says
    what is to be written."""
    project.write(f'stage build {{ inputs = ["demo.pipeline", "{pattern}"] run = "true" }}')
    write_sources(project)
    (project.root / "link").symlink_to("src")
    assert run_and_tell(project)["build"][-1] == said
    (project.root / "src/a.c").write_text("b\n")
    assert run_and_tell(project)["build"][-1] == said


def test_a_change_while_the_command_runs_counts_next_time(project: Project) -> None:
    """The inputs are those that were there before it began."""
    project.write('stage build { inputs = ["src/*.c"] run = "echo more >>src/a.c" }')
    write_sources(project)
    assert run_and_tell(project) == {"build": ["it never succeeded here"]}
    assert run_and_tell(project) == {"build": ["`src/a.c` changed"]}


def test_a_failure_leaves_nothing_to_be_fresh_by(project: Project) -> None:
    """Also where the inputs become again what they were when it succeeded, and where orch was
    killed meanwhile; a stage that needs a failed one runs in any case."""
    project.write("""
      stage build { inputs = ["src/a.c"] run = "grep -q a src/a.c" allow_failure = true }
      stage test  { needs = [build] inputs = ["src/a.c"] run = "true" }
    """)
    write_sources(project)
    run_and_tell(project)
    (project.root / "src/a.c").write_text("b\n")
    told = run_and_tell(project)
    assert told["build"] == ["`src/a.c` changed"]
    assert told["test"] == ["`build` failed", "`src/a.c` changed"]
    (project.root / "src/a.c").write_text("a\n")
    assert run_and_tell(project)["build"] == ["its last attempt did not succeed"]

    project.write('stage build { inputs = ["src/a.c"] run = "echo $PPID >pid; sleep 60" }')
    running = project.start("run", "demo.pipeline")
    wait_until(lambda: bool(project.text("pid")), "the command runs")
    running.kill()
    running.communicate()
    project.write('stage build { inputs = ["src/a.c"] run = "grep -q a src/a.c" }')
    assert run_and_tell(project)["build"] == ["its last attempt did not succeed"]


def test_nothing_of_a_stage_with_secrets_is_kept(project: Project) -> None:
    """It is fresh while its outputs are there, and no file of orch's holds what it wrote."""
    project.environment["TOKEN"] = "s3cr3t-of-mine"
    project.write("""
      secret TOKEN
      stage login { inputs = ["src/a.c"] outputs = ["auth"] secrets = [TOKEN]
                    run = 'echo "$TOKEN" >auth' }
    """)
    write_sources(project)
    assert run_and_tell(project) == {"login": ["it never succeeded here"]}
    project.environment["TOKEN"] = "another-of-mine"
    assert run_and_tell(project) == {"login": "fresh"}
    (project.root / "auth").unlink()
    assert run_and_tell(project) == {"login": ["output `auth` is missing"]}
    (project.root / "auth").unlink()
    for path in project.root.rglob("*"):
        if path.is_file():
            assert b"-of-mine" not in path.read_bytes(), path


@pytest.mark.parametrize("harm", ["damaged", "hostile", "folder", "fifo", "link", "file"])
def test_no_cache_ever_fails_a_stage(project: Project, tmp_path: Path, harm: str) -> None:
    """Whatever stands in its place, the stage is run; nothing outside is written, and a note says
    what is to be done where orch can't help itself."""
    project.write(BUILD)
    write_sources(project)
    assert run_and_tell(project) == {"build": ["it never succeeded here"]}
    records = project.root / ".orch/cache/fresh/demo.jsonl"
    objects = project.root / ".orch/cache/objects"
    outside = tmp_path / "outside"
    outside.mkdir()
    match harm:
        case "damaged":
            records.write_bytes(records.read_bytes()[:-9] + b"\0garbage")
        case "hostile":
            from orch.runtime.fresh_records import FreshRecords, record_line

            held = FreshRecords(str(project.root), "demo")
            known = json.loads(json.dumps(held.get("build")))
            held.close()
            known["outputs"]["files"][0][0] = "../outside/made"
            records.write_bytes(record_line("build", known))
        case "folder":
            records.unlink()
            records.mkdir()
        case "fifo":
            records.unlink()
            os.mkfifo(records)
        case "link":
            objects.rename(outside / "objects")
            objects.symlink_to(outside / "objects")
        case "file":
            (project.root / "made/all").unlink()
            for kept in objects.glob("*/*"):
                kept.unlink()
            for folder in objects.iterdir():
                folder.rmdir()
            objects.rmdir()
            objects.write_text("no folder")
    before = sorted(outside.rglob("*"))
    (project.root / "made/all").unlink(missing_ok=True)
    answer = project.run()
    assert (answer.exit_code, project.text("made/all")) == (0, "a\n"), answer
    assert not entries(project)["build"]["fresh"]
    assert sorted(outside.rglob("*")) == before
    if harm in ("folder", "fifo", "file"):
        assert any(".orch/cache" in note for note in answer.json()["notes"])


def test_a_record_with_a_path_that_is_no_text_fails_no_run(project: Project) -> None:
    """It names a file all the same, so that a first look takes the stage for fresh, and would keep
    what it has seen for the plan of now."""
    from orch.runtime.fresh_records import FreshRecords, record_line

    project.write('stage build { inputs = ["7"] run = "true" }')
    (project.root / "7").write_text("seven\n")
    time.sleep(0.1)
    assert run_and_tell(project) == {"build": ["it never succeeded here"]}
    held = FreshRecords(str(project.root), "demo")
    known = json.loads(json.dumps(held.get("build")))
    held.close()
    known["inputs"]["files"][0][0] = 7
    known["plan"] = "of another plan"
    (project.root / ".orch/cache/fresh/demo.jsonl").write_bytes(record_line("build", known))
    assert run_and_tell(project) == {"build": "fresh"}


@pytest.mark.parametrize("link", [".orch", ".orch/cache", ".orch/cache/fresh"])
def test_no_folder_is_made_where_a_link_in_orch_leads(
    project: Project, tmp_path_factory: pytest.TempPathFactory, link: str
) -> None:
    """Neither for plans, nor for records of stages, nor for what is exclusive; a note says why."""
    project.write(BUILD)
    write_sources(project)
    outside = tmp_path_factory.mktemp("outside")
    (project.root / link).parent.mkdir(parents=True, exist_ok=True)
    (project.root / link).symlink_to(outside)
    answer = project.run()
    assert answer.exit_code == 0, answer
    assert any(f"/{link}: " in note for note in answer.json()["notes"])
    project.write('stage build { run = "true", exclusive = "it" }')
    project.run()
    assert list(outside.iterdir()) == []


def test_a_look_at_large_files_ends_when_it_has_to(project: Project) -> None:
    """By its time-out and by a cancel, while orch's own heart goes on beating; the command is not
    started then."""
    with (project.root / "huge").open("wb") as file:
        file.truncate(1 << 38)
    project.write('stage big { inputs = ["huge"] timeout = 300ms run = "touch ran" }')
    assert project.run().exit_code == 1
    assert (entries(project)["big"]["reason"], project.text("ran")) == ("timeout", "")
    project.write("""
      policy { heartbeat { every = 100ms, persist = 100ms, stale = 30s } }
      stage big { inputs = ["huge"] timeout = 1h run = "touch ran" }
    """)
    running = project.start("run", "demo.pipeline")
    wait_until(lambda: len(list((project.root / ".runs/demo/cli").iterdir())) == 2, "it began")
    wait_until((project.run_folder() / "manifest.json").exists, "it has a manifest")
    wait_until(lambda: project.statuses()["big"] == "running", "its warden looks")
    first = (project.run_folder() / ".heartbeat").read_text()
    wait_until(
        lambda: (project.run_folder() / ".heartbeat").read_text() != first,
        "its heart beats while the file is read",
    )
    running.send_signal(signal.SIGINT)
    assert project.finish(running).exit_code == 130
    assert (entries(project)["big"]["status"], project.text("ran")) == ("cancelled", "")
    assert not (project.root / "ran").exists()


def test_two_runs_at_once_share_what_is_known(project: Project) -> None:
    """Neither hinders the other, and both find what was there."""
    project.write(BUILD)
    write_sources(project)
    run_and_tell(project)
    (project.root / "made/all").unlink()
    started = [project.start("run", "demo.pipeline", "--format", "json") for _ in range(2)]
    answers = [project.finish(process) for process in started]
    assert [answer.exit_code for answer in answers] == [0, 0]
    assert (project.text("made/all"), project.text("log")) == ("a\n", "ran\n")
    assert not list(project.root.glob("made/.*"))


def test_a_resumed_run_goes_on_with_what_is_fresh(project: Project) -> None:
    """What an earlier life settled gives later stages what it gave then."""
    project.write("""
      stage build { inputs = ["src/*.c"] outputs = ["made"] run = "cp src/a.c made" }
      stage test  { needs = [build] inputs = ["src/*.c"] run = "true" }
      stage gate  { needs = [build] run = "test -e open" }
      stage after { needs = [gate, test] inputs = ["src/*.c"] run = "true" }
    """)
    write_sources(project)
    (project.root / "open").touch()
    run_and_tell(project)
    (project.root / "open").unlink()
    assert project.run().exit_code == 1
    (project.root / "open").touch()
    assert project.orch("resume", "last").exit_code == 0
    stages = entries(project)
    assert [name for name, entry in stages.items() if entry["fresh"]] == ["build", "test", "after"]


def test_a_stage_that_is_as_it_was_is_told_by_the_sight_of_its_record(project: Project) -> None:
    """Its record isn't even decoded; where the sight is another, the record is, and gets its own
    sight again. One that is damaged, or without a digest as in records of old, is none."""
    project.write('stage build { inputs = ["src/a.c"] outputs = ["made"] run = "touch made" }')
    write_sources(project)
    for _ in range(3):
        time.sleep(0.1)
        told = run_and_tell(project)["build"]
    assert told == "fresh"
    records = project.root / ".orch/cache/fresh/demo.jsonl"
    line = records.read_bytes().splitlines()[-1]
    _, stage, content, *rest = line.split(b"\t")
    sight = rest.pop()
    texts = sight[8:].rpartition(b"\x1f")[0] + b"\x1f00"
    other = b"%08x" % crc32(stage + texts) + texts
    assert content.startswith(b'{"run":')

    def rewrite(*columns: bytes) -> None:
        body = b"\t".join(columns)
        records.write_bytes(b"%08x\t%b\n" % (crc32(body), body))

    rewrite(stage, b"{}", *rest, sight)
    assert run_and_tell(project)["build"] == "fresh"
    worse = (other, b"", sight[8:], sight[:-1], sight.replace(b"src/a.c", b"src/b.c"))
    for seen in worse:
        rewrite(stage, content, *rest, seen)
        assert run_and_tell(project)["build"] == "fresh"
        assert records.read_bytes().splitlines()[-1].endswith(b"\t" + sight)
    for seen in worse:
        rewrite(stage, b"{}", *rest, seen)
        assert run_and_tell(project)["build"] == ["it never succeeded here"]
    os.utime(project.root / "src/a.c", (1, 1))
    (project.root / "src/a.c").write_text("b\n")
    assert run_and_tell(project)["build"] == ["`src/a.c` changed"]
