"""Fixtures to talk to a bot whose model runs at a provider."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

from agent_tools.routing import arepair_thread, repair_thread
from tests.services.protocols.bots import DIALECT_BY_PROVIDER, MODEL_BY_PROVIDER, Door
from tests.services.protocols.provider import Move, Provider
from tests.services.protocols.shop import open_shop
from tests.support.toolbox import Flavor, Graph

_THREAD = {"configurable": {"thread_id": "1"}}


@dataclass
class Talk:
    """A thread with a bot."""

    flavor: Flavor
    bot: Graph
    provider: Provider

    def say(self, text: str) -> list[BaseMessage]:
        """Return the history after the bot has answered."""
        messages: list[BaseMessage] = self.flavor.run(self.bot, {"messages": [HumanMessage(text)]}, _THREAD)["messages"]
        return messages

    def repair(self) -> list[ToolMessage]:
        """Repair the thread after a run that ended early, and return the answers that were added."""
        if self.flavor.is_async:
            return asyncio.run(arepair_thread(self.bot, _THREAD))
        return repair_thread(self.bot, _THREAD)


#: Opens a conversation through a door, with a scripted model.
Open = Callable[[Door, Sequence[Move]], Talk]


@pytest.fixture(params=sorted(DIALECT_BY_PROVIDER))
def provider_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=[False, True], ids=["whole", "streaming"])
def streaming(request: pytest.FixtureRequest) -> bool:
    chosen: bool = request.param
    return chosen


@pytest.fixture
def open_talk(provider_name: str, streaming: bool, flavor: Flavor) -> Iterator[Open]:
    with ExitStack() as stack:
        tools = stack.enter_context(open_shop(flavor))

        def opened(door: Door, script: Sequence[Move]) -> Talk:
            provider = stack.enter_context(Provider(DIALECT_BY_PROVIDER[provider_name], script))
            model = MODEL_BY_PROVIDER[provider_name](provider.url, streaming=streaming)
            return Talk(flavor, door(model, tools), provider)

        yield opened
