"""The figures as text."""

from measure import spread


def inputs(figures, runs):
    busy = "   (the machine is busy: trust the ratios, not the seconds)" if figures["load_before"] > 0.5 else ""
    return (
        f"Input: {figures['lines']:,} lines in {figures['files']} files, {megabytes(figures['gzip_bytes'])} gzip\n"
        f"{figures['cores']} cores, {runs} {'runs' if runs > 1 else 'run'} of each in turns, "
        f"load before {figures['load_before']:.2f}{busy}"
    )


def ingest(figures, inputs):
    rows = []
    for name in ("zcat", "duckdb", "albatross"):
        measured = figures[name]
        seconds = spread(measured["seconds"])
        rows.append(
            [name, *in_seconds(seconds), f"{spread(measured['cpu_seconds'])['median']:.2f}"]
            + [megabytes(max(measured["peak_bytes"])), f"{seconds['median'] / inputs['lines'] * 1e9:.0f}"]
        )
        if "alone" in measured:
            rows.append(["  without start-up", *in_seconds(spread(measured["alone"]))])
    header = ["seconds", "median", "min .. max", "processor", "peak memory", "ns a line"]
    return "\n".join(["", "Ingest", table(header, rows), "", *ratio_table(figures["ratios"])])


def lake(figures, inputs):
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
            "",
            f"Lake: {figures['rows']:,} rows, {megabytes(figures['bytes'])}, "
            f"{figures['bytes_per_gzip_byte']:.3f} bytes per byte of gzip",
            f"(columns of alb {megabytes(total)}; footers, log, metrics and ledger {megabytes(rest)}; "
            f"DuckDB's file {megabytes(figures['duckdb_parquet_bytes'])})",
            table(["column of alb", "bytes", "share", "a row", "unpacked", "encodings"], rows),
        ]
    )


def queries(figures):
    rows = []
    for name, query in figures.items():
        ratio = query["ratios"]
        rows.append(
            [name]
            + [in_seconds(spread(query["albatross"]["seconds"]), 3)[0]]
            + [in_seconds(spread(query["duckdb"]["seconds"]), 3)[0]]
            + [in_seconds(spread(query["duckdb"]["alone"]), 3)[0]]
            + [in_ratio(ratio["albatross / duckdb"])]
            + [in_ratio(ratio["albatross / duckdb without start-up"])]
            + ["agree" if not query["differences"] else "DIFFER"]
        )
    header = ["seconds, whole process", "albatross", "duckdb", "without start-up", "ratio", "to without start-up", "answers"]
    return "\n".join(["", "Queries", table(header, rows)])


def goals(judged):
    rows = []
    for goal in judged:
        figure = goal["figure"]
        rows.append([goal["what"], f"{figure:.4g}", verdict(figure, goal["now"]), verdict(figure, goal["next"])])
    return "\n".join(["", "Goals", table(["", "figure", "now", "next"], rows)])


def wrong(texts):
    if not texts:
        return "\nRow counts and answers agree."
    return "\n".join(["", "WRONG:", *(f"  {text}" for text in texts[:20])] + [f"  ... {len(texts)} in all"])


def verdict(figure, limit):
    if limit is None:
        return ""
    return f"<= {limit:g} {'met' if figure <= limit else 'MISSED'}"


def ratio_table(ratios):
    rows = [[name, in_ratio(values)] for name, values in ratios.items()]
    return [table(["ratio, pair by pair", "median (min .. max)"], rows)]


def in_seconds(values, digits=2):
    return [f"{values['median']:.{digits}f}", f"{values['min']:.{digits}f} .. {values['max']:.{digits}f}"]


def in_ratio(values):
    return f"{values['median']:.2f} ({values['min']:.2f} .. {values['max']:.2f})"


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
