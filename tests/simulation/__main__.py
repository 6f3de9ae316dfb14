"""Runs the simulation and prints its table; with `--check` the exit status is 1 if a limit is not met."""

import argparse
import gc
import json
import sys
from pathlib import Path

from tests.simulation.contenders import CONTENDERS, VARIANTS
from tests.simulation.figures import METRICS
from tests.simulation.fleet import Fleet
from tests.simulation.report import as_json, compare, missed
from tests.simulation.scenarios import SCENARIO_BY_NAME

KNOWN = {contender.name: contender for contender in (*CONTENDERS, *VARIANTS)}


def main() -> int:
    """Return the exit status."""
    asked = _arguments().parse_args()
    gc.freeze()
    gc.set_threshold(100_000)  # collecting the short-lived objects of a run would take a fifth of the time
    contenders = [KNOWN[name] for name in asked.contender] or CONTENDERS
    fleets = [Fleet(workers=each, store=asked.store, latency=asked.latency) for each in asked.workers or [1]]
    options = {"seed": asked.seed, "quick": asked.quick, "jobs": asked.jobs}
    results = compare(*asked.scenario, **options, contenders=contenders, fleet=fleets[0])
    sharing = [each for each in contenders if each.name.startswith("ours")]  # the others share nothing
    for fleet in fleets[1:]:
        results += compare(*asked.scenario, **options, contenders=sharing, fleet=fleet)
    print(*("", *(f"{name}: {meaning}" for name, meaning in METRICS.items())), sep="\n")
    print(*("", *missed(results)), sep="\n")
    if asked.json:
        asked.json.write_text(json.dumps(as_json(results), indent=1))
    if asked.picture:
        from tests.simulation.picture import draw  # noqa: PLC0415  # importing matplotlib is slow

        draw(results, asked.picture)
    return 1 if asked.check and missed(results) else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--scenario", action="append", choices=SCENARIO_BY_NAME, default=[], help="repeat for more")
    parser.add_argument("--contender", action="append", choices=KNOWN, default=[], help="repeat for more")
    parser.add_argument("--seed", type=int, default=1, help="of load and chance")
    parser.add_argument("--quick", action="store_true", help="less time before and after the trouble")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes that share the work")
    parser.add_argument(
        "--workers", type=int, action="append", metavar="N", help="processes that share the load; repeat for more"
    )
    parser.add_argument("--store", choices=("none", "shared", "failing"), default="none", help="what they share")
    parser.add_argument("--latency", type=float, default=0.002, metavar="S", help="seconds until the store answers")
    parser.add_argument("--check", action="store_true", help="fail if the node misses one of its limits")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures and series")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw them, as .png or .svg")
    return parser


if __name__ == "__main__":
    sys.exit(main())
