"""Forks processes to be killed: `python -m tests.services.crash.worker` prints a port and forks one per connection.

Importing LangGraph, and what a bot needs when its service fails, takes longer than most of these processes live. So
it is imported once and each process is a fork. Each reports its process id and its progress as lines of JSON, and
exits when its connection closes. The server exits when its own input ends.
"""

import asyncio
import gc
import json
import os
import select
import socket
import sys
import threading
import traceback
from dataclasses import replace
from typing import Any

from langchain_core.messages import messages_to_dict

from agent_tools.testing import no_waiting, refused_url
from tests.services.crash.bot import arun, run
from tests.services.crash.job import Action, Job


def main() -> None:
    """Serve until the input ends; children are reaped only then, so that no process id is reused."""
    _import_all()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            conn, _ = listener.accept()
            with conn:
                _forked(conn, listener)


def _import_all() -> None:
    """Run bots whose service is down."""
    job = Job(order="none", service=refused_url(), database=":memory:", is_async=False, per_call=False)
    with no_waiting():
        run(job, lambda **_: None)
        asyncio.run(arun(replace(job, is_async=True), lambda **_: None))
    gc.freeze()  # or each fork copies all objects when it collects garbage


def _forked(conn: socket.socket, listener: socket.socket) -> None:
    if threading.active_count() > 1:
        raise AssertionError(f"a fork would lose threads: {threading.enumerate()}")
    if os.fork() > 0:
        return
    listener.close()
    try:
        _live(conn)
    finally:
        os._exit(0)  # skip the parent's cleanup


def _live(conn: socket.socket) -> None:
    lock = threading.Lock()

    def say(**what: Any) -> None:
        with lock:
            conn.sendall(json.dumps(what).encode() + b"\n")

    say(event="born", pid=os.getpid())
    with conn.makefile("r") as told:
        given = json.loads(told.readline())
    job = Job(**{**given, "action": Action(given["action"])})
    try:
        say(event="at work")
        history = asyncio.run(arun(job, say)) if job.is_async else run(job, say)
        say(event="done", history=messages_to_dict(history))
    except BaseException:  # the test reports any error
        say(event="raised", error=traceback.format_exc())


if __name__ == "__main__":
    main()
