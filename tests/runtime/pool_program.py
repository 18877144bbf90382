"""A small orch: reads attempts as JSON from stdin, runs them in `Wardens`, prints their reports.

It is a program of its own because a pool makes its process a subreaper, and so that a test can
kill it.
"""

import json
import os
import select
import sys
from dataclasses import asdict
from pathlib import Path

from orch.runtime.wardens import Ended, Wardens
from orch.runtime.wire import decode_spec


def main() -> None:
    task = json.load(sys.stdin)
    waiting = list(task["attempts"])
    wardens = Wardens(task["limit"])
    wardens.prefork(task["limit"])
    stops = [
        (Path(attempt[kind]), attempt["key"], kind == "kill_when")
        for attempt in waiting
        for kind in ("stop_when", "kill_when")
        if attempt.get(kind)
    ]
    count = len(waiting)
    while count:
        while waiting and wardens.has_free():
            attempt = waiting.pop(0)
            wardens.start(attempt["key"], decode_spec(attempt["spec"]))
        poller = select.poll()
        for fd in wardens.descriptors():
            poller.register(fd, select.POLLIN)
        for fd, _ in poller.poll(20 if stops else None):
            for report in wardens.receive(fd):
                count -= isinstance(report, Ended)
                line = {"report": type(report).__name__, **asdict(report)}
                os.write(1, json.dumps(line, default=bytes.decode).encode() + b"\n")
        for stop in [stop for stop in stops if stop[0].exists()]:
            stops.remove(stop)
            wardens.stop(stop[1], skip_grace=stop[2])
    wardens.close()


if __name__ == "__main__":
    main()
