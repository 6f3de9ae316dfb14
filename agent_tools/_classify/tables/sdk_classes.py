"""Classes with a clear meaning, by library. No library is imported.

A row is found by `rootmodule.ClassName`, from the class itself up its bases, so that the most derived class
decides and not a misleading base (redis' `AuthenticationError` is one of its `ConnectionError`s). To add
a library, add its classes to the row that fits, and a case to the tests. A class with a status, a code or a
meaningful name (`class_names.py`) needs no row.
"""

import sys
from dataclasses import replace

from agent_tools._classify.tables.builtins import ROW_BY_BUILTIN
from agent_tools._classify.tables.row import (
    BROKEN,
    BUG,
    LATE,
    NO_ANSWER_TO_CONNECT,
    NOT_NOW,
    PASSING,
    PERMANENT,
    REFUSED,
    REJECTED,
    SOME_CONNECTION_TROUBLE,
    SOME_DATABASE_TROUBLE,
    SOME_REFUSAL,
    SOME_TIMEOUT,
    THROTTLED,
    UNREACHED,
    Row,
    spread,
)
from agent_tools._core.failure import ErrorCategory

_HTTPX = spread(
    {
        NO_ANSWER_TO_CONNECT: ("ConnectTimeout", "PoolTimeout"),
        LATE: ("TimeoutException",),
        UNREACHED: ("ConnectError",),
        REJECTED: ("InvalidURL", "LocalProtocolError", "UnsupportedProtocol"),
        BROKEN: ("NetworkError", "ProtocolError", "ProxyError", "TransportError"),
        PERMANENT: ("CookieConflict", "DecodingError", "StreamError", "TooManyRedirects"),
    }
)
"""`httpx`, its fork `httpx2`, and `httpcore` below them. The contract's rows are among them."""

_HTTP_CLIENTS = spread(
    {
        NO_ANSWER_TO_CONNECT: (
            "aiohttp.ConnectionTimeoutError",
            "botocore.ConnectTimeoutError",
            "requests.ConnectTimeout",
        ),
        LATE: (
            "aiohttp.ServerTimeoutError",
            "botocore.ReadTimeoutError",
            "botocore.WaiterError",
            "elastic_transport.ConnectionTimeout",
            "requests.ReadTimeout",
            "urllib3.ReadTimeoutError",
        ),
        UNREACHED: (
            "aiohttp.ClientConnectorError",
            "botocore.ProxyConnectionError",
            "elastic_transport.TlsError",
            "httplib2.ServerNotFoundError",
            "urllib3.NameResolutionError",
            "urllib3.NewConnectionError",
        ),
        BROKEN: (
            "aiohttp.ClientPayloadError",
            "aiohttp.ServerDisconnectedError",
            "botocore.ConnectionClosedError",
            "botocore.IncompleteReadError",
            "botocore.ResponseStreamingError",
            "requests.ChunkedEncodingError",
            "urllib3.IncompleteRead",
            "websockets.ConnectionClosed",
            "websockets.InvalidMessage",
        ),
        SOME_CONNECTION_TROUBLE: (
            "aiohttp.ClientConnectionError",
            "botocore.ConnectionError",
            "botocore.EndpointConnectionError",
            "botocore.HTTPClientError",
            "elastic_transport.ConnectionError",
            "qdrant_client.ResponseHandlingException",
            "requests.ConnectionError",
            "urllib3.HTTPError",
            "urllib3.ProtocolError",
            "urllib3.ProxyError",
            "urllib3.SSLError",
        ),
        SOME_TIMEOUT: ("requests.Timeout", "urllib3.TimeoutError"),
        REFUSED: (
            "botocore.CredentialRetrievalError",
            "botocore.LoginError",
            "botocore.NoAuthTokenError",
            "botocore.NoCredentialsError",
            "botocore.PartialCredentialsError",
            "botocore.SSOError",
            "botocore.TokenRetrievalError",
        ),
        REJECTED: (
            "aiohttp.InvalidURL",
            "aiohttp.NonHttpUrlClientError",
            "botocore.ParamValidationError",
            "botocore.ValidationError",
            "requests.InvalidHeader",
            "requests.InvalidSchema",
            "requests.InvalidURL",
            "requests.MissingSchema",
            "urllib3.LocationValueError",
        ),
        PERMANENT: (
            "aiohttp.ContentTypeError",
            "elastic_transport.SerializationError",
            "requests.ContentDecodingError",
            "requests.InvalidJSONError",
            "requests.StreamConsumedError",
            "requests.TooManyRedirects",
            "requests.UnrewindableBodyError",
            "urllib3.DecodeError",
            "urllib3.ResponseError",
            "urllib3.HeaderParsingError",
            "urllib3.UnrewindableBodyError",
        ),
    }
)

_DB_API = (
    "DBAPIError",
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
)
"""PEP 249's classes; where a library wraps a driver under the same names, the driver's error decides."""

_DATABASES = spread(
    {
        UNREACHED: (
            "cassandra.NoHostAvailable",
            "kafka.NoBrokersAvailable",
            "ldap3.LDAPServerPoolExhaustedError",
            "ldap3.LDAPSocketOpenError",
            "nats.NoServersError",
            "paramiko.NoValidConnectionsError",
        ),
        SOME_CONNECTION_TROUBLE: (
            "asyncpg.InternalClientError",
            "clickhouse_connect.OperationalError",
            "kombu.OperationalError",
            "ldap.CONNECT_ERROR",
            "ldap.SERVER_DOWN",
            "ldap3.LDAPCommunicationError",
            "neo4j.ServiceUnavailable",
            "neo4j.SessionExpired",
            "nats.NoRespondersError",
            "paramiko.SSHException",
            "pika.AMQPConnectionError",
            "pika.AMQPHeartbeatTimeout",
            "psycopg.OperationalError",
            "psycopg2.OperationalError",
            "pymongo.AutoReconnect",
            "pymongo.ConnectionFailure",
            "pymssql.OperationalError",
            "pymysql.InterfaceError",
            "redis.ConnectionError",
        ),
        NO_ANSWER_TO_CONNECT: ("psycopg.ConnectionTimeout", "psycopg_pool.PoolTimeout", "sqlalchemy.TimeoutError"),
        LATE: (
            "cassandra.OperationTimedOut",
            "cassandra.Timeout",
            "ldap.TIMEOUT",
            "ldap3.LDAPTimeLimitExceededResult",
            "pymongo.ExecutionTimeout",
            "pymongo.NetworkTimeout",
            "pymongo.WTimeoutError",
            "redis.TimeoutError",
        ),
        SOME_TIMEOUT: ("pymongo.ServerSelectionTimeoutError", "pymongo.WaitQueueTimeoutError"),
        NOT_NOW: (
            "cassandra.OverloadedErrorMessage",
            "ldap.BUSY",
            "ldap3.LDAPBusyResult",
            "mysql.PoolError",
            "redis.BusyLoadingError",
            "redis.MaxConnectionsError",
            "redis.ReadOnlyError",
            "redis.TryAgainError",
            "redis.WatchError",
        ),
        PASSING: (
            "cassandra.Unavailable",
            "kafka.RetriableError",
            "ldap.UNAVAILABLE",
            "ldap3.LDAPUnavailableResult",
            "neo4j.TransientError",
            "pymongo.NotPrimaryError",
            "redis.ClusterDownError",
            "redis.MasterDownError",
        ),
        REFUSED: (
            "ldap.INSUFFICIENT_ACCESS",
            "ldap.INVALID_CREDENTIALS",
            "ldap3.LDAPAuthorizationDeniedResult",
            "ldap3.LDAPBindError",
            "ldap3.LDAPInsufficientAccessRightsResult",
            "ldap3.LDAPInvalidCredentialsResult",
            "neo4j.AuthError",
            "neo4j.Forbidden",
            "paramiko.AuthenticationException",
            "pika.ProbableAccessDeniedError",
            "pika.ProbableAuthenticationError",
            "redis.AuthenticationError",
            "redis.AuthorizationError",
            "redis.NoPermissionError",
        ),
        SOME_DATABASE_TROUBLE: [f"{library}.{name}" for library in ("django", "sqlalchemy") for name in _DB_API],
        PERMANENT: (
            "kafka.AuthorizationError",
            "ldap3.LDAPOperationResult",
            "gql.TransportQueryError",
            "neo4j.ClientError",
            "paramiko.BadHostKeyException",
            "paramiko.IncompatiblePeer",
            "redis.DataError",
            "redis.LockError",
            "redis.ResponseError",
            "sqlalchemy.InvalidRequestError",
        ),
    }
)
"""Databases, queues, directories: classes that never or only sometimes have a code (`databases.py`)."""

_SERVICES = spread(
    {
        THROTTLED: ("discord.RateLimited", "tavily.UsageLimitExceededError", "telegram.RetryAfter"),
        PASSING: ("braintree.ServerError", "hvac.VaultDown", "pyactiveresource.ServerError"),
        UNREACHED: ("dns.NXDOMAIN", "dns.NoNameservers"),
        SOME_CONNECTION_TROUBLE: (
            "algoliasearch.AlgoliaUnreachableHostException",
            "azure.IncompleteReadError",
            "azure.ServiceRequestError",
            "azure.ServiceResponseError",
            "google.TransportError",
            "meilisearch.MeilisearchCommunicationError",
            "prawcore.RequestException",
        ),
        SOME_TIMEOUT: ("google.RetryError",),
        REFUSED: (
            "discord.LoginFailure",
            "google.DefaultCredentialsError",
            "simple_salesforce.SalesforceAuthenticationFailed",
            "simple_salesforce.SalesforceExpiredSession",
            "spotipy.SpotifyOauthError",
            "telegram.InvalidToken",
        ),
        SOME_REFUSAL: ("anthropic.CredentialsError", "google.GoogleAuthError", "google.RefreshError"),
        REJECTED: ("telegram.BadRequest", "telegram.ChatMigrated", "telegram.EndPointNotFound"),
    }
)

_FRAMEWORKS = spread(
    {
        LATE: ("langchain_core.ModelTimeoutError", "langgraph.NodeTimeoutError", "playwright.TimeoutError"),
        BROKEN: (
            "anyio.BrokenResourceError",
            "anyio.ClosedResourceError",
            "anyio.EndOfStream",
            "anyio.IncompleteRead",
        ),
        BUG: (
            "langchain_core.OutputParserException",
            "langgraph.EmptyInputError",
            "langgraph.GraphRecursionError",
            "langgraph.InvalidUpdateError",
            "pydantic_ai.ModelRetry",
            "pydantic_core.ValidationError",
        ),
    }
)

EXACT_FAMILIES = frozenset({"builtins.SystemExit", "httpx.RequestError", "httpx2.RequestError"})
"""Bases whose classes are looked up in the table alone; their other attributes and their names are ignored."""

ROW_BY_CLASS: dict[str, Row] = (
    ROW_BY_BUILTIN
    | {
        f"{library}.{name}": row
        for library in ("httpcore", "httpcore2", "httpx", "httpx2")
        for name, row in _HTTPX.items()
    }
    | _HTTP_CLIENTS
    | _DATABASES
    | _SERVICES
    | _FRAMEWORKS
)

FORKED_LIBRARIES = (
    "requests",
    "urllib3",
    "httpx",
    "redis",
    "pymysql",
    "pymongo",
    "psycopg",
    "kafka",
    "pika",
    "elastic_transport",
    "botocore",
    "discord",
    "telegram",
    "ldap3",
    "neo4j",
)
"""Libraries whose forks and ports keep the names of the classes: valkey, niquests, curl_cffi and more."""

_KNOWN_ROOTS = frozenset(qualified.partition(".")[0] for qualified in ROW_BY_CLASS)


def _rows_by_bare_name() -> dict[str, Row]:
    """Return what a class name means in those libraries, if all that have it agree on the category."""
    rows: dict[str, list[Row]] = {}
    for qualified, row in ROW_BY_CLASS.items():
        library, _, name = qualified.partition(".")
        if library in FORKED_LIBRARIES and row.category is not ErrorCategory.NON_RETRYABLE:
            rows.setdefault(name, []).append(row)
    rows.pop("HTTPError")  # the base of all errors in urllib3, an HTTP response everywhere else
    return {name: each[0] for name, each in rows.items() if len({row.category for row in each}) == 1}


_ROW_BY_BARE_NAME = _rows_by_bare_name()


def row_of_fork(qualified: str) -> Row | None:
    """Return what a class name means in the libraries whose forks keep it; None for a library in the table."""
    root, _, name = qualified.partition(".")
    row = None if root in _KNOWN_ROOTS or root in sys.stdlib_module_names else _ROW_BY_BARE_NAME.get(name)
    return None if row is None else replace(row, rule=f"{qualified}, as its parent", may_have_acted=True, sure=False)
