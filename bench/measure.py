"""Runs commands and measures them: wall clock, processor time, peak memory."""

import os
import statistics
import subprocess
import sys
import tempfile
import time


class CommandFailed(Exception):
    """A measured command ended with an exit code other than 0."""


def run(command, stdin_path=os.devnull):
    """Runs `command` (a list) and waits for it.

    Returns wall clock and processor time in seconds, peak memory in bytes, and what it wrote to stdout. Peak memory is
    the resident set as the kernel counted it, of the largest process if the command starts several. It cannot be less
    than that of this process when it forks, so nothing large is imported here.
    """
    with open(stdin_path, "rb") as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        start = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdin=stdin, stdout=stdout, stderr=stderr)
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
