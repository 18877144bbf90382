"""The file of records: of each stage the last line counts, whatever happened to the others."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from zlib import crc32

import pytest

from orch.runtime.files import StorageError
from orch.runtime.fresh_records import FreshRecords, forget, is_sound, record_line

HOLD = """
import fcntl, sys, time
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def opened(root: Path) -> FreshRecords:
    return FreshRecords(str(root), "demo")


def test_the_last_line_of_a_stage_counts(tmp_path: Path) -> None:
    """Also where its command was started since; another success is known again."""
    records = opened(tmp_path)
    records.put("a", {"n": 1}, {"parts": {"x": "1"}})
    records.put("a", {"n": 2})
    records.put('b[x="\t"]', {"n": 3})
    records.close()
    forget(str(records.path), "a")
    again = opened(tmp_path)
    assert (again.get("a"), again.is_forgotten("a"), again.is_forgotten("c")) == (None, True, False)
    assert again.get('b[x="\t"]') == {"n": 3}
    again.put("a", {"n": 4})
    assert (again.get("a"), again.is_forgotten("a")) == ({"n": 4}, False)
    again.close()
    assert records.details("a") == {"parts": {"x": "1"}}


def test_what_follows_a_record_makes_it_none(tmp_path: Path) -> None:
    """Also where the digest of the line holds."""
    records = opened(tmp_path)
    line = record_line("a", {"n": 1})
    body = line[9:-1].replace(b'{"n":1}', b'{"n":1}{}')
    Path(records.path).write_bytes(line + b"%08x\t%b\n" % (crc32(body), body))
    assert opened(tmp_path).get("a") is None


def test_a_file_of_which_half_is_of_no_use_is_written_anew(tmp_path: Path) -> None:
    """As it is when every stage has been found fresh for the first time."""
    records = opened(tmp_path)
    for n in range(2):
        for stage in range(100):
            records.put(f"s{stage}", {"n": n, "long": "x" * 500})
    records.close()
    assert Path(records.path).read_bytes().count(b"\n") == 100
    assert opened(tmp_path).get("s99") == {"n": 1, "long": "x" * 500}


@pytest.mark.parametrize("seed", range(10))
def test_a_damaged_line_is_as_if_it_were_not_there(tmp_path: Path, seed: int) -> None:
    """Cut anywhere, or with any byte changed: what is read was written, and writing goes on."""
    random = Random(seed)
    records = opened(tmp_path)
    for n in range(20):
        records.put(f"s{n % 5}", {"n": n})
    records.close()
    data = bytearray(Path(records.path).read_bytes())
    for _ in range(3):
        data[random.randrange(len(data))] = random.randrange(256)
    Path(records.path).write_bytes(data[: random.randrange(len(data) // 2, len(data))])
    again = opened(tmp_path)
    for n in range(5):
        known = again.get(f"s{n}")
        assert known is None or (known["n"] < 20 and known["n"] % 5 == n)
        assert known is None or not is_sound(known)
    again.put("s0", {"n": 100})
    again.close()
    assert opened(tmp_path).get("s0") == {"n": 100}


def test_who_comes_while_it_is_written_anew_waits_for_that(tmp_path: Path) -> None:
    """A moment; who holds it longer is stopped, and then it can't be had."""
    records = opened(tmp_path)
    records.close()
    path = records.path
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path, "0.2"], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == "held\n"
        opened(tmp_path).close()
    with Path(path).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StorageError, match="can't lock"):
            opened(tmp_path)


def test_only_the_last_user_writes_the_file_anew(tmp_path: Path) -> None:
    """Lines of others are never lost, and those of no use don't pile up."""
    first, second = opened(tmp_path), opened(tmp_path)
    for n in range(200):
        first.put("a", {"n": n, "long": "x" * 1000})
    second.put("b", {"n": 1})
    first.close()
    assert Path(first.path).stat().st_size > 200_000
    for n in range(200):
        second.put("b", {"n": n, "long": "x" * 1000})
    second.close()
    assert Path(first.path).stat().st_size < 5000
    third = opened(tmp_path)
    assert [(third.get(stage) or {})["n"] for stage in "ab"] == [199, 199]


def test_nothing_but_a_file_of_its_own_is_opened(tmp_path: Path) -> None:
    """A link, a folder or a FIFO is refused, and nothing waits for it."""
    path = opened(tmp_path).path
    Path(path).unlink()
    outside = tmp_path / "outside"
    for number in range(3):
        match number:
            case 0:
                Path(path).mkdir()
            case 1:
                os.mkfifo(path)
            case _:
                Path(path).symlink_to(outside)
        with pytest.raises(StorageError):
            opened(tmp_path)
        Path(path).rmdir() if Path(path).is_dir() else Path(path).unlink()
    assert not outside.exists()
    Path(path).write_bytes(record_line("a", {"n": 1}))
    assert opened(tmp_path).get("a") == {"n": 1}
