"""The table: a block per scenario, a row per contender, a column per metric that matters there."""

import logging
import math
from collections.abc import Iterable, Sequence

from tests.simulation.contenders import CONTENDERS, Contender
from tests.simulation.figures import METRICS, figures_of
from tests.simulation.run import run
from tests.simulation.scenarios import ALWAYS, SCENARIO_BY_NAME, Limit, Scenario

Figures = dict[str, float]


def compare(
    *scenarios: str, contenders: Sequence[Contender] = CONTENDERS, seed: int = 1, quick: bool = False
) -> list[str]:
    """Print the figures of `contenders` in `scenarios`, all of them if none is named; return what "ours" misses."""
    failed = []
    for name in scenarios or SCENARIO_BY_NAME:
        scenario = SCENARIO_BY_NAME[name].shortened() if quick else SCENARIO_BY_NAME[name]
        print(f"\n{heading(scenario)}", flush=True)
        figures = {each.name: measured(scenario, each, seed=seed) for each in contenders}
        print(*table(figures, scenario), sep="\n")
        failed += missed(figures["ours"], scenario) if "ours" in figures else []
    return failed


def measured(scenario: Scenario, contender: Contender, *, seed: int) -> Figures:
    """Return the figures of one run, whose log nobody wants to read."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        return figures_of(run(scenario, contender, seed=seed))
    finally:
        logging.disable(disabled)


def heading(scenario: Scenario) -> str:
    """Return the line above the table of a scenario."""
    return f"{scenario.name}: {scenario.trouble:g} s of trouble"


def table(figures: dict[str, Figures], scenario: Scenario) -> list[str]:
    """Return the lines of a scenario's table: who, what was measured, and what is asked of us."""
    limits = limits_of(scenario)
    asked = {limit.metric: f"{limit}" for limit in limits}
    rows = [["", *METRICS], ["asked of us", *(asked.get(metric, "") for metric in METRICS)]]
    rows += [[name, *(_shown(each[metric]) for metric in METRICS)] for name, each in figures.items()]
    return list(_aligned(rows))


def limits_of(scenario: Scenario) -> tuple[Limit, ...]:
    """Return all that is asked of us in a scenario."""
    return (*scenario.limits, *ALWAYS)


def missed(figures: Figures, scenario: Scenario) -> list[str]:
    """Return what is asked and not met, in words."""
    return [
        f"{scenario.name}: {limit.metric} is {_shown(figures[limit.metric])}, not {limit}"
        for limit in limits_of(scenario)
        if not limit.is_met(figures[limit.metric])
    ]


def _shown(figure: float) -> str:
    if math.isinf(figure):
        return "never"
    return f"{figure:.3f}" if figure != int(figure) else f"{figure:.0f}"


def _aligned(rows: Iterable[Sequence[str]]) -> Iterable[str]:
    rows = list(rows)
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        yield f"{first:<{widths[0]}}  " + "  ".join(
            f"{cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True)
        )
