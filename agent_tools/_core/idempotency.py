"""Keys by which a service recognizes a call that it has already carried out.

A key must be the same for all attempts of a call, also in another process after a crash, and different for
any other call. The attempt is no part of it, and the id that the model gave the call is not enough:
some providers number the calls of each turn from one.
"""

import hashlib
import json
from typing import Any


def key_of_call(*, thread: str, message: str, call: str, tool: str) -> str:
    """Return the key of one tool call: 32 hexadecimal digits.

    Args:
        thread: Id of the conversation.
        message: Id of the AI message that makes the call.
        call: Id of the call within this message.
        tool: Name of the tool.
    """
    return _digest("call", thread, message, call, tool)


def key_of_arguments(*, thread: str, tool: str, arguments: dict[str, Any]) -> str:
    """Return the key of all calls in a thread that ask the same of the same tool: 32 hexadecimal digits."""
    return _digest("arguments", thread, tool, canonical(arguments))


def key_of_request(call: str, *, method: str, target: str, body: str | None, ordinal: int) -> str:
    """Return the key of one request of a call: 32 hexadecimal digits.

    Args:
        call: Key of the call.
        method: Of the request.
        target: Its path and query. Its host is no part of the key, so a second host of a service knows it, too.
        body: A digest; None for a body that cannot be read before it is sent.
        ordinal: For which time the attempt sends such a request, from 1 on.
    """
    return _digest("request", call, method, target, body or "", str(ordinal))


def canonical(arguments: dict[str, Any]) -> str:
    """Return the same text for arguments that are the same, in whatever order the model wrote them."""
    try:
        return json.dumps(arguments, sort_keys=True, default=str)
    except TypeError:  # keys of several types, which no JSON has and nobody can sort
        return repr(arguments)


def _digest(*parts: str) -> str:
    # JSON keeps ("a", "bc") and ("ab", "c") apart, which joining would not.
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
