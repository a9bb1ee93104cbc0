"""Queries on a cluster of Ballista, against the same queries on this machine.

One scheduler and two executors are started on 127.0.0.1, and every query of `queries/`, `report` and `diagnose` are asked in both modes:

    target/venv/bin/python tests/cluster/cluster.py --albatross target/release/albatross --simulate target/release/simulate \\
        --ballista target/ballista/bin

Trials: same (on disk), s3 (the same on a lake in S3), killed (an executor dies in the middle of a query), faults (what a user is told);
and with --time LINES the heaviest query on a lake of so many lines, here and on one and two executors of one slot each.

Exit code: 0 if every answer is the same, 1 if one is not.
"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "torture"))
sys.path.insert(0, str(HERE))
import torture
from same import differences

QUERIES = sorted(file.stem for file in (HERE / "../../queries").glob("*.sql"))
ALL = [*(("query", name) for name in QUERIES), ("diagnose",), ("report",)]
FEW = [("query", "slow_endpoints"), ("query", "502_spikes"), ("query", "max_cpu_correlation"), ("diagnose",)]
# They ask the ledger, which is in memory, or need a function that executors lack.
HERE_ALONE = ["coverage", "coverage_gaps", "cpu", "rejects_by_reason", "story"]
# A sort of all rows by a text and their windows: every row goes through the network.
HEAVY = """SELECT client_ip, count(*) AS n, max(gap) AS longest FROM (
    SELECT client_ip, started_at - lag(started_at) OVER (PARTITION BY client_ip, user_agent ORDER BY started_at, line) AS gap FROM alb)
  GROUP BY client_ip ORDER BY n DESC, client_ip LIMIT 20"""
PATIENCE = 60  # s
TRIALS = ["same", "faults", "killed", "s3"]


def main():
    options = arguments()
    wrong = []
    with tempfile.TemporaryDirectory(prefix="albatross-cluster-") as work:
        work = Path(work)
        if options.time:
            times(options, work)
            return 0
        logs = work / "logs"
        make_logs(options, logs, options.lines, 6)
        lake = torture.Lake(options, str(work / "lake"))
        ingest(lake, logs)
        if "same" in options.only:
            with Cluster(options, work, executors=2) as cluster:
                wrong += same("on disk", lake, cluster, ALL)
        if "faults" in options.only:
            with Cluster(options, work, executors=2) as cluster:
                wrong += faults(options, work, lake, cluster)
        if "killed" in options.only:
            with Cluster(options, work, executors=2) as cluster:
                wrong += killed(lake, cluster)
        if "s3" in options.only:
            wrong += in_s3(options, work, logs)
    for text in wrong:
        print(f"WRONG: {text}")
    print("every answer is the same" if not wrong else f"{len(wrong)} differ")
    return 1 if wrong else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--albatross", required=True, type=Path)
    parser.add_argument("--simulate", required=True, type=Path)
    parser.add_argument("--ballista", required=True, type=Path, help="the folder with ballista-scheduler and ballista-executor")
    parser.add_argument("--lines", type=int, default=200_000, help="about so many (%(default)s)")
    parser.add_argument("--only", nargs="+", choices=TRIALS, default=TRIALS, metavar="TRIAL", help=f"of {', '.join(TRIALS)}; s3 needs moto in this Python")
    parser.add_argument("--quick", action="store_true", help="in S3, not all questions")
    parser.add_argument("--time", type=int, metavar="LINES", help="only measure, on a lake of so many lines")
    parser.add_argument("--lake", type=Path, help="with --time: a lake that is there already")
    parser.add_argument("--runs", type=int, default=5, help="with --time: of each (%(default)s)")
    options = parser.parse_args()
    options.albatross, options.simulate = options.albatross.resolve(), options.simulate.resolve()
    options.ballista = options.ballista.resolve()
    return options


def make_logs(options, logs, lines, files):
    command = [options.simulate, "--out", logs, "--truth", logs.parent / "truth.json", "--seed", 7, "--lines", lines, "--files", files]
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


def ingest(lake, logs):
    """Also what nothing else brings: CPU, other layers, and lines that cannot be read."""
    samples = HERE / "../../sample-data"
    lake.run("ingest", logs, samples / "evening", samples / "layers", fine=(0, 3))


# Processes


class Cluster:
    """A scheduler and its executors, as long as it is entered."""

    def __init__(self, options, work, executors, environment=None):
        self.programs, self.work, self.count = options.ballista, work, executors
        self.environment = {**os.environ, "RUST_LOG": "warn", **(environment or {})}
        self.executors = []

    def __enter__(self):
        self.port = free_port()
        self.address = f"df://127.0.0.1:{self.port}"
        self.log = open(self.work / f"cluster-{self.port}.log", "wb")
        # A dead executor is noticed within seconds; by default in three minutes. Executors fetch their tasks: where they are sent to them, a
        # scheduler forgets the core of a task whose stage is begun anew, and with one core an executor is idle from then on.
        self.scheduler = self.start("scheduler", "--bind-port", self.port, "--scheduler-policy", "pull-staged",
            "--executor-timeout-seconds", 6, "--expire-dead-executor-interval-seconds", 1)
        self.wait_for(lambda: self.get("version"), "the scheduler")
        for _ in range(self.count):
            ports = ["--bind-port", free_port(), "--bind-grpc-port", free_port(), "--bind-health-port", free_port()]
            work = self.work / f"executor-{self.port}-{len(self.executors)}"
            work.mkdir()
            self.executors.append(self.start("executor", *ports, "--external-host", "127.0.0.1", "--scheduler-host", "127.0.0.1",
                "--scheduler-port", self.port, "--vcores", 1, "--work-dir", work, "--task-scheduling-policy", "pull-staged",
                "--scheduler-connect-timeout-seconds", 20))
        self.wait_for(lambda: len(self.get("executors")) == self.count, "the executors")
        return self

    def __exit__(self, *_):
        for process in [*self.executors, self.scheduler]:
            process.kill()
            process.wait()
        self.log.close()

    def start(self, name, *arguments):
        command = [self.programs / f"ballista-{name}", "--bind-host", "127.0.0.1", *arguments]
        return subprocess.Popen([str(word) for word in command], env=self.environment, stdout=self.log, stderr=self.log)

    def wait_for(self, is_there, what):
        for _ in range(PATIENCE * 10):
            try:
                if is_there():
                    return
            except OSError:
                pass
            time.sleep(0.1)
        self.__exit__()
        raise SystemExit(f"{what} did not start\n{Path(self.log.name).read_text(errors='replace')[-3000:]}")

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/{path}", timeout=10) as answer:
            return json.load(answer)

    def jobs(self):
        return self.get("jobs")

    def tasks_done(self):
        stages = []
        for job in self.jobs():
            try:
                stages += self.get(f"job/{job['job_id']}/stages")["stages"]
            except OSError:
                pass  # it is being planned
        return sum(1 for stage in stages for task in stage["tasks"] if task and task["status"] == "Successful")


class Written(threading.Thread):
    """The bytes that executors write for other stages and for the client, while it is entered: sizes of files, looked at often."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.folders = sorted(cluster.work.glob(f"executor-{cluster.port}-*"))
        self.sizes, self.ended = {}, threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()
        self.bytes = sum(self.sizes.values())

    def run(self):
        while not self.ended.is_set():
            for folder in self.folders:
                for place, _, names in os.walk(folder):
                    for name in names:
                        path = os.path.join(place, name)
                        try:
                            self.sizes[path] = max(self.sizes.get(path, 0), os.stat(path).st_size)
                        except OSError:
                            pass  # cleared away meanwhile
            time.sleep(0.005)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# Trials


def same(where, lake, cluster, questions):
    wrong, before = [], len(cluster.jobs())
    begun = time.monotonic()
    for question in questions:
        here = json.loads(lake.run(*question, "--format", "json"))
        there = json.loads(lake.run(*question, "--format", "json", "--cluster", cluster.address))
        wrong += [f"{where}, {' '.join(question)}: {text}" for text in differences(here, there)]
    jobs = len(cluster.jobs()) - before
    if jobs < len(questions) - len(HERE_ALONE):
        wrong.append(f"{where}: only {jobs} jobs ran on the cluster for {len(questions)} questions")
    left = sum(1 for file in cluster.work.glob(f"executor-{cluster.port}-*/**/*") if file.is_file())
    print(f"same, {where}: {len(questions)} questions, {jobs} jobs, {time.monotonic() - begun:.1f} s, {len(wrong)} differ, {left} files left by jobs", flush=True)
    return wrong


def in_s3(options, work, logs):
    server, environment = torture.start_moto()
    try:
        lake = torture.Lake(options, "s3://torture/lake", environment)
        ingest(lake, logs)
        # Executors take credentials and endpoint from their own environment.
        with Cluster(options, work, 2, {**environment, "AWS_ALLOW_HTTP": "true", "AWS_ENDPOINT": environment["AWS_ENDPOINT_URL"]}) as cluster:
            wrong = same("in S3", lake, cluster, FEW if options.quick else ALL)
        # Without any, they cannot read the lake.
        without = {name: "" for name in environment} | {"AWS_EC2_METADATA_DISABLED": "true"}
        with Cluster(options, work, 2, without) as cluster:
            process = lake.start("query", "slow_endpoints", "--cluster", cluster.address)
            _, err = process.communicate(timeout=300)
            if process.returncode != 4 or b"the cluster failed" not in err:
                wrong.append(f"executors without credentials: exit code {process.returncode}, {err!r}")
            print(f"in S3, executors without credentials: {err.decode(errors='replace').strip()[:300]}", flush=True)
        return wrong
    finally:
        server.kill()
        server.wait()


def killed(lake, cluster):
    """An executor dies while it works for a query."""
    here = json.loads(lake.run("sql", HEAVY, "--format", "json"))
    process = lake.start("sql", HEAVY, "--format", "json", "--cluster", cluster.address)
    victim = cluster.executors[0]
    begun = time.monotonic()
    while process.poll() is None and time.monotonic() - begun < PATIENCE:
        # Something is done, and its result lies with an executor; something else is under way.
        done = cluster.tasks_done()
        if done:
            break
        time.sleep(0.01)
    alive = process.poll() is None
    victim.send_signal(signal.SIGKILL)
    out, err = process.communicate(timeout=300)
    if process.returncode != 0:
        return [f"killed: exit code {process.returncode}: {err.decode(errors='replace')}"]
    wrong = [f"killed: {text}" for text in differences(here, json.loads(out))]
    print(f"killed: an executor after {done} tasks, {'before' if alive else 'AFTER'} the answer, which took {time.monotonic() - begun:.1f} s, {len(wrong)} differ", flush=True)
    return wrong


def faults(options, work, lake, cluster):
    """What goes wrong is said in words, with the exit code for it."""
    nobody = f"df://127.0.0.1:{free_port()}"
    trials = [
        (("query", "story", "--cluster", nobody), 4, "no Ballista scheduler answers at"),
        (("query", "story", "--cluster", "ballista:50050"), 2, "must begin with df://"),
        (("ingest", "x.log", "--cluster", cluster.address), 2, "only queries run on a cluster"),
        (("sql", "SELEC 1", "--cluster", cluster.address), 2, "SELEC"),
        (("sql", "DELETE FROM alb", "--cluster", cluster.address), 2, "refused"),
        (("sql", "SELECT 1 / (elb_status_code - elb_status_code) FROM alb", "--cluster", cluster.address), 4, "DivideByZero"),
    ]
    wrong = []
    for arguments, code, text in trials:
        process = lake.start(*arguments)
        out, err = (stream.decode(errors="replace") for stream in process.communicate(timeout=120))
        if process.returncode != code or text not in err:
            wrong.append(f"{' '.join(arguments)}: exit code {process.returncode}, not {code}, or no {text!r} in {err!r}")
    with Cluster(options, work, executors=0) as empty:
        process = lake.start("query", "story", "--cluster", empty.address)
        _, err = process.communicate(timeout=120)
        if process.returncode != 4 or b"has no executors" not in err:
            wrong.append(f"no executors: exit code {process.returncode}, {err!r}")
    print(f"faults: {len(trials) + 1} said as they should be, but for {len(wrong)}", flush=True)
    return wrong


# Time


def times(options, work):
    location = options.lake or work / "lake"
    lake = torture.Lake(options, str(location.resolve()))
    if not options.lake:
        logs = work / "logs"
        make_logs(options, logs, options.time, max(2, options.time // 80_000))
        lake.run("ingest", logs)
    rows = int(lake.run("sql", "SELECT count(*) FROM alb", "--format", "csv").split()[1])
    print(f"{rows:,} rows; {options.runs} runs of each, median (min .. max) in seconds")
    questions = {"slow_endpoints": ("query", "slow_endpoints"), "top_clients": ("query", "top_clients"), "every row shuffled": ("sql", HEAVY)}
    local = {name: measured(options, lambda: lake.run(*question, "--format", "json")) for name, question in questions.items()}
    on = {}
    for count in (1, 2):
        with Cluster(options, work, executors=count) as cluster:
            for name, question in questions.items():
                seconds = measured(options, lambda: lake.run(*question, "--format", "json", "--cluster", cluster.address))
                with Written(cluster) as written:
                    lake.run(*question, "--format", "json", "--cluster", cluster.address)
                on[name, count] = seconds, written.bytes
    for name in questions:
        print(f"  {name}")
        print(f"    here, {os.cpu_count()} threads        {spread(local[name])}")
        for count in (1, 2):
            seconds, bytes_ = on[name, count]
            ratio = statistics.median(seconds) / statistics.median(local[name])
            print(f"    {count} executor{'s' if count > 1 else ' '} of 1 slot   {spread(seconds)}   {ratio:.2f} of here, {bytes_ / 1e6:,.1f} MB written for other stages")


def measured(options, run):
    run()
    seconds = []
    for _ in range(options.runs):
        begun = time.monotonic()
        run()
        seconds.append(time.monotonic() - begun)
    return seconds


def spread(seconds):
    return f"{statistics.median(seconds):6.2f} ({min(seconds):.2f} .. {max(seconds):.2f})"


if __name__ == "__main__":
    sys.exit(main())
