"""For your own tests and notebooks: faults on cue for your tools, a faulty server, a scripted model, no waiting.

    from agent_tools.testing import FaultyServer, Reply, ScriptedChatModel, call, no_waiting

    with FaultyServer({"/orders": [Reply(503), Reply(200, {"status": "shipped"})]}) as server, no_waiting():
        tool_url = server.url + "/orders"
        model = ScriptedChatModel([call("get_order", url=tool_url), "It is on its way."])

`inject_faults` lets your own agent's tools fail without a server: `inject_faults(agent, {"get_order": [503, ok]})`.
`agent_tools.testing.pytest_plugin` has fixtures. Names that need langchain-core are imported on first use.
"""

from typing import TYPE_CHECKING

from agent_tools._lazy import lazy
from agent_tools.testing._no_waiting import no_waiting
from agent_tools.testing._refused import refused_url
from agent_tools.testing._reply import Fault, Reply, Request
from agent_tools.testing._server import FaultyServer

if TYPE_CHECKING:
    from agent_tools.testing._chat_model import ScriptedChatModel
    from agent_tools.testing._fault_plan import random_faults
    from agent_tools.testing._faults import after, corrupted, hang, ok, refused, slow, timeout, truncated, without
    from agent_tools.testing._history import check_history
    from agent_tools.testing._inject import inject_faults
    from agent_tools.testing._script import call

__all__ = [
    "Fault",
    "FaultyServer",
    "Reply",
    "Request",
    "ScriptedChatModel",
    "after",
    "call",
    "check_history",
    "corrupted",
    "hang",
    "inject_faults",
    "no_waiting",
    "ok",
    "random_faults",
    "refused",
    "refused_url",
    "slow",
    "timeout",
    "truncated",
    "without",
]

__getattr__ = lazy(
    __name__,
    {
        "ScriptedChatModel": "_chat_model",
        "after": "_faults",
        "call": "_script",
        "check_history": "_history",
        "corrupted": "_faults",
        "hang": "_faults",
        "inject_faults": "_inject",
        "ok": "_faults",
        "random_faults": "_fault_plan",
        "refused": "_faults",
        "slow": "_faults",
        "timeout": "_faults",
        "truncated": "_faults",
        "without": "_faults",
    },
)


def __dir__() -> list[str]:
    return sorted(__all__)
