"""Door 1: the contract that never changes."""

import asyncio
import sys
from collections.abc import Callable
from importlib import metadata
from typing import Any

import httpx
import pytest

import agent_tools
from agent_tools import error_handler
from agent_tools.error_handler import ErrorCategory, classify_error, with_retry, with_retry_sync
from agent_tools.middleware import ResilientToolMiddleware
from agent_tools.testing import FaultyServer, Reply, no_waiting, refused_url
from tests.support.toolbox import Flaky, Flavor, http_error, names_of, printed_by

REQUEST = httpx.Request("GET", "http://127.0.0.1/")

CONTRACT = [
    *((kind("late", request=REQUEST), "timeout") for kind in (
        httpx.TimeoutException, httpx.ConnectTimeout, httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout,
    )),
    (httpx.ConnectError("refused", request=REQUEST), "network"),
    *((http_error(status), "auth_failure") for status in (401, 403)),
    *((http_error(status), "retryable") for status in (429, 500, 502, 503)),
    *((http_error(status), "non_retryable") for status in (400, 404, 405, 409, 410, 418, 422, 501)),
    (ValueError("x"), "non_retryable"),
    (TypeError("x"), "non_retryable"),
    (KeyError("x"), "non_retryable"),
    (NotImplementedError("x"), "non_retryable"),
    (Exception("x"), "non_retryable"),
    (KeyboardInterrupt(), "non_retryable"),
    (httpx.InvalidURL("x"), "non_retryable"),
    (httpx.UnsupportedProtocol("x", request=REQUEST), "non_retryable"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "word"), CONTRACT, ids=names_of([error for error, _ in CONTRACT]))
def test_the_contract_rows_hold(error: BaseException, word: str) -> None:
    assert classify_error(error) == word


def test_a_response_with_any_headers_and_body_is_classified_by_its_status_alone() -> None:
    for status, word in [(401, "auth_failure"), (403, "auth_failure"), (429, "retryable"), (500, "retryable")]:
        response = httpx.Response(
            status,
            headers={"Retry-After": "7", "X-RateLimit-Remaining": "0"},
            json={"error": {"code": "ThrottlingException", "message": "rate limit exceeded"}},
            request=REQUEST,
        )
        error = httpx.HTTPStatusError("x", request=REQUEST, response=response)

        assert classify_error(error) == word


def test_a_real_server_gives_the_same(flavor: Flavor) -> None:
    script = {f"/{status}": Reply(status) for status in (401, 403, 404, 429, 500, 502, 503)}
    with FaultyServer({**script, "/slow": Reply(fault="stall"), "/cut": Reply(fault="reset")}) as server:

        def category(url: str) -> str:
            with pytest.raises(httpx.HTTPError) as caught:
                httpx.get(url, timeout=0.2).raise_for_status()
            return classify_error(caught.value).value

        words = {path: category(server.url + path) for path in [*script, "/slow", "/cut"]}

    assert words == {
        "/401": "auth_failure",
        "/403": "auth_failure",
        "/404": "non_retryable",
        "/429": "retryable",
        "/500": "retryable",
        "/502": "retryable",
        "/503": "retryable",
        "/slow": "timeout",
        "/cut": "network",
    }
    assert category(refused_url()) == "network"


OTHERS = [http_error(401), http_error(404), httpx.ReadTimeout("x"), ValueError("x")]


def retrying(flavor: Flavor, fn: Callable[[], Any], **options: Any) -> Any:
    """`with_retry` or its sync twin, depending on the flavor."""
    if not flavor.is_async:
        return with_retry_sync(fn, **options)

    async def awaited() -> Any:
        return fn()

    async def main() -> Any:
        return await with_retry(awaited, **options)

    return asyncio.run(main())


def test_two_failures_and_a_success_are_three_calls_with_waits_of_one_and_two_seconds(flavor: Flavor) -> None:
    fn = Flaky([http_error(503), http_error(429, {"Retry-After": "9"})], result="fine")
    with no_waiting() as waits:
        assert retrying(flavor, fn) == "fine"

    assert fn.runs == 3
    assert waits == [1.0, 2.0]


def test_the_last_error_is_raised_as_it_came(flavor: Flavor) -> None:
    errors = [http_error(500), http_error(502), http_error(503)]
    with no_waiting() as waits, pytest.raises(httpx.HTTPStatusError) as caught:
        retrying(flavor, Flaky(errors), base_delay=0.25)

    assert caught.value is errors[2]
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert waits == [0.25, 0.5]


@pytest.mark.parametrize("error", OTHERS, ids=names_of(OTHERS))
def test_other_categories_are_called_once(flavor: Flavor, error: Exception) -> None:
    fn = Flaky([error, error])
    with no_waiting() as waits, pytest.raises(type(error)):
        retrying(flavor, fn)

    assert (fn.runs, waits) == (1, [])


def test_one_allowed_call_is_one_call(flavor: Flavor) -> None:
    fn = Flaky([http_error(503)])
    with pytest.raises(httpx.HTTPStatusError):
        retrying(flavor, fn, max_retries=1)

    assert fn.runs == 1


def test_thousands_of_calls_without_a_wait_end_with_the_last_error(flavor: Flavor) -> None:
    fn = Flaky([http_error(503)] * 1100)
    with pytest.raises(httpx.HTTPStatusError):
        retrying(flavor, fn, max_retries=1100, base_delay=0)

    assert fn.runs == 1100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_retries": 0}, "max_retries must be at least 1, not 0"),
        ({"max_retries": -3}, "max_retries must be at least 1, not -3"),
        ({"base_delay": -1.0}, "base_delay must be a finite number of seconds, at least 0, not -1.0"),
        ({"base_delay": float("nan")}, "base_delay must be a finite number of seconds, at least 0, not nan"),
    ],
)
def test_nonsense_is_refused_before_the_first_call(flavor: Flavor, options: dict[str, Any], message: str) -> None:
    fn = Flaky()
    with pytest.raises(ValueError, match=message):
        retrying(flavor, fn, **options)

    assert fn.runs == 0


def test_cancellation_passes_at_once() -> None:
    started = asyncio.Event()

    async def hangs() -> None:
        started.set()
        await asyncio.sleep(30)

    async def main() -> None:
        task = asyncio.create_task(with_retry(hangs))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_the_names_are_the_same_in_both_places() -> None:
    for name in error_handler.__all__:
        assert getattr(agent_tools, name) is getattr(error_handler, name)
    assert {category.name: category.value for category in ErrorCategory} == {
        "RETRYABLE": "retryable",
        "NON_RETRYABLE": "non_retryable",
        "AUTH_FAILURE": "auth_failure",
        "TIMEOUT": "timeout",
        "NETWORK": "network",
    }


def loaded_after(*statements: str) -> list[set[str]]:
    """Return the packages that a fresh process has loaded after each of the statements."""
    code = "".join(f"{each}; import sys; print(*sys.modules)\n" for each in statements)
    return [{name.partition(".")[0] for name in line.split()} for line in printed_by(code).splitlines()]


def test_the_first_door_loads_no_framework_and_no_client() -> None:
    (loaded,) = loaded_after("from agent_tools.error_handler import classify_error; classify_error(OSError())")

    assert not loaded & {"langgraph", "langchain_core", "langchain", "httpx", "httpx2", "requests", "pydantic"}


def test_the_second_door_does_not_load_langchain_or_a_client_that_langgraph_does_not() -> None:
    theirs, ours = loaded_after("import langgraph.prebuilt", "from agent_tools import ResilientToolNode")

    assert "langchain" not in ours
    assert ours - theirs <= {"agent_tools"} | set(sys.stdlib_module_names)


def test_unknown_names_of_the_package_are_refused() -> None:
    with pytest.raises(AttributeError, match="ResilientNode"):
        agent_tools.ResilientNode  # noqa: B018  # looking is the test
    assert dir(agent_tools) == sorted(agent_tools.__all__)


def test_the_middleware_is_there_and_no_part_of_what_a_star_imports() -> None:
    assert agent_tools.ResilientToolMiddleware is ResilientToolMiddleware
    assert "ResilientToolMiddleware" not in agent_tools.__all__  # it needs LangChain, which may be missing


def test_the_version_is_that_of_the_distribution() -> None:
    assert agent_tools.__version__ == metadata.version("langgraph-agent-tools")


def test_the_error_has_the_name_that_the_contract_gives_it() -> None:
    assert classify_error(exc=ConnectionRefusedError()) is ErrorCategory.NETWORK


def test_a_class_in_the_place_of_an_error_is_refused() -> None:
    with pytest.raises(TypeError, match="exc must be an exception instance, not the class ReadTimeout"):
        classify_error(httpx.ReadTimeout)  # type: ignore[arg-type]


class AsyncCallable:
    async def __call__(self) -> str:
        return "shipped"


async def look_up() -> str:
    return "shipped"


@pytest.mark.parametrize("fn", [look_up, AsyncCallable()], ids=["function", "object"])
def test_an_async_function_is_refused_where_nobody_awaits_it(fn: Any) -> None:
    with pytest.raises(TypeError, match=r"is async: await with_retry\(\w+\) instead of calling with_retry_sync"):
        with_retry_sync(fn)


@pytest.mark.anyio
async def test_a_function_that_returns_nothing_to_await_is_refused() -> None:
    with pytest.raises(TypeError, match="give_up must return an awaitable, not"):
        await with_retry(give_up)  # type: ignore[arg-type]


def give_up() -> str:
    return "no"


@pytest.mark.anyio
async def test_a_call_in_the_place_of_a_function_is_refused() -> None:
    with pytest.raises(TypeError, match=r"fn must be a function without arguments, .*: pass the function itself"):
        await with_retry(look_up())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="fn must be a function without arguments, not 7"):
        with_retry_sync(7)  # type: ignore[arg-type]
