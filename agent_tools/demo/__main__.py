"""`python -m agent_tools.demo`: the support bot, live, and a check of everything it promises."""

import argparse
import os
import sys
from collections.abc import Sequence

OPENING = """\
A support bot whose services fail in every way that matters.
Its model is scripted: it needs no key and does the same each time.
Its tools, their server and the failures are real.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bot; return 0 if every promise was kept, 1 if not, 2 if it could not start."""
    options = _options(arguments)
    try:
        if options.model is None:
            print(OPENING, flush=True)  # noqa: T201  # before the slow imports
        from agent_tools.demo.play import play  # noqa: PLC0415  # see above

        return play(model=options.model, agent=options.agent, is_plain=options.plain, is_quick=options.quick)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader closed the pipe; discard the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m agent_tools.demo",
        description="A support bot whose services fail in every way that matters. No key, no network.",
    )
    parser.add_argument("--model", metavar="PROVIDER:NAME", help="a real model instead of the scripted one")
    parser.add_argument(
        "--agent",
        choices=["node", "create_agent"],
        default="node",
        help="a graph with ResilientToolNode (the default), or LangChain's create_agent with ResilientToolMiddleware",
    )
    parser.add_argument("--plain", action="store_true", help="plain lines, as when piped")
    parser.add_argument("--quick", action="store_true", help="without the second act, in which a process is killed")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
