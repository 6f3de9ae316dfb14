"""Work that is counted instead of timed, as a busy machine takes longer for the same."""

import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FrameType
from typing import Any

#: Repeated, they are the worst for patterns that look for secrets.
HARDEST = [
    "a", "/", "@", "<", "=", "eyJ.eyJ.", " ", "\n", "a.", "1.", "a:", "::", "-", "\\", '"', "'", "[", "(", "&",
    "&amp;", "%25", "\u200b", "password=", "password is ", 'token="', "Bearer ", "<script>", "<!--",
    "-----BEGIN A-----",
    "http://", "C:\\", "cookie: x\n", "Aa1", "é",
]  # fmt: skip


@dataclass
class Work:
    """What a function of ours takes, whatever else the machine has to do.

    `characters` are those of the texts that a method of theirs, a pattern or a function of another package looks
    through; to know its type or length, or to take a part, does not count.
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
    """Return the length of all texts among them, without asking anything else."""
    return sum(len(value) for value in values if type(value) is str or type(value) is bytes)


def work_of(function: Callable[[Any], object], argument: object) -> Work:
    """Return what it takes to call the function."""
    work = Work()
    before = sys.getprofile()
    sys.setprofile(work.see)
    try:
        function(argument)
    finally:
        sys.setprofile(before)
    return work
