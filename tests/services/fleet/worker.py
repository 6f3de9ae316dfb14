"""Many worker processes of a bot: one program loads everything and then forks them, as web servers do.

Each calls its tool again and again until its standard input ends, and writes a line of JSON for each call.
"""

import json
import logging
import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph

from agent_tools import CircuitPolicy, RedisHealth, ResilientToolNode, RetryPolicy, ToolErrorHandler

SERVICE, STORE, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])
WORKERS, PAUSE, TIMEOUT = int(sys.argv[4]), float(sys.argv[5]), float(sys.argv[6])

#: Made before the fork, as with `gunicorn --preload`.
handler = ToolErrorHandler(
    policy=RetryPolicy(max_attempts=2), circuit=CircuitPolicy(patience=0), health=RedisHealth(STORE, timeout=TIMEOUT)
)


#: Each process opens its own connections; creating a TLS context takes longer than a call.
client = httpx.Client(timeout=5, verify=False)  # noqa: S501  # nothing here is encrypted


@tool
def lookup(number: int) -> str:
    """Look something up."""
    return client.get(f"{SERVICE}/lookup").raise_for_status().text


def app_of(handler: ToolErrorHandler) -> Any:
    node = ResilientToolNode([lookup], handler=handler)
    return StateGraph(MessagesState).add_node("tools", node).add_edge(START, "tools").compile()


def asking(number: int | str) -> dict[str, list[AIMessage]]:
    call = {"name": "lookup", "args": {"number": number}, "id": "c", "type": "tool_call"}
    return {"messages": [AIMessage("", tool_calls=[call])]}


app_of(ToolErrorHandler()).invoke(asking("wrong"))  # loads what a failure needs before the fork
app = app_of(handler)


def work(worker: int, end: threading.Event) -> None:
    chance = random.Random(worker)  # noqa: S311  # the same load each time
    lines = (FOLDER / f"{worker}.jsonl").open("w", buffering=1)
    number = 0
    while not end.is_set():
        time.sleep(chance.uniform(0, 2 * PAUSE))
        number += 1
        began = time.time()
        answer = app.invoke(asking(1000 * worker + number))["messages"][-1]
        artifact = answer.artifact or {}
        facts = {"at": began, "took": time.time() - began, "status": answer.status, "reason": artifact.get("reason")}
        lines.write(json.dumps(facts) + "\n")
    link = handler._settings.gates.link
    threads = sorted(thread.name for thread in threading.enumerate())
    lines.write(json.dumps({"operations": link.operations, "failures": link.failures, "threads": threads}) + "\n")


def main() -> None:
    children = []
    for worker in range(WORKERS):
        child = os.fork()
        if not child:
            logging.basicConfig(filename=FOLDER / f"{worker}.log", level=logging.INFO, force=True)
            logging.getLogger("httpx").setLevel(logging.WARNING)
            end = threading.Event()
            threading.Thread(target=lambda end=end: (sys.stdin.read(), end.set()), daemon=True).start()
            work(worker, end)
            if not worker:
                sys.exit(0)  # no thread delays the end of a process
            os._exit(0)  # unloading all modules takes a while
        children.append(child)
    print("forked", flush=True)
    for child in children:
        os.waitpid(child, 0)
    os._exit(0)


if __name__ == "__main__":
    main()
