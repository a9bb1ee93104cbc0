"""Several machines on one lake, as far as one machine can show it: what must hold is checked, what it costs is measured.

    python tests/scale/scale.py --albatross target/release/albatross --simulate target/release/simulate \\
        --loopback target/release/loopback-s3 --commits target/release/examples/commits

- `workers` (workers.py): sharded ingests at once on one lake, on disk and in S3, against one ingest of the same logs;
- `rate` (rate.py): how fast commits go, by the number of writers, the distance to S3, and what the log holds;
- `engines` (engines.py): Athena's, Trino's and Spark's statements of `albatross ddl`, parsed, compared with the tables' schemas, and, for Spark,
  run. Needs sqlglot, deltalake, PySpark and Java.

`--quick` makes everything small: it shows that all of it works, its figures mean nothing. Exit code: 0 if everything holds, 1 if not; it never
depends on speed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import workers

SECTIONS = ("workers", "rate", "engines")


def main():
    options = arguments()
    wrong = []
    with tempfile.TemporaryDirectory(prefix="albatross-scale-", dir=options.data) as work:
        for section in options.only:
            if section == "workers":
                found = workers.run(options, Path(work))
            elif section == "rate":
                import rate

                found = rate.run(options, Path(work))
            else:
                import engines  # only here: it wants packages that the others do not need

                found = engines.run(options, Path(work))
            for problem in found:
                print(f"WRONG: {section}: {problem}", flush=True)
            wrong += found
    print("all holds" if not wrong else f"{len(wrong)} wrong")
    return 1 if wrong else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for program in ("albatross", "simulate", "loopback", "commits"):
        parser.add_argument(f"--{program}", required=True, type=Path)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="only these sections")
    parser.add_argument("--lines", type=int, default=2_000_000, help="workers: lines of the logs, about (%(default)s)")
    parser.add_argument("--workers", type=int, default=4, help="workers: ingests at once (%(default)s)")
    parser.add_argument("--rounds", type=int, default=10, help="workers: they are run so many times, on new files each (%(default)s)")
    parser.add_argument("--latency", type=float, default=30, help="milliseconds that a request to S3 takes more, where that is tried (%(default)s)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--data", type=Path, help="folder for what is made, instead of the system's for temporary files")
    parser.add_argument("--quick", action="store_true", help="everything small")
    options = parser.parse_args()
    for program in ("albatross", "simulate", "loopback", "commits"):
        setattr(options, program, getattr(options, program).resolve())
    if options.quick:
        options.lines, options.rounds, options.latency = 20_000, 2, 5
    return options


if __name__ == "__main__":
    sys.exit(main())
