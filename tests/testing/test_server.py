"""The server answers by script, records its requests, and leaves nothing behind."""

import asyncio
import contextlib
import gc
import os
import socket
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from agent_tools.testing import Fault, FaultyServer, Reply, Request


def open_sockets() -> int:
    gc.collect()
    found = 0
    for descriptor in Path("/dev/fd").iterdir():
        with contextlib.suppress(OSError):  # the one of the listing is closed by now
            found += stat.S_ISSOCK(os.fstat(int(descriptor.name)).st_mode)
    return found


@pytest.fixture
def hanging() -> Iterator[FaultyServer]:
    with FaultyServer({"/stall": Reply(fault="stall"), "/delay": Reply(delay=60), "*": 200}) as server:
        yield server


def port_of(server: FaultyServer) -> int:
    return httpx.URL(server.url).port or 0


def statuses(server: FaultyServer, *paths: str) -> list[int]:
    return [httpx.get(server.url + path).status_code for path in paths]


# -- what is answered ------------------------------------------------------------------------------


def test_replies_come_in_order_and_the_last_one_repeats() -> None:
    with FaultyServer({"/orders": [Reply(503), Reply(429), Reply(200)]}) as server:
        assert statuses(server, *["/orders"] * 5) == [503, 429, 200, 200, 200]


def test_routes_have_turns_of_their_own() -> None:
    with FaultyServer({"/a": [500, 200], "/b": [501, 201]}) as server:
        assert statuses(server, "/a", "/b", "/a", "/b") == [500, 501, 200, 201]


def test_the_closest_route_answers() -> None:
    with FaultyServer({"*": 200, "/orders": 201, "POST /orders": 202}) as server:
        assert statuses(server, "/", "/orders", "/orders?id=1") == [200, 201, 201]
        assert httpx.post(server.url + "/orders").status_code == 202


def test_a_single_answer_is_for_every_path() -> None:
    with FaultyServer([Reply(503), Reply(200)]) as server:
        assert statuses(server, "/a", "/b", "/c") == [503, 200, 200]


def test_a_status_or_a_dict_stands_for_a_reply() -> None:
    with FaultyServer({"/status": 401, "/body": {"status": "shipped"}}) as server:
        assert statuses(server, "/status") == [401]
        assert httpx.get(server.url + "/body").json() == {"status": "shipped"}


def test_a_callable_answers_what_was_asked() -> None:
    def echo(request: Request) -> dict[str, object]:
        return {"id": request.query["id"], "sent": request.json()}

    with FaultyServer({"POST /echo": [500, echo]}) as server:
        httpx.post(server.url + "/echo")
        answer = httpx.post(server.url + "/echo?id=A%201", json=[1, 2])
    assert answer.json() == {"id": "A 1", "sent": [1, 2]}


def test_an_unscripted_path_is_a_recorded_404() -> None:
    with FaultyServer({"/orders": 200}) as server:
        answer = httpx.delete(server.url + "/order")
        assert (answer.status_code, server.count("/order")) == (404, 1)
    assert answer.json() == {"detail": "no reply is scripted for DELETE /order", "scripted": ["/orders"]}


@pytest.mark.parametrize("body", [[1], {"a": "é"}, 0, False])
def test_a_body_that_is_data_arrives_as_json(body: object) -> None:
    with FaultyServer(Reply(body=body)) as server:
        answer = httpx.get(server.url)
    assert (answer.headers["Content-Type"], answer.json()) == ("application/json", body)


def test_text_and_bytes_arrive_as_they_are() -> None:
    with FaultyServer({"/text": Reply(body="déjà vu"), "/bytes": Reply(body=b"\x00\xff"), "/nothing": 200}) as server:
        text, data, nothing = (httpx.get(server.url + path) for path in ("/text", "/bytes", "/nothing"))
    assert (text.headers["Content-Type"], text.text) == ("text/plain; charset=utf-8", "déjà vu")
    assert (data.headers["Content-Type"], data.content) == ("application/octet-stream", b"\x00\xff")
    assert ("Content-Type" in nothing.headers, nothing.content) == (False, b"")


def test_headers_may_come_twice_and_replace_those_of_the_server() -> None:
    headers = [("Retry-After", "1"), ("Retry-After", "²"), ("content-type", "application/problem+json")]
    with FaultyServer(Reply(429, {"title": "slow down"}, headers)) as server:
        answer = httpx.get(server.url)
    assert answer.headers.get_list("Retry-After") == ["1", "²"]
    assert answer.headers.get_list("Content-Type") == ["application/problem+json"]


def test_head_gets_the_head_alone() -> None:
    with FaultyServer(Reply(body="four")) as server:
        answer = httpx.head(server.url)
    assert (answer.headers["Content-Length"], answer.content) == ("4", b"")


def test_a_status_that_has_no_name_is_sent() -> None:
    with FaultyServer(529) as server:
        assert statuses(server, "/") == [529]


# -- what is remembered ----------------------------------------------------------------------------


def test_requests_are_remembered_as_they_came() -> None:
    with FaultyServer(200) as server:
        began = time.monotonic()
        httpx.post(server.url + "/a%20b?x=1&x=2", json={"n": 1}, headers={"X-Key": "k"})
        (request,) = server.requests
    assert (request.method, request.path, request.query.get_list("x")) == ("POST", "/a%20b", ["1", "2"])
    assert (request.headers["x-key"], request.headers["X-KEY"], request.json()) == ("k", "k", {"n": 1})
    assert began <= request.at <= time.monotonic()


def test_a_body_in_chunks_is_read_whole() -> None:
    with FaultyServer(200) as server:
        httpx.post(server.url, content=iter([b"one ", b"two"]))
        assert server.requests[0].body == b"one two"


def test_a_client_that_asks_before_it_sends_is_told_to_go_on() -> None:
    with FaultyServer(200) as server, socket.create_connection(("127.0.0.1", port_of(server))) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 100 ")
        raw.sendall(b"ok")
        assert raw.recv(100).startswith(b"HTTP/1.1 200 ")
        assert server.requests[0].body == b"ok"


def test_requests_are_counted_by_route() -> None:
    with FaultyServer(200) as server:
        httpx.get(server.url + "/a?x=1")
        httpx.post(server.url + "/a")
        httpx.get(server.url + "/b")
    assert [server.count(route) for route in ("/a", "POST /a", "PUT /a", "/c", "*")] == [2, 1, 0, 0, 3]
    assert server.count() == 3


def test_what_a_client_sends_after_its_request_is_ignored() -> None:
    with FaultyServer(Reply(delay=0.1)) as server, socket.create_connection(("127.0.0.1", port_of(server))) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while not server.count():
            time.sleep(0.001)
        raw.sendall(b"GET /again HTTP/1.1\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 200 ")
        assert server.count() == 1


# -- many at once ----------------------------------------------------------------------------------


@pytest.mark.untraced
@pytest.mark.anyio
async def test_300_clients_at_once_are_all_answered() -> None:
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=30) as client:
        with FaultyServer({"/slow": Reply(200, {"ok": True}, delay=0.2)}) as server:
            answers = await asyncio.gather(*(client.get(server.url + "/slow") for _ in range(300)))
            assert server.count("/slow") == 300
    assert {answer.status_code for answer in answers} == {200}


def test_threads_share_a_script_and_each_reply_is_used_once() -> None:
    with FaultyServer([*range(200, 240), 599]) as server, httpx.Client() as client, ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(client.get, [server.url] * 40))
    assert sorted(answer.status_code for answer in answers) == list(range(200, 240))


# -- the end ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/stall", "/delay"])
def test_stopping_releases_clients_that_hang_at_once(hanging: FaultyServer, path: str) -> None:
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(50) as pool:
        waiting = [pool.submit(client.get, hanging.url + path) for _ in range(50)]
        while hanging.count() < 50:
            time.sleep(0.001)
        started = time.monotonic()
        hanging.stop()
        stopped = time.monotonic() - started
        errors = [call.exception() for call in waiting]
    assert stopped < 2
    assert all(isinstance(error, httpx.RemoteProtocolError) for error in errors)


def test_nothing_is_left_of_a_stopped_server() -> None:
    sockets, threads = open_sockets(), set(threading.enumerate())
    with FaultyServer({f"/{fault}": Reply(fault=fault) for fault in Fault}) as server:
        mute = socket.create_connection(("127.0.0.1", port_of(server)))
        for fault in Fault:
            with contextlib.suppress(httpx.RequestError):
                httpx.get(f"{server.url}/{fault}", timeout=0.05)
    mute.close()
    assert set(threading.enumerate()) == threads
    assert open_sockets() == sockets


def test_a_stopped_server_refuses_connections_and_keeps_what_it_knows() -> None:
    with FaultyServer(200) as server:
        httpx.get(server.url)
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)
    assert server.count() == 1


def test_stopping_twice_is_no_error() -> None:
    server = FaultyServer(200).start()
    server.stop()
    server.stop()


def test_a_client_that_gives_up_frees_its_thread(hanging: FaultyServer) -> None:
    before = threading.active_count()
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(hanging.url + "/stall", timeout=0.05)
    ends = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < ends:
        time.sleep(0.001)
    assert threading.active_count() == before


NO_REQUESTS = {
    "TLS": b"\x16\x03\x01\x02\x00\x01",
    "another protocol": b"hello\r\n\r\n",
    "half a head": b"GET / HTTP/1.1\r\n",
    "half a body": b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n123",
    "a length that is none": b"GET / HTTP/1.1\r\nContent-Length: five\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("said", NO_REQUESTS.values(), ids=NO_REQUESTS)
def test_a_client_that_speaks_no_http_is_hung_up_on(said: bytes) -> None:
    with FaultyServer(200) as server, socket.create_connection(("127.0.0.1", port_of(server))) as raw:
        raw.sendall(said)
        raw.shutdown(socket.SHUT_WR)
        assert (raw.recv(100), server.count()) == (b"", 0)
        assert statuses(server, "/") == [200]


def test_a_callable_that_raises_is_a_500_and_a_visible_error(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", seen.append)
    with FaultyServer({"/sum": lambda request: {"sum": 1 / len(request.body)}}) as server:
        assert statuses(server, "/sum") == [500]
    assert [hook.exc_type for hook in seen] == [ZeroDivisionError]


def test_a_callable_that_never_returns_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_tools.testing._server._PATIENCE", 0.05)
    released = threading.Event()
    try:
        with FaultyServer(lambda _: released.wait() and 200) as server, pytest.raises(httpx.ReadTimeout):
            httpx.get(server.url, timeout=0.05)
    finally:
        released.set()


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "kind", "said"),
    [
        (lambda: Reply(99), ValueError, "status must be an int from 200 to 599, not 99"),
        (lambda: Reply(status=True), ValueError, "not True"),
        (lambda: Reply(delay=-1), ValueError, "delay must be a finite number of seconds, 0 or more, not -1"),
        (lambda: Reply(delay=float("nan")), ValueError, "not nan"),
        (lambda: Reply(fault="explode"), ValueError, "fault must be one of reset, close, .* not 'explode'"),
        (lambda: Reply(body={1, 2}), TypeError, "not JSON serializable"),
        (lambda: Reply(headers={"A": "1\r\nB: 2"}), ValueError, "header 'A' must be one line of text"),
        (lambda: Reply(headers={"Retry-After": 2}), ValueError, "header 'Retry-After' .* not 2"),  # type: ignore[dict-item]
        (lambda: FaultyServer({"orders": 200}), ValueError, "a route must look like '/path', .* not 'orders'"),
        (lambda: FaultyServer({"get /orders": 200}), ValueError, "not 'get /orders'"),
        (lambda: FaultyServer({"FETCH /x": 200}), ValueError, "must be one of GET, .* not 'FETCH' as in 'FETCH /x'"),
        (lambda: FaultyServer({"/orders?id=1": 200}), ValueError, "a route must look like"),
        (lambda: FaultyServer({"/orders": []}), ValueError, "'/orders' must have at least one answer"),
        (lambda: FaultyServer({"/orders": "reset"}), TypeError, "'/orders' must be a Reply, .* not 'reset'"),  # type: ignore[dict-item]
        (lambda: FaultyServer([200, None]), TypeError, "the answer of '\\*' must be .* not None"),  # type: ignore[list-item]
        (lambda: FaultyServer(700), ValueError, "not 700"),
        (lambda: FaultyServer(200).url, RuntimeError, "until it is started"),
    ],
)
def test_bad_input_is_refused_where_it_is_written(make: type, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        make()


def test_a_running_server_cannot_be_started() -> None:
    with FaultyServer(200) as server, pytest.raises(RuntimeError, match="running already"):
        server.start()
