"""Handlers in one process that share their health through a real Redis."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from agent_tools import CircuitPolicy, ErrorCategory, Failure, RedisHealth, RetryPolicy, ToolErrorHandler
from agent_tools._core.gate_state import Attempt
from agent_tools._flow.steps import perform
from agent_tools._gate import redis_link
from agent_tools._gate.gate import Gate, Standing
from agent_tools._gate.redis_store import RedisLink
from tests.services.fleet.store import RedisServer, needs_server, redis_server
from tests.support.toolbox import Flaky, Flavor, answers_in, asking, http_error

DOWN = Failure(category=ErrorCategory.RETRYABLE, status_code=503)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> object:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def store(server: RedisServer) -> RedisServer:
    """An empty server."""
    with server.client() as client:
        client.flushall()
        client.config_resetstat()
    return server


def handlers(url: str, number: int = 2, **options: object) -> list[ToolErrorHandler]:
    """Return handlers that are up to date, with a timeout and a circuit that do not depend on a busy machine."""
    options, circuit = {"timeout": 3.0, **options}, CircuitPolicy(failing_for=60)
    made = [ToolErrorHandler(health=RedisHealth(url, **options), circuit=circuit) for _ in range(number)]  # type: ignore[arg-type]
    for each in made:
        assert each.health() == {}
    return made


def link_of(handler: ToolErrorHandler) -> RedisLink:
    link = handler._settings.gates.link
    assert isinstance(link, RedisLink)
    return link


def fail(handler: ToolErrorHandler, failure: Failure = DOWN) -> Standing:
    gate = Gate(handler._settings.gates, "lookup")
    return perform(gate.failed(failure, Attempt(now=0.0), longest_wait=120.0, retries=True))


def until(condition: Callable[[], object], *, within: float = 10.0) -> None:
    ends = time.monotonic() + within
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.005)


@needs_server
def test_what_one_handler_meets_the_other_knows(store: RedisServer) -> None:
    one, other = handlers(store.url)
    standings = [fail(handler) for handler in (one, other, one, other, one)]
    assert [each.opens_in is None for each in standings] == [True] * 4 + [False]
    until(lambda: "lookup" in other.health() and other.health()["lookup"].state == "open")
    assert other.health()["lookup"].retry_tokens == 500 - 4 * 14
    other.reset("lookup")
    until(lambda: one.health() == {})


@needs_server
def test_a_worker_hears_of_others_from_its_first_call_on_and_asks_nothing_itself(
    flavor: Flavor, store: RedisServer
) -> None:
    (one,) = handlers(store.url, 1)
    other = ToolErrorHandler(health=RedisHealth(store.url, timeout=3.0))
    graph = flavor.graph_of([flavor.tool(Flaky().__call__, name="works")], policy=None, handler=other)
    assert not link_of(other).is_listening
    flavor.run(graph, asking(("works", {})))
    assert link_of(other).is_listening
    for _ in range(5):
        fail(one)
    until(lambda: not other._settings.gates.state("lookup").is_open(time.monotonic()))
    assert link_of(other).operations == 0


@needs_server
def test_a_handler_that_begins_late_learns_what_it_has_missed(store: RedisServer) -> None:
    (one,) = handlers(store.url, 1)
    for _ in range(5):
        fail(one)
    late = ToolErrorHandler(health=RedisHealth(store.url))
    assert late.health()["lookup"].state == "open"


@needs_server
def test_what_a_server_asks_of_one_worker_holds_for_all(store: RedisServer) -> None:
    one, other = handlers(store.url)
    limited = Failure(category=ErrorCategory.RETRYABLE, status_code=429, throttled=True, retry_after=8.0)
    assert fail(one, limited).behind == 0
    assert 1 / 115 <= fail(other, limited).behind <= 1 / 40
    until(other.health)
    assert 7 < other.health()["lookup"].blocked_for <= 8


@needs_server
def test_workers_and_store_understand_each_other_whatever_time_it_is_for_each(store: RedisServer) -> None:
    now, circuit = [5000.0], CircuitPolicy(probe_after=20, jitter=0)
    one, other = (
        ToolErrorHandler(health=RedisHealth(store.url, timeout=3.0), circuit=circuit, clock=clock)
        for clock in (lambda: now[0], lambda: now[0] + 3600)
    )
    assert one.health() == other.health() == {}
    for _ in range(5):
        fail(one)
    until(lambda: "lookup" in other.health() and other.health()["lookup"].state == "open")
    probe_in = other.health()["lookup"].probe_in
    assert probe_in == pytest.approx(20, abs=8)  # by the clock that is an hour ahead it would be overdue


@needs_server
def test_a_call_that_works_asks_the_store_nothing(flavor: Flavor, store: RedisServer) -> None:
    (handler,) = handlers(store.url, 1)
    graph = flavor.graph_of([flavor.tool(Flaky().__call__, name="lookup")], policy=None, handler=handler)
    for _ in range(20):
        (answer,) = answers_in(flavor.run(graph, asking(("lookup", {}))))
        assert answer.content == "done"
    assert link_of(handler).operations == store.operations() == 0


@needs_server
def test_an_attempt_that_fails_asks_the_store_three_times_at_most(flavor: Flavor, store: RedisServer) -> None:
    policy = RetryPolicy(max_attempts=3, base_delay=0, throttled_delay=0)
    handler = ToolErrorHandler(policy=policy, health=RedisHealth(store.url, timeout=3.0))
    handler.health()
    body = Flaky([http_error(503), http_error(429, {"retry-after-ms": "20"})])
    graph = flavor.graph_of([flavor.tool(body.__call__, name="lookup")], policy=None, handler=handler)
    (answer,) = answers_in(flavor.run(graph, asking(("lookup", {}))))
    assert answer.content == "done"
    until(link_of(handler)._jobs.empty)
    assert 0 < link_of(handler).operations <= 3 * body.runs + 1  # one reads the time


@needs_server
@pytest.mark.parametrize(
    ("break_it", "mend_it"),
    [(RedisServer.kill, RedisServer.start), (RedisServer.pause, RedisServer.resume)],
    ids=["gone", "hangs"],
)
def test_a_store_that_fails_is_left_alone_and_heard_of_once(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    break_it: Callable[[RedisServer], None],
    mend_it: Callable[[RedisServer], None],
) -> None:
    monkeypatch.setattr(redis_link, "REST", 0.2)
    monkeypatch.setattr(redis_link, "PATIENCE", 0.1)
    caplog.set_level(logging.INFO, "agent_tools")
    with redis_server(tmp_path) as store:
        (handler,) = handlers(store.url, 1, timeout=10.0)
        for _ in range(5):
            fail(handler)
        link_of(handler)._store.timeout = 0.5  # only while it is broken: a busy machine needs longer for what works
        break_it(store)
        assert fail(handler).opens_in is not None  # known in this process
        assert handler.health()["lookup"].state == "open"
        operations, began = link_of(handler).operations, time.monotonic()
        for _ in range(20):
            fail(handler)
        assert link_of(handler).operations == operations
        assert time.monotonic() - began < 5  # no call waits for it: twenty timeouts would take ten seconds
        assert caplog.text.count("until it answers, this process shares nothing") == 1
        mend_it(store)
        link_of(handler)._store.timeout = 10.0
        until(lambda: not link_of(handler).is_down)
        assert fail(handler).opens_in is not None  # and now the store has it, too
        other = ToolErrorHandler(health=RedisHealth(store.url, timeout=10.0))
        until(lambda: "lookup" in other.health())
        assert other.health()["lookup"].state == "open"
    assert caplog.text.count("works again") == 1


@needs_server
@pytest.mark.parametrize(
    "options", [("--requirepass", "hunter2"), ("--maxclients", "1")], ids=["wants a password", "has no room"]
)
def test_a_store_that_refuses_us_costs_no_call(
    flavor: Flavor, tmp_path: Path, caplog: pytest.LogCaptureFixture, options: tuple[str, ...]
) -> None:
    with redis_server(tmp_path, *options) as store:
        handler = ToolErrorHandler(health=RedisHealth(store.url))
        graph = flavor.graph_of(
            [flavor.tool(Flaky([http_error(503)]).__call__, name="lookup")], handler=handler, policy=None
        )
        (answer,) = answers_in(flavor.run(graph, asking(("lookup", {}))))
        assert answer.content == "done"
        until(lambda: "until it answers, this process shares nothing" in caplog.text)
    assert "hunter2" not in caplog.text


@needs_server
def test_what_is_not_ours_under_our_key_is_told_once_and_overwritten(
    store: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    (handler,) = handlers(store.url, 1)
    with store.client() as client:
        client.set("{agent_tools:1}:gate:lookup", '1-1 {"circuit": 17, "budget": []}')
    for _ in range(5):
        standing = fail(handler)
    assert standing.opens_in is not None
    assert caplog.text.count("is not the state of a gate") == 1


@needs_server
def test_a_cluster_is_a_store_as_well(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--cluster-enabled", "yes") as store:
        with store.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            until(lambda: "cluster_state:ok" in client.execute_command("CLUSTER", "INFO"))
        one, other = handlers(store.url, cluster=True)
        for _ in range(5):
            fail(one)
        until(lambda: "lookup" in other.health() and other.health()["lookup"].state == "open")


def test_a_url_with_tls_is_taken_as_the_redis_package_takes_it() -> None:
    client = RedisHealth("rediss://user:word@store.example:6380/2", ssl_ca_certs="ca.pem").client(0.1)
    known = client.connection_pool.connection_kwargs
    assert client.connection_pool.connection_class is redis.SSLConnection
    assert (known["host"], known["port"], known["db"], known["ssl_ca_certs"]) == ("store.example", 6380, 2, "ca.pem")


def test_an_old_server_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"Redis must be version 6 or later, not 5\.0\.7"):
        redis_link._require_version({"redis_version": "5.0.7"})


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"url": "localhost:6379"}, "Redis URL must specify one of the following schemes"),
        ({"timeout": 0}, "timeout must be above 0 and expiry at least 1, not 0 and 300.0"),
        ({"timeout": "1"}, "timeout must be a finite number of seconds, at least 0, not '1'"),
        ({"expiry": 0.5}, "timeout must be above 0 and expiry at least 1, not 0.1 and 0.5"),
        ({"prefix": "a{b}"}, "prefix must be a non-empty string without braces, not 'a{b}'"),
    ],
)
def test_nonsense_is_refused_where_it_is_written(options: dict[str, object], rule: str) -> None:
    with pytest.raises(ValueError, match=f"^{rule}"):
        RedisHealth(**{"url": "rediss://localhost:6379/0", **options})  # type: ignore[arg-type]


def test_a_health_that_is_no_store_is_refused() -> None:
    with pytest.raises(TypeError, match="health must be a store such as RedisHealth, or None, not 'redis://localhost'"):
        ToolErrorHandler(health="redis://localhost")  # type: ignore[typeddict-item]
