"""Waits that an alarm cuts short, and their cost."""

import pytest

from agent_tools._flow.waiting import apause


class Alarm:
    asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return False


@pytest.mark.anyio
async def test_waits_that_follow_each_other_ask_no_oftener_than_one_that_is_as_long() -> None:
    for _ in range(5):
        await apause(0.15, Alarm())
    last = Alarm()
    await apause(0.45, last)
    assert 2 <= last.asked <= 6
