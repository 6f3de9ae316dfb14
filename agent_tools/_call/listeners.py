"""Who is told what happens to a call: the log, and functions of the user's."""

import logging
from collections.abc import Awaitable, Callable

from agent_tools._core.events import ToolEvent

#: The logger of the library.
logger = logging.getLogger("agent_tools")

Observer = Callable[[ToolEvent], object]

#: Gets the event of the refusal and renews what the tool uses; True means: it is worth another attempt.
OnAuthFailure = Callable[[ToolEvent], bool] | Callable[[ToolEvent], Awaitable[bool]]
