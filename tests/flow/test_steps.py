"""Flows, and the two loops that do their steps."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from weakref import ref

import pytest

from agent_tools._flow.failed import Failed
from agent_tools._flow.steps import Attempt, Flow, Wait, aperform, perform
from agent_tools.testing import no_waiting

Perform = Callable[[Flow[Any]], Any]


def awaiting(flow: Flow[Any]) -> Any:
    return asyncio.run(aperform(flow))


@dataclass
class Raises:
    """A step that ends the flow, or an attempt that fails."""

    error: BaseException

    def do(self) -> None:
        raise self.error

    async def ado(self) -> None:
        raise self.error


@pytest.fixture(params=[perform, awaiting], ids=["sync", "async"])
def perform_(request: pytest.FixtureRequest) -> Perform:
    way: Perform = request.param
    return way


def attempt_of(perform_: Perform, body: Callable[[], Any]) -> Attempt:
    async def abody() -> Any:
        return body()

    return Attempt(body if perform_ is perform else abody)


def failing(error: BaseException) -> Callable[[], Any]:
    def body() -> Any:
        raise error

    return body


def test_a_flow_is_sent_what_each_step_brought_and_returns_its_result(perform_: Perform) -> None:
    error = KeyError("x")

    def flow() -> Flow[Any]:
        return [
            (yield attempt_of(perform_, lambda: "fine")),
            (yield attempt_of(perform_, failing(error))),
            (yield Wait(3.0)),
        ]

    with no_waiting() as waits:
        assert perform_(flow()) == ["fine", Failed(error), True]
    assert waits == [3.0]


def test_what_a_step_raises_ends_the_flow_which_is_closed(perform_: Perform) -> None:
    closed = []

    def flow() -> Flow[None]:
        try:
            yield Raises(KeyError("x"))
        finally:
            closed.append(True)

    with pytest.raises(KeyError):
        perform_(flow())
    assert closed == [True]


def test_what_comes_after_a_failure_does_not_carry_it_along(perform_: Perform) -> None:
    def flow() -> Flow[None]:
        yield attempt_of(perform_, failing(ValueError("secret")))
        raise KeyError("x")

    with pytest.raises(KeyError) as caught:
        perform_(flow())
    assert caught.value.__context__ is None


def test_a_failure_is_gone_while_the_flow_waits_for_the_next_attempt(perform_: Perform) -> None:
    class KeptError(Exception):
        """An error to which a weak reference can be held."""

    kept: list[ref[KeptError]] = []

    def body() -> Any:
        error = KeptError()
        kept.append(ref(error))
        try:
            raise error
        finally:
            del error

    def flow() -> Flow[bool]:
        yield attempt_of(perform_, body)
        return (yield attempt_of(perform_, lambda: kept[0]() is None))

    gc.disable()
    try:
        assert perform_(flow()) is True
    finally:
        gc.enable()


@pytest.mark.anyio
async def test_a_flow_that_is_canceled_while_it_waits_is_closed() -> None:
    closed, waits = [], asyncio.Event()

    @dataclass
    class Waiting:
        def do(self) -> None:
            raise NotImplementedError

        async def ado(self) -> None:
            waits.set()
            await asyncio.sleep(30)

    def flow() -> Iterator[Any]:
        try:
            yield Waiting()
        finally:
            closed.append(True)

    task: asyncio.Task[Any] = asyncio.create_task(aperform(flow()))  # type: ignore[arg-type]
    await waits.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed == [True]
