"""`python -m agent_tools.doctor module:graph`: check an agent without making a call."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from agent_tools.doctor import Checkup, doctor
from agent_tools.doctor._checks import made_per_run
from agent_tools.doctor._checkup import handlers_in
from agent_tools.doctor._load import graphs_named


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report; return 0, or 1 if there are findings, or 2 if the graph cannot be loaded."""
    options = _options(arguments)
    try:
        checkup = _checkup(options.graph, options.workers)
    except (ImportError, TypeError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    left = tuple(finding for finding in checkup.findings if finding.rule not in options.ignore)
    checkup = replace(checkup, findings=left)
    if options.json:
        sys.stdout.write(f"{checkup.to_json()}\n")
    else:
        _show(checkup, is_plain=options.plain or not sys.stdout.isatty())
    return 1 if checkup.findings else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m agent_tools.doctor",
        description="Say what will happen to each tool of an agent, and what is likely to go wrong. No call is made.",
    )
    parser.add_argument("graph", metavar="MODULE:GRAPH", help="a compiled graph or a function that makes one")
    parser.add_argument("--workers", type=int, help="how many processes serve it (default: WEB_CONCURRENCY, or 1)")
    parser.add_argument("--ignore", action="append", default=[], metavar="RULE", help="leave out findings of a rule")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="JSON instead of text")
    shape.add_argument("--plain", action="store_true", help="plain text, as when piped")
    return parser.parse_args(arguments)


def _checkup(name: str, workers: int | None) -> Checkup:
    with graphs_named(name) as graphs:
        checkup = doctor(graphs[0], workers=workers)
        handlers = [handlers_in(graph) for graph in graphs]
        if len(graphs) > 1 and handlers[0].isdisjoint(handlers[1]) and handlers[0]:
            return replace(checkup, findings=(made_per_run(), *checkup.findings))
        return checkup


def _show(checkup: Checkup, *, is_plain: bool) -> None:
    try:
        from agent_tools.doctor._show import show  # noqa: PLC0415  # rich is an extra
    except ImportError:
        is_plain = True
    if is_plain:
        sys.stdout.write(f"{checkup}\n")
    else:
        show(checkup)


if __name__ == "__main__":
    sys.exit(main())
