"""`RedisHealth`: shares the health of tools between workers in Redis or Valkey; see `agent_tools._gate.redis_link`."""

from typing import Any  # for everything of the redis package, which is loaded only when it is needed

from agent_tools._core.gate_policies import BudgetPolicy
from agent_tools._core.policy import require_seconds
from agent_tools._gate.record import VERSION
from agent_tools._gate.redis_link import RedisLink
from agent_tools._gate.store import Local


class RedisHealth:
    """Shares the health of tools between worker processes; give each process the same arguments.

    A call that works sends nothing to it. Needs the extra `redis`, and Redis 6 or later, or Valkey.

    >>> from agent_tools import RedisHealth, ResilientToolNode
    >>> node = ResilientToolNode([], health=RedisHealth("redis://localhost:6379/0"))  # doctest: +SKIP

    Args:
        url: A URL of the `redis` package: `redis://`, `rediss://` for TLS, or `unix://`.
        prefix: The prefix of all keys; workers with different prefixes share nothing.
        timeout: The most seconds that a call waits for the server.
        expiry: Seconds after which the state of a tool without calls is forgotten.
        cluster: Whether the server is a cluster.
        options: Other options for the client of the `redis` package.

    Raises:
        ImportError: The `redis` package is not installed.
        ValueError: The URL is invalid for the package, or a number or the prefix is out of range.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "agent_tools",
        timeout: float = 0.1,
        expiry: float = 300.0,
        cluster: bool = False,
        **options: Any,  # of `redis.Redis`
    ) -> None:
        require_seconds("timeout", timeout)
        require_seconds("expiry", expiry)
        if not timeout or expiry < 1:
            raise ValueError(f"timeout must be above 0 and expiry at least 1, not {timeout!r} and {expiry!r}")
        if not isinstance(prefix, str) or not prefix or set("{}") & set(prefix):
            raise ValueError(f"prefix must be a non-empty string without braces, not {prefix!r}")
        self.timeout = timeout
        self.expiry = expiry
        self.prefix = f"{{{prefix}:{VERSION}}}"  # braces keep all keys on one node of a cluster
        self._url = url
        self._options = options
        self._is_cluster = cluster
        _package().connection.parse_url(url)  # refused here, not in a thread

    def __repr__(self) -> str:
        return f"RedisHealth(prefix={self.prefix!r})"  # its URL may have a password

    def client(self, timeout: float) -> Any:
        """Return a new client; each of its operations may take `timeout` seconds."""
        package = _package()
        never = package.retry.Retry(package.backoff.NoBackoff(), 0)
        limits = {"socket_timeout": timeout, "socket_connect_timeout": timeout, "retry": never}
        kind = package.RedisCluster if self._is_cluster else package.Redis
        return kind.from_url(self._url, **{"decode_responses": True, **limits, **self._options})

    def connect(self, local: Local, policy: BudgetPolicy | None) -> RedisLink:
        """Return a new link for a handler; `local` are its states."""
        return RedisLink(self, local, policy)


def _package() -> Any:
    try:
        import redis  # noqa: PLC0415  # an extra
    except ImportError:
        raise ImportError("RedisHealth needs the redis package: pip install 'langgraph-agent-tools[redis]'") from None
    return redis
