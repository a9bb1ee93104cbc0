"""What ingest is measured by, one function per section. Each returns its figures, with texts in `wrong` if lines are missing."""

import csv
import json
import sys

import inputs
from inputs import remove
from measure import CORES, DUCK, figures_of, interleave, ratios, run

LINES_IN_SMALL_FILE = 3


def throughput(options, main):
    """The same files by zcat, DuckDB and Albatross. Leaves the lake and DuckDB's file for the sections that follow."""
    contenders = {"zcat": zcat(main), "duckdb": duckdb(main), "albatross": albatross(options, main)}
    results = interleave(contenders, options.runs)
    figures = {name: figures_of(measured) for name, measured in results.items()}
    figures["duckdb"]["alone"] = [json.loads(result["stdout"])["seconds"] for result in results["duckdb"]]
    ours = figures["albatross"]["seconds"]
    figures["ratios"] = {
        "albatross / zcat": ratios(ours, figures["zcat"]["seconds"]),
        "albatross / duckdb": ratios(ours, figures["duckdb"]["seconds"]),
        "albatross / duckdb without start-up": ratios(ours, figures["duckdb"]["alone"]),
    }
    return {**figures, "wrong": missing(options, main["lake"], main["lines"])}


def prepare(options, main):
    """What `throughput` leaves, when it is not asked for. Not timed."""
    albatross(options, main)()
    if "lake" in options.only:
        duckdb(main)()


def warm(options, main):
    """No run is the one that waits for the disk."""
    inputs.read_all(inputs.gzip_files(main["folder"]))
    run([options.albatross, "--version"])
    run([sys.executable, "-c", "import duckdb"])


def zcat(main):
    names = main["folder"] / "names"
    inputs.write_names(inputs.gzip_files(main["folder"]), names)
    return lambda: run(["sh", "-c", f"xargs -0 -P{CORES} -n1 zcat > /dev/null"], stdin_path=names)


def duckdb(main):
    def once():
        main["duckdb_parquet"].unlink(missing_ok=True)
        return run([*DUCK, "ingest", main["folder"] / "logs", main["duckdb_parquet"]])

    return once


def albatross(options, main):
    return lambda: ingest_anew(options, main["lake"], main["folder"] / "logs")


def ingest_anew(options, lake, logs):
    remove(lake)
    return run([options.albatross, "--lake", lake, "ingest", logs])


def contents(options, main):
    """Size and contents of the lake that the last ingest left."""
    lake = main["lake"]
    found = json.loads(run([*DUCK, "contents", lake, main["duckdb_parquet"]])["stdout"])
    lake_bytes = sum(file.stat().st_size for file in lake.rglob("*") if file.is_file())
    wrong = [
        f"{whose} has {found[key]:,} rows of {main['lines']:,} lines"
        for whose, key in (("the lake, read by DuckDB,", "lake_rows"), ("DuckDB's file", "duckdb_rows"))
        if found[key] != main["lines"]
    ]
    return {
        "rows": found["lake_rows"],
        "bytes": lake_bytes,
        "bytes_per_gzip_byte": lake_bytes / main["gzip_bytes"],
        "duckdb_parquet_bytes": main["duckdb_parquet"].stat().st_size,
        "columns": found["columns"],
        "wrong": wrong,
    }


def growth(options, main):
    """The main input, and ten times as much of other lines in as many more files. The large one once; it is removed again."""
    lake = main["folder"] / "growth-lake"
    once = interleave({"albatross": lambda: ingest_anew(options, lake, main["folder"] / "logs")}, options.runs)
    remove(lake)
    large = inputs.simulated(options, options.lines * options.times, options.files * options.times)
    try:
        lines = inputs.lines_in(large)
        inputs.read_all(inputs.gzip_files(large))
        many = interleave({"albatross": lambda: ingest_anew(options, large / "lake", large / "logs")}, 1)
        wrong = missing(options, large / "lake", lines)
    finally:
        remove(large)
    one, many = figures_of(once["albatross"]), figures_of(many["albatross"])
    per_line = [seconds / main["lines"] for seconds in one["seconds"]]
    return {
        "times": options.times,
        "one": {**one, "lines": main["lines"]},
        "many": {**many, "lines": lines},
        "time_a_line_ratio": ratios([many["seconds"][0] / lines] * len(per_line), per_line),
        "wrong": wrong,
    }


def single(options, main):
    """The main input as one gzip file of one member, against zcat, which can use one core."""
    folder = inputs.single_file(options, main["folder"])
    lake = folder / "lake"
    [file] = inputs.gzip_files(folder)
    inputs.read_all([file])
    contenders = {
        "zcat": lambda: run(["sh", "-c", 'exec zcat "$1" > /dev/null', "sh", file]),
        "albatross": lambda: ingest_anew(options, lake, folder / "logs"),
    }
    results = interleave(contenders, min(3, options.runs))
    figures = {name: figures_of(measured) for name, measured in results.items()}
    wrong = missing(options, lake, main["lines"])
    remove(lake)
    return {
        **figures,
        "gzip_bytes": file.stat().st_size,
        "ratio": ratios(figures["albatross"]["seconds"], figures["zcat"]["seconds"]),
        "cores_used": {name: ratios(of["cpu_seconds"], of["seconds"]) for name, of in figures.items()},
        "wrong": wrong,
    }


def small_files(options, main):
    """Many small files: a first ingest, then the same when all of them are in the lake already."""
    folder = inputs.small_files(options, main["folder"], options.small_files, LINES_IN_SMALL_FILE)
    lake = folder / "lake"
    inputs.read_all(inputs.gzip_files(folder))
    first = interleave({"first": lambda: ingest_anew(options, lake, folder / "logs")}, 1)
    again = interleave({"again": lambda: run([options.albatross, "--lake", lake, "ingest", folder / "logs"])}, options.runs)
    start = [options.albatross, "--lake", lake, "sql", "select 1"]
    started = interleave({"start": lambda: run(start)}, options.runs)
    wrong = missing(options, lake, options.small_files * LINES_IN_SMALL_FILE)
    remove(lake)
    return {
        "files": options.small_files,
        "first": figures_of(first["first"]),
        "again": figures_of(again["again"]),
        "start": figures_of(started["start"]),
        "wrong": wrong,
    }


def missing(options, lake, lines):
    """A text if the lake does not hold exactly so many lines."""
    answer = run([options.albatross, "--lake", lake, "sql", "SELECT count(*) FROM alb", "--format", "csv"])["stdout"]
    _, [rows] = csv.reader(answer.splitlines())
    return [] if int(rows) == lines else [f"{lake} has {int(rows):,} rows of {lines:,} lines"]
