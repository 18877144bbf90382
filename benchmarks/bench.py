"""What orch costs beside its peers: `make bench`, or `make bench ARGS="--rounds 11 --only one"`.

Each table runs all its tools in turn, round after round, so that a busy moment of the machine hits
them alike; the first round warms up and isn't counted. Nothing of orch itself is switched off.
docs/performance.md says what bounds each table.
"""

import argparse
import compileall
import sys
import tempfile
from pathlib import Path

from benchmarks import compiling, editing, listing, running, viewing
from benchmarks.measuring import ROOT, measured_in_a_folder, show, show_growth

TABLES = (*running.TABLES, *compiling.TABLES, *listing.TABLES)
GROWTHS = (*running.GROWTHS, *compiling.GROWTHS)


def main() -> int:
    """Print every table asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    names = [*(table.name for table in (*TABLES, *GROWTHS)), editing.NAME, viewing.NAME]
    parser.add_argument("--rounds", type=int, default=11, help="rounds counted (default 11)")
    parser.add_argument("--only", choices=names, help="one table")
    parser.add_argument(
        "--without", nargs="+", default=[], metavar="TOOL", help="such as luigi snakemake, the slow"
    )
    words = parser.parse_args()
    # As installed: the environment may forbid to write it, and no link to a room is followed.
    package = ROOT / "src" / "orch"
    for folder in (package, *filter(Path.is_dir, package.iterdir())):
        compileall.compile_dir(folder, quiet=1)
    for table in TABLES:
        if words.only in {None, table.name}:
            tools = {
                name: tool for name, tool in table.tools().items() if name not in words.without
            }
            show(table, measured_in_a_folder(table.make, tools, words.rounds))
    for growth in GROWTHS:
        if words.only in {None, growth.name}:
            rounds = min(words.rounds, growth.most_rounds)
            show_growth(growth, measured_in_a_folder(growth.make, growth.tools(), rounds))
    for page in (editing, viewing):
        if words.only in {None, page.NAME}:
            with tempfile.TemporaryDirectory() as place:
                page.show(Path(place))
    return 0


if __name__ == "__main__":
    sys.exit(main())
