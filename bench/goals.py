"""The figures against the goals. All goals are upper bounds."""

import math

from measure import spread


def judge(figures):
    """What was measured of the goals' list: what, median with minimum and maximum, the figure that counts, the limit."""
    return [goal for section, judged in GOALS.items() if section in figures for goal in judged(figures[section])]


def goal(what, values, limit, counts="median"):
    return {"what": what, **values, "figure": values[counts], "limit": limit, "met": values[counts] <= limit}


def memory(what, measured):
    """Peak memory: the largest of all runs counts."""
    return goal(f"{what}: peak memory, MB", spread([size / 1e6 for size in measured["peak_bytes"]]), 512, "max")


def ingest(figures):
    return [
        goal("ingest: time / zcat", figures["ratios"]["albatross / zcat"], 0.7),
        goal("ingest: time / duckdb", figures["ratios"]["albatross / duckdb"], 0.3),
        memory("ingest", figures["albatross"]),
    ]


def lake(figures):
    return [goal("lake: bytes / gzip", spread([figures["bytes_per_gzip_byte"]]), 0.75)]


def queries(figures):
    goals = []
    for against in ("duckdb", "duckdb without start-up"):
        of_each = {name: query["ratios"][f"albatross / {against}"] for name, query in figures["queries"].items()}
        slowest = max(of_each, key=lambda name: of_each[name]["median"])
        means = {key: geometric_mean([values[key] for values in of_each.values()]) for key in ("median", "min", "max")}
        goals.append(goal(f"queries: time / {against}, worst ({slowest})", of_each[slowest], 1.0))
        goals.append(goal(f"queries: time / {against}, geometric mean", means, 0.6))
    return goals


def startup(figures):
    limits = {"albatross --help": 20, "albatross sql 'select 1'": 100}
    milliseconds = {name: [1e3 * time for time in figures["starts"][name]["seconds"]] for name in limits}
    return [goal(f"{name}: ms", spread(milliseconds[name]), limit) for name, limit in limits.items()]


def growth(figures):
    return [memory(f"ingest, {figures['times']} times the data", figures["many"])]


def single(figures):
    return [memory("ingest, one large file", figures["albatross"])]


def days(figures):
    ratios = {name: query["ratio"] for name, query in figures["queries"].items()}
    slowest = max(ratios, key=lambda name: ratios[name]["median"])
    return [goal(f"one day of {figures['days']}: time / lake of one day, worst ({slowest})", ratios[slowest], 1.3)]


def files(figures):
    return [goal(f"ingest again, {figures['files']:,} files: seconds", spread(figures["again"]["seconds"]), 3)]


def s3(figures):
    """No goal for throughput; memory is that of issue 4."""
    small = figures["small"]
    return [
        memory("ingest from S3", figures["source"]),
        memory("ingest from S3, lake in S3", figures["both"]),
        *(memory(f"{name} {small['objects']:,} objects", small[key]) for name, key in (("ingest", "first"), ("maintain", "maintain"))),
    ]


def diagnose(figures):
    return [
        goal("diagnose: time / its queries in duckdb", figures["ratios"]["albatross / duckdb"], 2.0),
        goal("diagnose: peak memory, MB", spread([size / 1e6 for size in figures["albatross"]["peak_bytes"]]), 1000, "max"),
    ]


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def decode(figures):
    slowest = max(figures["files"].items(), key=lambda item: item[1]["slower"]["median"])
    return [goal(f"decode: time / ALB's for as many bytes or rows, worst ({slowest[0][:40]})", slowest[1]["slower"], 2.0)]


GOALS = {
    "decode": decode,
    "ingest": ingest,
    "lake": lake,
    "queries": queries,
    "startup": startup,
    "growth": growth,
    "single": single,
    "days": days,
    "files": files,
    "diagnose": diagnose,
    "s3": s3,
}
