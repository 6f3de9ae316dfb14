"""A bot that is killed while one of its two calls is under way: `python -m tests.routing.killed FOLDER ACTION...`.

Each action has its own subfolder, named like it.
"""

import os
import signal
import sqlite3
import sys
import time
from pathlib import Path

from langchain_core.tools import StructuredTool
from langgraph.checkpoint.sqlite import SqliteSaver

from agent_tools.routing import repair_thread
from agent_tools.testing import ScriptedChatModel, call
from tests.routing.bots import THREAD, bot_graph, saying


def main(action: str, folder: Path) -> None:
    """Start a run, resume it, or repair the thread and go on; write down the history."""
    model = ScriptedChatModel([[call("charge"), call("lookup")]] if action == "start" else ["Done."])
    with SqliteSaver.from_conn_string(str(folder / "threads")) as saver:
        graph = bot_graph(model, tools_in(folder)).compile(checkpointer=saver)
        if action == "repair":
            repair_thread(graph, THREAD)
        state = {"start": saying("pay"), "resume": None, "repair": saying("are you there?")}[action]
        messages = graph.invoke(state, THREAD)["messages"]
    lines = [f"{getattr(message, 'tool_call_id', message.type)} {message.content}\n" for message in messages]
    (folder / "history").write_text("".join(lines))


RECORDED = """
    SELECT count(*) FROM writes JOIN checkpoints USING (thread_id, checkpoint_ns, checkpoint_id)
    WHERE writes.channel = 'messages' AND instr(writes.value, CAST('charged' AS BLOB))
"""


def tools_in(folder: Path) -> list[StructuredTool]:
    """Return a tool that charges, and one whose first run kills the process once the charge is recorded."""

    def charge() -> str:
        with (folder / "ledger").open("a") as ledger:
            ledger.write("charged\n")
        return "charged"

    def lookup() -> str:
        if not (folder / "tried").exists():
            (folder / "tried").touch()
            wait_until_recorded(folder / "threads")
            os.kill(os.getpid(), signal.SIGKILL)
        return "found"

    return [StructuredTool.from_function(body, description="Acts.") for body in (charge, lookup)]


def wait_until_recorded(database: Path) -> None:
    """Wait until LangGraph has written the result of `charge` and its checkpoint to the database.

    Two threads write them, in any order.
    """
    connection = sqlite3.connect(database)
    found = 0
    while not found:
        time.sleep(0.02)
        (found,) = connection.execute(RECORDED).fetchone()


if __name__ == "__main__":
    for each in sys.argv[2:]:
        main(each, Path(sys.argv[1]) / each)
