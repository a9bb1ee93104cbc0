"""That the evaluation judges as it says. Standard library only: python tests/eval/test_eval.py"""

import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

import eval as evaluation

TRUTH = {
    "kind": "timeout_limit",
    "cause": "timeout_limit",
    "seed": 1,
    "shape": "worker",
    "start": "2026-01-01T10:00:00.000Z",
    "end": "2026-01-01T11:00:00.000Z",
    "route": "GET /api/reports/:id",
    "target": None,
    "limit_s": 30.0,
    "client": None,
}
QUIET = {**TRUTH, "kind": "quiet", "cause": None, "start": None, "end": None, "route": None, "limit_s": None}
BAD_TARGET = {**TRUTH, "kind": "bad_target", "cause": "bad_target", "route": None, "target": "10.0.0.1:80", "limit_s": None}


def cause(code="timeout_limit", route="GET /api/reports/:id", target=None, limit_s=30.0):
    return {"cause": code, "route": route, "target": target, "limit_s": limit_s, "client": None}


def incident(*causes, start="10:00", end="11:00", errors=100):
    day = "2026-01-01T"
    return {"start": f"{day}{start}:00Z", "end": f"{day}{end}:00Z", "errors": errors, "causes": list(causes)}


def answer(*incidents):
    return {"version": 1, "incidents": list(incidents)}


class Judging(unittest.TestCase):
    def wrong(self, truth, *incidents):
        return evaluation.judge(truth, answer(*incidents)).wrong

    def test_what_is_right_passes(self):
        self.assertEqual(self.wrong(TRUTH, incident(cause())), [])
        self.assertEqual(self.wrong(TRUTH, incident(cause(limit_s=31.0), start="09:50", end="11:10")), [])
        self.assertEqual(self.wrong(BAD_TARGET, incident(cause("bad_target", None, "10.0.0.1:80", None))), [])
        self.assertEqual(self.wrong(BAD_TARGET, incident(cause("bad_target", None, "10.0.0.1", None))), [])
        self.assertEqual(self.wrong(QUIET), [])

    def test_each_part_counts(self):
        self.assertEqual(self.wrong(TRUTH), ["not found"])
        self.assertEqual(self.wrong(TRUTH, incident(cause(), start="12:00", end="13:00")), ["not found"])
        self.assertEqual(self.wrong(TRUTH, incident(cause(), end="10:41")), ["window 10:00:00-11:00:00 overlaps by 0.68"])
        self.assertEqual(self.wrong(TRUTH, incident(cause(), end="12:00")), ["window 10:00:00-11:00:00 overlaps by 0.50"])
        self.assertEqual(self.wrong(TRUTH, incident(cause("deploy"), cause())), ["cause is deploy"])
        self.assertEqual(self.wrong(TRUTH, incident(cause(route=None))), ["route is GET /api/reports/:id"])
        self.assertEqual(self.wrong(TRUTH, incident(cause(limit_s=32.0))), ["limit is 30 s"])
        self.assertEqual(self.wrong(TRUTH, incident(cause(limit_s=None))), ["limit is 30 s"])
        self.assertEqual(self.wrong(BAD_TARGET, incident(cause("bad_target", None, "10.0.0.11:80"))), ["target is 10.0.0.1:80"])
        self.assertEqual(len(self.wrong(TRUTH, incident())), 3)

    def test_the_best_overlap_is_judged_and_the_rest_is_counted(self):
        verdict = evaluation.judge(TRUTH, answer(incident(cause("deploy"), end="10:05", errors=9999), incident(cause())))
        self.assertEqual((verdict.wrong, verdict.cause, verdict.others), ([], "timeout_limit", 1))

    def test_an_alarm_for_nothing_is_wrong(self):
        verdict = evaluation.judge(QUIET, answer(incident(cause("deploy"))))
        self.assertEqual((len(verdict.wrong), verdict.cause), (1, "deploy"))

    def test_another_contract_is_refused(self):
        self.assertRaises(ValueError, evaluation.judge, TRUTH, {"version": 2, "incidents": []})
        self.assertRaises(KeyError, evaluation.judge, TRUTH, {"version": 1})

    def test_the_table_counts(self):
        right = evaluation.judge(TRUTH, answer(incident(cause())))
        wrong = evaluation.judge(TRUTH, answer(incident(cause("deploy"))))
        row = next(line for line in evaluation.table([right, wrong]).splitlines() if "timeout_limit" in line)
        self.assertEqual(row.split(), ["5", "timeout_limit", *"...11........", "1/2"])


# Stand-ins for the two programs: the truth lies beside the lake, and `diagnose` says it, but for one kind.
INCIDENTS = """
    import json, sys
    from pathlib import Path
    option = lambda name: sys.argv[sys.argv.index(name) + 1]
    out = Path(option("--out"))
    (out / "data").mkdir(parents=True)
    truth = dict(kind=option("--kind"), cause=option("--kind"), seed=int(option("--seed")), shape="fake", route="GET /",
                 target=None, limit_s=None, start="2026-01-01T10:00:00Z", end="2026-01-01T11:00:00Z")
    if truth["kind"] == "quiet":
        truth.update(cause=None, start=None, end=None)
    (out / "truth.json").write_text(json.dumps(truth))
"""
ALBATROSS = """
    import json, sys
    from pathlib import Path
    run = Path(sys.argv[2]).parent / "run"
    if sys.argv[3] == "ingest":
        sys.exit(0 if Path(sys.argv[-1]) == run / "data" else 4)
    truth = json.loads((run / "truth.json").read_text())
    code = "deploy" if truth["cause"] == "WRONG" else truth["cause"]
    causes = [dict(cause=code, route="GET /", target=None, limit_s=None, client=None)]
    incident = dict(start=truth["start"], end=truth["end"], errors=9, causes=causes)
    print(json.dumps(dict(version=1, incidents=[incident] if truth["cause"] else [])))
"""


class Running(unittest.TestCase):
    def evaluate(self, albatross, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            programs = []
            for name, code in (("albatross", albatross), ("incidents", INCIDENTS)):
                program = Path(folder) / name
                program.write_text(f"#!{sys.executable}\n{textwrap.dedent(code)}")
                program.chmod(0o755)
                programs += [f"--{name}", program]
            here = Path(__file__).with_name("eval.py")
            return subprocess.run([sys.executable, here, *programs, *arguments], capture_output=True, text=True, check=False)

    def test_all_right(self):
        done = self.evaluate(ALBATROSS, "--quick")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("8 of 8 runs are right", done.stdout)

    def test_too_much_wrong(self):
        albatross = ALBATROSS.replace("WRONG", "no_targets")
        done = self.evaluate(albatross, "--kinds", "no_targets,quiet", "--seeds", "3", "--tuning")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("no_targets 1002: cause is deploy", done.stdout)
        self.assertIn("3 of 6 runs are right", done.stdout)

    def test_a_program_that_fails_is_no_verdict(self):
        done = self.evaluate("raise SystemExit(4)", "--quick")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("exit code 4", done.stderr)


if __name__ == "__main__":
    unittest.main()
