"""What the commands are measured by that tell what happened: `diagnose` on a large lake, `report` on plain files."""

import json
import shutil

import inputs
from inputs import remove
from measure import DUCK, figures_of, interleave, ratios, run

GOACCESS_FORMAT = ["--log-format=AWSALB", "--no-global-config"]


def diagnose(options, main):
    """Five times the main input, against the sum of what it asks in DuckDB."""
    large = inputs.simulated(options, options.lines * options.diagnose_times, options.files * options.diagnose_times)
    lake = large / "lake"
    try:
        remove(lake)
        run([options.albatross, "--lake", lake, "ingest", large / "logs"])
        contenders = {
            "albatross": lambda: run([options.albatross, "--lake", lake, "diagnose", "--format", "json"]),
            "duckdb": lambda: run([*DUCK, "statements", inputs.HERE / "queries" / "diagnose.sql", lake]),
        }
        results = interleave(contenders, options.runs)
        lines = inputs.lines_in(large)
    finally:
        remove(large if large != main["folder"] else lake)
    figures = {name: figures_of(measured) for name, measured in results.items()}
    alone = [json.loads(result["stdout"])["seconds"] for result in results["duckdb"]]
    coverage = json.loads(results["albatross"][-1]["stdout"])["coverage"]
    asked = coverage["requests"] + coverage["rejects"]
    return {
        "lines": lines,
        **figures,
        "ratios": {
            "albatross / duckdb": ratios(figures["albatross"]["seconds"], figures["duckdb"]["seconds"]),
            "albatross / duckdb without start-up": ratios(figures["albatross"]["seconds"], alone),
        },
        # Lines at the very ends, and of WebSocket connections, are not judged.
        "wrong": [] if asked > 0.95 * lines else [f"diagnose saw {asked} of {lines} lines"],
    }


def report(options, main):
    """From gzip files to a page, against GoAccess, if that is installed: the same files through zcat, as it reads none itself."""
    logs, page, other = main["folder"] / "logs", main["folder"] / "report.html", main["folder"] / "goaccess.html"
    contenders = {"albatross": lambda: run([options.albatross, "report", logs, "-o", page, "--quiet"])}
    if shutil.which("goaccess"):
        script = 'find "$1" -name "*.gz" -print0 | xargs -0 zcat | goaccess - "$2" "$3" -o "$4" --no-progress'
        command = ["sh", "-c", script, "sh", logs, *GOACCESS_FORMAT, other]
        contenders["goaccess"] = lambda: run(command)
    results = interleave(contenders, min(options.runs, 3))
    figures = {name: figures_of(measured) for name, measured in results.items()}
    found = {}
    if "goaccess" in figures:
        found = {"albatross / goaccess": ratios(figures["albatross"]["seconds"], figures["goaccess"]["seconds"])}
    wrong = [] if b"Content-Security-Policy" in page.read_bytes() else ["the report is no page"]
    return {"contenders": figures, "ratios": found, "bytes": page.stat().st_size, "wrong": wrong}
