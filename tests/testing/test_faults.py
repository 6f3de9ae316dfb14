"""Each fault on the wire makes `httpx` raise the matching error."""

import time

import httpx
import pytest

from agent_tools.testing import Fault, FaultyServer, Reply, refused_url

#: Seconds until a client gives up in tests where it must; other clients have plenty of time.
SOON, LATE = 0.2, 30

ERROR_BY_FAULT = {
    Fault.RESET: httpx.ReadError,
    Fault.CLOSE: httpx.RemoteProtocolError,
    Fault.RESET_MID_BODY: httpx.ReadError,
    Fault.TRUNCATE: httpx.RemoteProtocolError,
    Fault.STALL: httpx.ReadTimeout,
    Fault.STALL_BODY: httpx.ReadTimeout,
    Fault.GARBAGE: httpx.RemoteProtocolError,
    Fault.BAD_GZIP: httpx.DecodingError,
}

TIMEOUT_BY_FAULT = {fault: SOON if error is httpx.ReadTimeout else LATE for fault, error in ERROR_BY_FAULT.items()}

BODY_FAULTS = [Fault.RESET_MID_BODY, Fault.TRUNCATE, Fault.STALL_BODY]


def test_every_fault_but_the_slow_one_has_an_error() -> None:
    assert set(Fault) - ERROR_BY_FAULT.keys() == {Fault.DRIP}


@pytest.mark.parametrize("fault", ERROR_BY_FAULT)
@pytest.mark.parametrize("body", [None, "x" * 100_000], ids=["without body", "long body"])
def test_a_fault_is_an_error_of_httpx(fault: Fault, body: str | None) -> None:
    with FaultyServer(Reply(body=body, fault=fault)) as server, pytest.raises(httpx.RequestError) as caught:
        httpx.get(server.url, timeout=TIMEOUT_BY_FAULT[fault])
    assert caught.type is ERROR_BY_FAULT[fault]


@pytest.mark.anyio
@pytest.mark.parametrize("fault", ERROR_BY_FAULT)
async def test_a_fault_is_the_same_error_for_an_async_client(fault: Fault) -> None:
    async with httpx.AsyncClient(timeout=TIMEOUT_BY_FAULT[fault]) as client:
        with FaultyServer(Reply(fault=fault)) as server, pytest.raises(httpx.RequestError) as caught:
            await client.get(server.url)
    assert caught.type is ERROR_BY_FAULT[fault]


@pytest.mark.parametrize("fault", BODY_FAULTS)
def test_a_broken_body_has_a_whole_head_and_a_half_body(fault: Fault) -> None:
    received: list[bytes] = []
    with (
        FaultyServer(Reply(418, "0123456789", {"X-Seen": "yes"}, fault=fault)) as server,
        httpx.stream("GET", server.url, timeout=httpx.Timeout(LATE, read=2 * SOON)) as response,
        pytest.raises(httpx.RequestError),
    ):
        received.extend(response.iter_raw())
    assert (response.status_code, response.headers["X-Seen"], b"".join(received)) == (418, "yes", b"01234")


def test_a_fault_in_a_script_passes_when_its_turn_is_over() -> None:
    with FaultyServer([Reply(fault="reset"), 200]) as server:
        with pytest.raises(httpx.ReadError):
            httpx.get(server.url)
        assert httpx.get(server.url).status_code == 200


def test_drops_come_one_by_one_and_outlast_the_read_timeout() -> None:
    with FaultyServer(Reply(body="drip drop" * 5, delay=0.01, fault="drip")) as server:
        started = time.monotonic()
        response = httpx.get(server.url, timeout=0.4)
    assert response.text == "drip drop" * 5
    assert time.monotonic() - started >= 45 * 0.01


def test_a_delay_comes_before_the_first_byte() -> None:
    with FaultyServer(Reply(delay=5)) as server, pytest.raises(httpx.ReadTimeout):
        httpx.get(server.url, timeout=SOON)


def test_a_delay_that_the_client_outlasts_ends_with_the_answer() -> None:
    with FaultyServer(Reply(202, delay=0.1)) as server:
        started = time.monotonic()
        assert httpx.get(server.url).status_code == 202
    assert time.monotonic() - started >= 0.1


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("fault", [None, "truncate", "bad_gzip"])
def test_an_answer_that_cannot_have_a_body_has_none(status: int, fault: str | None) -> None:
    with FaultyServer(Reply(status, "never sent", fault=fault)) as server:
        assert httpx.get(server.url).content == b""


def test_nothing_listens_at_the_refused_url() -> None:
    with pytest.raises(httpx.ConnectError, match="refused"):
        httpx.get(refused_url())


def test_the_refused_url_stays_the_same() -> None:
    assert refused_url() == refused_url()
