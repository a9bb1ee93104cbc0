"""The figures as text."""

from measure import spread


def inputs(main):
    return (
        f"Input: {main['lines']:,} lines in {main['files']} files, {megabytes(main['gzip_bytes'])} gzip\n"
        f"{main['cores']} cores, {times(main['runs'])} of each in turns, where nothing else is said"
    )


def noise(before):
    busy = "   (the machine is busy: trust the ratios, not the seconds)" if before["busy_cores"] > 0.2 else ""
    return f"[before: others keep {before['busy_cores']:.1f} of {before['cores']} cores busy, load {before['load']:.2f}{busy}]"


def ingest(figures, main):
    rows = []
    for name in ("zcat", "duckdb", "albatross"):
        rows.append(ingest_row(name, figures[name], main["lines"]))
        if "alone" in figures[name]:
            rows.append(["  without start-up", *in_seconds(spread(figures[name]["alone"]))])
    return "\n".join(["Ingest", table(INGEST_HEADER, rows), "", ratio_table(figures["ratios"])])


INGEST_HEADER = ["seconds", "median", "min .. max", "processor", "peak memory", "ns a line"]


def ingest_row(name, measured, lines):
    seconds = spread(measured["seconds"])
    return [
        name,
        *in_seconds(seconds),
        f"{spread(measured['cpu_seconds'])['median']:.2f}",
        megabytes(max(measured["peak_bytes"])),
        f"{seconds['median'] / lines * 1e9:.0f}",
    ]


def lake(figures, main):
    total = sum(column["bytes"] for column in figures["columns"])
    large = [column for column in figures["columns"] if column["bytes"] >= total * 0.005]
    small = [column for column in figures["columns"] if column not in large]
    others = {key: sum(column[key] for column in small) for key in ("bytes", "unpacked_bytes")}
    rows = [
        [c["column"], megabytes(c["bytes"]), f"{c['bytes'] / total:.1%}", f"{c['bytes'] / figures['rows']:.2f}"]
        + [megabytes(c["unpacked_bytes"]), c["encodings"]]
        for c in [*large, {"column": f"{len(small)} others", "encodings": "", **others}]
    ]
    rest = figures["bytes"] - total
    return "\n".join(
        [
            f"Lake: {figures['rows']:,} rows, {megabytes(figures['bytes'])}, "
            f"{figures['bytes_per_gzip_byte']:.3f} bytes per byte of gzip",
            f"(columns of alb {megabytes(total)}; footers, log, metrics and ledger {megabytes(rest)}; "
            f"DuckDB's file {megabytes(figures['duckdb_parquet_bytes'])})",
            table(["column of alb", "bytes", "share", "a row", "unpacked", "encodings"], rows),
        ]
    )


def queries(figures, main):
    rows = []
    for name, query in figures["queries"].items():
        ratio = query["ratios"]
        rows.append(
            [name]
            + [in_seconds(spread(query["albatross"]["seconds"]), 3)[0]]
            + [in_seconds(spread(query["duckdb"]["seconds"]), 3)[0]]
            + [in_seconds(spread(query["duckdb"]["alone"]), 3)[0]]
            + [in_ratio(ratio["albatross / duckdb"])]
            + [in_ratio(ratio["albatross / duckdb without start-up"])]
        )
    header = ["seconds, whole process", "albatross", "duckdb", "without start-up", "ratio", "to without start-up"]
    return "\n".join(["Queries", table(header, rows)])


def startup(figures, main):
    rows = []
    for name, measured in figures["starts"].items():
        rows.append([name, *in_seconds(spread([1e3 * seconds for seconds in measured["seconds"]]), 1)])
    header = [f"milliseconds, {len(measured['seconds'])} runs", "median", "min .. max"]
    return "\n".join(["Start-up", table(header, rows)])


def growth(figures, main):
    one, many = figures["one"], figures["many"]
    rows = [
        ingest_row(f"{one['lines']:,} lines", one, one["lines"]),
        ingest_row(f"{many['lines']:,} lines, once", many, many["lines"]),
    ]
    ratios = {
        "time a line": figures["time_a_line_ratio"],
        "peak memory": spread([max(many["peak_bytes"]) / max(one["peak_bytes"])]),
    }
    title = f"Growth: ingest of {figures['times']} times the data"
    return "\n".join([title, table(INGEST_HEADER, rows), "", ratio_table(ratios, f"ratio, {figures['times']} times / once")])


def single(figures, main):
    rows = []
    for name in ("zcat", "albatross"):
        rows.append(ingest_row(name, figures[name], main["lines"]) + [in_ratio(figures["cores_used"][name])])
    title = (
        f"One large file: {main['lines']:,} lines, {megabytes(figures['gzip_bytes'])} gzip, one member, "
        f"{times(len(figures['zcat']['seconds']))}"
    )
    header = [*INGEST_HEADER, "cores used"]
    return "\n".join([title, table(header, rows), "", ratio_table({"albatross / zcat": figures["ratio"]})])


def days(figures, main):
    rows = []
    for name, query in figures["queries"].items():
        one, many = (in_seconds(spread(query[lake]["seconds"]), 3)[0] for lake in ("one", "many"))
        rows.append([name, one, many, in_ratio(query["ratio"])])
    title = f"One day, {figures['lines_of_the_day']:,} lines, in a lake of {figures['days']} days, {figures['lines']:,} lines"
    return "\n".join([title, table(["seconds", "lake of one day", f"of {figures['days']} days", "ratio"], rows)])


def files(figures, main):
    rows = [
        [name, *in_seconds(spread(figures[key]["seconds"])), megabytes(max(figures[key]["peak_bytes"]))]
        for name, key in (("first time, once", "first"), ("again", "again"), ("sql 'select 1' on this lake", "start"))
    ]
    title = f"Many small files: ingest of {figures['files']:,}"
    return "\n".join([title, table(["seconds", "median", "min .. max", "peak memory"], rows)])


def diagnose(figures, main):
    rows = [
        [name, *in_seconds(spread(figures[name]["seconds"])), megabytes(max(figures[name]["peak_bytes"]))]
        for name in ("albatross", "duckdb")
    ]
    title = f"Diagnosis of {figures['lines']:,} lines, and what it asks in DuckDB"
    return "\n".join([title, table(["seconds", "median", "min .. max", "peak memory"], rows), "", ratio_table(figures["ratios"])])


def of_files(figures, main):
    rows = [
        [name, *in_seconds(spread(measured["seconds"])), megabytes(max(measured["peak_bytes"]))]
        for name, measured in figures["contenders"].items()
    ]
    title = f"A report of the main input's files, {figures['bytes'] / 1e3:.0f} kB"
    parts = [title, table(["seconds", "median", "min .. max", "peak memory"], rows)]
    return "\n".join([*parts, "", ratio_table(figures["ratios"])] if figures["ratios"] else [*parts, "GoAccess is not installed."])


def s3(figures, main):
    small = figures["small"]
    names = {"disk": "from disk", "source": "from S3", "both": "from S3, lake in S3"}
    rows = [ingest_row(name, figures[key], main["lines"]) for key, name in names.items()]
    steps = {"first": "ingest", "again": "ingest again", "maintain": "maintain", "verify": "verify --source"}
    steps_rows = [
        [name, *in_seconds(spread(small[key]["seconds"])), megabytes(max(small[key]["peak_bytes"]))]
        for key, name in steps.items()
    ]
    return "\n".join(
        [
            "S3: the main input from a server on the same cores",
            table(INGEST_HEADER, rows),
            "",
            ratio_table(figures["ratios"]),
            "",
            f"{small['objects']:,} objects, {small['lines']:,} lines, lake in S3: {small['files_before']} files, "
            f"after maintain {small['files_after']}",
            table(["seconds", "median", "min .. max", "peak memory"], steps_rows),
        ]
    )


def decode(figures, _):
    header = ["decoding, one core", "format", "rows/s", "MB/s", "bytes/s of ALB's", "rows/s of ALB's"]
    rows = []
    for name, row in figures["files"].items():
        speeds = [f"{spread(row['rows_a_second'])['median']:,.0f}", f"{spread(row['mb_a_second'])['median']:.0f}"]
        rows.append([name[-44:], row["format"], *speeds, *(f"{row[key]['median']:.2f}" for key in ("bytes_of_alb", "rows_of_alb"))])
    return table(header, rows)


def goals(judged, quick):
    rows = [
        [goal["what"], f"{goal['figure']:.3g}", f"{goal['min']:.3g} .. {goal['max']:.3g}"]
        + [f"<= {goal['limit']:g}", "met" if goal["met"] else "MISSED"]
        for goal in judged
    ]
    title = "Goals" + (" (--quick: these figures mean nothing)" if quick else "")
    return "\n".join(["", title, table(["", "figure", "min .. max", "goal", ""], rows)])


def wrong(texts):
    if not texts:
        return "\nRow counts and answers agree."
    return "\n".join(["", "WRONG:", *(f"  {text}" for text in texts[:20])] + [f"  ... {len(texts)} in all"])


def ratio_table(ratios, title="ratio, pair by pair"):
    rows = [[name, in_ratio(values)] for name, values in ratios.items()]
    return table([title, "median (min .. max)"], rows)


def in_seconds(values, digits=2):
    return [f"{values['median']:.{digits}f}", f"{values['min']:.{digits}f} .. {values['max']:.{digits}f}"]


def in_ratio(values):
    return f"{values['median']:.2f} ({values['min']:.2f} .. {values['max']:.2f})"


def times(runs):
    return "1 run" if runs == 1 else f"{runs} runs"


def megabytes(size):
    return f"{size / 1e6:.1f} MB"


def table(header, rows):
    """Columns as wide as needed, the first to the left, the others to the right."""
    rows = [row + [""] * (len(header) - len(row)) for row in [header, *rows]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    lines = (
        "  ".join(cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(row, widths)))
        for row in rows
    )
    return "\n".join(f"  {line.rstrip()}" for line in lines)
