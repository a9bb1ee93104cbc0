"""Sharded ingests at once on one lake, against one ingest of the same logs.

The logs come in rounds, as they do in life: in each, every worker is started on what is new. A worker takes its share of the files
(`--shard I/N`) and commits by itself; nobody tells it of the others. Afterwards the lake must hold the same rows as that of one worker: their
number, and a hash over all their columns. `albatross verify` must find nothing.
"""

import json
import os
import shutil
import subprocess
import time
from collections import Counter
from statistics import median

from places import BUCKET, Lake, judge, loopback, moto


def run(options, work):
    logs = work / "bucket" / "logs"
    lines = make_logs(options, work / "made", logs)
    rounds = sorted(logs.iterdir())
    files = sum(1 for _ in logs.rglob("*.gz"))
    print(f"workers: {lines:,} lines in {files:,} files, {len(rounds)} rounds of {options.workers} workers", flush=True)
    wrong = []
    want = None

    def compare(place, folder, sources, environment=None, server=None):
        nonlocal want
        one = Lake(options, f"{folder}/one-{place}", environment)
        alone = ingest(options, work, one, sources, 1)
        want = want or one.rows()  # of the first place, and each place's must be the same
        several = Lake(options, f"{folder}/several-{place}", environment)
        together = ingest(options, work, several, sources, options.workers)
        problems = alone["problems"] + together["problems"] + judge(several, want)
        print(f"  {place}: {'; '.join(problems) if problems else f'{want[0]:,} rows, each once'}")
        for name, found in (("1 worker", alone), (f"{options.workers} workers", together)):
            print(f"    {name}: {told(found, lines)}", flush=True)
        wrong.extend(f"{place}: {problem}" for problem in problems)

    compare("disk", work, rounds)
    bucket = work / "bucket"
    in_bucket = [f"s3://{BUCKET}/logs/{folder.name}/" for folder in rounds]
    with loopback(options, bucket) as server:
        compare("loopback", f"s3://{BUCKET}", in_bucket, server.environment)
    with loopback(options, bucket, options.latency) as server:
        compare("delayed", f"s3://{BUCKET}", in_bucket, server.environment)
    print(f"    (each request to S3 {options.latency:g} ms later)")
    with moto() as environment:
        compare("moto", f"s3://{BUCKET}", rounds, environment)
    shutil.rmtree(bucket)
    return wrong


def make_logs(options, made, logs):
    """The simulator's files, some for each round. Returns how many lines it says there are."""
    files, truth = 48 * options.rounds, made / "truth.json"
    command = [options.simulate, "--out", made / "logs", "--truth", truth, "--seed", options.seed]
    command += ["--lines", options.lines, "--files", files]
    made.mkdir(parents=True)
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    for number, file in enumerate(sorted((made / "logs").rglob("*.gz"))):
        folder = logs / f"round-{number * options.rounds // files:02}"
        folder.mkdir(parents=True, exist_ok=True)
        file.rename(folder / file.name)
    lines = json.loads(truth.read_text())["lines"]
    shutil.rmtree(made)
    return lines


def ingest(options, work, lake, rounds, workers):
    """Runs the rounds one after the other. What happened is in the events of `-vv`."""
    problems, events, seconds, processor = [], [], 0.0, 0.0
    for folder in rounds:
        began = time.monotonic()
        running = []
        for number in range(1, workers + 1):
            with (work / f"worker-{number}.log").open("wb") as log:
                command = [lake.program, "--lake", lake.location, "-vv", "--log-format", "json", "ingest", "--quiet"]
                command += ["--shard", f"{number}/{workers}", str(folder)]
                running.append(subprocess.Popen(command, env=lake.environment, stdout=subprocess.DEVNULL, stderr=log))
        for process in running:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            processor += usage.ru_utime + usage.ru_stime
        seconds += time.monotonic() - began
        for number, process in enumerate(running, 1):
            said = [json.loads(line) for line in (work / f"worker-{number}.log").read_text().splitlines()]
            events += said
            if process.returncode != 0:
                problems.append(f"worker {number}: exit code {process.returncode}: {said[-1:]}")
    return {"problems": problems, "events": events, "seconds": seconds, "processor": processor}


def told(found, lines):
    committed = [event for event in found["events"] if event["message"] == "committed"]
    lost = Counter(event["table"] for event in found["events"] if event["message"].startswith("race lost, trying"))
    tables = Counter(event["table"] for event in committed)
    each = ", ".join(f"{table} {number} ({lost[table]} lost)" for table, number in sorted(tables.items()))
    ms = sorted(event["ms"] for event in committed)
    seconds = found["seconds"]
    return (
        f"{seconds:.1f} s, processor {found['processor']:.1f} s, {lines / seconds / 1e6:.2f} M lines/s, {len(committed)} commits, {len(committed) / seconds:.1f} a second"
        f" (median {median(ms):.0f} ms, longest {ms[-1]}); races lost {sum(lost.values())}; {each}"
    )
