"""`python -m agent_tools.report thread.json`: the report of a saved thread."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from agent_tools.report import RunReport
from agent_tools.report._files import events_in, messages_in


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report; return 0, or 1 if a call has no answer, or 2 if a file could not be read."""
    options = _options(arguments)
    try:
        messages = messages_in(_text_of(options.thread))
        events = [] if options.events is None else events_in(_text_of(options.events))
        report = RunReport.from_messages(messages, events=events)
    except (OSError, ValueError, TypeError, KeyError, NotImplementedError) as error:
        sys.stderr.write(f"cannot read {options.thread}: {error}\n")
        return 2
    shown = report.to_html() if options.html else report.to_json() if options.json else str(report)
    sys.stdout.write(f"{shown}\n")
    return 1 if report.lost else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m agent_tools.report",
        description="Show how the tool calls of a thread ended. Exit status 1: a call has no answer.",
    )
    parser.add_argument("thread", help="JSON: messages, a state, or a thread of the LangGraph server; - for stdin")
    parser.add_argument("--events", metavar="FILE", help="JSON or JSON lines: what came with stream_mode='custom'")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--html", action="store_true", help="an HTML page instead of text")
    shape.add_argument("--json", action="store_true", help="JSON instead of text")
    return parser.parse_args(arguments)


def _text_of(path: str) -> str:
    return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
