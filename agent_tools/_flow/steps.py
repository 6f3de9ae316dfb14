"""Steps, and the two loops that run them.

A flow is a generator: it yields a step, is sent the step's result, and returns its own. So the order of events
is written once, for sync and async code alike.

    def retrying(work):
        while isinstance(said := (yield Attempt(work)), Failed):
            yield Wait(1.0)
        return said

A step is any object with `do()` and `ado()`. An error that belongs to the flow is returned as `Failed`. Any other
error of a step ends the flow, which can release what it holds in a `finally`. A failure is sent, never thrown: errors
raised inside an `except` block would carry the tool's error along, with all its secrets.
"""

from collections.abc import Awaitable, Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from agent_tools._flow.failed import FAILURES, Failed
from agent_tools._flow.waiting import Alarm, apause, pause

ResultT = TypeVar("ResultT")


class Step(Protocol):
    """Something to do; `do` and `ado` return the same."""

    def do(self) -> Any:
        """Do it, and return its result; the flow knows the type."""

    def ado(self) -> Awaitable[Any]:
        """Do the same as `do` without blocking the event loop."""


#: A flow is sent the result of its last step.
Flow = Generator[Step, Any, ResultT]


def perform(flow: Flow[ResultT]) -> ResultT:
    """Do the steps of `flow` and return its result; it is closed whatever happens."""
    with closing(flow):
        try:
            step = next(flow)
            while True:
                # Not kept in a variable: a failed attempt would live on, with all its frames, while we wait.
                step = flow.send(step.do())
        except StopIteration as ended:
            result: ResultT = ended.value
            return result


async def aperform(flow: Flow[ResultT]) -> ResultT:
    """Do the same as `perform`, awaiting each step."""
    with closing(flow):
        try:
            step = next(flow)
            while True:
                step = flow.send(await step.ado())
        except StopIteration as ended:
            result: ResultT = ended.value
            return result


@dataclass(frozen=True, slots=True)
class Attempt:
    """Call `work`, and await what it returns in async code."""

    work: Callable[[], Any]

    def do(self) -> Any:
        """Return the result, or the error as `Failed`."""
        try:
            return self.work()
        except FAILURES as error:
            return Failed(error)

    async def ado(self) -> Any:
        """Return the same as `do`."""
        try:
            return await self.work()
        except FAILURES as error:
            return Failed(error)


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait `seconds`, or less when `alarm` says so."""

    seconds: float
    alarm: Alarm | None = None

    def do(self) -> bool:
        """Return whether the whole time has passed."""
        return pause(self.seconds, self.alarm)

    def ado(self) -> Awaitable[bool]:
        """Return the same as `do`."""
        return apause(self.seconds, self.alarm)
