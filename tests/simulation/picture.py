"""The picture for the README: what a sick service gets, over time and in sum.

Over time it is that of the smallest fleet; the sums are of each, so that one worker does not pass for fifty.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.simulation.fleet import Fleet
from tests.simulation.report import Result
from tests.simulation.scenarios import SCENARIO_BY_NAME, Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a contender is drawn, and what it is called."""

    label: str
    color: str
    line: str = "-"
    width: float = 1.4


#: Colors by Okabe and Ito, which everybody can tell apart.
LOOK_BY_CONTENDER = {
    "node RetryPolicy": Look(label="LangGraph RetryPolicy", color="#E69F00"),
    "ToolRetryMiddleware": Look(label="LangChain ToolRetryMiddleware", color="#D55E00"),
    "ours": Look(label="ResilientToolNode", color="#0072B2", width=2.0),
    "oracle": Look(label="an oracle that sees the fault", color="#222222", line=":", width=1.6),
}
#: Lines that lie on each other tell nothing: one peer stands for them.
DRAWN_OVER_TIME = ("ToolRetryMiddleware", "ours", "oracle")
BEFORE, AFTER = 5, 20
GREY = "#666666"
TITLE: Any = {"fontsize": 11, "weight": "bold"}
STYLE: Any = {"font.size": 9, "svg.hashsalt": "simulation", "axes.spines.top": False, "axes.spines.right": False}

Runs = Mapping[tuple[str, str], Result]


def draw(results: Iterable[Result], path: Path) -> None:
    """Write the picture of `results` to `path`, whose suffix says in which format."""
    runs_by_workers: dict[int, dict[tuple[str, str], Result]] = {}
    for result in results:
        runs_by_workers.setdefault(result.workers, {})[result.scenario, result.contender] = result
    runs = runs_by_workers[min(runs_by_workers)]
    scenarios = [SCENARIO_BY_NAME[name] for name in dict.fromkeys(name for name, _ in runs)]
    columns = -(-len(scenarios) // 2)
    with mpl.rc_context(STYLE):
        sums = len(runs_by_workers)
        figure = Figure(figsize=(9, 5.6 + 2.6 * sums), layout="constrained")
        halves: Any = figure.subfigures(2, 1, height_ratios=[2.1, sums])  # an array, which the stubs do not know
        upper, lower = halves
        upper.suptitle("Requests per second to a service in trouble (gray), from 500 agents", **TITLE)
        upper.supxlabel("seconds since the trouble began", fontsize=8, color=GREY)
        _draw_over_time(upper.subplots(2, columns, squeeze=False, sharey=True).ravel(), scenarios, runs)
        for axes, workers in zip(lower.subplots(sums, 1, squeeze=False).ravel(), sorted(runs_by_workers), strict=True):
            _draw_sums(axes, scenarios, runs_by_workers[workers], Fleet(workers=workers))
        figure.savefig(path, dpi=200, metadata={"Date": None} if path.suffix == ".svg" else None)


def _draw_over_time(panels: Sequence[Axes], scenarios: Sequence[Scenario], runs: Runs) -> None:
    for panel in panels[len(scenarios) :]:
        panel.set_axis_off()
    for panel, scenario in zip(panels, scenarios, strict=False):
        _draw_panel(panel, scenario, runs)
    panels[0].set_ylim(bottom=0)  # of all, and only now, or the first one would decide how high they are


def _draw_panel(panel: Axes, scenario: Scenario, runs: Runs) -> None:
    span = scenario.span
    panel.axvspan(0, scenario.trouble, color="#dddddd", linewidth=0)
    for contender in DRAWN_OVER_TIME:
        if (scenario.name, contender) not in runs:
            continue
        requests = runs[scenario.name, contender].series["requests"]
        seconds = [second - span.begins for second in range(len(requests))]
        look = LOOK_BY_CONTENDER[contender]
        panel.plot(seconds, requests, color=look.color, linestyle=look.line, linewidth=look.width)
    panel.set_title(scenario.name, fontsize=9.5, weight="bold", loc="left", pad=15)
    panel.text(0, 1.04, scenario.happens, transform=panel.transAxes, fontsize=7.5, color=GREY)
    panel.set_xlim(-BEFORE, scenario.trouble + AFTER)
    panel.tick_params(labelsize=7.5, color=GREY, labelcolor=GREY)


def _draw_sums(axes: Axes, scenarios: Sequence[Scenario], runs: Runs, fleet: Fleet) -> None:
    width = 0.8 / len(LOOK_BY_CONTENDER)
    for number, (contender, look) in enumerate(LOOK_BY_CONTENDER.items()):
        present = [(at, scenario) for at, scenario in enumerate(scenarios) if (scenario.name, contender) in runs]
        heights = [runs[scenario.name, contender].figures["amp"] for _, scenario in present]
        places = [at + (number - 1.5) * width for at, _ in present]
        bars = axes.bar(places, heights, width * 0.92, color=look.color, label=look.label)
        axes.bar_label(bars, [_short(height) for height in heights], fontsize=6.5, padding=1.5, color=GREY)
    axes.set_xticks(range(len(scenarios)), [scenario.name for scenario in scenarios])
    axes.set_title(f"Requests per tool call during the trouble, {fleet}", **TITLE)
    axes.tick_params(axis="x", length=0)
    axes.tick_params(axis="y", labelsize=7.5, color=GREY, labelcolor=GREY)
    axes.legend(ncols=len(LOOK_BY_CONTENDER), loc="upper center", bbox_to_anchor=(0.5, -0.12), frameon=False)


def _short(figure: float) -> str:
    """Return the figure so that neighbors do not touch."""
    return f"{figure:.1f}" if figure >= 1 else f"{figure:.2f}".lstrip("0") if figure else "0"
