"""For your own tests and notebooks: a server that fails on cue, a scripted model, no waiting.

    from agent_tools.testing import FaultyServer, Reply, ScriptedChatModel, call, no_waiting

    with FaultyServer({"/orders": [Reply(503), Reply(200, {"status": "shipped"})]}) as server, no_waiting():
        tool_url = server.url + "/orders"
        model = ScriptedChatModel([call("get_order", url=tool_url), "It is on its way."])

The model and `check_history` need langchain-core, which is imported when one of them is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from agent_tools.testing._no_waiting import no_waiting
from agent_tools.testing._refused import refused_url
from agent_tools.testing._reply import Fault, Reply, Request
from agent_tools.testing._server import FaultyServer

if TYPE_CHECKING:
    from agent_tools.testing._chat_model import ScriptedChatModel
    from agent_tools.testing._history import check_history
    from agent_tools.testing._script import call

__all__ = [
    "Fault",
    "FaultyServer",
    "Reply",
    "Request",
    "ScriptedChatModel",
    "call",
    "check_history",
    "no_waiting",
    "refused_url",
]

_MODULE_BY_LAZY_NAME = {
    "ScriptedChatModel": "_chat_model",
    "call": "_script",
    "check_history": "_history",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE_BY_LAZY_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_BY_LAZY_NAME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
