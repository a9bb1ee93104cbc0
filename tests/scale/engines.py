"""Other engines read the lake by the statements of `albatross ddl`.

The lake has all that is in sample-data. Every statement is parsed in the dialect of its engine (sqlglot) and its columns are compared with the
table's own schema, as the deltalake package reads it from the log. Then Spark runs its statements for plain Parquet files as they are printed and
must find, in every column of every table, what Albatross finds; a condition on `day` must leave out the other days' files. Spark's
statements for Delta tables need Delta Lake's package (`delta-spark` and its jar from Maven), which is not asked for here: they are parsed only,
and the deltalake package reads the log instead.
"""

import json
import logging
import re
import shutil
from pathlib import Path

import sqlglot
from deltalake import DeltaTable, QueryBuilder
from places import Lake
from pyspark.sql import SparkSession
from sqlglot import exp

SAMPLES = Path(__file__).resolve().parents[2] / "sample-data"
TYPES = {
    "athena": {"string": "STRING", "integer": "INT", "long": "BIGINT", "double": "DOUBLE", "timestamp": "TIMESTAMP", "date": "DATE"},
    "spark": {"string": "STRING", "integer": "INT", "long": "BIGINT", "double": "DOUBLE", "timestamp": "TIMESTAMP", "date": "DATE"},
    "trino": {"string": "VARCHAR", "integer": "INTEGER", "long": "BIGINT", "double": "DOUBLE", "timestamp": "TIMESTAMP(6)", "date": "DATE"},
}
DAY = "2026-11-19"


def run(options, work):
    lake = Lake(options, str(work / "lake"))
    lake.run("ingest", "--quiet", SAMPLES / "evening", SAMPLES / "layers")
    tables = {folder.name: DeltaTable(folder) for folder in sorted(Path(lake.location).iterdir()) if folder.is_dir()}
    wrong = [*statements_parse(lake, tables), *delta_reads(lake, tables)]
    spark = (
        SparkSession.builder.master("local[2]").appName("albatross").config("spark.ui.enabled", False).config("spark.ui.showConsoleProgress", False)
        .config("spark.sql.session.timeZone", "UTC").config("spark.sql.warehouse.dir", str(work / "warehouse"))
        .config("spark.log.level", "ERROR").config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    try:
        wrong += spark_reads(lake, tables, spark)
        wrong += maintained(lake, tables, spark)
    finally:
        spark.stop()
    shutil.rmtree(lake.location)
    return wrong


def statements_parse(lake, tables):
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # of each statement that it only takes as it is
    wrong, parsed, taken, compared = [], 0, 0, 0
    for dialect, types in TYPES.items():
        for how in ([], ["--parquet"]):
            place = ["--location", "s3://bucket/lake"]
            script = lake.run("ddl", dialect, *how, *place).decode()
            made = {}
            for statement in sqlglot.parse(script, read=dialect):
                parsed, taken = parsed + 1, taken + isinstance(statement, exp.Command)
                if isinstance(statement, exp.Create) and statement.kind == "TABLE":
                    made[statement.find(exp.Table).name] = statement
                elif register := re.search(r"register_table\(.*table_name => '(\w+)'", statement.sql(dialect=dialect)):
                    made[register[1]] = statement
            if made.keys() != tables.keys():
                wrong.append(f"{dialect} {how}: tables {sorted(made)} instead of {sorted(tables)}")
            for name, statement in made.items() if how else ():
                # Athena's dialect writes types as Trino, but in its own statements, which are Hive's.
                written = "hive" if dialect == "athena" else dialect
                declared = [(column.name, column.kind.sql(dialect=written)) for column in statement.find_all(exp.ColumnDef)]
                wanted = [(field.name, types[field.type.type]) for field in tables[name].schema().fields]
                if dialect == "athena":  # whose projected partitions AWS declares as texts
                    wanted = [(column, "STRING" if column == "day" else kind) for column, kind in wanted]
                compared += len(wanted)
                if sorted(declared) != sorted(wanted):
                    wrong.append(f"{dialect}: {name} has columns {set(declared) ^ set(wanted)} wrong")
    print(
        f"engines: {parsed} statements for {', '.join(TYPES)} parsed, {taken} of them (CALL, MSCK) taken as they are; {compared} columns compared",
        flush=True,
    )
    return wrong


def delta_reads(lake, tables):
    wrong = []
    builder = QueryBuilder()
    for name, table in tables.items():
        builder.register(name, table)
        want, got = ours(lake, f"SELECT count(*) AS n FROM {name}")[0]["n"], table.count()
        if want != got:
            wrong.append(f"deltalake counts {got} rows in {name}, Albatross {want}")
    by_status = "SELECT elb_status_code, count(*) AS n FROM alb GROUP BY elb_status_code ORDER BY elb_status_code"
    rows = builder.execute(by_status).read_all()
    got = [{name: rows[name][i].as_py() for name in rows.column_names} for i in range(len(rows))]
    if got != ours(lake, by_status):
        wrong.append(f"deltalake, by status: {got}")
    print(f"engines: deltalake counts the same in {len(tables)} tables, and by status", flush=True)
    return wrong


def spark_reads(lake, tables, spark):
    wrong, columns = [], 0
    create(lake, spark)
    for name, table in tables.items():
        fields = table.schema().fields
        columns += len(fields)
        want = ours(lake, f"SELECT {sums(fields, 'datafusion')} FROM {name}")[0]
        got = spark.sql(f"SELECT {sums(fields, 'spark')} FROM albatross.{name}").first().asDict()
        wrong += [f"Spark: {name}: {what} is {got[what]}, {want[what]} for Albatross" for what in want if not same(got[what], want[what])]
    by_status = "SELECT elb_status_code, count(*) AS n FROM {} GROUP BY elb_status_code ORDER BY elb_status_code"
    got = [row.asDict() for row in spark.sql(by_status.format("albatross.alb")).collect()]
    if got != ours(lake, by_status.format("alb")):
        wrong.append(f"Spark, by status: {got}")
    print(f"engines: Spark {spark.version} finds the same in {columns} columns of {len(tables)} tables, and by status: {len(got)} values")

    where = f"WHERE day = DATE '{DAY}'"
    one_day = spark.sql(f"SELECT * FROM albatross.alb {where}")
    plan = one_day._jdf.queryExecution().executedPlan().toString()
    filters = re.search(r"PartitionFilters: \[([^\]]*)\]", plan)
    read, all_files = one_day.inputFiles(), spark.table("albatross.alb").inputFiles()
    count, want = one_day.count(), ours(lake, f"SELECT count(*) AS n FROM alb {where}")[0]["n"]
    print(f"engines: Spark, one day: {count:,} rows from {len(read)} of {len(all_files)} files, partition filters [{filters and filters[1]}]", flush=True)
    if count != want:
        wrong.append(f"Spark, one day: {count} rows, {want} for Albatross")
    if not filters or "day" not in filters[1] or not all(f"day={DAY}" in file for file in read) or len(read) >= len(all_files):
        wrong.append(f"Spark reads other days' files: {read}")
    return wrong


def maintained(lake, tables, spark):
    """Merged files lie beside those they replace: who goes by the folder counts both until these are deleted, who goes by the log does not."""
    # Some files to merge: the same logs again, under other names.
    for part in (1, 2):
        again = Path(lake.location).parent / f"again-{part}"
        shutil.copytree(SAMPLES / "evening", again)
        lake.run("ingest", "--quiet", again)
    want = ours(lake, "SELECT count(*) AS n FROM alb")[0]["n"]
    lake.run("maintain", "--quiet", "--grace", "1h")
    tables["alb"].update_incremental()
    create(lake, spark)
    schema = spark.table("albatross.alb").schema
    by_folder = spark.sql("SELECT count(*) FROM albatross.alb").first()[0]
    by_log = spark.read.schema(schema).option("basePath", f"{lake.location}/alb").parquet(*tables["alb"].file_uris()).count()
    lake.run("maintain", "--quiet", "--grace", "0s")
    create(lake, spark)
    cleaned = spark.sql("SELECT count(*) FROM albatross.alb").first()[0]
    print(f"engines: {want:,} rows; after maintain Spark counts {by_folder:,} by the folder, {by_log:,} by the log's files,"
          f" and {cleaned:,} by the folder once the replaced files are deleted", flush=True)
    wrong = [f"Spark by {what}: {got} rows instead of {want}" for what, got in (("the log", by_log), ("the folder", cleaned)) if got != want]
    return wrong if by_folder > want else [*wrong, "nothing was merged"]


def create(lake, spark):
    """The statements as they are printed."""
    spark.sql("DROP DATABASE IF EXISTS albatross CASCADE")
    for statement in lake.run("ddl", "spark", "--parquet").decode().split(";\n"):
        if statement.strip():
            spark.sql(statement)


def sums(fields, dialect):
    """For each column how many values there are, and something that depends on all of them."""
    length, micros = {
        "datafusion": ("character_length", "CAST(round(date_part('epoch', {}) * 1000000) AS BIGINT)"),
        "spark": ("char_length", "unix_micros({})"),
    }[dialect]
    quote = '"' if dialect == "datafusion" else "`"
    parts = []
    for field in fields:
        column, kind = f"{quote}{field.name}{quote}", field.type.type
        figures = {"values": f"count({column})"}
        if kind == "string":
            figures |= {"length": f"sum({length}({column}))", "least": f"min({column})", "most": f"max({column})"}
        elif kind == "timestamp":
            figures |= {"first": micros.format(f"min({column})"), "last": micros.format(f"max({column})")}
        elif kind == "date":
            figures |= {"first": f"CAST(min({column}) AS STRING)", "last": f"CAST(max({column}) AS STRING)"}
        else:
            figures |= {"sum": f"CAST(sum({column}) AS {'DOUBLE' if kind == 'double' else 'BIGINT'})"}
        parts += [f"{figure} AS {quote}{field.name}: {what}{quote}" for what, figure in figures.items()]
    return ", ".join(parts)


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 1e-9 * max(abs(a), abs(b))
    return a == b


def ours(lake, sql):
    return json.loads(lake.run("sql", sql, "--format", "json"))
