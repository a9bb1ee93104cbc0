#!/usr/bin/env python3
"""Writes the fixtures as seeds: `seed.py FIXTURES FORMAT_RS OUT`."""

import re
import sys
from pathlib import Path

fixtures, source, out = map(Path, sys.argv[1:])
text = source.read_text()
order = re.search(r"pub const ALL: \[Format; \d+\] =\s*\[(.*?)\];", text, re.S).group(1)
variants = re.findall(r"Format::(\w+)", order)
names = dict(re.findall(r'Format::(\w+) => "(\w+)",', text))
out.mkdir(parents=True, exist_ok=True)
for number, variant in enumerate(variants):
    for path in sorted((fixtures / names[variant]).glob("*.*")):
        data = path.read_bytes()
        if path.suffix == ".log" and len(data) < 16_384:
            (out / f"{names[variant]}-{path.stem}").write_bytes(bytes([number, 63]) + data)
