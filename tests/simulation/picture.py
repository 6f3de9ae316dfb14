"""The picture in the docs: what trouble of a service costs the service and the users of a bot.

A row per kind of trouble, a column per figure. `ResilientToolNode` is drawn for each fleet. The others share nothing,
so their figures are the same for any number of workers, and only those of the first fleet are drawn.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.simulation.fleet import Fleet
from tests.simulation.report import Result
from tests.simulation.scenarios import SCENARIO_BY_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The label, color and marker of a contender."""

    label: str
    color: str
    marker: str = "o"
    size: float = 9.0
    only: str | None = None


#: Colors by Okabe and Ito, which color-blind readers can distinguish; the markers differ, too.
LOOK_BY_CONTENDER = {
    "ToolRetryMiddleware": Look(label="LangChain's ToolRetryMiddleware", color="#D55E00", marker="s"),
    "ours": Look(label="ResilientToolNode", color="#0072B2"),
    "ours, patient": Look(
        label="ResilientToolNode, 1 worker, patience=15", color="#009E73", marker="^", size=10, only="outage"
    ),
    "oracle": Look(label="an oracle that knows the service", color="#222222", marker="|", size=15),
}
TITLE_BY_METRIC = {
    "amp": "requests per call",
    "succeed": "calls that succeed",
    "median wait": "seconds per call, median",
}
#: How much bigger the ring is than the dot of one worker inside it.
RING = 7.0
GREY = "#555555"
TITLE = "A service in trouble gets few requests from ResilientToolNode, from one worker as from fifty"
WHERE_OTHERS_WIN = (
    "Others save some calls of a long outage by waiting; with patience=15 all calls in an outage of 12 s succeed"
)
STYLE: Any = {
    "font.size": 10,
    "svg.hashsalt": "simulation",
    **{f"axes.spines.{side}": False for side in ("top", "right", "left")},
}


def draw(results: Iterable[Result], path: Path) -> None:
    """Write the picture of `results` to `path`, in the format of its suffix."""
    results = [*results]
    scenarios = [*dict.fromkeys(result.scenario for result in results)]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 2.0 + 0.55 * len(scenarios)), layout="constrained")
        figure.suptitle(f"$\\bf{{{TITLE.replace(' ', '~')}}}$\n{WHERE_OTHERS_WIN}", fontsize=10.5)
        panels: Any = figure.subplots(1, len(TITLE_BY_METRIC), sharey=True)  # an array, which the stubs do not know
        for panel, metric in zip(panels, TITLE_BY_METRIC, strict=True):
            _draw_panel(panel, metric, results, scenarios)
        rows = [f"{name}\n{SCENARIO_BY_NAME[name].happens}" for name in scenarios]
        panels[0].set_yticks(range(len(scenarios)), rows, fontsize=9.5)
        panels[0].tick_params(axis="y", pad=14)
        panels[0].invert_yaxis()
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, ncols=2, loc="outside lower center", frameon=False, fontsize=9.5)
        figure.savefig(path, dpi=200, metadata={"Date": None} if path.suffix == ".svg" else None)


def _draw_panel(panel: Axes, metric: str, results: Sequence[Result], scenarios: Sequence[str]) -> None:
    for look, label, shown in _series(results):
        places = [scenarios.index(result.scenario) for result in shown]
        figures = [result.figures[metric] for result in shown]
        is_ring = label.endswith("workers")
        filling = "none" if is_ring else look.color
        size = look.size + RING * is_ring
        panel.plot(
            figures, places, look.marker, color=look.color, markerfacecolor=filling, markersize=size,
            markeredgewidth=2, linestyle="none", label=label, clip_on=False,
        )  # fmt: skip
    panel.set_title(TITLE_BY_METRIC[metric], fontsize=10.5, weight="bold", loc="left")
    panel.grid(color="#dddddd")
    panel.set_axisbelow(True)
    panel.set_xlim(left=0)
    if metric == "succeed":
        panel.set_xticks([0, 0.5, 1], ["0", "50 %", "100 %"])
        panel.set_xlim(0, 1)
    panel.tick_params(length=0, labelcolor=GREY)


def _series(results: Sequence[Result]) -> Iterator[tuple[Look, str, list[Result]]]:
    """Yield the look, the label and the results of each series."""
    fleets = sorted({result.workers for result in results})
    for contender, look in LOOK_BY_CONTENDER.items():
        for workers in fleets if contender == "ours" else fleets[:1]:
            label = f"{look.label}, {Fleet(workers=workers)}" if contender == "ours" else look.label
            shown = [each for each in results if each.contender == contender and each.workers == workers]
            shown = [each for each in shown if look.only in (None, each.scenario)]
            if shown:
                yield look, label, shown
