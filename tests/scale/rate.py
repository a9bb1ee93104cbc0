"""How fast commits go, and what each costs.

The writers are processes of the example `commits` of crates/lake: each commits one small file and one id, and the next as soon as that is done.
No ingest does so: it commits when it has 64 MB, after 30 s, and at its end. What is found here is therefore the limit for all of
them together.

- By writers: commits a second of 1 to 16 writers on a lake on disk, in S3 on loopback, and in S3 some milliseconds away; and how many
  requests a commit takes (all on the table's log; the files themselves are not written). `behind` is the number of commits of others that
  a writer finds before its own place.
- By what the log holds: active files, or ids of sources. Commits without and with a checkpoint, the checkpoint itself, and what it takes
  to open the table for writing and for reading; the lake is on disk.
"""

import json
import os
import shutil
import subprocess
import time
from statistics import mean, median

from places import BUCKET, Lake, loopback

CHECKPOINT_INTERVAL = 20


def run(options, work):
    work = work / "rate"
    seed = work / "seed"
    make_lake(options, work, seed)
    by_writers(options, work, seed)
    by_size(options, work, seed)
    shutil.rmtree(work)
    return []


def make_lake(options, work, seed):
    """A lake with one file of some hundred rows of one day."""
    made = work / "made"
    made.mkdir(parents=True)
    command = [options.simulate, "--out", made / "logs", "--truth", made / "truth.json", "--lines", 1000, "--files", 2]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    log = min((made / "logs").rglob("*.gz"))
    Lake(options, str(seed)).run("ingest", "--quiet", log)


def by_writers(options, work, seed):
    print("rate: by writers")
    print("  place            writers  commits/s  median ms  longest ms  behind  requests/commit  of these writing", flush=True)
    bucket = work / "bucket"
    bucket.mkdir()
    for place, latency in (("disk", None), ("S3", 0), (f"S3, {options.latency:g} ms", options.latency)):
        for writers in (1, 2) if options.quick else (1, 2, 4, 8, 16):
            each = 5 if options.quick else max(20, (400 if not latency else 120) // writers)
            lake = bucket / "lake"
            shutil.copytree(seed, lake)
            if latency is None:
                done, seconds = commit_at_once(options, str(lake), os.environ, writers, each)
                requests = ""
            else:
                with loopback(options, bucket, latency) as server:
                    environment = {**os.environ, **server.environment}
                    done, seconds = commit_at_once(options, f"s3://{BUCKET}/lake", environment, writers, each)
                commits = writers * each
                requests = f"{server.requests / commits:15.1f}  {server.writes / commits:16.1f}"
            ms = sorted(ms for writer in done for _, ms in writer["commits"])
            behind = [after - before - 1 for writer in done for before, after in steps(writer)]
            print(
                f"  {place:<15}  {writers:7}  {writers * each / seconds:9.1f}  {median(ms):9.1f}  {ms[-1]:10.0f}  {mean(behind):6.1f}  {requests}",
                flush=True,
            )
            shutil.rmtree(lake)


def commit_at_once(options, lake, environment, writers, each):
    command = [str(options.commits), lake, "--commits", str(each)]
    running = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(writers)]
    said = [json.loads(process.communicate()[0] or "{}") for process in running]
    if any(process.returncode for process in running):
        raise SystemExit("a writer failed")
    return said, max(sum(ms for _, ms in writer["commits"]) for writer in said) / 1000


def steps(writer):
    versions = [writer["from"], *(version for version, _ in writer["commits"])]
    return zip(versions, versions[1:])


def by_size(options, work, seed):
    print("rate: by what the log holds; one writer, on disk")
    print("  files    ids        commit ms  with checkpoint ms  checkpoint MB  open: write ms  open: read ms  peak MB", flush=True)
    thousand = 10 if options.quick else 1000
    for files, ids in ((0, 0), (1, 1), (10, 10), (100, 100), (1, 100), (1, 1000)):
        lake = work / "lake"
        shutil.copytree(seed, lake)
        steps = 2 if options.quick else 50
        if files:
            fill = ["--commits", steps, "--files", files * thousand // steps, "--sources", ids * thousand // steps]
            measured(options.commits, lake, *fill)
        writer, peak = measured(options.commits, lake, "--commits", 2 * CHECKPOINT_INTERVAL)
        plain = [ms for version, ms in writer["commits"] if version % CHECKPOINT_INTERVAL]
        with_checkpoint = [ms for version, ms in writer["commits"] if version % CHECKPOINT_INTERVAL == 0]
        checkpoint = sorted((lake / "alb" / "_delta_log").glob("*.checkpoint.parquet"))[-1].stat().st_size
        began = time.monotonic()
        Lake(options, str(lake)).run("sql", "SELECT 1 FROM alb LIMIT 0")
        reading = (time.monotonic() - began) * 1000
        print(
            f"  {files * thousand:<7,}  {ids * thousand:<9,}  {median(plain):9.1f}  {max(with_checkpoint):18.0f}  {checkpoint / 1e6:13.2f}"
            f"  {writer['open_ms']:14.0f}  {reading:13.0f}  {peak / 1e6:7.0f}",
            flush=True,
        )
        shutil.rmtree(lake)


def measured(program, lake, *arguments):
    """What the program said, and its largest resident set in bytes (Linux)."""
    process = subprocess.Popen(list(map(str, [program, lake, *arguments])), stdout=subprocess.PIPE, text=True)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("a writer failed")
    return json.loads(said), usage.ru_maxrss * 1024
