"""The parts of the doctor's report: facts about each tool, and findings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is likely to go wrong.

    >>> print(Finding(rule="no-timeout", tool="lookup", problem="its client waits forever", advice="give it a timeout"))
    lookup: its client waits forever. Give it a timeout. [no-timeout]

    Attributes:
        rule: The kind of finding, to search for or to ignore.
        tool: Name of the tool; None for the whole agent.
        problem: What is wrong.
        advice: What to do about it.
    """

    rule: str
    tool: str | None = None
    problem: str
    advice: str

    def __str__(self) -> str:
        advice = f"{self.advice[:1].upper()}{self.advice[1:]}"
        return f"{self.tool or 'agent'}: {self.problem}. {advice}. [{self.rule}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFacts:
    """What will happen to the calls of one tool.

    Attributes:
        tool: Its name.
        retried: For which categories it is run again, and the number of attempts in all.
        twice: Whether it may act twice.
        key: Whether its requests carry an idempotency key.
        limit: How long one attempt may take.
        host: Where its requests go.
    """

    tool: str
    retried: str
    twice: str
    key: str
    limit: str
    host: str


#: The source does not show it.
UNKNOWN = "?"
