"""How fast each format is decoded: bytes and rows a second on one core, against ALB's. No file, no Parquet, nothing but bytes to columns."""

import gzip
import re
from pathlib import Path

from inputs import HERE
from measure import ratios, run

SAMPLES = HERE.parent / "sample-data" / "layers"
BYTES = 8_000_000
# Formats whose records are no lines cannot simply be repeated.
WHOLE = {"lambda/orders.json", "container-insights.ndjson"}
# Load balancers of 2016 wrote half of the fields.
OLD_ALB = re.compile(rb'(?:(?:"[^"]*"|[^ ]+) ){17}(?:"[^"]*"|[^ ]+)')


def formats(options, main):
    """Each file of the samples, repeated to some megabytes, and that of ALB cut to the fields of old."""
    folder = main["folder"] / "decode"
    folder.mkdir(exist_ok=True)
    files = []
    for path in sorted(SAMPLES.rglob("*")):
        name = str(path.relative_to(SAMPLES))
        if path.is_dir() or path.suffix == ".md" or name in WHOLE:
            continue
        files.append(repeated(path, folder / path.name.removesuffix(".gz"), BYTES // 100 if options.quick else BYTES))
    files.append(old(files[0]))  # in the order of their names the first is ALB's
    rounds = []
    for _ in range(options.runs):
        rounds.append(table(run([options.decode, "--seconds", "0.1" if options.quick else "2", *files])["stdout"]))
    results = {}
    for name in rounds[0]:
        results[name] = {
            "format": rounds[0][name]["format"],
            "rows_a_second": [r[name]["rows"] for r in rounds],
            "mb_a_second": [r[name]["mb"] for r in rounds],
            "bytes_of_alb": ratios([r[name]["mb"] for r in rounds], [alb(r)["mb"] for r in rounds]),
            "rows_of_alb": ratios([r[name]["rows"] for r in rounds], [alb(r)["rows"] for r in rounds]),
            # How much longer it takes than ALB for as many bytes or for as many rows, whichever is less: short lines cost more a byte.
            "slower": ratios([1.0] * len(rounds), [share(r, name) for r in rounds]),
        }
    wrong = [f"{name} was not recognised" for name, row in results.items() if row["format"] == "not"]
    return {"files": results, "wrong": wrong}


def repeated(path, to, size):
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    lines = data.splitlines(keepends=True)
    header = [line for line in lines if line.startswith(b"#")]
    body = b"".join(line for line in lines if not line.startswith(b"#"))
    to.write_bytes(b"".join(header) + body * max(1, size // len(body)))
    return to


def old(alb):
    to = alb.with_name(alb.stem + "-of-2016.log")
    to.write_bytes(b"".join(OLD_ALB.match(line)[0] + b"\n" for line in alb.read_bytes().splitlines()))
    return to


def share(round_, name):
    return max(round_[name][what] / alb(round_)[what] for what in ("mb", "rows")) or 1e-9


def alb(round_):
    return next(row for row in round_.values() if row["format"] == "alb" and row["plain"])


def table(said):
    rows = {}
    for line in said.splitlines()[1:]:
        parts = line.split()
        if parts[:2] == ["not", "recognised"]:
            rows[Path(parts[-1]).name] = {"format": "not", "rows": 0.0, "mb": 0.0, "plain": False}
            continue
        name, rows_a_second, mb, *_, file = parts
        plain = not file.endswith(".json")
        rows[Path(file).name] = {"format": name, "rows": float(rows_a_second), "mb": float(mb), "plain": plain}
    return rows
