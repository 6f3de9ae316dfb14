"""A bot that is killed with SIGKILL goes on in another process: it charges once, and each call has its answer.

The kills come at random moments of the wait before a retry; in one test, at any moment.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage, ToolMessage

from agent_tools.testing import check_history
from tests.services.crash.job import WRITING_ON, Action, Job
from tests.services.crash.processes import Process
from tests.services.payments import PaymentServer, Trouble

pytestmark = [pytest.mark.untraced, pytest.mark.long]

#: Seconds between the start of the wait, which lasts at least 0.8 s, and the kill.
MOMENTS = (0.0, 0.5)

#: Seconds from a booking to its answer, for kills between the two.
ANSWERS_AFTER = 0.3

WAYS = pytest.mark.parametrize("per_call", [False, True], ids=["one node", "a task per call"])
FLAVORS = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


@dataclass
class Ordeal:
    """One order, its bot, and how often it was killed."""

    job: Job
    payments: PaymentServer
    worker_ports: list[int]
    chance: random.Random
    kills: int = 0
    history: list[BaseMessage] = field(default_factory=list)

    @property
    def order(self) -> str:
        return self.job.order

    def kill_in_waits(self, times: int, trouble: Trouble) -> None:
        """Kill the first process, and those that resume it, during the wait that `trouble` causes."""
        self.payments.trouble(self.order, cycle([trouble]))
        job, worker = self.job, self.worker_ports[0]
        while self.kills < times:
            with Process(worker, job) as process:
                process.wait_for("tool_retry", tool="charge")
                if self.kills == 0:
                    process.wait_for("recorded", tool="lookup")
                time.sleep(self.chance.uniform(*MOMENTS))
                assert process.kill()
            self.kills += 1
            job, worker = replace(job, action=Action.RESUME), self.worker_ports[1]
        self.payments.heal(self.order)

    def kill_anywhere(self, times: int) -> None:
        """Kill processes at any moment; they live about as long as the longest wait here."""
        self.payments.trouble(self.order, [Trouble.UNAVAILABLE, Trouble.LOST_ANSWER])
        job, worker = self.job, self.worker_ports[0]
        for _ in range(times):
            with Process(worker, job) as process:
                process.wait_for("at work")
                time.sleep(self.chance.uniform(0, 1.2))
                self.kills += process.kill()
            job, worker = replace(job, action=Action.RESUME), self.worker_ports[1]

    def kill_while_charging(self, trouble: Trouble | None) -> None:
        """Kill a process at a moment between the arrival of its request and shortly after the answer."""
        self.payments.trouble(self.order, [trouble])
        with Process(self.worker_ports[0], self.job) as process:
            while not self.payments.keys(self.order):
                time.sleep(0.005)
            time.sleep(self.chance.uniform(0, 1.2 * ANSWERS_AFTER))
            self.kills += process.kill()

    def go_on(self, action: Action) -> None:
        """Finish the order in a new process."""
        with Process(self.worker_ports[1], replace(self.job, action=action)) as process:
            self.history = process.history()

    def answers(self, tool: str) -> list[ToolMessage]:
        """Return the answers of a tool, in order."""
        return [each for each in self.history if isinstance(each, ToolMessage) and each.name == tool]


@pytest.fixture
def ordeals(
    payments: PaymentServer, worker_ports: list[int], database_of: Callable[[str], str], chance: random.Random
) -> Callable[..., Iterator[Ordeal]]:
    """Return a function that yields ordeals, each with its own order, thread and random numbers."""

    def make(number: int, **options: object) -> Iterator[Ordeal]:
        for _ in range(number):
            order = f"order-{uuid.uuid4().hex[:8]}"
            job = Job(order=order, service=payments.url, database=database_of(order), **options)  # type: ignore[arg-type]
            yield Ordeal(job, payments, worker_ports, random.Random(chance.random()))  # noqa: S311  # moments, no secrets

    return make


def at_once(suffer: Callable[[Ordeal], None], ordeals: Iterator[Ordeal]) -> list[Ordeal]:
    """Run all ordeals at the same time, and return them."""
    suffering = list(ordeals)
    with ThreadPoolExecutor(len(suffering)) as pool:
        list(pool.map(suffer, suffering))
    print(f"{sum(each.kills for each in suffering)} kills of {len(suffering)} runs")
    return suffering


@WAYS
@FLAVORS
def test_a_bot_that_is_killed_in_a_wait_and_resumed_charges_once_and_loses_nothing(
    ordeals: Callable[..., Iterator[Ordeal]], is_async: bool, per_call: bool
) -> None:
    plan = iter(
        [(1, Trouble.LOST_ANSWER, "sync"), (1, Trouble.UNAVAILABLE, "async"), (2, Trouble.LOST_ANSWER, "async")]
    )

    def suffer(ordeal: Ordeal) -> None:
        times, trouble, durability = next(plan)
        ordeal.job = replace(ordeal.job, durability=durability)
        ordeal.kill_in_waits(times, trouble)
        ordeal.go_on(Action.RESUME)

    for ordeal in at_once(suffer, ordeals(3, is_async=is_async, per_call=per_call)):
        check_whole(ordeal)
        assert len(set(ordeal.payments.keys(ordeal.order))) == 1
        assert ordeal.payments.lookups(ordeal.order) == 1  # the lookup had ended before the kill


@FLAVORS
def test_a_bot_that_is_killed_at_any_moment_and_resumed_charges_once_and_loses_nothing(
    ordeals: Callable[..., Iterator[Ordeal]], is_async: bool
) -> None:
    durabilities = cycle(["async", "sync"])

    def suffer(ordeal: Ordeal) -> None:
        ordeal.job = replace(ordeal.job, durability=next(durabilities))
        ordeal.kill_anywhere(2)
        ordeal.go_on(Action.RESUME)

    for ordeal in at_once(suffer, ordeals(4, is_async=is_async, per_call=False)):
        check_whole(ordeal)


@WAYS
@FLAVORS
def test_a_user_who_writes_on_after_a_kill_is_answered_and_is_not_charged_again(
    ordeals: Callable[..., Iterator[Ordeal]], is_async: bool, per_call: bool
) -> None:
    plan = iter([("node", Trouble.LOST_ANSWER), ("thread", Trouble.LOST_ANSWER), ("node", Trouble.UNAVAILABLE)])

    def suffer(ordeal: Ordeal) -> None:
        repairs, trouble = next(plan)
        ordeal.job = replace(ordeal.job, repairs=repairs)
        ordeal.kill_in_waits(1, trouble)
        ordeal.go_on(Action.WRITE_ON)

    for ordeal in at_once(suffer, ordeals(3, is_async=is_async, per_call=per_call, key_by="arguments")):
        check_history(ordeal.history)
        (number,) = ordeal.payments.charges(ordeal.order)
        killed, anew = ordeal.answers("charge")
        (lookup,) = ordeal.answers("lookup")
        assert [message.content for message in ordeal.history if message.type == "human"][1] == WRITING_ON
        assert killed.text.startswith("No result was recorded for `charge`")
        assert anew.content == f'{{"charge": {number}}}'
        assert anew.tool_call_id != killed.tool_call_id
        assert len(set(ordeal.payments.keys(ordeal.order))) == 1
        assert ordeal.payments.lookups(ordeal.order) == 1
        assert lookup.status == "success"


@FLAVORS
def test_a_bot_that_verifies_charges_once_although_the_service_knows_no_keys(
    worker_ports: list[int], tmp_path: Path, chance: random.Random, is_async: bool
) -> None:
    troubles = [None, None, Trouble.LOST_ANSWER, Trouble.LOST_REQUEST]

    def suffer(ordeal: Ordeal) -> None:
        ordeal.kill_while_charging(ordeal.chance.choice(troubles))
        ordeal.go_on(Action.RESUME)

    def ordeals(payments: PaymentServer) -> Iterator[Ordeal]:
        for number in range(13):
            order, database = f"order-{number}", str(tmp_path / f"{number}.sqlite")
            job = Job(
                order=order,
                service=payments.url,
                database=database,
                is_async=is_async,
                per_call=number % 2 == 1,
                verifies=True,
            )
            yield Ordeal(job, payments, worker_ports, random.Random(chance.random()))  # noqa: S311  # moments, no secrets

    with PaymentServer(honors_keys=False, answers_after=ANSWERS_AFTER) as payments:
        for ordeal in at_once(suffer, ordeals(payments)):
            check_whole(ordeal)


def check_whole(ordeal: Ordeal) -> None:
    """Compare the final history of a resumed run with the ledger."""
    check_history(ordeal.history)
    (number,) = ordeal.payments.charges(ordeal.order)
    assert [answer.content for answer in ordeal.answers("charge")] == [f'{{"charge": {number}}}']
    assert [answer.content for answer in ordeal.answers("lookup")] == [
        f'{{"status": "{ordeal.order} is paid on delivery"}}'
    ]
    assert ordeal.history[-1].content == "Done."
