"""Whether two answers in JSON say the same: floating point within 1e-9, percentiles within their error."""

import math
import re

# Approximate percentiles are within 1 % of the exact ones on either side (docs/queries: `approx_percentile_cont`).
# So are counts of distinct clients in `traffic` (`approx_distinct`), which hashes texts and views of texts differently.
APPROXIMATE = re.compile(r"(^|_)p\d+(_|$)|percentile|median|latency_vs|^clients$")
APPROXIMATE_TOLERANCE = 0.03
TOLERANCE = 1e-9


def differences(here, there, path=""):
    """What differs, as a list of texts; empty if the answers agree."""
    name = re.sub(r"\[\d+\]", "", path).rsplit(".", 1)[-1]
    if name == "made_at":
        return []
    if isinstance(here, dict) and isinstance(there, dict):
        if here.keys() != there.keys():
            return [f"{path}: keys {sorted(here.keys() ^ there.keys())}"]
        return [text for key in here for text in differences(here[key], there[key], f"{path}.{key}")]
    if isinstance(here, list) and isinstance(there, list):
        if len(here) != len(there):
            return [f"{path}: {len(here)} values here, {len(there)} there"]
        return [text for i, pair in enumerate(zip(here, there)) for text in differences(*pair, f"{path}[{i}]")]
    if is_number(here) and is_number(there):
        tolerance = APPROXIMATE_TOLERANCE if APPROXIMATE.search(name) else TOLERANCE
        same = math.isclose(here, there, rel_tol=tolerance, abs_tol=TOLERANCE) or (name == "clients" and abs(here - there) <= 3)
    else:
        same = here == there
    return [] if same else [f"{path}: {here!r} here, {there!r} there"]


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)
