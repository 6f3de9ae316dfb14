"""The second act: the bot's process is killed in the middle of a message, and another one continues.

Two calls of one message: the refund works at once, the order lookup is retried after 20 seconds. During that wait
the process gets SIGKILL. A second process resumes the thread from SQLite: the refund is not made again, and both
calls get their answers. The shop runs in the watching process, and knows what was really paid.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from agent_tools.demo.api import Shop
from agent_tools.demo.promises import Check
from agent_tools.demo.view import View

QUESTION: Final = "This is Leo. Please pay back the 15 euros for A-1099. And where is my order A-1100?"

#: Seconds to let the finished calls be recorded.
_SETTLE = 0.5


def survive_crash(shop: Shop, view: View) -> list[Check]:
    """Kill the bot in the middle of a message, continue in another process, and return promises and measurements."""
    if find_spec("langgraph.checkpoint.sqlite") is None:
        view.note("The second act needs a database: pip install langgraph-checkpoint-sqlite\n")
        return []
    view.note("Now the process of the bot is killed in the middle of a message.\n")
    view.question(QUESTION)
    with TemporaryDirectory() as folder:
        database = str(Path(folder) / "thread.sqlite")
        with _bot(shop, database, "begin") as first:
            _relay(first, view, until=("refund_order: success", "next attempt"))
            time.sleep(_SETTLE)
            first.kill()
        view.note(f"  kill -9 {first.pid}\n\nAnother process resumes the thread.\n")
        with _bot(shop, database, "resume") as second:
            ended = _relay(second, view, until=())
    return _checks(shop, json.loads(ended or "{}"), view)


def _checks(shop: Shop, ended: dict[str, str], view: View) -> list[Check]:
    view.note("")
    view.reply(ended.get("reply", ""))
    paid = " + ".join(f"{amount:.2f}" for amount in shop.refunds.get("A-1099", [])) or "nothing"
    answers = ended.get("answers", "none")
    return [
        Check("paid back, killed", "15.00 euros, once", paid, paid == "15.00"),
        Check("calls, killed", "2 calls, 2 answers", answers, answers == "2 calls, 2 answers"),
    ]


@contextmanager
def _bot(shop: Shop, database: str, step: str) -> Iterator[subprocess.Popen[str]]:
    """Run the bot in its own process, which is gone afterwards."""
    command = [sys.executable, "-m", "agent_tools.demo.worker", step, database]
    with subprocess.Popen(  # noqa: S603  # our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            if process.stdin is not None:
                process.stdin.write(json.dumps(asdict(shop.services)))  # not as arguments, which everyone can read
                process.stdin.close()
            yield process
        finally:
            process.kill()


def _relay(process: "subprocess.Popen[str]", view: View, *, until: tuple[str, ...]) -> str:
    """Show what the bot prints until all of `until` were seen or it ends; return the last line."""
    missing = set(until)
    for line in process.stdout or ():
        if line.startswith("{"):
            return line
        view.note(f"  {line.rstrip()}")
        missing = {words for words in missing if words not in line}
        if until and not missing:
            break
    return ""
