"""`RedisHealth`: one health for all workers, kept in Redis or Valkey; see `agent_tools._gate.redis_link`."""

from typing import Any  # the redis package is loaded when it is needed, and what its clients return is of any type

from agent_tools._core.budget import BudgetPolicy
from agent_tools._core.policy import require_seconds
from agent_tools._gate.record import VERSION
from agent_tools._gate.redis_link import RedisLink
from agent_tools._gate.store import Local


class RedisHealth:
    """Where the workers of a fleet share what they know of their tools; give each the same.

    A call that works sends nothing here. Needs the extra `redis`, and Redis 6 or later, or Valkey.

    >>> from agent_tools import RedisHealth, ResilientToolNode
    >>> node = ResilientToolNode([], health=RedisHealth("redis://localhost:6379/0"))  # doctest: +SKIP

    Args:
        url: As the `redis` package takes it: `redis://`, `rediss://` for TLS, `unix://`.
        prefix: What its keys begin with; workers with another one share nothing with these.
        timeout: Seconds that a call waits for the server at most.
        expiry: Seconds after which the state of a tool that nobody calls is forgotten.
        cluster: The server is a cluster.
        options: Whatever else the client of the `redis` package takes.

    Raises:
        ImportError: The `redis` package is not installed.
        ValueError: The package does not understand the URL, or a number makes no sense.
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
            raise ValueError(f"timeout must be above 0, and expiry at least 1, not {timeout!r} and {expiry!r}")
        if not isinstance(prefix, str) or not prefix or set("{}") & set(prefix):
            raise ValueError(f"prefix must be a text without braces, not {prefix!r}")
        self.timeout = timeout
        self.expiry = expiry
        self.prefix = f"{{{prefix}:{VERSION}}}"  # in braces: all keys are on one node of a cluster
        self._url = url
        self._options = options
        self._is_cluster = cluster
        _package().connection.parse_url(url)  # refused here, not in a thread

    def __repr__(self) -> str:
        return f"RedisHealth(prefix={self.prefix!r})"  # its URL may have a password

    def client(self, timeout: float) -> Any:
        """Return a new client, each of whose operations may take this many seconds."""
        package = _package()
        never = package.retry.Retry(package.backoff.NoBackoff(), 0)
        limits = {"socket_timeout": timeout, "socket_connect_timeout": timeout, "retry": never}
        kind = package.RedisCluster if self._is_cluster else package.Redis
        return kind.from_url(self._url, **{"decode_responses": True, **limits, **self._options})

    def connect(self, local: Local, policy: BudgetPolicy | None) -> RedisLink:
        """Return a new link for the handler whose states are `local`."""
        return RedisLink(self, local, policy)


def _package() -> Any:
    try:
        import redis  # noqa: PLC0415  # an extra
    except ImportError:
        raise ImportError("RedisHealth needs the redis package: pip install 'langgraph-agent-tools[redis]'") from None
    return redis
