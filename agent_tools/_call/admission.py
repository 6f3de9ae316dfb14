"""What holds back the calls of a tool, as one call meets it: it waits, and enters or is refused."""

from collections.abc import Callable
from contextlib import closing

from agent_tools._call.settings import Settings
from agent_tools._core.decision import Reason
from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.policy import RetryPolicy
from agent_tools._flow.waiting import Alarm, apause, pause
from agent_tools._gate.gate import Entering, Entry, Gate, Hold, Refusal
from agent_tools._langgraph.run import alarm_of_run

#: A call that was held back before its first attempt, in a graph that shuts down meanwhile.
_DRAINED = Refusal(Reason.DRAINING, Failure(category=ErrorCategory.RETRYABLE, rule="draining", may_have_acted=False))


class Admission:
    """The attempts of one call, as those that share with it see them: a `Visitor` of their gate.

    Attributes:
        gate: What all calls of the tool pass.
        policy: Of the tool.
        began: When the call began.
        clock: Returns seconds that never run backwards.
        draw: Returns a number from 0 up to 1 that nobody can foresee.
    """

    __slots__ = ("_entry", "began", "clock", "draw", "gate", "policy")

    def __init__(self, gate: Gate, settings: Settings, policy: RetryPolicy, *, began: float) -> None:
        self.gate = gate
        self.policy = policy
        self.began = began
        self.clock: Callable[[], float] = settings.clock
        self.draw: Callable[[], float] = settings.chance
        self._entry = Entry.PLAIN

    def enter(self) -> Refusal | None:
        """Wait until an attempt may be made, and return what speaks against it after all."""
        alarm, whole = alarm_of_run(), None
        with closing(self.gate.entering(self)) as steps:  # or a call that is canceled would count as held
            while isinstance(step := _step(steps, whole), Hold):
                whole = pause(step.seconds, _either(alarm, step.changed))
                if not whole and alarm is not None and alarm():
                    return _DRAINED
        return self._entered(step)

    async def aenter(self) -> Refusal | None:
        """Do the same as `enter`."""
        alarm, whole = alarm_of_run(), None
        with closing(self.gate.entering(self)) as steps:
            while isinstance(step := _step(steps, whole), Hold):
                whole = await apause(step.seconds, _either(alarm, step.changed))
                if not whole and alarm is not None and alarm():
                    return _DRAINED
        return self._entered(step)

    def _entered(self, said: Refusal | Entry) -> Refusal | None:
        if isinstance(said, Refusal):
            return said
        self._entry = said
        return None

    def failed(self, failure: Failure) -> None:
        """Let the others know that an attempt has failed."""
        self.gate.failed(
            failure,
            now=self.clock(),
            chance=self.draw(),
            entry=self._entry,
            share_wait=self.policy.share_waits,
        )
        self._entry = Entry.PLAIN

    def succeeded(self, *, repaid: int | None) -> None:
        """Let the others know that an attempt has worked, and that its retry has taken so many tokens."""
        if not self.gate.is_calm:
            self.gate.succeeded(now=self.clock(), entry=self._entry, repaid=repaid)
        self._entry = Entry.PLAIN

    def leave(self) -> None:
        """Give back what was taken for an attempt that came to no end."""
        if self._entry is not Entry.PLAIN:
            self.gate.given_back(now=self.clock(), entry=self._entry)
            self._entry = Entry.PLAIN


def _step(steps: Entering, whole: bool | None) -> Hold | Refusal | Entry:  # noqa: FBT001  # what is sent
    """Return what comes next: a wait, or in the end what became of it."""
    try:
        return steps.send(whole)
    except StopIteration as ended:
        said: Refusal | Entry = ended.value
        return said


def _either(one: Alarm | None, other: Alarm | None) -> Alarm | None:
    if one is None or other is None:
        return one or other
    return lambda: one() or other()
