"""Judges `albatross diagnose` by incidents whose truth is known, and prints what it took for what.

    python tests/eval/eval.py --albatross target/release/albatross --incidents target/release/incidents

Each run: generate, ingest into a lake of its own, diagnose, compare with the truth. A run passes if an incident overlaps the true
window by 0.7 (intersection over union), its first cause is right, and so are the route, the target and the limit (within 5 %)
that the truth has; where nothing was to be found, if nothing is. Exit code: 0 if at least 95 % of all runs pass, 1 if not, 2 if a
program failed.

Thresholds are tuned on seeds from 1000 (--tuning) and judged on those from 1.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

CAUSES = [
    "cpu_bound_endpoint",
    "keepalive_race",
    "bad_target",
    "deploy",
    "timeout_limit",
    "slow_dependency",
    "client_gave_up",
    "body_too_large",
    "lambda_error",
    "application_error",
    "no_targets",
]
HARMLESS = ["quiet", "surge", "scanner"]
KINDS = CAUSES + HARMLESS

OVERLAP = 0.7
LIMIT_WITHIN = 0.05
PASS = 0.95


class Failed(Exception):
    """A program that should have worked did not."""


def main():
    options = arguments()
    seeds = range(options.first, options.first + options.seeds)
    work = [(kind, seed) for kind in options.kinds for seed in seeds]
    try:
        # Each run is one process at a time, so this is how many there are.
        with ThreadPoolExecutor(options.jobs) as pool:
            verdicts = list(pool.map(lambda run: evaluate(options, *run), work))
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 2
    if options.report:
        options.report.write_text(json.dumps([vars(verdict) for verdict in verdicts], indent=1))
    print(f"seeds {seeds[0]} to {seeds[-1]}{', without CPU' if options.no_cpu else ''}\n")
    print(table(verdicts))
    failures = [verdict for verdict in verdicts if verdict.wrong]
    for verdict in failures:
        print(f"{verdict.kind} {verdict.seed}: {'; '.join(verdict.wrong)}\n    {verdict.said}")
    share = 1 - len(failures) / len(verdicts)
    print(f"\n{len(verdicts) - len(failures)} of {len(verdicts)} runs are right ({share:.1%}; at least {PASS:.0%} is asked for)")
    return 0 if share >= PASS else 1


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--albatross", required=True, type=Path)
    parser.add_argument("--incidents", required=True, type=Path)
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=KINDS, help="separated by commas (all)")
    parser.add_argument("--seeds", type=int, help="how many (20)")
    parser.add_argument("--first", type=int, help="the first seed (1; 1000 with --tuning)")
    parser.add_argument("--tuning", action="store_true", help="the seeds to tune on, not those to judge by")
    parser.add_argument("--quick", action="store_true", help="short runs of two seeds and few kinds: that it works at all")
    parser.add_argument("--hours", type=float, help="of each run (3)")
    parser.add_argument("--rate", type=float, help="requests per second (40)")
    parser.add_argument("--targets", type=int, default=6)
    parser.add_argument("--no-cpu", action="store_true", help="logs only")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time (%(default)s)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the verdicts and all that was said as JSON")
    options = parser.parse_args()
    if unknown := set(options.kinds) - set(KINDS):
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")
    if options.quick and options.kinds == KINDS:
        options.kinds = ["application_error", "bad_target", "no_targets", "quiet"]
    options.seeds = options.seeds or (2 if options.quick else 20)
    options.hours = options.hours or (1 if options.quick else 3)
    options.rate = options.rate or (15 if options.quick else 40)
    if options.first is None:
        options.first = 1000 if options.tuning else 1
    options.albatross, options.incidents = options.albatross.resolve(), options.incidents.resolve()
    return options


def evaluate(options, kind, seed):
    with tempfile.TemporaryDirectory(prefix="albatross-eval-") as folder:
        folder = Path(folder)
        size = ["--hours", options.hours, "--rate", options.rate, "--targets", options.targets]
        size += ["--no-cpu"] if options.no_cpu else []
        run(options.incidents, "--kind", kind, "--seed", seed, "--out", folder / "run", *size)
        truth = json.loads((folder / "run" / "truth.json").read_text())
        lake = ["--lake", folder / "lake"]
        run(options.albatross, *lake, "ingest", "--quiet", folder / "run" / "data")
        # A finding may be told by exit code 1.
        answer = run(options.albatross, *lake, "diagnose", "--format", "json", fine=(0, 1))
    try:
        return judge(truth, json.loads(answer))
    except (ValueError, KeyError, TypeError) as error:
        raise Failed(f"{kind} {seed}: the answer of diagnose is not as documented: {error!r}\n{answer[:2000]}") from error


def run(*command, fine=(0,)):
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    if done.returncode not in fine:
        raise Failed(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


class Verdict:
    def __init__(self, truth, answer):
        self.kind, self.seed, self.shape = truth["kind"], truth["seed"], truth["shape"]
        # First cause of the incident that overlaps the true one best; where there is none to be found, of any.
        self.cause = "none"
        # What is not as it should be.
        self.wrong = []
        # Incidents beside the best one. They do not count, but are shown.
        self.others = 0
        self.said = "no incident"
        self.truth, self.answer = truth, answer


def judge(truth, answer):
    """What `diagnose` said (its JSON) against what was so (`truth.json`)."""
    if answer["version"] != 1:
        raise ValueError(f"version {answer['version']}")
    verdict = Verdict(truth, answer)
    incidents = answer["incidents"]
    if truth["cause"] is None:
        if incidents:
            worst = max(incidents, key=lambda incident: incident["errors"])
            verdict.cause, verdict.said = first_cause(worst), describe(worst)
            verdict.others = len(incidents) - 1
            verdict.wrong.append(f"{len(incidents)} incident(s) where there is none")
        return verdict
    best = max(incidents, key=lambda incident: overlap(truth, incident), default=None)
    # The largest of those that are elsewhere altogether is shown, but is not what was looked for.
    if best is None or overlap(truth, best) == 0:
        verdict.wrong.append("not found")
        if incidents:
            verdict.said = "elsewhere: " + describe(max(incidents, key=lambda incident: incident["errors"]))
        verdict.others = len(incidents)
        return verdict
    verdict.cause, verdict.said, verdict.others = first_cause(best), describe(best), len(incidents) - 1
    if (found := overlap(truth, best)) < OVERLAP:
        verdict.wrong.append(f"window {clock(truth['start'])}-{clock(truth['end'])} overlaps by {found:.2f}")
    if verdict.cause != truth["cause"]:
        verdict.wrong.append(f"cause is {verdict.cause}")
    cause = best["causes"][0] if best["causes"] else {"route": None, "target": None, "limit_s": None}
    if truth["route"] is not None and cause["route"] != truth["route"]:
        verdict.wrong.append(f"route is {truth['route']}")
    # Without its port a target is named well enough.
    if truth["target"] is not None and cause["target"] not in (truth["target"], truth["target"].rsplit(":", 1)[0]):
        verdict.wrong.append(f"target is {truth['target']}")
    limit = truth["limit_s"]
    if limit is not None and (cause["limit_s"] is None or abs(cause["limit_s"] - limit) > LIMIT_WITHIN * limit):
        verdict.wrong.append(f"limit is {limit:g} s")
    return verdict


def first_cause(incident):
    return incident["causes"][0]["cause"] if incident["causes"] else "unknown"


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def overlap(truth, incident):
    """Intersection over union of the two windows."""
    (a, b), (c, d) = ((instant(window["start"]), instant(window["end"])) for window in (truth, incident))
    return max((min(b, d) - max(a, c)) / (max(b, d) - min(a, c)), 0)


def clock(text):
    return instant(text).strftime("%H:%M:%S")


def describe(incident):
    causes = []
    for cause in incident["causes"][:3]:
        known = (cause[name] for name in ("route", "target", "limit_s", "client"))
        causes.append(" ".join([cause["cause"], *(str(value) for value in known if value is not None)]))
    window = f"{clock(incident['start'])}-{clock(incident['end'])}"
    return f"{window}, {incident['errors']} errors: {' > '.join(causes) or 'no cause'}"


def table(verdicts):
    """Truth by row, first cause by column; the columns are numbered as the rows are."""
    columns = [*CAUSES, "unknown", "none"]
    heads = [*(str(number) for number in range(1, len(CAUSES) + 1)), "unknown", "none"]
    widths = [max(len(head), 3) for head in heads]
    lines = ["    truth               " + " ".join(f"{head:>{width}}" for head, width in zip(heads, widths)) + "    right  others"]
    for number, kind in enumerate(KINDS, 1):
        of_kind = [verdict for verdict in verdicts if verdict.kind == kind]
        if not of_kind:
            continue
        said = Counter(verdict.cause if verdict.cause in columns else "unknown" for verdict in of_kind)
        cells = " ".join(f"{said[column] or '.':>{width}}" for column, width in zip(columns, widths))
        right = sum(not verdict.wrong for verdict in of_kind)
        others = sum(verdict.others for verdict in of_kind)
        number = number if kind in CAUSES else ""
        lines.append(f"{number:>3} {kind:<19} {cells}  {right:>3}/{len(of_kind):<3}  {others or '':>6}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
