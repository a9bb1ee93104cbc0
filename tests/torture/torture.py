"""Kills Albatross at random moments, lets several work on one lake at once and requests to S3 fail, and looks whether anything was lost
or came twice.

    python tests/torture/torture.py --albatross target/release/albatross --simulate target/release/simulate

Two trials, each on disk and, with --s3, on an S3 server that is started for it (moto, on loopback):

- `kill`: ingest and maintain are started on one lake, on changing parts of the same logs, and get SIGKILL after a random time; after
  some twenty of them one clean run of each, and the next lake.
- `together`: rounds of four ingests of overlapping logs and two maintains on one lake, all at once; each round on a new lake.

And with --faults, behind the proxy of crates/testbed (its program `loopback-s3`, given by --loopback):

- `faults`: logs and lake in S3, three overlapping ingests and a maintain that deletes what it replaced, while a tenth of all requests
  fails; for each way of failing a new lake. Only requests that write can fail by `lost-answer` and `false-error`, only those that read
  by `short-body` and `stall-in-body`. Each silence costs the 20 s after which Albatross gives a request up:
  `stall` and `stall-in-body` take some ten minutes each, the others seconds.

After each of these the lake must hold the same rows as one that was filled by a single undisturbed run: their count, and a hash
over all of their columns in order. `albatross verify` must find nothing. Exit code: 0 if all of that holds, 1 if not.
"""

import argparse
import gzip
import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

# `verify` and `maintain` may touch files that others write at this moment only if they are told to spare none.
MAINTAIN = ["maintain", "--quiet", "--small", "64MB", "--grace", "1h"]
# The same for logs on disk and in S3.
ROWS = "SELECT * REPLACE (regexp_replace(source_file, '.*/logs/', '') AS source_file) FROM alb ORDER BY source_file, line"
FAULTS = ["slow-down", "internal-error", "reset", "stall", "short-body", "stall-in-body", "lost-answer", "false-error"]
SHARE = 0.1


def main():
    options = arguments()
    dice = random.Random(options.seed)
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="albatross-torture-") as work:
        work = Path(work)
        logs = make_logs(options, work)
        undisturbed = Lake(options, str(work / "undisturbed"))
        undisturbed.run("ingest", "--quiet", logs)
        want = undisturbed.rows()
        print(f"{want[0]:,} rows in {len(list(logs.rglob('*.gz'))):,} files", flush=True)
        wrong = 0
        places = [("disk", None)]
        server = None
        if options.s3:
            server, environment = start_moto()
            places.append(("s3", environment))
        try:
            for place, environment in places:
                folder = str(work) if place == "disk" else "s3://torture"
                for trial in [trial for trial, times in ((kill, options.kills), (together, options.rounds)) if times]:
                    def lake(name):
                        return Lake(options, f"{folder}/{name}", environment)

                    began = time.monotonic()
                    done, problems = trial(options, dice, lake, logs, want)
                    wrong += len(problems)
                    verdict = "; ".join(problems) if problems else "every row is there once"
                    print(f"{trial.__name__} on {place}: {done}; {verdict} ({time.monotonic() - began:.0f} s)", flush=True)
        finally:
            if server:
                server.kill()
                server.wait()
        if options.faults is not None:
            wrong += faults(options, work, logs, want)
    return 1 if wrong else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--albatross", required=True, type=Path)
    parser.add_argument("--simulate", required=True, type=Path)
    parser.add_argument("--kills", type=int, default=200, help="on each place; 0 for none (%(default)s)")
    parser.add_argument("--rounds", type=int, default=20, help="of the concurrent trial; 0 for none (%(default)s)")
    parser.add_argument("--lines", type=int, default=120_000, help="about so many (%(default)s)")
    parser.add_argument("--s3", action="store_true", help="an S3 lake too; needs moto in this Python")
    parser.add_argument("--faults", nargs="*", choices=FAULTS, metavar="WAY", help=f"let requests fail; all of {', '.join(FAULTS)}")
    parser.add_argument("--loopback", type=Path, help="the program loopback-s3, for --faults")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    options.albatross, options.simulate = options.albatross.resolve(), options.simulate.resolve()
    if options.faults is not None:
        if options.loopback is None:
            parser.error("--faults needs --loopback")
        options.faults, options.loopback = options.faults or FAULTS, options.loopback.resolve()
    return options


class Lake:
    def __init__(self, options, location, environment=None):
        self.program, self.location = str(options.albatross), location
        self.environment = {**os.environ, **(environment or {})}

    def start(self, *arguments):
        command = [self.program, "--lake", self.location, *map(str, arguments)]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *arguments, fine=(0,)):
        process = self.start(*arguments)
        out, err = process.communicate()
        if process.returncode not in fine:
            raise SystemExit(f"{' '.join(process.args)}: exit code {process.returncode}\n{err.decode(errors='replace')}")
        return out

    def rows(self):
        """The number of rows, and a hash over all of them."""
        process = self.start("sql", ROWS, "--format", "csv")
        digest, count = hashlib.sha256(), -1
        for line in process.stdout:
            digest.update(line)
            count += 1
        error = process.stderr.read().decode(errors="replace")
        if process.wait() != 0:
            raise SystemExit(f"the rows cannot be read: {error}")
        return count, digest.hexdigest()


def make_logs(options, work):
    """The simulator's files, cut into many small ones: the more files, the more moments to be killed at."""
    made, logs = work / "made", work / "logs"
    command = [options.simulate, "--out", made, "--truth", work / "truth.json", "--seed", "7", "--lines", options.lines]
    subprocess.run([*map(str, command), "--files", "8"], check=True, stdout=subprocess.DEVNULL)
    number = 0
    for file in sorted(made.rglob("*.gz")):
        lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
        for start in range(0, len(lines), 500):
            part = logs / f"part-{number % 10}" / f"{number:05}.log.gz"
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(gzip.compress(b"".join(lines[start : start + 500]), compresslevel=1, mtime=0))
            number += 1
    shutil.rmtree(made)
    return logs


def some(dice, logs):
    """A few of the folders, always others: runs overlap."""
    folders = sorted(logs.iterdir())
    return dice.sample(folders, dice.randint(1, len(folders)))


def kill(options, dice, make_lake, logs, want):
    """Ends runs at random moments of what a whole one takes."""
    died = finished = lakes = 0
    problems = []
    while died < options.kills:
        lake = make_lake(f"kill-{lakes}")
        lakes += 1
        began = time.monotonic()
        lake.run("ingest", "--quiet", sorted(logs.iterdir())[0])
        whole = (time.monotonic() - began) * 1.5
        for number in range(30):
            arguments = MAINTAIN if number % 3 == 2 else ["ingest", "--quiet", *some(dice, logs)]
            process = lake.start(*arguments)
            try:
                process.communicate(timeout=dice.uniform(0, whole))
                finished += 1
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                died += 1
        lake.run("ingest", "--quiet", logs)
        lake.run(*MAINTAIN)
        problems += judge(lake, want)
    return f"{died} runs killed on {lakes} lakes, {finished} were faster", problems


def together(options, dice, make_lake, logs, want):
    problems = []
    for number in range(options.rounds):
        lake = make_lake(f"together-{number}")
        lake.run("ingest", "--quiet", sorted(logs.iterdir())[0])
        running = [lake.start("ingest", "--quiet", *some(dice, logs)) for _ in range(4)]
        running += [lake.start(*MAINTAIN) for _ in range(2)]
        for process in running:
            _, err = process.communicate()
            # Who loses a race may say so (1), but must not fail.
            if process.returncode not in (0, 1):
                problems.append(f"{process.args[3]}: exit code {process.returncode}: {err.decode(errors='replace').strip()}")
        lake.run("ingest", "--quiet", logs)
        lake.run(*MAINTAIN)
        problems += judge(lake, want)
    return f"{options.rounds} rounds of four ingests and two maintains, each on a new lake", problems


def judge(lake, want):
    got = lake.rows()
    verify = lake.start("verify")
    out, err = verify.communicate()
    problems = []
    if got != want:
        problems.append(f"{got[0]:,} rows instead of {want[0]:,}" if got[0] != want[0] else "the rows differ")
    if verify.returncode != 0:
        problems.append(f"verify: {out.decode(errors='replace')}{err.decode(errors='replace')}".strip())
    return problems


def faults(options, work, logs, want):
    """Prints a line for each way to fail, and returns how many problems there were."""
    bucket = work / "bucket"
    shutil.copytree(logs, bucket / "logs", copy_function=os.link)
    parts = [f"s3://torture/logs/{folder.name}/" for folder in sorted(logs.iterdir())]
    count = 0
    with Loopback(options, bucket) as sound:
        for way in options.faults:
            location, problems = f"s3://torture/lakes/{way}", []
            with Loopback(options, bucket, "--fault", f"{way}={SHARE}", "--seed", options.seed) as broken:
                lake = Lake(options, location, broken.environment)
                began = time.monotonic()
                for arguments in (
                    ["ingest", "--quiet", *parts[:4]],
                    ["ingest", "--quiet", *parts[2:7]],
                    ["ingest", "--quiet", *parts],
                    ["maintain", "--quiet", "--small", "64MB", "--grace", "0s"],
                ):
                    process = lake.start(*arguments)
                    _, err = process.communicate()
                    if process.returncode != 0:
                        problems.append(f"{arguments[0]}: exit code {process.returncode}: {err.decode(errors='replace').strip()}")
                seconds = time.monotonic() - began
            requests, writes, failed = map(int, broken.last_words.split())
            if failed == 0:
                problems.append("no request failed")
            problems += judge(Lake(options, location, sound.environment), want)
            verdict = "; ".join(problems) if problems else "equal"
            print(f"faults, {way}: {requests} requests, {writes} of them writing, {failed} failed, {seconds:.1f} s: {verdict}", flush=True)
            count += len(problems)
    return count


class Loopback:
    """`loopback-s3`, as long as it is entered. What it says at its end is in `last_words`."""

    def __init__(self, options, root, *arguments):
        command = [options.loopback, "--root", root, "--bucket", "torture", *arguments]
        self.server = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.environment = environment_for(self.server.stdout.readline().strip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.last_words, _ = self.server.communicate()


def start_moto():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            urllib.request.urlopen(urllib.request.Request(f"{endpoint}/torture", method="PUT"), timeout=5).close()
            break
        except OSError:
            time.sleep(0.1)
    else:
        server.kill()
        raise SystemExit("the S3 server does not answer")
    return server, environment_for(endpoint)


def environment_for(endpoint):
    keys = {"AWS_ACCESS_KEY_ID": "torture", "AWS_SECRET_ACCESS_KEY": "torture", "AWS_REGION": "us-east-1"}
    return {**keys, "AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true"}


if __name__ == "__main__":
    sys.exit(main())
