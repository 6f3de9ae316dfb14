"""An address where nothing listens."""

import socket
from functools import cache


@cache
def refused_url() -> str:
    """Return a URL that refuses every connection, for as long as the process lives.

    Its port is bound but never listened on: the kernel answers as if nothing were there, and no other
    process can get the port.

    >>> import httpx
    >>> from agent_tools.testing import refused_url
    >>> httpx.get(refused_url())
    Traceback (most recent call last):
        ...
    httpx.ConnectError: ...
    """
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    port = held.getsockname()[1]
    held.detach()  # the port stays bound without a socket object that warns that it was never closed
    return f"http://127.0.0.1:{port}"
