"""Runs the simulation; `--help` says what can be asked of it."""

import argparse
import sys

from tests.simulation.contenders import CONTENDERS, VARIANTS
from tests.simulation.report import compare
from tests.simulation.scenarios import SCENARIO_BY_NAME

KNOWN = {contender.name: contender for contender in (*CONTENDERS, *VARIANTS)}


def main() -> int:
    """Return the exit status."""
    asked = _arguments().parse_args()
    names = asked.contender or [contender.name for contender in CONTENDERS]
    missed = compare(*asked.scenario, contenders=[KNOWN[name] for name in names], seed=asked.seed, quick=asked.quick)
    return 1 if missed and asked.check else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--scenario", action="append", choices=SCENARIO_BY_NAME, default=[], help="repeat for more")
    parser.add_argument("--contender", action="append", choices=KNOWN, default=[], help="repeat for more")
    parser.add_argument("--seed", type=int, default=1, help="of load and chance")
    parser.add_argument("--quick", action="store_true", help="less time before and after the trouble")
    parser.add_argument("--check", action="store_true", help="fail when ours does not keep its limits")
    return parser


if __name__ == "__main__":
    sys.exit(main())
