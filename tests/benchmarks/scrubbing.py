"""The time that `scrub` takes for its worst texts: a pattern that backtracks shows here."""

import time

from agent_tools._core.redaction import scrub
from tests.support.work import HARDEST

ORDINARY = "The order was not found in https://shop.example/orders; "
LENGTH = 1_000_000
RUNS = 3


def seconds(unit: str) -> float:
    """Return the least CPU time of several runs over a long text that repeats the unit."""
    text, runs = unit * (LENGTH // len(unit)), []
    for _ in range(RUNS):
        began = time.process_time()
        scrub(text)
        runs.append(time.process_time() - began)
    return min(runs)


def main() -> None:
    """Print a row per unit, the most expensive first."""
    usual = seconds(ORDINARY)
    ratios = {unit: seconds(unit) / usual for unit in HARDEST}
    print("| a million characters of | against an ordinary sentence |")
    print("| --- | --- |")
    for unit, ratio in sorted(ratios.items(), key=lambda item: -item[1]):
        print(f"| `{unit!r}` | {ratio:.1f} |", flush=True)


if __name__ == "__main__":
    main()
