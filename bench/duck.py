"""What DuckDB does in the benchmark, in a process of its own.

    duck.py ingest FOLDER PARQUET       all .gz files under FOLDER to one zstd Parquet file
    duck.py query SQL_FILE LAKE CSV     one statement over the lake's Parquet files
    duck.py statements SQL_FILE LAKE    several statements, one after the other; their answers are read and forgotten
    duck.py contents LAKE PARQUET       rows, and where the bytes of the lake go; not timed

Prints one JSON object. `seconds` is the time without start-up: the interpreter, the import of DuckDB, opening its empty database.
"""

import json
import sys
import time
from pathlib import Path

import duckdb

THREADS = 2

# The fields of an access-log line in order. The names are AWS's, except that address and port are one field in a line.
FIELDS = {
    "type": "VARCHAR",
    "time": "TIMESTAMP",
    "elb": "VARCHAR",
    "client": "VARCHAR",
    "target": "VARCHAR",
    "request_processing_time": "DOUBLE",
    "target_processing_time": "DOUBLE",
    "response_processing_time": "DOUBLE",
    "elb_status_code": "INTEGER",
    "target_status_code": "INTEGER",
    "received_bytes": "BIGINT",
    "sent_bytes": "BIGINT",
    "request": "VARCHAR",
    "user_agent": "VARCHAR",
    "ssl_cipher": "VARCHAR",
    "ssl_protocol": "VARCHAR",
    "target_group_arn": "VARCHAR",
    "trace_id": "VARCHAR",
    "domain_name": "VARCHAR",
    "chosen_cert_arn": "VARCHAR",
    "matched_rule_priority": "INTEGER",
    "request_creation_time": "TIMESTAMP",
    "actions_executed": "VARCHAR",
    "redirect_url": "VARCHAR",
    "error_reason": "VARCHAR",
    "target_port_list": "VARCHAR",
    "target_status_code_list": "VARCHAR",
    "classification": "VARCHAR",
    "classification_reason": "VARCHAR",
    "conn_trace_id": "VARCHAR",
    "transformed_host": "VARCHAR",
    "transformed_uri": "VARCHAR",
    "request_transform_status": "VARCHAR",
    "ip_address": "VARCHAR",
    "target_error_code": "VARCHAR",
    "elb_error_code": "VARCHAR",
}


def main(command, *arguments):
    # Order need not be kept: the faster setting.
    connection = duckdb.connect(config={"threads": THREADS, "preserve_insertion_order": False})
    connection.execute("SET TimeZone = 'UTC'")
    start = time.perf_counter()
    answer = {"ingest": ingest, "query": query, "statements": statements, "contents": contents}[command](connection, *arguments) or {}
    print(json.dumps({"seconds": time.perf_counter() - start, **answer}))


def ingest(connection, folder, parquet):
    connection.execute(
        f"""COPY (
            SELECT * FROM read_csv({text(f'{folder}/**/*.gz')}, header = false, auto_detect = false,
                delim = ' ', quote = '"', escape = '\\', nullstr = '-', strict_mode = false, null_padding = true,
                columns = {FIELDS})
        ) TO {text(parquet)} (FORMAT parquet, COMPRESSION zstd)"""
    )


def views(connection, lake):
    connection.execute(
        f"""CREATE VIEW alb AS SELECT * FROM read_parquet({text(f'{lake}/alb/**/*.parquet')}, hive_partitioning = true);
            CREATE VIEW metrics AS SELECT * FROM read_parquet({text(f'{lake}/metrics/*.parquet')})"""
    )


def statements(connection, sql_file, lake):
    views(connection, lake)
    for statement in duckdb.extract_statements(Path(sql_file).read_text()):
        connection.execute(statement).fetchall()


def query(connection, sql_file, lake, csv):
    views(connection, lake)
    connection.execute(f"COPY (\n{Path(sql_file).read_text()}\n) TO {text(csv)} (FORMAT csv, HEADER)")


def contents(connection, lake, parquet):
    files = text(f"{lake}/alb/**/*.parquet")

    def count(source):
        return connection.execute(f"SELECT count(*) FROM {source}").fetchone()[0]

    columns = connection.execute(
        f"""SELECT path_in_schema, sum(total_compressed_size)::BIGINT, sum(total_uncompressed_size)::BIGINT,
                   string_agg(DISTINCT encodings, ' | ' ORDER BY encodings)
            FROM parquet_metadata({files}) GROUP BY 1 ORDER BY 2 DESC, 1"""
    ).fetchall()
    names = ("column", "bytes", "unpacked_bytes", "encodings")
    return {
        "lake_rows": count(f"read_parquet({files})"),
        "duckdb_rows": count(f"read_parquet({text(parquet)})"),
        "columns": [dict(zip(names, row)) for row in columns],
    }


def text(value):
    """A text as an SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
