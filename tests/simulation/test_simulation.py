"""The simulation itself is right: its clock, its services, its load, and its repeatability."""

import asyncio
import json
import math
import random
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.simulation.behaviors import Crowded, Down, Flaky, Hanging, RateLimiting, Refusing, Span
from tests.simulation.contenders import CONTENDERS, ONCE, ORACLE, OURS, VERIFYING, Contender
from tests.simulation.figures import METRICS, figures_of
from tests.simulation.fleet import ALONE, Fleet
from tests.simulation.load import AGENTS, operations
from tests.simulation.report import Result, as_json, limits_of, missed, table
from tests.simulation.run import run
from tests.simulation.scenarios import SCENARIO_BY_NAME, SCENARIOS, Scenario
from tests.simulation.service import Behavior, Service, SimulatedTransport
from tests.simulation.virtual_time import run_in_virtual_time

pytestmark = pytest.mark.untraced

TROUBLE = Span(10.0, 20.0)
VAIN_FOR_AN_ORACLE = ["down", "refuse", "brownout", "overload", "rate limit", "hang"]
SHARED = Fleet(workers=3, store="shared")


def short(name: str, *, trouble: float = 1.0, around: float = 0.25) -> Scenario:
    """Return a short scenario; `around` are the seconds before and after the trouble."""
    return replace(SCENARIO_BY_NAME[name], warm_up=around, trouble=trouble, tail=around)


def sick(behavior: type[Any], **options: Any) -> Any:
    """Return a behavior that is sick from second 10 to second 20."""
    return behavior(trouble=TROUBLE, chance=random.Random(1), **options)  # noqa: S311  # the same each time


def answers(behavior: Behavior, *times: float, key: str | None = None, timeout: float | None = None) -> list[Any]:
    """Return the outcome of writes sent at `times`: a status or the name of an error."""
    return asked(Service(behavior), *times, key=key, timeout=timeout)


def asked(service: Service, *times: float, key: str | None = None, timeout: float | None = None) -> list[Any]:
    client = httpx.AsyncClient(transport=SimulatedTransport({"sick": service}), timeout=timeout)

    async def send(at: float) -> int | str:
        await asyncio.sleep(at)
        headers = {"X-Operation": "1", **({} if key is None else {"Idempotency-Key": key})}
        try:
            return (await client.post("http://sick/", headers=headers)).status_code
        except httpx.TransportError as error:
            return type(error).__name__

    async def sent() -> list[Any]:
        return await asyncio.gather(*(send(at) for at in times))

    return run_in_virtual_time(sent())


def test_ten_minutes_pass_for_all_who_wait_and_for_nobody_else() -> None:
    async def ten_minutes() -> list[float]:
        loop = asyncio.get_running_loop()
        seen = []
        for _ in range(600):
            await asyncio.sleep(1)
            seen.append(loop.time())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(loop.create_future(), 60)
        return [*seen, loop.time()]

    assert run_in_virtual_time(ten_minutes()) == pytest.approx([*range(1, 601), 660])


def test_timers_end_in_the_order_of_their_times() -> None:
    async def ended() -> list[float]:
        order: list[float] = []

        async def nap(seconds: float) -> None:
            await asyncio.sleep(seconds)
            order.append(seconds)

        await asyncio.gather(*(nap(seconds) for seconds in (3, 1, 2, 0.5)))
        return order

    assert run_in_virtual_time(ended()) == [0.5, 1, 2, 3]


def test_a_wait_that_nothing_can_end_is_an_error() -> None:
    async def stuck() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="everybody waits"):
        run_in_virtual_time(stuck())


def test_a_thread_is_refused() -> None:
    async def in_thread() -> None:
        await asyncio.to_thread(print)

    with pytest.raises(RuntimeError, match="wants a thread"):
        run_in_virtual_time(in_thread())


def test_the_load_is_what_it_is_said_to_be() -> None:
    load = list(operations(seed=1, until=200))
    assert len(load) / 200 == pytest.approx(60, rel=0.03)
    assert sum(each.service == "sick" for each in load) / len(load) == pytest.approx(0.5, abs=0.02)
    assert sum(each.is_write for each in load) / len(load) == pytest.approx(0.25, abs=0.02)
    assert {each.agent for each in load} == set(range(AGENTS))
    assert [each.at for each in load] == sorted(each.at for each in load)
    assert load == list(operations(seed=1, until=200)) != list(operations(seed=2, until=200))


@pytest.mark.parametrize(
    ("behavior", "during"), [(Down, 503), (Refusing, "ConnectError"), (Hanging, "ReadTimeout"), (Flaky, 200)]
)
def test_the_trouble_begins_and_ends_in_time(behavior: type[Any], during: int | str) -> None:
    service = sick(behavior, **({"unavailable": 0.0, "lost": 0.0} if behavior is Flaky else {}))
    assert answers(service, 9.9, 10.0, 19.9, 20.0, timeout=5) == [200, during, during, 200]


def test_a_crowded_service_answers_so_many_a_second_and_refuses_those_for_whom_there_is_no_room() -> None:
    brownout = sick(Crowded, capacity=20.0, left=0.5, room=3)
    statuses = answers(brownout, *(10 + number / 30 for number in range(300)))
    assert statuses.count(200) == pytest.approx(10 * 10, abs=5)
    assert statuses.count(503) == 300 - statuses.count(200)


def test_an_overloaded_service_works_for_clients_that_have_gone() -> None:
    overload = sick(Crowded, capacity=20.0, left=0.5, room=100)
    service = Service(overload)
    # Ten are served per second, so the last 50 of a hundred would wait for more than five seconds.
    statuses = asked(service, *[10.0] * 100, 40.0, timeout=5.0)
    assert statuses.count("ReadTimeout") == overload.wasted == pytest.approx(50, abs=3)
    assert statuses[-1] == 200
    assert service.ledger.repeated == 100  # all were carried out, also those of clients that had given up


def test_a_rate_limit_grants_its_quota_in_each_window_and_names_the_next_one() -> None:
    limited = sick(RateLimiting, window=5.0, quota=3)
    early_ones = (10.0, 10.1, 10.2, 10.3, 10.9)  # two too many, and only the second came after a 429
    at_the_door = (15.0, 15.1, 15.2, 15.3, 19.999)
    assert answers(limited, 9.0, *early_ones, *at_the_door, 20.0) == [200, *[200, 200, 200, 429, 429] * 2, 200]
    assert limited.early == 2


def test_who_obeys_a_429_is_not_early() -> None:
    limited = sick(RateLimiting, window=5.0, quota=1)

    async def told() -> list[float]:
        client = httpx.AsyncClient(transport=SimulatedTransport({"sick": Service(limited)}))
        waits = []
        await asyncio.sleep(10.2)
        for _ in range(3):
            response = await client.get("http://sick/", headers={"X-Operation": "1"})
            waits.append(float(response.headers.get("Retry-After", 0)))
            await asyncio.sleep(waits[-1])
        return waits

    assert run_in_virtual_time(told()) == [0, 5, 0]
    assert limited.early == 0


def test_a_lost_answer_repeats_a_write_unless_it_has_a_key() -> None:
    without, with_key = (Service(sick(Flaky, unavailable=0.0, lost=1.0)) for _ in range(2))
    assert asked(without, 11.0, 12.0, 13.0) == asked(with_key, 11.0, 12.0, 13.0, key="k") == [502, 502, 502]
    assert without.ledger.repeated == 2
    assert with_key.ledger.repeated == 0


@pytest.mark.parametrize("name", VAIN_FOR_AN_ORACLE)
def test_the_oracle_sends_no_request_in_vain(name: str) -> None:
    scenario = short(name)
    if name == "rate limit":
        scenario = replace(scenario, sickness=partial(RateLimiting, window=0.5, quota=8))
    record = run(scenario, ORACLE)
    worked = sum(outcome.worked for outcome in record.outcomes if outcome.operation.service == "sick")
    assert len(record.sick.requested_at) == worked > 0


def test_the_oracle_waits_for_the_end_of_the_trouble_if_it_is_near() -> None:
    figures = figures_of(run(replace(short("down", trouble=6.0), rate=15.0), ORACLE))
    assert figures["succeed"] == pytest.approx(5 / 6, abs=0.1)
    assert figures["amp"] == 0


@pytest.mark.parametrize(
    ("contender", "fleet", "name"), [*((each, ALONE, "flaky") for each in CONTENDERS), (OURS, SHARED, "down")], ids=str
)
def test_the_same_seed_brings_the_same_numbers(contender: Contender, fleet: Fleet, name: str) -> None:
    first, second = (run(short(name, trouble=0.5, around=0.0), contender, seed=3, fleet=fleet) for _ in range(2))
    assert first.outcomes == second.outcomes
    assert first.sick.requested_at == second.sick.requested_at
    assert figures_of(first) == figures_of(second)


def test_another_seed_brings_other_numbers() -> None:
    first, second = (run(short("flaky", trouble=0.5, around=0.0), OURS, seed=seed) for seed in (1, 2))
    assert first.outcomes != second.outcomes


def test_chance_is_left_as_it_was_found() -> None:
    before = random.getstate()
    run(short("down", trouble=0.2), OURS)
    assert random.getstate() == before


def test_nothing_starves_the_healthy_tool() -> None:
    figures = figures_of(run(short("down"), OURS))
    assert figures["healthy"] == 1
    assert figures["healthy p99"] < 0.5
    assert figures["crashed"] == 0


def test_every_limit_is_one_of_a_figure() -> None:
    assert {limit.metric for scenario in SCENARIOS for limit in limits_of(scenario)} <= set(METRICS)


def test_what_ours_misses_is_told_and_marked() -> None:
    figures = {**dict.fromkeys(METRICS, 0.0), "healthy": 1.0, "amp": 0.2}
    ours, peer = (
        Result(scenario="refuse", contender=name, seed=1, figures=figures, series={}) for name in ("ours", "ToolNode")
    )
    assert missed([ours, peer]) == ["refuse: amp is 0.200, not <= 0.1"]
    lines = table([ours, peer], SCENARIO_BY_NAME["refuse"])
    assert "0.200 NO" in lines[2]
    assert "NO" not in lines[3]


def test_what_never_comes_is_null_in_json() -> None:
    figures = dict.fromkeys(METRICS, math.inf)
    (result,) = as_json([Result(scenario="hang", contender="ours", seed=1, figures=figures, series={"worked": [1]})])
    assert json.loads(json.dumps(result, allow_nan=False))["figures"]["recovery"] is None


@pytest.mark.parametrize(("name", "begins"), [("picture.svg", b"<?xml"), ("picture.png", b"\x89PNG")])
def test_the_picture_is_drawn_from_whatever_was_run(tmp_path: Path, name: str, begins: bytes) -> None:
    from tests.simulation.picture import draw  # noqa: PLC0415  # importing matplotlib is slow

    series = {"requests": [30, 0, 30], "worked": [30, 0, 30]}
    figures = dict.fromkeys(METRICS, 0.5)
    draw([Result(scenario="blip", contender="ours", seed=1, figures=figures, series=series)], tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_workers_without_a_store_learn_of_an_outage_one_by_one() -> None:
    one, ten = (figures_of(run(short("down"), OURS, fleet=Fleet(workers=workers))) for workers in (1, 10))
    assert one["amp"] < ten["amp"]


def test_what_is_asked_without_a_store_is_kept_with_one_that_fails() -> None:
    figures = figures_of(run(short("blip", trouble=3.0), OURS, fleet=Fleet(store="failing")))
    assert [limit for limit in SCENARIO_BY_NAME["blip"].limits if not limit.is_met(figures[limit.metric])] == []


def test_who_verifies_leaves_no_write_in_doubt_and_repeats_none() -> None:
    flaky = replace(short("flaky", trouble=2.0, around=0.0), sickness=partial(Flaky, lost=0.4))
    once, verifying = (figures_of(run(flaky, contender)) for contender in (ONCE, VERIFYING))

    assert once["in doubt"] >= 5
    assert verifying["in doubt"] == 0
    assert (once["repeated"], verifying["repeated"]) == (0, 0)
    assert verifying["succeed"] > once["succeed"]
