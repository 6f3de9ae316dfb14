"""What a view of a conversation shows; `plain` prints it line by line, `show` draws it live."""

import re
from collections.abc import Sequence
from io import StringIO
from typing import Protocol, TextIO

from langchain_core.messages import ToolMessage

from agent_tools.demo.api import PROMISES
from agent_tools.demo.progress import Board, CallProgress
from agent_tools.demo.promises import Check

#: Columns to use, on terminals that are at least that wide.
WIDTH = 100


_MEETS_BY_CALL = {(promise.tool, promise.subject): promise.meets for promise in PROMISES}


def meets(call: CallProgress) -> str:
    """Return what the service of `call` does; empty for a call that is not in the script."""
    return _MEETS_BY_CALL.get((call.tool, call.subject), "")


class View(Protocol):
    """Shows a conversation."""

    def note(self, text: str) -> None:
        """Something happens outside the conversation."""

    def question(self, text: str) -> None:
        """The user asks."""

    def calling(self, board: Board) -> None:
        """The model has made calls, which run now."""

    def changed(self, call: CallProgress) -> None:
        """A call failed, recovered or ended."""

    def answered(self, board: Board, answers: Sequence[ToolMessage]) -> None:
        """All calls of a message have their answers."""

    def reply(self, text: str) -> None:
        """The user gets a reply."""

    def broke(self, error: str) -> None:
        """The run ended with an error."""

    def checked(self, checks: Sequence[Check], *, seconds: float) -> None:
        """The conversation is over: promises and measurements."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Screen(StringIO):
    """Writes to `output`, and keeps everything that was shown."""

    def __init__(self, output: TextIO) -> None:
        super().__init__()
        self._output = output

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read-only suffices
        """The encoding of the output, which decides what can be drawn."""
        return self._output.encoding

    def isatty(self) -> bool:
        """Whether the output is a terminal."""
        return self._output.isatty()

    def fileno(self) -> int:
        """The terminal, for its size."""
        return self._output.fileno()

    def write(self, text: str) -> int:
        """Show `text` and keep it."""
        self._output.write(text)
        return super().write(text)

    def flush(self) -> None:
        """Write out what is buffered."""
        self._output.flush()

    def shown(self) -> str:
        """Return all text shown, without colors, frames and blanks, so that a line break hides nothing."""
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue())
        return re.sub(r"[\s\u2500-\u257f]", "", text)
