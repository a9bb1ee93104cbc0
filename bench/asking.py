"""What queries are measured by, one function per section. Each returns its figures, with texts in `wrong` if answers differ."""

import json
from datetime import timedelta

import compare
import inputs
from inputs import remove
from measure import DUCK, figures_of, interleave, ratios, run

STARTS = 20

# name -> the columns that tell the rows of the answer apart, and those that DuckDB's equivalent in queries/ leaves out.
QUERIES = {
    "502_spikes": {"keys": ["start"]},
    "max_cpu_correlation": {"keys": ["lag_minutes"]},
    "slow_endpoints": {"keys": ["method", "route"]},
    "errors_by_cause": {"keys": ["cause", "answered_by"], "left_out": ["meaning", "what_to_check"]},
    "latency_by_hour": {"keys": ["start"]},
    "top_clients": {"keys": ["client"]},
}


def against_duckdb(options, main):
    queries, wrong = {}, []
    for name in options.queries:
        queries[name], differences = one_against_duckdb(options, main, name)
        wrong += [f"{name}: {text}" for text in differences]
    return {"queries": queries, "wrong": wrong + differences_in_an_outage(options)}


def one_against_duckdb(options, main, name):
    csv = main["folder"] / f"{name}.csv"
    contenders = {
        "albatross": lambda: ask_albatross(options, main["lake"], name),
        "duckdb": lambda: ask_duckdb(main["lake"], name, csv),
    }
    results = interleave(contenders, options.runs)
    figures = {contender: figures_of(measured) for contender, measured in results.items()}
    figures["duckdb"]["alone"] = [json.loads(result["stdout"])["seconds"] for result in results["duckdb"]]
    ours = figures["albatross"]["seconds"]
    figures["ratios"] = {
        "albatross / duckdb": ratios(ours, figures["duckdb"]["seconds"]),
        "albatross / duckdb without start-up": ratios(ours, figures["duckdb"]["alone"]),
    }
    return figures, compare.differences(results["albatross"][-1]["stdout"], csv.read_text(), **QUERIES[name])


def differences_in_an_outage(options):
    """The same comparison on a small lake where something went wrong: the traffic that is measured is quiet. Not timed."""
    folder = inputs.outage(options)
    lake, csv = folder / "lake", folder / "answer.csv"
    remove(lake)
    run([options.albatross, "--lake", lake, "ingest", folder / "logs"])
    found = []
    for name in options.queries:
        ours = ask_albatross(options, lake, name)["stdout"]
        ask_duckdb(lake, name, csv)
        found += [f"{name}, home: {text}" for text in compare.differences(ours, csv.read_text(), **QUERIES[name])]
    return found


def ask_albatross(options, lake, name, *more):
    return run([options.albatross, "--lake", lake, "query", name, "--format", "csv", *more])


def ask_duckdb(lake, name, csv):
    return run([*DUCK, "query", inputs.HERE / "queries" / f"{name}.sql", lake, csv])


def startup(options, main):
    """The smallest things that can be asked for; `true` is what starting any process costs here."""
    commands = {
        "true": ["true"],
        "albatross --help": [options.albatross, "--help"],
        "albatross sql 'select 1'": [options.albatross, "--lake", main["lake"], "sql", "select 1"],
    }
    for command in commands.values():
        run(command)
    results = interleave({name: lambda command=command: run(command) for name, command in commands.items()}, STARTS)
    return {"starts": {name: figures_of(measured) for name, measured in results.items()}, "wrong": []}


def days(options, main):
    """A day in the middle asked for in a lake of many days, filled day by day, and in a lake of that day alone."""
    folder = inputs.days(options)
    all_days = sorted(folder.glob("day=*"))
    middle = len(all_days) // 2
    many, one = folder / "lake", folder / "one-day-lake"
    remove(many)
    remove(one)
    for day in all_days:
        run([options.albatross, "--lake", many, "ingest", day / "logs"])
    # max_cpu_correlation looks at some minutes of CPU before and after the day.
    neighbours = [day / "logs" / "cpu.json" for day in (*all_days[:middle][-1:], *all_days[middle + 1 :][:1])]
    run([options.albatross, "--lake", one, "ingest", all_days[middle] / "logs", *neighbours])

    start = inputs.FIRST_DAY + timedelta(days=middle)
    window = ["--from", f"{start:%Y-%m-%d}", "--to", f"{start + timedelta(days=1):%Y-%m-%d}"]
    queries, wrong = {}, []
    for name in options.queries:
        contenders = {
            "one": lambda: ask_albatross(options, one, name, *window),
            "many": lambda: ask_albatross(options, many, name, *window),
        }
        # Some ten milliseconds each, of which another process can take as much.
        results = interleave(contenders, options.runs * 3)
        figures = {lake: figures_of(measured) for lake, measured in results.items()}
        queries[name] = {**figures, "ratio": ratios(figures["many"]["seconds"], figures["one"]["seconds"])}
        answers = {lake: measured[-1]["stdout"] for lake, measured in results.items()}
        if answers["one"] != answers["many"]:
            wrong.append(f"{name}: {start:%Y-%m-%d} in a lake of {len(all_days)} days is not what it is alone")
    remove(many)
    remove(one)
    return {
        "days": len(all_days),
        "lines": sum(inputs.lines_in(day) for day in all_days),
        "lines_of_the_day": inputs.lines_in(all_days[middle]),
        "queries": queries,
        "wrong": wrong,
    }
