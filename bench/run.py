"""The benchmark: Albatross against zcat, DuckDB and its own goals, on generated access logs. See README.md.

    bench/venv/bin/python bench/run.py --albatross target/release/albatross --simulate target/release/simulate

Exit code: 0 if everything ran and the answers agree, however fast; 1 if not.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import asking
import decode
import goals
import ingests
import inputs
import report
import s3
import telling
from measure import CORES, CommandFailed, noise, use_cores

# name -> what measures it, what prints it; in the order in which they run.
SECTIONS = {
    "ingest": (ingests.throughput, report.ingest),
    "lake": (ingests.contents, report.lake),
    "queries": (asking.against_duckdb, report.queries),
    "startup": (asking.startup, report.startup),
    "growth": (ingests.growth, report.growth),
    "single": (ingests.single, report.single),
    "days": (asking.days, report.days),
    "files": (ingests.small_files, report.files),
    "diagnose": (telling.diagnose, report.diagnose),
    "report": (telling.report, report.of_files),
    "s3": (s3.throughput, report.s3),
    "decode": (decode.formats, report.decode),
}
# These look into the lake of the main input.
NEED_LAKE = {"lake", "queries", "startup"}


def main():
    options = arguments()
    use_cores(CORES)
    main_input = inputs.main_input(options)
    print(report.inputs(main_input), flush=True)
    ingests.warm(options, main_input)
    if "ingest" not in options.only and NEED_LAKE & set(options.only):
        ingests.prepare(options, main_input)

    figures = {}
    for name in options.only:
        measure, text = SECTIONS[name]
        before = noise(0.2 if options.quick else 2)
        figures[name] = {**measure(options, main_input), "noise": before}
        print(f"\n{report.noise(before)}\n{text(figures[name], main_input)}", flush=True)

    judged = goals.judge(figures)
    print(report.goals(judged, options.quick))
    wrong = [text for section in figures.values() for text in section["wrong"]]
    print(report.wrong(wrong))
    if options.json:
        result = {"input": main_input, **figures, "goals": judged, "wrong": wrong}
        options.json.write_text(json.dumps(result, indent=2, default=str) + "\n")
    return 1 if wrong else 0


def arguments():
    parser = argparse.ArgumentParser(description="Benchmark of Albatross against zcat, DuckDB and its own goals.")
    parser.add_argument("--albatross", type=Path, required=True, metavar="BINARY")
    parser.add_argument("--simulate", type=Path, required=True, metavar="BINARY")
    parser.add_argument("--loopback", type=Path, metavar="BINARY", help="loopback-s3, for the section s3")
    parser.add_argument("--decode", type=Path, metavar="BINARY", help="the example decode of crates/formats, for the section decode")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), metavar="NAME", help=", ".join(SECTIONS))
    parser.add_argument("--lines", type=int, default=2_000_000, help="lines of the main input (%(default)s)")
    parser.add_argument("--files", type=int, default=26, help="gzip files to spread them over, even (%(default)s)")
    parser.add_argument("--times", type=int, default=10, help="growth: so many times the main input (%(default)s)")
    parser.add_argument("--diagnose-times", type=int, default=5, help="diagnose: so many times the main input (%(default)s)")
    parser.add_argument("--days", type=int, default=30, help="days: in the large lake (%(default)s)")
    parser.add_argument("--lines-a-day", type=int, default=100_000, help="days: about so many lines in each (%(default)s)")
    parser.add_argument("--small-files", type=int, default=100_000, help="files: how many (%(default)s)")
    parser.add_argument("--objects", type=int, default=20_000, help="s3: how many small ones (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5, help="measured runs of each contender (%(default)s)")
    parser.add_argument("--queries", nargs="+", choices=asking.QUERIES, default=list(asking.QUERIES), metavar="NAME")
    parser.add_argument("--data", type=Path, default=inputs.HERE / "data", metavar="FOLDER", help="for input and output")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as JSON too")
    parser.add_argument("--quick", action="store_true", help="everything tiny, 1 run: proves only that it works")
    options = parser.parse_args()
    if options.quick:
        options.lines, options.files, options.runs, options.times, options.diagnose_times = 50_000, 4, 1, 2, 2
        options.days, options.lines_a_day, options.small_files, options.objects = 3, 5_000, 1_000, 500
    sizes = ("lines", "files", "times", "diagnose_times", "days", "lines_a_day", "small_files", "objects", "runs")
    if min(getattr(options, size) for size in sizes) < 1:
        parser.error("all numbers are at least 1")
    if "s3" in options.only and options.loopback is None:
        parser.error("the section s3 needs --loopback")
    if "decode" in options.only and options.decode is None:
        parser.error("the section decode needs --decode")
    for binary in filter(None, (options.albatross, options.simulate, options.loopback, options.decode)):
        if not os.access(binary, os.X_OK):
            parser.error(f"there is no program {binary}; build it first")
    # A name without a slash would be looked up in PATH.
    options.albatross, options.simulate = options.albatross.resolve(), options.simulate.resolve()
    options.loopback = options.loopback and options.loopback.resolve()
    options.decode = options.decode and options.decode.resolve()
    options.only = [name for name in SECTIONS if name in options.only]
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CommandFailed as failure:
        sys.exit(f"{failure}")
