"""The show: two acts, and a check of every promise."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable

from langchain_core.language_models import BaseChatModel
from langgraph.checkpoint.memory import InMemorySaver

from agent_tools import ToolErrorHandler
from agent_tools.demo.api import Shop, open_shop
from agent_tools.demo.crash import survive_crash
from agent_tools.demo.graph import Graph, build_graph
from agent_tools.demo.model import ModelUnavailableError, model_named
from agent_tools.demo.plain import PlainView
from agent_tools.demo.promises import Evidence, check_always, check_numbers
from agent_tools.demo.record import Recording
from agent_tools.demo.run import converse
from agent_tools.demo.script import QUESTIONS
from agent_tools.demo.tools import connect, make_policies, make_tools
from agent_tools.demo.view import Screen, View

#: Takes a model, tools and `checkpointer=`.
Builder = Callable[..., Graph]


def play(*, model: str | None, agent: str, is_plain: bool, is_quick: bool) -> int:
    """Run the bot; return 0 if every promise was kept, 1 if not, 2 if it could not start."""
    try:
        driver, build = model_named(model), _builder(agent)
    except (ModelUnavailableError, ImportError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logging.getLogger("agent_tools").addHandler(logging.NullHandler())  # the view shows what fails
    screen = Screen(sys.stdout)
    view = _view(screen, is_plain=is_plain)
    try:
        return _run(driver, view, screen, is_scripted=model is None, is_quick=is_quick, build=build)
    finally:
        view.close()


def _builder(agent: str) -> Builder:
    """Return the function that builds the bot.

    Raises:
        ImportError: LangChain is missing; the text says what to do about it.
    """
    if agent == "node":
        return build_graph
    from agent_tools.demo.agent import build_agent  # noqa: PLC0415  # LangChain is an extra

    return build_agent


def _view(screen: Screen, *, is_plain: bool) -> View:
    if is_plain or not screen.isatty() or os.environ.get("TERM") == "dumb":
        return PlainView(screen)
    try:
        from agent_tools.demo.show import LiveView  # noqa: PLC0415  # rich is an extra
    except ImportError:
        return PlainView(screen)
    return LiveView(screen)


def _run(
    model: BaseChatModel,
    view: View,
    screen: Screen,
    *,
    is_scripted: bool,
    is_quick: bool = False,
    build: Builder = build_graph,
) -> int:
    began = time.monotonic()
    with open_shop() as shop:
        recording = asyncio.run(_converse(build, model, shop, view))
        crash = survive_crash(shop, view) if is_scripted and not is_quick else []
        evidence = Evidence(recording=recording, screen=screen.shown(), secrets=shop.secrets(), refunds=shop.refunds)
    checks = [*(check_numbers(evidence) if is_scripted else ()), *check_always(evidence), *crash]
    view.checked(checks, seconds=time.monotonic() - began)
    return 0 if all(check.is_kept for check in checks) else 1


async def _converse(build: Builder, model: BaseChatModel, shop: Shop, view: View) -> Recording:
    async with connect(shop.services) as client:
        tools, handler = make_tools(client, shop.services), ToolErrorHandler(per_tool=make_policies(shop.services))
        graph = build(model, tools, handler=handler, checkpointer=InMemorySaver())
        return await converse(graph, QUESTIONS, view, requests=lambda: shop.server.requests)
