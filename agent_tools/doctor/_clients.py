"""Clients of services: how long they wait, how often they retry, where they connect.

Libraries are recognized by the names of their classes, not imported. What a class does not show is None or UNKNOWN.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any  # an object of any library

from agent_tools.doctor._facts import UNKNOWN
from agent_tools.idempotency import asend_idempotency_key, send_idempotency_key

_HOOKS = (send_idempotency_key, asend_idempotency_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What one client does.

    Attributes:
        name: Name of its class.
        limit: Seconds that a read may take; None for no limit, UNKNOWN when each request sets it.
        retries: What retries inside the client; empty if nothing does.
        advice: How to turn that off.
        host: Host it connects to; UNKNOWN when each request sets it.
        sends_key: Whether it sends the idempotency key of the call.
    """

    name: str
    limit: float | str | None = UNKNOWN
    retries: str = ""
    advice: str = ""
    host: str = UNKNOWN
    sends_key: bool | None = None


def clients_in(things: tuple[Any, ...]) -> list[Client]:
    """Return the clients among `things`; those that cannot be read are skipped."""
    found = []
    for thing in things:
        for read in _readers_of(thing):
            try:
                found.append(read(thing))
            except Exception:  # noqa: BLE001, S112  # not what it was taken for
                continue
    return found


def _readers_of(thing: Any) -> Iterator[Callable[[Any], Client]]:
    for cls in type(thing).__mro__:
        root = cls.__module__.partition(".")[0]
        if (root, cls.__name__) in READER_BY_CLASS:
            yield READER_BY_CLASS[root, cls.__name__]
            return


def _httpx(client: Any) -> Client:
    transport = client._transport  # noqa: SLF001  # httpx shows it nowhere else
    retries, advice = "", ""
    if "Retry" in type(transport).__name__:
        retries, advice = type(transport).__name__, "give its client a plain transport"
    elif getattr(getattr(transport, "_pool", None), "_retries", 0):
        retries, advice = "HTTPTransport(retries=)", "create the transport without retries"
    return Client(
        name=_name(client),
        limit=client.timeout.read,
        retries=retries,
        advice=advice,
        host=client.base_url.host or UNKNOWN,
        sends_key=any(hook in _HOOKS for hook in client.event_hooks["request"]),
    )


def _requests(session: Any) -> Client:
    retries = max(getattr(adapter.max_retries, "total", 0) or 0 for adapter in session.adapters.values())
    named = "urllib3's Retry" if retries else ""
    return Client(name=_name(session), retries=named, advice="mount an adapter with max_retries=0", sends_key=False)


def _aiohttp(session: Any) -> Client:
    limit = session.timeout.total or session.timeout.sock_read
    return Client(name=_name(session), limit=limit, sends_key=False)


def _sdk(client: Any) -> Client:
    """Read a client of the OpenAI or Anthropic SDK."""
    timeout = getattr(client.timeout, "read", client.timeout)
    retries = f"{_name(client)}(max_retries={client.max_retries})" if client.max_retries else ""
    return Client(
        name=_name(client),
        limit=timeout,
        retries=retries,
        advice="create it with max_retries=0",
        host=client.base_url.host,
    )


def _botocore(client: Any) -> Client:
    config = client.meta.config
    retries = config.retries or {}
    attempts = retries.get("total_max_attempts", retries.get("max_attempts", 4) + 1)
    return Client(
        name="botocore",
        limit=config.read_timeout,
        retries="botocore" if attempts > 1 else "",
        advice="give its client Config(retries={'total_max_attempts': 1})",
        host=client.meta.endpoint_url.partition("//")[2],
        sends_key=False,
    )


def _name(client: Any) -> str:
    return f"{type(client).__module__.partition('.')[0]}.{type(client).__name__}"


#: By top-level package and name of the class.
READER_BY_CLASS: dict[tuple[str, str], Callable[[Any], Client]] = {
    **{(package, name): _httpx for package in ("httpx", "httpx2") for name in ("Client", "AsyncClient")},
    **{("openai", name): _sdk for name in ("OpenAI", "AsyncOpenAI")},
    **{("anthropic", name): _sdk for name in ("Anthropic", "AsyncAnthropic")},
    ("aiohttp", "ClientSession"): _aiohttp,
    ("botocore", "BaseClient"): _botocore,
    ("requests", "Session"): _requests,
}
