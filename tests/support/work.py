"""The work of a function, measured by counting: timings depend on how busy the machine is."""

import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FrameType
from typing import Any

#: Repeated, these are the worst inputs for the secret patterns.
HARDEST = [
    "a", "/", "@", "<", "=", "eyJ.eyJ.", " ", "\n", "a.", "1.", "a:", "::", "-", "\\", '"', "'", "[", "(", "&",
    "&amp;", "%25", "\u200b", "password=", "password is ", 'token="', "Bearer ", "<script>", "<!--",
    "-----BEGIN A-----",
    "http://", "C:\\", "cookie: x\n", "Aa1", "é",
]  # fmt: skip


@dataclass
class Work:
    """The cost of a function, independent of the machine's load.

    `characters` counts the texts that a string method, a pattern or another package's function
    scans; reading a type or length, or slicing, does not count.
    """

    calls: int = 0
    characters: int = 0

    def see(self, frame: FrameType, event: str, function: Any) -> None:
        """Count a call: the profile function of `sys.setprofile`."""
        if event == "call":
            self.calls += 1
            if frame.f_globals["__name__"].partition(".")[0] != "agent_tools":
                self.characters += length_of(frame.f_locals.values())
        if event == "c_call":
            self.calls += 1
            owner = function.__self__
            is_searched = type(owner) is re.Pattern
            self.characters += length_of(frame.f_locals.values() if is_searched else [owner])


def length_of(values: Iterable[object]) -> int:
    """Return the total length of the strings among the arguments."""
    return sum(len(value) for value in values if type(value) is str or type(value) is bytes)


def work_of(function: Callable[[Any], object], argument: object) -> Work:
    """Return the cost of calling the function."""
    work = Work()
    before = sys.getprofile()
    sys.setprofile(work.see)
    try:
        function(argument)
    finally:
        sys.setprofile(before)
    return work
