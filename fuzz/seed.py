#!/usr/bin/env python3
"""Writes the fixtures as seeds: `seed.py FIXTURES FORMAT_RS OUT`."""

import re
import sys
from pathlib import Path

fixtures, source, out = map(Path, sys.argv[1:])
text = source.read_text()
names = [*re.findall(r'^    \w+ = \w+, "(\w+)"', text, re.M), "metrics"]
out.mkdir(parents=True, exist_ok=True)
for number, name in enumerate(names):
    for path in sorted((fixtures / name).glob("*.*")):
        data = path.read_bytes()
        if path.suffix == ".log" and len(data) < 16_384:
            (out / f"{name}-{path.stem}").write_bytes(bytes([number, 63]) + data)
