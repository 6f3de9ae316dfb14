"""Real errors of real clients: each function makes a client fail against a server and returns its error."""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from agent_tools import Failure, diagnose
from agent_tools.testing import FaultyServer, Reply, refused_url

#: The key of every client; no diagnosis may show it.
CANARY = "sk-canary-5b1f0c9a"


def raised_by(body: Callable[[], object]) -> BaseException:
    """Return the exception that `body` raises."""
    try:
        body()
    except (Exception, asyncio.CancelledError) as error:  # whatever a client raises
        return error
    pytest.fail("nothing was raised")


def diagnosed(body: Callable[[], Any]) -> Failure:
    """Return the diagnosis of the exception that `body` raises."""
    return diagnose(raised_by(body))


def served(call: Callable[[str], Any], reply: Reply) -> Failure:
    """Return the diagnosis of what `call(url)` raises if `reply` answers every request."""
    with FaultyServer(reply) as server:
        return diagnosed(lambda: call(server.url))


def refused(call: Callable[[str], Any]) -> Failure:
    """Return the diagnosis of what `call(url)` raises if nothing listens at the URL."""
    return diagnosed(lambda: call(refused_url()))


def with_httpx(url: str, *, library: str = "httpx", seconds: float = 5) -> None:
    client = pytest.importorskip(library)
    client.get(url, params={"api_key": CANARY}, trust_env=False, timeout=seconds).raise_for_status()


def with_httpx2(url: str, *, seconds: float = 5) -> None:
    with_httpx(url, library="httpx2", seconds=seconds)


def with_requests(url: str, *, seconds: float = 5) -> None:
    requests = pytest.importorskip("requests")
    with requests.Session() as session:
        session.trust_env = False
        session.get(url, params={"api_key": CANARY}, timeout=seconds).raise_for_status()


def with_urllib3(url: str, *, seconds: float = 5) -> None:
    urllib3 = pytest.importorskip("urllib3")
    retries = urllib3.Retry(1, status_forcelist=range(400, 600), backoff_factor=0, respect_retry_after_header=False)
    urllib3.PoolManager(retries=retries).request("GET", url, timeout=seconds)


def with_urllib(url: str, *, seconds: float = 5) -> None:
    from urllib.request import urlopen  # noqa: PLC0415

    urlopen(url, timeout=seconds).read()  # noqa: S310


def with_aiohttp(url: str, *, seconds: float = 5) -> None:
    aiohttp = pytest.importorskip("aiohttp")

    async def get() -> None:
        timeout = aiohttp.ClientTimeout(total=seconds)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            response.raise_for_status()
            await response.read()

    asyncio.run(get())


def with_openai(url: str, *, seconds: float = 5) -> None:
    openai = pytest.importorskip("openai")
    client = openai.OpenAI(api_key=CANARY, base_url=url, max_retries=0, timeout=seconds)
    with client:
        client.models.list()


def with_stripe(url: str, *, seconds: float = 5) -> None:
    stripe = pytest.importorskip("stripe")
    http = stripe.RequestsClient(timeout=seconds)
    client = stripe.StripeClient(CANARY, base_addresses={"api": url}, http_client=http, max_network_retries=0)
    client.v1.charges.retrieve("ch_1")


def with_slack(url: str, *, seconds: float = 5) -> None:
    slack_sdk = pytest.importorskip("slack_sdk")
    client = slack_sdk.WebClient(token=CANARY, base_url=f"{url}/", timeout=seconds, retry_handlers=[])
    client.chat_postMessage(channel="C1", text="hi")


@cache
def botocore_session() -> Any:
    """Return a shared session: each new one would read the descriptions of all services again."""
    session = pytest.importorskip("botocore.session").Session()
    session.set_credentials("AKIALOOPBACK", CANARY)
    return session


def with_botocore(url: str, *, seconds: float = 5) -> None:
    config = pytest.importorskip("botocore.config").Config(
        retries={"total_max_attempts": 1}, read_timeout=seconds, connect_timeout=seconds
    )
    client = botocore_session().create_client("dynamodb", region_name="eu-west-1", endpoint_url=url, config=config)
    client.get_item(TableName="tickets", Key={"id": {"S": "7"}})
