"""The key of the running tool call, and how to send it.

A service that knows idempotency keys carries out a call once, however often it arrives. The key is made
here and not by the model: it is no argument of the tool, and the schema that the model sees stays as it
is. It is the same for all attempts of a call, and after a crash in the process that resumes the run.
"""

from typing import Any

from agent_tools._call.call import current_call

__all__ = ["asend_idempotency_key", "idempotency_key", "send_idempotency_key"]

#: IETF draft-ietf-httpapi-idempotency-key-header.
HEADER = "Idempotency-Key"


def idempotency_key() -> str:
    """Return the key of the tool call that is running: 32 hexadecimal digits.

    Works inside async tools, sync tools in threads, and whatever they call. Without a checkpointer there is no
    thread that could be resumed, and the key holds for this run alone.

    >>> import httpx
    >>> from agent_tools import idempotency_key
    >>> def refund(order: str) -> str:
    ...     "Pay an order back."
    ...     answer = httpx.post("https://pay.example/refunds", headers={"Idempotency-Key": idempotency_key()})
    ...     return answer.raise_for_status().text

    Raises:
        RuntimeError: No tool call is running.
    """
    call = current_call()
    if call is None:
        raise RuntimeError("idempotency_key() works inside a tool that a ResilientToolNode or its middleware runs")
    return call.key()


def send_idempotency_key(request: Any) -> None:  # an httpx.Request, or whatever has headers
    """Add the key of the running call to a request that changes something and has none: an httpx event hook.

    >>> import httpx
    >>> client = httpx.Client(event_hooks={"request": [send_idempotency_key]})
    >>> client.close()
    """
    if request.method not in ("GET", "HEAD", "OPTIONS", "TRACE") and current_call() is not None:
        request.headers.setdefault(HEADER, idempotency_key())


async def asend_idempotency_key(request: Any) -> None:
    """Do the same as `send_idempotency_key` for `httpx.AsyncClient`.

    >>> import httpx
    >>> client = httpx.AsyncClient(event_hooks={"request": [asend_idempotency_key]})
    """
    send_idempotency_key(request)
