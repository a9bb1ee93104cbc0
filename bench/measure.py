"""Runs commands and measures them: wall clock, processor time, peak memory."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CORES = 2
DUCK = [sys.executable, Path(__file__).resolve().with_name("duck.py")]


class CommandFailed(Exception):
    """A measured command ended with an exit code other than 0."""


def run(command, stdin_path=os.devnull, environment=None):
    """Runs `command` (a list) and waits for it; with `environment` instead of our own.

    Returns wall clock and processor time in seconds, peak memory in bytes, and what it wrote to stdout. Peak memory is
    the resident set as the kernel counted it, of the largest process if the command starts several. It cannot be less
    than the most that this process ever had, which the child starts with: nothing large is imported or held here.
    """
    with open(stdin_path, "rb") as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        start = time.perf_counter()
        process = subprocess.Popen(list(map(str, command)), stdin=stdin, stdout=stdout, stderr=stderr, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        if process.returncode != 0:
            words = stderr.read().decode(errors="replace").strip()
            raise CommandFailed(f"{' '.join(map(str, command))}\nended with {process.returncode}: {words[-2000:]}")
        return {
            "seconds": seconds,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_bytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            "stdout": stdout.read().decode(),
        }


def figures_of(results):
    """Seconds, processor seconds and peak memory of several runs, as one list of each."""
    return {key: [result[key] for result in results] for key in ("seconds", "cpu_seconds", "peak_bytes")}


def spread(values):
    """Median, minimum and maximum."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def ratios(ours, theirs):
    """Spread of the ratios of pairs of runs: the first with the first, the second with the second."""
    return spread([our / their for our, their in zip(ours, theirs, strict=True)])


def interleave(contenders, runs):
    """Calls each of `contenders` (name -> function) `runs` times, in turns; who begins changes from round to round.

    Returns name -> list of results, so that result i of each is of the same round and has seen the same weather.
    """
    results = {name: [] for name in contenders}
    order = list(contenders)
    for _ in range(runs):
        for name in order:
            os.sync()  # what the one before left to write is not for the next to pay
            results[name].append(contenders[name]())
        order = order[1:] + order[:1]
    return results


def use_cores(count):
    """Keeps this process and all that it starts on so many cores, where the system can do that (Linux)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def noise(seconds):
    """What the machine does while the benchmark waits for so long: how many cores others keep busy, and the load.

    The load is an average over a minute, therefore much of it is the benchmark's own.
    """
    before = busy_seconds()
    time.sleep(seconds)
    return {"busy_cores": (busy_seconds() - before) / seconds, "load": os.getloadavg()[0], "cores": os.cpu_count()}


def busy_seconds():
    """Processor time of everybody since the start of the machine, time that its host kept for others included (Linux)."""
    user, nice, system, _idle, _waiting, *interrupts_and_stolen = Path("/proc/stat").read_text().split()[1:9]
    return sum(map(int, (user, nice, system, *interrupts_and_stolen))) / os.sysconf("SC_CLK_TCK")
