"""The request hook: the key of each request, and what is known about the requests of an attempt."""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import httpx2
import pytest
import requests
from langchain_core.tools import BaseTool, StructuredTool

from agent_tools import RetryPolicy
from agent_tools.idempotency import asend_idempotency_key, idempotency_key, send_idempotency_key
from agent_tools.testing import FaultyServer, Reply, refused_url
from tests.support.toolbox import Flavor

HEADER = "Idempotency-Key"

#: Retries only attempts that are known to have changed nothing.
ONCE = RetryPolicy(
    base_delay=0, throttled_delay=0, idempotent=False, retry_on={"retryable", "timeout", "network", "auth_failure"}
)

HOOKS: Any = {"request": [send_idempotency_key]}
ASYNC_HOOKS: Any = {"request": [asend_idempotency_key]}


def client(**options: Any) -> httpx.Client:
    return httpx.Client(event_hooks=HOOKS, timeout=20, **options)


def keys_of(server: FaultyServer) -> list[str | None]:
    return [request.headers.get(HEADER) for request in server.requests]


def charging(
    flavor: Flavor, send: Callable[[httpx.Client], Any], asend: Callable[[httpx.AsyncClient], Any]
) -> BaseTool:
    """Return a tool whose client has the hook."""

    def charge() -> str:
        with client() as sending:
            send(sending)
        return "charged"

    async def acharge() -> str:
        async with httpx.AsyncClient(event_hooks=ASYNC_HOOKS, timeout=20) as sending:
            await asend(sending)
        return "charged"

    if flavor.is_async:
        return StructuredTool.from_function(coroutine=acharge, name="charge", description="Charges.")
    return StructuredTool.from_function(charge, description="Charges.")


def posting(flavor: Flavor, *paths: str) -> BaseTool:
    """Return a tool that posts to these URLs in order, and raises for the first status that is an error."""

    def send(sending: httpx.Client) -> None:
        for path in paths:
            sending.post(path).raise_for_status()

    async def asend(sending: httpx.AsyncClient) -> None:
        for path in paths:
            (await sending.post(path)).raise_for_status()

    return charging(flavor, send, asend)


# ---- what a failed attempt may have changed ----

BUSY = Reply(503, headers={"Retry-After": "0"})


@pytest.mark.parametrize(
    ("replies", "runs"),
    [
        ([429, 200], 2),
        ([BUSY, 200], 2),
        ([503, 200], 1),
        ([Reply(fault="close"), 200], 1),
        ([401, 200], 2),
    ],
    ids=["429", "503 told when", "503", "lost", "401"],
)
def test_a_lone_request_that_was_refused_is_sent_again_and_one_that_may_have_acted_is_not(
    flavor: Flavor, replies: list[Any], runs: int
) -> None:
    with FaultyServer({"/charge": replies}) as server:
        answer = flavor.answer(posting(flavor, f"{server.url}/charge"), policy=ONCE)
        keys = keys_of(server)

    assert len(keys) == runs
    assert len(set(keys)) == 1
    assert answer.status == ("success" if runs > 1 else "error")
    assert ("unknown whether it took effect" in answer.content) == (runs == 1)


@pytest.mark.parametrize("reply", [429, BUSY, 401, 404], ids=["429", "503 told when", "401", "404"])
def test_a_refusal_says_nothing_of_the_request_before_it(flavor: Flavor, reply: Any) -> None:
    with FaultyServer({"/charge": 200, "/receipt": reply}) as server:
        tool = posting(flavor, f"{server.url}/charge", f"{server.url}/receipt")
        answer = flavor.answer(tool, policy=ONCE, on_auth_failure=lambda event: True)

        assert server.count("/charge") == 1
    assert answer.artifact["may_have_acted"] is True
    assert "unknown whether it took effect" in answer.content


def test_a_request_whose_connection_was_refused_is_sent_again(flavor: Flavor, caplog: pytest.LogCaptureFixture) -> None:
    answer = flavor.answer(posting(flavor, refused_url()), policy=ONCE)

    assert answer.artifact["attempts"] == 3
    assert answer.artifact["may_have_acted"] is False
    assert "unknown whether it took effect" not in answer.content
    assert "send_idempotency_key" not in caplog.text


def test_a_refused_connection_says_nothing_of_the_request_before_it(flavor: Flavor) -> None:
    with FaultyServer({"/charge": 200}) as server:
        flavor.answer(posting(flavor, f"{server.url}/charge", refused_url()), policy=ONCE)

        assert server.count() == 1


def test_requests_that_were_all_refused_are_sent_again(flavor: Flavor) -> None:
    def send(sending: httpx.Client) -> None:
        if sending.post(f"{server.url}/first").status_code == 429:
            sending.post(f"{server.url}/second").raise_for_status()

    async def asend(sending: httpx.AsyncClient) -> None:
        if (await sending.post(f"{server.url}/first")).status_code == 429:
            (await sending.post(f"{server.url}/second")).raise_for_status()

    with FaultyServer({"/first": [429, 200], "/second": 429}) as server:
        answer = flavor.answer(charging(flavor, send, asend), policy=ONCE)

        assert [request.path for request in server.requests] == ["/first", "/second", "/first"]
    assert answer.content == "charged"


def test_requests_that_only_read_are_no_reason_for_care(flavor: Flavor) -> None:
    def send(sending: httpx.Client) -> None:
        sending.get(f"{server.url}/order").raise_for_status()
        sending.post(f"{server.url}/charge").raise_for_status()

    async def asend(sending: httpx.AsyncClient) -> None:
        (await sending.get(f"{server.url}/order")).raise_for_status()
        (await sending.post(f"{server.url}/charge")).raise_for_status()

    with FaultyServer({"/order": [503, 200], "/charge": [429, 200]}) as server:
        answer = flavor.answer(charging(flavor, send, asend), policy=ONCE)

        assert [request.path for request in server.requests] == ["/order", "/order", "/charge", "/order", "/charge"]
    assert answer.content == "charged"


def test_a_request_in_a_thread_or_task_beside_the_refused_one_counts(flavor: Flavor) -> None:
    def send(sending: httpx.Client) -> None:
        with ThreadPoolExecutor() as pool:
            contexts = [contextvars.copy_context() for _ in range(2)]
            sent = [
                pool.submit(context.run, sending.post, f"{server.url}/{path}")
                for context, path in zip(contexts, ("charge", "receipt"), strict=True)
            ]
        for future in sent:
            future.result().raise_for_status()

    async def asend(sending: httpx.AsyncClient) -> None:
        async def post(path: str) -> None:
            (await sending.post(f"{server.url}/{path}")).raise_for_status()

        async with asyncio.TaskGroup() as group:
            group.create_task(post("charge"))
            group.create_task(post("receipt"))

    with FaultyServer({"/charge": [200], "/receipt": [Reply(429, delay=0.05)]}) as server:
        flavor.answer(charging(flavor, send, asend), policy=ONCE)

        assert server.count("/charge") == 1


def test_a_thread_that_does_not_know_its_call_leaves_its_request_in_doubt() -> None:
    flavor = Flavor(is_async=False)

    def send(sending: httpx.Client) -> None:
        thread = threading.Thread(target=sending.post, args=(f"{server.url}/charge",))
        thread.start()
        thread.join()
        sending.post(f"{server.url}/receipt").raise_for_status()

    with FaultyServer({"/charge": 200, "/receipt": 429}) as server:
        flavor.answer(charging(flavor, send, lambda sending: None), policy=ONCE)

        assert server.count("/charge") == 1


def test_a_redirected_request_is_judged_by_where_it_ends(flavor: Flavor) -> None:
    def send(sending: httpx.Client) -> None:
        sending.post(f"{server.url}/charge", follow_redirects=True).raise_for_status()

    async def asend(sending: httpx.AsyncClient) -> None:
        (await sending.post(f"{server.url}/charge", follow_redirects=True)).raise_for_status()

    for status, runs in ((307, 2), (303, 1)):
        with FaultyServer({"/charge": Reply(status, headers={"Location": "/new"}), "/new": [429, 200]}) as server:
            flavor.answer(charging(flavor, send, asend), policy=ONCE)

            assert server.count("/charge") == runs
            assert len({key for key in keys_of(server) if key is not None}) == 1


def test_a_request_that_is_sent_again_to_sign_in_keeps_its_key(flavor: Flavor) -> None:
    challenge = Reply(401, headers={"WWW-Authenticate": 'Digest realm="x", nonce="y", qop="auth", algorithm=MD5'})
    auth = httpx.DigestAuth("user", "password")

    def send(sending: httpx.Client) -> None:
        sending.post(f"{server.url}/charge", auth=auth).raise_for_status()

    async def asend(sending: httpx.AsyncClient) -> None:
        (await sending.post(f"{server.url}/charge", auth=auth)).raise_for_status()

    with FaultyServer({"/charge": [challenge, 429, 200]}) as server:
        answer = flavor.answer(charging(flavor, send, asend), policy=ONCE)
        keys = keys_of(server)

    assert answer.content == "charged"
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_a_transport_that_tells_nothing_leaves_all_but_the_request_of_the_error_in_doubt(flavor: Flavor) -> None:
    seen: list[str] = []

    def serve(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(429 if seen.count(request.url.path) == 1 else 200)

    def charge(paths: list[str]) -> str:
        with client(transport=httpx.MockTransport(serve)) as sending:
            answers = [sending.post(f"http://pay.example/{path}") for path in paths]
            for answer in answers:
                answer.raise_for_status()
        return "charged"

    tool = flavor.tool(charge)

    assert flavor.answer(tool, arguments={"paths": ["a"]}, policy=ONCE).content == "charged"
    assert flavor.answer(tool, arguments={"paths": ["b", "c"]}, policy=ONCE).status == "error"
    assert seen == ["/a", "/a", "/b", "/c"]


def test_other_clients_with_the_same_hooks_are_understood() -> None:
    flavor = Flavor(is_async=False)

    def with_httpx2() -> None:
        with httpx2.Client(event_hooks={"request": [send_idempotency_key]}) as sending:
            sending.post(f"{server.url}/charge", json={"a": 1}).raise_for_status()

    def with_requests() -> None:
        requests.post(f"{server.url}/charge", json={"a": 1}, auth=_hooked, timeout=20).raise_for_status()

    for send in (with_httpx2, with_requests):

        def charge(send: Any = send) -> str:
            send()
            return "charged"

        with FaultyServer({"/charge": [429, 200]}) as server:
            tool = StructuredTool.from_function(lambda charge=charge: charge(), name="charge", description="Charges.")
            assert flavor.answer(tool, policy=ONCE).content == "charged"
            assert len(set(keys_of(server))) == 1 != len(keys_of(server))


def _hooked(request: Any) -> Any:
    send_idempotency_key(request)
    return request


def test_the_trace_of_the_user_is_called_as_well(flavor: Flavor) -> None:
    seen: list[str] = []

    def trace(event: str, info: Any) -> None:
        seen.append(event)

    async def atrace(event: str, info: Any) -> None:
        seen.append(event)

    def send(sending: httpx.Client) -> None:
        sending.post(server.url, extensions={"trace": trace}).raise_for_status()

    async def asend(sending: httpx.AsyncClient) -> None:
        (await sending.post(server.url, extensions={"trace": atrace})).raise_for_status()

    with FaultyServer(200) as server:
        assert flavor.answer(charging(flavor, send, asend), policy=ONCE).content == "charged"
    assert seen.count("http11.receive_response_headers.complete") == 1


# ---- keys ----


def key_calls(flavor: Flavor, send: Any, asend: Any, replies: Any = 200) -> list[str | None]:
    with FaultyServer(replies) as server:
        tool = charging(flavor, lambda sending: send(sending, server.url), lambda sending: asend(sending, server.url))
        flavor.answer(tool)
        return keys_of(server)


def test_equal_requests_of_one_attempt_have_keys_of_their_own(flavor: Flavor) -> None:
    def send(sending: httpx.Client, url: str) -> None:
        for _ in range(2):
            sending.post(url, json={"order": "A"}).raise_for_status()

    async def asend(sending: httpx.AsyncClient, url: str) -> None:
        for _ in range(2):
            (await sending.post(url, json={"order": "A"})).raise_for_status()

    first, second, first_again, second_again = key_calls(flavor, send, asend, [200, 503, 200, 200])

    assert (first, second) == (first_again, second_again)
    assert first != second


def _stream() -> Iterator[bytes]:
    yield b"body"


async def _astream() -> Any:
    yield b"body"


def test_bodies_that_cannot_be_read_are_told_apart_by_their_order(flavor: Flavor) -> None:
    def send(sending: httpx.Client, url: str) -> None:
        sending.post(url, content=_stream()).raise_for_status()
        sending.post(url, files={"scan": b"x"}).raise_for_status()

    async def asend(sending: httpx.AsyncClient, url: str) -> None:
        (await sending.post(url, content=_astream())).raise_for_status()
        (await sending.post(url, files={"scan": b"x"})).raise_for_status()

    first, second, first_again, second_again = key_calls(flavor, send, asend, [200, 503, 200, 200])

    assert (first, second) == (first_again, second_again)
    assert first != second


def test_a_key_of_the_users_stays_and_requests_that_read_get_none(flavor: Flavor) -> None:
    def send(sending: httpx.Client, url: str) -> None:
        sending.get(url)
        sending.post(url, headers={HEADER: f"mine {idempotency_key()}"})

    async def asend(sending: httpx.AsyncClient, url: str) -> None:
        await sending.get(url)
        await sending.post(url, headers={HEADER: f"mine {idempotency_key()}"})

    none, mine = key_calls(flavor, send, asend)

    assert none is None
    assert mine is not None
    assert mine.startswith("mine ")


def test_outside_of_a_tool_the_hook_does_nothing() -> None:
    with FaultyServer(200) as server, client() as sending:
        contextvars.Context().run(sending.post, server.url)

        assert keys_of(server) == [None]
