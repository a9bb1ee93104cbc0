"""Reads a lake with engines that are not Albatross and compares what they find with what Albatross found.

    albatross --lake LAKE sql --file tests/readers/figures.sql --format json > expected.json
    python tests/readers/check.py LAKE expected.json

EXPECTED.json is an array of objects {"figure": text, "value": number}, one per row of figures.sql. The readers: the
`deltalake` package (the Delta log, and its own SQL engine on it), DuckDB (the Parquet files that the log names), Polars (its
`scan_delta`), and the counts that the Delta log states by itself. Prints one line per reader, and each difference below it.

Exit code: 0 if all agree, 1 if not, 2 if the arguments are wrong or there is no lake.
"""

import json
import math
import sys
import tempfile
from pathlib import Path

import duckdb
import polars
from deltalake import DeltaTable, Field, QueryBuilder, Schema
from deltalake.schema import PrimitiveType

FIGURES_SQL = (Path(__file__).parent / "figures.sql").read_text()
TABLES = ("alb", "metrics", "rejects")
# A lake without metrics or rejects has no such table. An empty one stands in; of its columns only these are asked for.
COLUMNS_OF_A_MISSING_TABLE = {"metrics": {"maximum": "double"}, "rejects": {"line": "long"}}
# Sums of floating-point numbers depend on the order of addition.
RELATIVE_TOLERANCE = {"alb: sum of duration": 1e-6, "metrics: sum of maximum": 1e-6}


def main(arguments):
    if len(arguments) != 2:
        print("usage: check.py LAKE EXPECTED.json", file=sys.stderr)
        return 2
    lake, expected_file = map(Path, arguments)
    expected = figures_of((row["figure"], row["value"]) for row in json.loads(expected_file.read_text()))
    if not DeltaTable.is_deltatable(str(lake / "alb")):
        print(f"check.py: there is no table alb in {lake}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        tables = {name: open_table(lake / name, name, Path(scratch)) for name in TABLES}
        found = {
            "deltalake": read_with_deltalake(tables),
            "DuckDB": read_with_duckdb(tables),
            "Polars": read_with_polars(tables),
            "Delta log": read_log_alone(tables),
        }
    agree = True
    for reader, figures in found.items():
        # The log alone knows only some of the figures.
        wanted = {k: v for k, v in expected.items() if k in figures} if reader == "Delta log" else expected
        differences = compare(figures, wanted)
        verdict = "same" if not differences else f"{len(differences)} differ"
        print(f"{reader}: {figures['alb: rows']:.0f} rows in alb, {len(figures)} figures: {verdict}")
        for difference in differences:
            print(f"  {difference}")
        agree = agree and not differences
    return 0 if agree else 1


def figures_of(pairs):
    figures = {}
    for figure, value in pairs:
        if figure in figures:
            raise SystemExit(f"figure {figure!r} is given twice")
        figures[figure] = float(value)
    return figures


def open_table(folder, name, scratch):
    if DeltaTable.is_deltatable(str(folder)):
        return DeltaTable(folder.resolve())
    columns = COLUMNS_OF_A_MISSING_TABLE[name].items()
    return DeltaTable.create(scratch / name, Schema([Field(column, PrimitiveType(kind)) for column, kind in columns]))


def read_with_deltalake(tables):
    builder = QueryBuilder()
    for name, table in tables.items():
        builder.register(name, table)
    rows = builder.execute(FIGURES_SQL).read_all()
    return figures_of(zip(rows["figure"].to_pylist(), rows["value"].to_pylist()))


def read_with_duckdb(tables):
    with duckdb.connect() as connection:
        for name, table in tables.items():
            files = table.file_uris()
            if files:
                source = f"read_parquet({files!r}, hive_partitioning = true)"
            else:
                nothing = ", ".join(f"NULL::{field_type(field)} AS {field.name}" for field in table.schema().fields)
                source = f"(SELECT {nothing} LIMIT 0)"
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {source}")
        return figures_of(connection.execute(FIGURES_SQL).fetchall())


def read_with_polars(tables):
    context = polars.SQLContext({name: polars.scan_delta(table) for name, table in tables.items()})
    return figures_of(context.execute(FIGURES_SQL, eager=True).rows())


def field_type(field):
    """DuckDB's name of a Delta type."""
    names = {"string": "VARCHAR", "long": "BIGINT", "integer": "INTEGER", "timestamp": "TIMESTAMPTZ"}
    return names.get(field.type.type, field.type.type)


def read_log_alone(tables):
    """Counts from the log's own statistics, without opening a Parquet file."""
    figures = {}
    for name, table in tables.items():
        files = table.get_add_actions(flatten=True)
        rows = files["num_records"].to_pylist()
        figures[f"{name}: rows"] = float(sum(rows))
        if name == "alb" and rows:
            for day, n in zip(files["partition.day"].to_pylist(), rows):
                key = f"alb: rows of day {day}"
                figures[key] = figures.get(key, 0.0) + n
    return figures


def compare(found, expected):
    differences = [f"{figure}: not found" for figure in sorted(expected.keys() - found.keys())]
    differences += [f"{figure}: not expected" for figure in sorted(found.keys() - expected.keys())]
    for figure in sorted(found.keys() & expected.keys()):
        tolerance = RELATIVE_TOLERANCE.get(figure, 0.0)
        if not math.isclose(found[figure], expected[figure], rel_tol=tolerance):
            differences.append(f"{figure}: {found[figure]!r}, expected {expected[figure]!r}")
    return differences


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
