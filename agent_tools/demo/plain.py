"""The conversation line by line, for pipes, logs and terminals without `rich`."""

import textwrap
import time
from collections.abc import Sequence
from typing import TextIO

from langchain_core.messages import ToolMessage

from agent_tools.demo.progress import Board, CallProgress
from agent_tools.demo.promises import Check
from agent_tools.demo.view import WIDTH, meets


class PlainView:
    """Prints each thing as it happens; ASCII only, no line moves."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._began = 0.0

    def note(self, text: str) -> None:
        """Print what happens outside the conversation."""
        self._line(text)

    def question(self, text: str) -> None:
        """Print what the user asks."""
        self._speech("user", text)

    def calling(self, board: Board) -> None:
        """Print how many calls start."""
        self._began = time.monotonic()
        count = len(board.calls)
        self._line(f"The bot makes {count} calls at once." if count > 1 else "The bot makes a call.")

    def changed(self, call: CallProgress) -> None:
        """Print what happened, and when."""
        self._line(f"  {time.monotonic() - self._began:5.2f} s  {call.title:<25}{call.story}")

    def answered(self, board: Board, answers: Sequence[ToolMessage]) -> None:
        """Print what the model reads, call by call."""
        self._line("\nWhat the model reads:")
        for answer in answers:
            call = board.by_id[answer.tool_call_id]
            self._line(f"  {call.title:<25}{_remark(call)}".rstrip())
            self._line(_wrapped(answer.text, indent="      "))
        self._line()

    def reply(self, text: str) -> None:
        """Print the reply to the user."""
        self._speech("bot", text)

    def broke(self, error: str) -> None:
        """Print what ended the run."""
        self._line(f"\nThe run broke: {error}\n")

    def checked(self, checks: Sequence[Check], *, seconds: float) -> None:
        """Print the list of promises, and how many were kept."""
        columns = [max(len(check.subject) for check in checks), max(len(check.promised) for check in checks)]
        self._line(f"{'':<{columns[0]}}  {'promised':<{columns[1]}}  measured")
        for check in checks:
            line = f"{check.subject:<{columns[0]}}  {check.promised:<{columns[1]}}  {check.measured}"
            self._line(f"{line:<{WIDTH - 8}}  {'ok' if check.is_kept else 'FAILED'}")
        self._line(f"\n{summary(checks, seconds=seconds)}")

    def close(self) -> None:
        """Do nothing: no line has moved."""

    def _speech(self, who: str, text: str) -> None:
        self._line(_wrapped(text, indent=" " * 6, first=f"{who + ':':<6}") + "\n")

    def _line(self, text: str = "") -> None:
        print(text, file=self._output, flush=True)


def _remark(call: CallProgress) -> str:
    """Return in brackets what the service of `call` did; empty when it just worked or is unknown."""
    return f"(its service: {meets(call)})" if meets(call) else ""


def summary(checks: Sequence[Check], *, seconds: float) -> str:
    """Return the last line of all."""
    kept = sum(check.is_kept for check in checks)
    return f"{kept} of {len(checks)} promises kept, in {seconds:.1f} s."


def _wrapped(text: str, *, indent: str, first: str | None = None) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=indent if first is None else first, subsequent_indent=indent)
