"""The key of the running tool call, and how to send it.

A service that supports idempotency keys carries out a call once, however often it arrives. The key is made
here, not by the model: it is not an argument of the tool, and the schema that the model sees does not
change. It is the same for all attempts of a call, even after a crash in the process that resumes the run.
"""

from typing import Any

from agent_tools._call.current import current_call
from agent_tools._call.requests import AsyncTrace, Trace, note_unattributed
from agent_tools._core.evidence import changes_something

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
        raise RuntimeError("idempotency_key() must be called in a tool of ResilientToolNode or its middleware")
    return call.key()


def send_idempotency_key(request: Any) -> None:  # an httpx.Request, or whatever has a method, a URL and headers
    """Give each request that changes something its own key, and note its outcome: an httpx event hook.

    The key is made of the key of the call, the method, the path with its query, the body, and how many such requests
    this attempt has sent before. So two refunds of one call have two keys, and a retry sends each with its own again.
    A streamed body cannot be read here, so such requests are told apart by their order. A request that already has a
    key keeps it.

    What is noted (method, status, whether an answer came) shows what a failed attempt may have changed, so a tool that
    is declared `idempotent=False` can be retried where it changed nothing. That holds if every client of the tool has
    the hook.

    >>> import httpx
    >>> client = httpx.Client(event_hooks={"request": [send_idempotency_key]})
    >>> client.close()
    """
    _prepare(request, Trace)


async def asend_idempotency_key(request: Any) -> None:
    """Do the same as `send_idempotency_key` for `httpx.AsyncClient`.

    >>> import httpx
    >>> client = httpx.AsyncClient(event_hooks={"request": [asend_idempotency_key]})
    """
    _prepare(request, AsyncTrace)


def _prepare(request: Any, trace: type[Trace]) -> None:
    call, changes = current_call(), changes_something(request.method)
    if call is None:
        if changes:
            note_unattributed()
        return
    requests = call.requests()
    sent = requests.note(request)
    if changes and HEADER not in request.headers:
        request.headers[HEADER] = requests.key_of(request, call=call.key())
    extensions = getattr(request, "extensions", None)
    if isinstance(extensions, dict):  # httpx
        request.extensions = {**extensions, "trace": trace(sent, extensions.get("trace"))}
