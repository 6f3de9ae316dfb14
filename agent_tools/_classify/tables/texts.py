"""Phrases by which errors of runtimes and transports are recognized inside other error texts.

A client often puts the text of the error below it into its own and drops the error. Only phrases that the
runtime itself writes count, and none of them makes an error retryable: they mean TIMEOUT or NETWORK.
"""

from agent_tools._classify.tables.row import BROKEN, LATE, Row, spread

ROW_BY_PHRASE: dict[str, Row] = spread(
    {
        LATE: (
            "read timed out",  # urllib3
            "timeout was reached",  # curl
            "operation timed out",  # curl, macOS
            "request timed out",  # openai and similar
            "connection timed out",  # ETIMEDOUT
            "connecttimeouterror(",  # urllib3
            "readtimeouterror(",  # urllib3
            "context deadline exceeded",  # Go
            "the read operation timed out",  # ssl
            "the handshake operation timed out",  # ssl
        ),
        BROKEN: (
            "[ssl: ",  # ssl
            "certificate_verify_failed",  # ssl
            "certificate verify failed",  # ssl, OpenSSL
            "cannot connect to host",  # aiohttp
            "server disconnected",  # aiohttp, httpx
            "remote end closed connection without response",  # http.client
            "connection aborted",  # urllib3
            "newconnectionerror(",  # urllib3
            "nameresolutionerror(",  # urllib3
            "all connection attempts failed",  # httpcore, anyio
            "econnrefused",  # Node
            "econnreset",  # Node
            "enotfound",  # Node
            "dial tcp",  # Go
            "could not resolve host",  # curl
            "could not translate host name",  # libpq
            "getaddrinfo failed",  # asyncio
        ),
    }
)

ROW_BY_ERRNO_TEXT: dict[str, Row] = spread(
    {
        BROKEN: (
            "broken pipe",
            "connection refused",
            "connection reset by peer",
            "connection reset",
            "name or service not known",
            "network is unreachable",
            "no address associated with hostname",
            "no route to host",
            "nodename nor servname provided",
            "software caused connection abort",
            "temporary failure in name resolution",
            "transport endpoint is not connected",
        ),
    }
)
"""What `strerror` and `gai_strerror` write on Linux and macOS."""
