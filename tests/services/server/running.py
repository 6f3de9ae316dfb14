"""`langgraph dev` as a process, with its log and its outgoing requests."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient

from agent_tools.testing import FaultyServer
from tests.services.server import desk
from tests.support.toolbox import untraced

ROOT = Path(__file__).parents[3]

#: The most runs at the same time.
WORKERS = 2

#: The most seconds that the server takes to start; three on an idle machine.
_PATIENCE = 60

_MESSAGE_BY_TYPE: dict[str, type[BaseMessage]] = {"human": HumanMessage, "ai": AIMessage, "tool": ToolMessage}


@dataclass
class AgentServer:
    """A running server.

    Attributes:
        client: A client for it.
        folder: Its working directory.
        world: A proxy that records its requests to other hosts.
    """

    client: SyncLangGraphClient
    folder: Path
    world: FaultyServer
    _read: int = field(default=0)

    def alarms(self) -> list[str]:
        """Return the blocking calls detected since the last call of this method."""
        log = (self.folder / "log").read_text()
        fresh, self._read = log[self._read :], len(log)
        return [line.removeprefix(desk.ALARM) for line in fresh.splitlines() if line.startswith(desk.ALARM)]

    def history(self, thread: str) -> list[BaseMessage]:
        """Return the messages of a thread."""
        state: Any = self.client.threads.get_state(thread)
        return [_MESSAGE_BY_TYPE[message["type"]](**message) for message in state["values"]["messages"]]


@contextmanager
def agent_server(folder: Path, api_url: str) -> Iterator[AgentServer]:
    """Serve the demo's graph as `support` and that of the tests as `desk` while the `with` block lasts."""
    (folder / "langgraph.json").write_text(json.dumps(_configuration()))
    port = _free_port()
    command = [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload", "--port", str(port)]
    command += ["--n-jobs-per-worker", str(WORKERS)]
    with FaultyServer(502) as world, (folder / "log").open("w") as log:
        environment = _environment(folder, api_url, world.url)
        with subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process:
            try:
                url = f"http://127.0.0.1:{port}"
                _wait_for(url, process, folder / "log")
                with get_sync_client(url=url, api_key=None) as client:
                    yield AgentServer(client=client, folder=folder, world=world)
            finally:
                process.terminate()


def _configuration() -> dict[str, Any]:
    """Return the project's langgraph.json for a server with another working directory, plus the graph of the tests."""
    configured = json.loads((ROOT / "langgraph.json").read_text())
    graphs = {name: str(ROOT / path) for name, path in configured["graphs"].items()}
    return {**configured, "dependencies": [str(ROOT)], "graphs": {**graphs, "desk": f"{desk.__file__}:make_graph"}}


def _environment(folder: Path, api_url: str, world_url: str) -> dict[str, str]:
    """Return the server's environment: no key, no telemetry, and a proxy that records requests."""
    inherited = {name: value for name, value in untraced().items() if not name.startswith(_KEYS_OF_OTHERS)}
    return {
        **inherited,
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        desk.API_URL: api_url,
        "LANGSMITH_TRACING": "false",
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
        "LANGGRAPH_NO_VERSION_CHECK": "true",
        **dict.fromkeys(
            ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), world_url
        ),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
    }


_KEYS_OF_OTHERS = ("LANGCHAIN_", "LANGGRAPH_", "LANGSMITH_", "OPENAI_", "ANTHROPIC_", "SUPPORT_")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + _PATIENCE
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < ends and process.poll() is None:
            try:
                if client.get(url + "/ok").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
    raise AssertionError(f"the server did not come up:\n{log.read_text()}")


def shape_of(messages: Sequence[BaseMessage]) -> list[str]:
    """Return the outline of a history: message types, and each call's outcome for answers."""
    return [message.status if isinstance(message, ToolMessage) else message.type for message in messages]
