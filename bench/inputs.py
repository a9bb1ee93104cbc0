"""The benchmark's input. It is made on the first call and kept in a folder of its own; what the runs write goes beside it."""

import gzip
import json
import re
import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path

from measure import CORES, run

HERE = Path(__file__).resolve().parent

# Names as AWS gives them: account and so on, end of the five minutes, address of the balancer's node, something random.
AWS_FOLDER = "AWSLogs/123456789012/elasticloadbalancing/eu-central-1"
AWS_NAME = "123456789012_elasticloadbalancing_eu-central-1_app.featherly-prod.8d1f2c6b0a9e4735_{end}_{node}_{random}.log.gz"
FIRST_DAY = datetime(2026, 10, 1)
NODES = 12  # of the load balancer with many small files: 3,456 files a day
# One request per second at the height of the simulator's day is so many lines a day.
LINES_A_DAY_PER_RATE = 50_400


def main_input(options):
    folder = simulated(options, options.lines, options.files)
    files = gzip_files(folder)
    return {
        "folder": folder,
        "lake": folder / "lake",
        "duckdb_parquet": folder / "duckdb.parquet",
        "lines": lines_in(folder),
        "files": len(files),
        "gzip_bytes": sum(file.stat().st_size for file in files),
        "cores": CORES,
        "runs": options.runs,
    }


def simulated(options, lines, files):
    name = f"{lines}-lines-{files}-files-seed-{options.seed}"
    return kept(options, name, lambda folder: simulate(options, folder, "--lines", lines, "--files", files))


def outage(options):
    """A small log of a night when something went wrong."""
    return kept(options, f"home-seed-{options.seed}", lambda folder: simulate(options, folder, "--scenario", "home"))


def single_file(options, main):
    """The main input as one gzip file of one member."""
    name = AWS_NAME.format(end="20261119T1905Z", node="203.0.113.24", random="00000000")

    def fill(folder):
        names = folder / "names"
        write_names(gzip_files(main), names)
        (folder / "logs").mkdir()
        run(["sh", "-c", 'xargs -0 zcat | gzip -6 > "$1"', "sh", folder / "logs" / name], stdin_path=names)

    return kept(options, f"single-{main.name}", fill)


def days(options):
    """One folder per day, each with the log and the CPU metrics of that day, `day=2026-10-01` and so on."""
    rate = f"{options.lines_a_day / LINES_A_DAY_PER_RATE:.4f}"

    def fill(folder):
        for number in range(options.days):
            day = FIRST_DAY + timedelta(days=number)
            what = ["--scenario", "quiet", "--start", f"{day:%Y-%m-%dT00:00:00Z}", "--minutes", 24 * 60, "--rate", rate]
            (folder / f"day={day:%Y-%m-%d}").mkdir()
            simulate(options, folder / f"day={day:%Y-%m-%d}", *what, seed=options.seed + number)

    return kept(options, f"{options.days}-days-{options.lines_a_day}-lines-a-day-seed-{options.seed}", fill)


def small_files(options, main, count, lines_in_each):
    """Files of a few lines each in a tree of days; the lines are those of the main input with other times."""
    def fill(folder):
        lines = lines_within_a_minute(gzip_files(main)[0])
        for number in range(count):
            slot, node = divmod(number, NODES)
            start = FIRST_DAY + timedelta(minutes=5 * slot)
            end = start + timedelta(minutes=5)
            day = folder / "logs" / AWS_FOLDER / f"{end:%Y/%m/%d}"
            day.mkdir(parents=True, exist_ok=True)
            name = AWS_NAME.format(end=f"{end:%Y%m%dT%H%MZ}", node=f"203.0.113.{node + 1}", random=f"{number:08x}")
            chosen = [lines[(number * lines_in_each + i) % len(lines)] for i in range(lines_in_each)]
            text = "".join(MINUTE.sub(f"{start:%Y-%m-%dT%H:%M:}", line) for line in chosen)
            (day / name).write_bytes(gzip.compress(text.encode(), mtime=0))

    return kept(options, f"{count}-small-files-of-{lines_in_each}-lines-seed-{options.seed}", fill)


MINUTE = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:")


def lines_within_a_minute(file):
    """The first thousand lines of `file` that began and ended in the same minute: one minute can be put for another."""
    lines = []
    with gzip.open(file, "rt") as opened:
        for line in opened:
            if len(set(MINUTE.findall(line))) == 1:
                lines.append(line)
            if len(lines) == 1000:
                break
    return lines


def kept(options, name, fill):
    """The folder `name`, filled by `fill(folder)` on the first call."""
    folder = options.data / name
    if not folder.exists():
        print(f"generating {name} ...", file=sys.stderr)
        partial = folder.with_name(folder.name + ".partial")
        remove(partial)
        partial.mkdir(parents=True)
        fill(partial)
        partial.rename(folder)
    return folder


def simulate(options, folder, *what, seed=None):
    seed = options.seed if seed is None else seed
    run([options.simulate, "--out", folder / "logs", "--truth", folder / "truth.json", "--seed", seed, *what])


def lines_in(folder):
    """How many lines the simulator says it wrote."""
    return json.loads((folder / "truth.json").read_text())["lines"]


def gzip_files(folder):
    return sorted((folder / "logs").rglob("*.gz"))


def write_names(files, path):
    """The files' names, for `xargs -0`."""
    path.write_bytes(b"".join(bytes(file) + b"\0" for file in files))


def read_all(files):
    """Reads everything once, so that no run is the one that waits for the disk. In pieces: see `measure.run`."""
    for file in files:
        with file.open("rb", buffering=0) as opened:
            while opened.read(1 << 20):
                pass


def remove(folder: Path):
    shutil.rmtree(folder, ignore_errors=True)
