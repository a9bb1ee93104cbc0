"""The benchmark: ingest and queries against DuckDB and zcat, on generated access logs. See README.md.

    bench/venv/bin/python bench/run.py --albatross target/release/albatross --simulate target/release/simulate

Exit code: 0 if everything ran and the answers agree, however fast; 1 if not.
"""

import argparse
import json
import math
import os
import shutil
import sys
from pathlib import Path

import compare
import report
from measure import CommandFailed, interleave, ratios, run, spread

HERE = Path(__file__).resolve().parent
DUCK = [sys.executable, HERE / "duck.py"]
CORES = 2

# name -> the columns that tell the rows of the answer apart, and those that DuckDB's equivalent in queries/ leaves out.
QUERIES = {
    "502_spikes": {"keys": ["start"]},
    "max_cpu_correlation": {"keys": ["lag_minutes"]},
    "slow_endpoints": {"keys": ["method", "route"]},
    "errors_by_cause": {"keys": ["cause", "answered_by"], "left_out": ["meaning", "what_to_check"]},
    "latency_by_hour": {"keys": ["start"]},
    "top_clients": {"keys": ["client"]},
}


def main():
    options = arguments()
    use_cores(CORES)
    load_before = os.getloadavg()[0]
    size = ["--lines", options.lines, "--files", options.files]
    folder = generate(options, f"{options.lines}-lines-{options.files}-files-seed-{options.seed}", *size)
    inputs = describe_input(folder, options, load_before)
    print(report.inputs(inputs, options.runs), flush=True)
    warm(options, folder)

    ingest = measure_ingest(options, folder)
    print(report.ingest(ingest, inputs), flush=True)
    lake = describe_lake(folder, inputs)
    print(report.lake(lake, inputs), flush=True)
    queries = {name: measure_query(options, folder, name) for name in options.queries}
    print(report.queries(queries), flush=True)
    goals = judge(ingest, lake, queries)
    if not options.quick:
        print(report.goals(goals), flush=True)

    wrong = lake["wrong"] + [f"{name}: {text}" for name, query in queries.items() for text in query["differences"]]
    wrong += differences_in_an_outage(options)
    print(report.wrong(wrong))
    if options.json:
        result = {"input": inputs, "ingest": ingest, "lake": lake, "queries": queries, "goals": goals, "wrong": wrong}
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 1 if wrong else 0


def arguments():
    parser = argparse.ArgumentParser(description="Benchmark of Albatross against DuckDB and zcat.")
    parser.add_argument("--albatross", type=Path, required=True, metavar="BINARY")
    parser.add_argument("--simulate", type=Path, required=True, metavar="BINARY")
    parser.add_argument("--lines", type=int, default=2_000_000, help="lines to generate (%(default)s)")
    parser.add_argument("--files", type=int, default=26, help="gzip files to spread them over, even (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5, help="measured runs of each contender (%(default)s)")
    parser.add_argument("--queries", nargs="+", choices=QUERIES, default=list(QUERIES), metavar="NAME")
    parser.add_argument("--data", type=Path, default=HERE / "data", metavar="FOLDER", help="for input and output")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as JSON too")
    parser.add_argument("--quick", action="store_true", help="100,000 lines, 4 files, 1 run: proves only that it works")
    options = parser.parse_args()
    if options.quick:
        options.lines, options.files, options.runs = 100_000, 4, 1
    if min(options.lines, options.files, options.runs) < 1:
        parser.error("--lines, --files and --runs are at least 1")
    for binary in (options.albatross, options.simulate):
        if not os.access(binary, os.X_OK):
            parser.error(f"there is no program {binary}; build it first")
    return options


def use_cores(count):
    """Keeps this process and all that it starts on so many cores, where the system can do that (Linux)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def generate(options, name, *what):
    """The folder `name` with `logs`, made on the first call; what the runs write goes beside it."""
    folder = options.data / name
    if not folder.exists():
        print(f"generating {name} ...", file=sys.stderr)
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        run([options.simulate, "--out", partial / "logs", "--truth", partial / "truth.json", "--seed", options.seed, *what])
        partial.rename(folder)
    return folder


def gzip_files(folder):
    return sorted((folder / "logs").rglob("*.gz"))


def describe_input(folder, options, load_before):
    files = gzip_files(folder)
    return {
        "lines": options.lines,
        "files": len(files),
        "gzip_bytes": sum(file.stat().st_size for file in files),
        "cores": CORES,
        "load_before": load_before,
    }


def warm(options, folder):
    """Reads everything once, so that no run is the one that waits for the disk."""
    for file in gzip_files(folder):
        file.read_bytes()
    run([options.albatross, "--version"])
    run([sys.executable, "-c", "import duckdb"])


def measure_ingest(options, folder):
    names = folder / "names"
    names.write_bytes(b"".join(bytes(file) + b"\0" for file in gzip_files(folder)))
    lake, parquet = folder / "lake", folder / "duckdb.parquet"

    def zcat():
        return run(["sh", "-c", f"xargs -0 -P{CORES} -n1 zcat > /dev/null"], stdin_path=names)

    def duckdb():
        parquet.unlink(missing_ok=True)
        return run([*DUCK, "ingest", folder / "logs", parquet])

    def albatross():
        shutil.rmtree(lake, ignore_errors=True)
        return run([options.albatross, "--lake", lake, "ingest", folder / "logs"])

    results = interleave({"zcat": zcat, "duckdb": duckdb, "albatross": albatross}, options.runs)
    figures = {name: figures_of(measured) for name, measured in results.items()}
    figures["duckdb"]["alone"] = [json.loads(result["stdout"])["seconds"] for result in results["duckdb"]]
    ours = figures["albatross"]["seconds"]
    figures["ratios"] = {
        "albatross / zcat": ratios(ours, figures["zcat"]["seconds"]),
        "albatross / duckdb": ratios(ours, figures["duckdb"]["seconds"]),
        "albatross / duckdb without start-up": ratios(ours, figures["duckdb"]["alone"]),
    }
    return figures


def figures_of(results):
    return {key: [result[key] for result in results] for key in ("seconds", "cpu_seconds", "peak_bytes")}


def describe_lake(folder, inputs):
    """Size and contents of the lake that the last ingest left."""
    lake = folder / "lake"
    contents = json.loads(run([*DUCK, "contents", lake, folder / "duckdb.parquet"])["stdout"])
    lake_bytes = sum(file.stat().st_size for file in lake.rglob("*") if file.is_file())
    wrong = [
        f"{whose} has {contents[key]:,} rows of {inputs['lines']:,} lines"
        for whose, key in (("the lake", "lake_rows"), ("DuckDB's file", "duckdb_rows"))
        if contents[key] != inputs["lines"]
    ]
    return {
        "rows": contents["lake_rows"],
        "bytes": lake_bytes,
        "bytes_per_gzip_byte": lake_bytes / inputs["gzip_bytes"],
        "duckdb_parquet_bytes": (folder / "duckdb.parquet").stat().st_size,
        "columns": contents["columns"],
        "wrong": wrong,
    }


def ask_albatross(options, lake, name):
    return run([options.albatross, "--lake", lake, "query", name, "--format", "csv"])


def ask_duckdb(lake, name, csv):
    return run([*DUCK, "query", HERE / "queries" / f"{name}.sql", lake, csv])


def measure_query(options, folder, name):
    lake, csv = folder / "lake", folder / f"{name}.csv"
    contenders = {
        "albatross": lambda: ask_albatross(options, lake, name),
        "duckdb": lambda: ask_duckdb(lake, name, csv),
    }
    results = interleave(contenders, options.runs)
    figures = {contender: figures_of(measured) for contender, measured in results.items()}
    figures["duckdb"]["alone"] = [json.loads(result["stdout"])["seconds"] for result in results["duckdb"]]
    ours = figures["albatross"]["seconds"]
    return {
        **figures,
        "ratios": {
            "albatross / duckdb": ratios(ours, figures["duckdb"]["seconds"]),
            "albatross / duckdb without start-up": ratios(ours, figures["duckdb"]["alone"]),
        },
        "differences": compare.differences(results["albatross"][-1]["stdout"], csv.read_text(), **QUERIES[name]),
    }


def differences_in_an_outage(options):
    """The same comparison on a small lake where something went wrong: the traffic that is measured is quiet. Not timed."""
    folder = generate(options, f"home-seed-{options.seed}", "--scenario", "home")
    lake, csv = folder / "lake", folder / "answer.csv"
    shutil.rmtree(lake, ignore_errors=True)
    run([options.albatross, "--lake", lake, "ingest", folder / "logs"])
    found = []
    for name in options.queries:
        ours = ask_albatross(options, lake, name)["stdout"]
        ask_duckdb(lake, name, csv)
        found += [f"{name}, home: {text}" for text in compare.differences(ours, csv.read_text(), **QUERIES[name])]
    return found


def judge(ingest, lake, queries):
    """Figures against the goals: what must hold now, and what is to hold next. All goals are upper bounds."""
    def goal(what, figure, now, next_goal):
        return {"what": what, "figure": figure, "now": now, "next": next_goal}

    goals = [
        goal("ingest: time / duckdb", ingest["ratios"]["albatross / duckdb"]["median"], 0.5, 0.3),
        goal("ingest: time / zcat", ingest["ratios"]["albatross / zcat"]["median"], None, 0.7),
        goal("ingest: peak memory, MB", spread(ingest["albatross"]["peak_bytes"])["max"] / 1e6, 512, 512),
        goal("lake: bytes / gzip", lake["bytes_per_gzip_byte"], 1.0, 0.75),
    ]
    for against in ("duckdb", "duckdb without start-up"):
        medians = {name: query["ratios"][f"albatross / {against}"]["median"] for name, query in queries.items()}
        slowest = max(medians, key=medians.get)
        goals.append(goal(f"queries: time / {against}, worst ({slowest})", medians[slowest], None, 1.0))
        goals.append(goal(f"queries: time / {against}, geometric mean", geometric_mean(medians.values()), None, 0.6))
    return goals


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CommandFailed as failure:
        sys.exit(f"{failure}")
