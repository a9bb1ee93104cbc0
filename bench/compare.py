"""Whether two answers to the same question, given as CSV, say the same."""

import csv
import math
import re
from datetime import datetime

# A percentile may be approximate. With few requests beyond it, its neighbours are far apart and it lies anywhere between
# them: there it is not compared.
PERCENTILE = re.compile(r"p(\d\d)")
PERCENTILE_TOLERANCE = 0.01
MIN_REQUESTS_BEYOND = 100
# Correlations of approximate percentiles. Where latency hardly moves, its correlation with anything is noise: a loose bound.
ABSOLUTE_TOLERANCE = {"latency_vs_max": 0.1, "latency_vs_avg": 0.1}
RELATIVE_TOLERANCE = 1e-6


def differences(ours_text, theirs_text, keys, left_out=()):
    """What differs, as a list of texts; empty if the answers agree.

    Rows are matched by the columns `keys`; every column must be in both answers, except those `left_out`.
    """
    ours, theirs = read(ours_text, left_out), read(theirs_text, left_out)
    if ours.keys() != theirs.keys():
        return [f"the columns differ: {', '.join(sorted(ours.keys() ^ theirs.keys()))}"]
    our_rows, their_rows = by_key(ours, keys), by_key(theirs, keys)
    found = [f"{key}: only Albatross has this row" for key in our_rows.keys() - their_rows.keys()]
    found += [f"{key}: only DuckDB has this row" for key in their_rows.keys() - our_rows.keys()]
    for column in ours.keys() - set(keys):
        tolerance = rounding(ours[column] + theirs[column])
        for key in our_rows.keys() & their_rows.keys():
            i, j = our_rows[key], their_rows[key]
            if (percentile := PERCENTILE.fullmatch(column)) and (
                int(theirs["requests"][j]) * (100 - int(percentile[1])) / 100 < MIN_REQUESTS_BEYOND
            ):
                continue
            if not same(column, ours[column][i], theirs[column][j], tolerance):
                found.append(f"{key}: {column} is {ours[column][i]!r}, DuckDB says {theirs[column][j]!r}")
    return sorted(found)


def read(text, left_out):
    """Column name -> list of cells."""
    header, *rows = csv.reader(text.splitlines())
    columns = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    return {name: cells for name, cells in columns.items() if name not in left_out}


def by_key(columns, keys):
    """Texts of the key columns -> number of the row."""
    cells = zip(*(map(readable, columns[key]) for key in keys))
    return {" ".join(map(str, key)): row for row, key in enumerate(cells)}


def readable(cell):
    """A number, a time in seconds since 1970, or the text itself."""
    for parse in (float, lambda text: datetime.fromisoformat(text).timestamp()):
        try:
            return parse(cell)
        except ValueError:
            pass
    return cell


def rounding(cells):
    """One unit of the last decimal that a column shows: the engines may round in different directions. 0 for integers."""
    numbers = [match for cell in cells if (match := re.fullmatch(r"-?\d+(?:\.(\d+))?(?:e-(\d+))?", cell))]
    decimals = max((len(match[1] or "") + int(match[2] or 0) for match in numbers), default=0)
    return 1.01 * 10.0**-decimals if decimals else 0.0


def same(column, ours, theirs, rounding):
    ours, theirs = readable(ours), readable(theirs)
    if not isinstance(ours, float) or not isinstance(theirs, float):
        return ours == theirs
    if PERCENTILE.fullmatch(column):
        return math.isclose(ours, theirs, rel_tol=PERCENTILE_TOLERANCE, abs_tol=rounding)
    absolute = ABSOLUTE_TOLERANCE.get(column, rounding)
    return math.isclose(ours, theirs, rel_tol=RELATIVE_TOLERANCE if rounding else 0.0, abs_tol=absolute)
