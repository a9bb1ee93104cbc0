"""What reading from S3 costs. The server is `loopback-s3` of crates/testbed, on the same cores: what it takes is part of every figure."""

import json
import os
import subprocess

import inputs
from ingests import ingest_anew, missing
from inputs import remove
from measure import figures_of, interleave, ratios, run

BUCKET = "bench"
LINES_IN_OBJECT = 26


class Server:
    """Serves a folder as a bucket for as long as it is entered; `environment` tells Albatross where."""

    def __init__(self, options, root):
        command = [options.loopback, "--root", root, "--bucket", BUCKET]
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_REGION": "us-east-1"}
        endpoint = self.process.stdout.readline().strip()
        self.environment = {**os.environ, **keys, "AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()


def throughput(options, main):
    """The main input from S3 against the same files from disk, with the lake on disk and in S3; then many small objects."""
    folder = main["folder"]
    lakes = {name: folder / f"s3-lake-{name}" for name in ("disk", "source", "both")}
    with Server(options, folder) as server:
        def from_s3(lake, place):
            def once():
                remove(lake)
                return run([options.albatross, "--lake", place, "ingest", f"s3://{BUCKET}/logs/"], environment=server.environment)

            return once

        contenders = {
            "disk": lambda: ingest_anew(options, lakes["disk"], folder / "logs"),
            "source": from_s3(lakes["source"], lakes["source"]),
            "both": from_s3(lakes["both"], f"s3://{BUCKET}/{lakes['both'].name}"),
        }
        results = interleave(contenders, options.runs)
    figures = {name: figures_of(measured) for name, measured in results.items()}
    wrong = [text for lake in lakes.values() for text in missing(options, lake, main["lines"])]
    for lake in lakes.values():
        remove(lake)
    small, wrong_of_small = small_objects(options, main)
    return {
        **figures,
        "ratios": {
            "from S3 / from disk": ratios(figures["source"]["seconds"], figures["disk"]["seconds"]),
            "from S3, lake in S3 / all on disk": ratios(figures["both"]["seconds"], figures["disk"]["seconds"]),
        },
        "small": small,
        "wrong": wrong + wrong_of_small,
    }


def small_objects(options, main):
    """Many small objects into a lake in S3, the same again, and what `maintain` and `verify` make of that lake."""
    folder = inputs.small_files(options, main["folder"], options.objects, LINES_IN_OBJECT)
    lake, lines = folder / "lake", options.objects * LINES_IN_OBJECT
    remove(lake)
    inputs.read_all(inputs.gzip_files(folder))
    with Server(options, folder) as server:
        def albatross(*arguments):
            command = [options.albatross, "--lake", f"s3://{BUCKET}/lake", *arguments]
            return run(command, environment=server.environment)

        def files():
            return json.loads(albatross("status", "--json")["stdout"])["files"]

        logs = f"s3://{BUCKET}/logs/"
        steps = {"first": [albatross("ingest", logs)]}
        before = files()
        steps["again"] = interleave({"again": lambda: albatross("ingest", logs)}, options.runs)["again"]
        steps["maintain"] = [albatross("maintain")]
        after = files()
        steps["verify"] = [albatross("verify", "--source", logs)]
    wrong = missing(options, lake, lines)
    if after > before:
        wrong.append(f"maintain made {after} files of {before}")
    remove(lake)
    figures = {name: figures_of(measured) for name, measured in steps.items()}
    return {"objects": options.objects, "lines": lines, "files_before": before, "files_after": after, **figures}, wrong
