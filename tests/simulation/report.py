"""The table: a block per scenario, a row per contender, a column per metric."""

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial

from tests.simulation.contenders import CONTENDERS, Contender
from tests.simulation.figures import METRICS, Figures, Series, figures_of, series_of
from tests.simulation.fleet import ALONE, Fleet
from tests.simulation.run import run
from tests.simulation.scenarios import ALWAYS, FLEET_LIMITS_BY_SCENARIO, SCENARIO_BY_NAME, Limit, Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The measurements of one run, as plain data.

    Attributes:
        scenario: Its name.
        contender: Its name.
        seed: Of load and chance.
        figures: By metric.
        series: Counts per second of the run, by what was counted.
        workers: How many workers shared the load.
    """

    scenario: str
    contender: str
    seed: int
    figures: Figures
    series: Series
    workers: int = 1


def compare(
    *scenarios: str,
    contenders: Sequence[Contender] = CONTENDERS,
    seed: int = 1,
    quick: bool = False,
    jobs: int = 1,
    fleet: Fleet = ALONE,
) -> list[Result]:
    """Print and return the figures of `contenders` in `scenarios`, in all of them if none is named.

    Args:
        scenarios: Names of scenarios.
        contenders: Who is compared; limits apply to those whose name begins with "ours".
        seed: Of load and chance.
        quick: Whether to shorten the time before and after the trouble.
        jobs: How many processes share the work.
        fleet: The workers that share the load.
    """
    results: list[Result] = []
    for name in scenarios or SCENARIO_BY_NAME:
        scenario = SCENARIO_BY_NAME[name].shortened() if quick else SCENARIO_BY_NAME[name]
        print(f"\n{name} ({scenario.happens}), {scenario.trouble:g} s, {fleet}", flush=True)
        block = _all_measured(partial(measured, scenario, seed=seed, fleet=fleet), contenders, jobs=jobs)
        print(*table(block, scenario), sep="\n", flush=True)
        results += block
    return results


def _all_measured(
    measure: Callable[[Contender], Result], contenders: Sequence[Contender], *, jobs: int
) -> list[Result]:
    if jobs == 1:
        return [measure(each) for each in contenders]
    with ProcessPoolExecutor(jobs) as processes:
        return list(processes.map(measure, contenders))


def measured(scenario: Scenario, contender: Contender, *, seed: int, fleet: Fleet = ALONE) -> Result:
    """Return the measurements of one run, without its log."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        record = run(scenario, contender, seed=seed, fleet=fleet)
    finally:
        logging.disable(disabled)
    return Result(
        scenario=scenario.name,
        contender=contender.name,
        seed=seed,
        figures=figures_of(record),
        series=series_of(record),
        workers=fleet.workers,
    )


def table(block: Sequence[Result], scenario: Scenario) -> list[str]:
    """Return the lines of one scenario: the limits, and the figures of each contender."""
    limits = {limit.metric: limit for limit in limits_of(scenario, workers=block[0].workers)}
    rows = [["", *METRICS], ["limit", *(f"{limits.get(metric, '')}" for metric in METRICS)]]
    for result in block:
        asked = limits if result.contender.startswith("ours") else {}
        cells = (
            _shown(result.figures[metric]) + _mark(result.figures[metric], asked.get(metric)) for metric in METRICS
        )
        rows.append([result.contender, *cells])
    return list(_aligned(rows))


def limits_of(scenario: Scenario, *, workers: int = 1) -> tuple[Limit, ...]:
    """Return all limits in a scenario."""
    return (*(scenario.limits if workers == 1 else FLEET_LIMITS_BY_SCENARIO[scenario.name]), *ALWAYS)


def missed(results: Iterable[Result]) -> list[str]:
    """Return a sentence for each limit that "ours" does not meet."""
    return [
        f"{result.scenario}: {limit.metric} is {_shown(result.figures[limit.metric])}, not {limit}"
        for result in results
        if result.contender == "ours"
        for limit in limits_of(SCENARIO_BY_NAME[result.scenario], workers=result.workers)
        if not limit.is_met(result.figures[limit.metric])
    ]


def as_json(results: Iterable[Result]) -> list[dict[str, object]]:
    """Return `results` as JSON; infinite figures are null."""
    return [
        {**asdict(result), "figures": {name: _finite(figure) for name, figure in result.figures.items()}}
        for result in results
    ]


def _finite(figure: float) -> float | None:
    return figure if math.isfinite(figure) else None


def _shown(figure: float) -> str:
    if math.isinf(figure):
        return "never"
    return f"{figure:.3f}" if figure != int(figure) else f"{figure:.0f}"


def _mark(figure: float, limit: Limit | None) -> str:
    if limit is None:
        return "   "
    return " ok" if limit.is_met(figure) else " NO"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = (f"{cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True))
        yield f"{first:<{widths[0]}} {' '.join(cells)}".rstrip()
