"""Who is informed about a call: the log and the user's functions."""

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent_tools._core.events import ToolEvent

#: The logger of the library.
logger = logging.getLogger("agent_tools")

Observer = Callable[["ToolEvent"], object]

#: Gets the event of the refusal and renews what the tool uses; True means that another attempt is worthwhile.
OnAuthFailure = Callable[["ToolEvent"], bool] | Callable[["ToolEvent"], Awaitable[bool]]
