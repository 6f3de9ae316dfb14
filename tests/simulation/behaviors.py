"""How the sick service behaves during the trouble, and before and after it."""

import asyncio
import math
import random
from collections import Counter, deque
from dataclasses import dataclass, field

from tests.simulation.service import Job, Reply

FASTEST = 0.045
MEAN_LATENCY = 0.07
OK = Reply(200)
UNAVAILABLE = Reply(503)
BAD_GATEWAY = Reply(502)


@dataclass(frozen=True, slots=True)
class Span:
    """The time from `begins` until `ends`, in seconds."""

    begins: float
    ends: float

    def __contains__(self, at: float) -> bool:
        return self.begins <= at < self.ends


@dataclass(kw_only=True)
class Healthy:
    """Answers after about 70 ms; all others do the same while there is no trouble.

    Attributes:
        trouble: When it behaves otherwise.
        chance: The source of the latencies.
    """

    trouble: Span
    chance: random.Random

    async def serve(self, job: Job) -> Reply:
        """Return the answer, after its latency."""
        await self._on_the_way()
        job.carry_out()
        return OK

    async def foresee(self, patience: float) -> bool:
        """Return whether a request works now, having waited up to `patience` for the moment."""
        return True

    async def _on_the_way(self) -> None:
        await asyncio.sleep(FASTEST + self.chance.expovariate(1 / (MEAN_LATENCY - FASTEST)))

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def _is_sick(self) -> bool:
        return self._now in self.trouble


class Down(Healthy):
    """Answers 503 to everything."""

    async def serve(self, job: Job) -> Reply:
        """Return the answer, after its latency."""
        if self._is_sick:
            return await self._fail()
        return await super().serve(job)

    async def _fail(self) -> Reply:
        await self._on_the_way()
        return UNAVAILABLE

    async def foresee(self, patience: float) -> bool:
        """Wait for the end of the trouble if it is near."""
        left = self.trouble.ends - self._now if self._is_sick else 0.0
        if left > patience:
            return False
        await asyncio.sleep(left)
        return True


class Refusing(Down):
    """Refuses connections."""

    async def _fail(self) -> Reply:
        raise ConnectionRefusedError


class Hanging(Down):
    """Accepts requests and never answers them."""

    async def _fail(self) -> Reply:
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nobody answers")


@dataclass(kw_only=True)
class Crowded(Healthy):
    """Serves one queue in the order of arrival, too slowly during the trouble.

    It does not notice that clients have given up, and serves them anyway.

    Attributes:
        capacity: Answers a second in good times.
        left: The share of the capacity that is left during the trouble.
        room: Requests that may wait; more are answered 503 at once.
        wasted: Answers made for clients that had given up.
    """

    capacity: float = 53.0
    left: float = 0.3
    room: int
    wasted: int = 0
    _queue: deque[tuple[Job, asyncio.Future[None]]] = field(default_factory=deque)
    _worker: asyncio.Task[None] | None = None
    _last_slot: float = 0.0

    async def serve(self, job: Job) -> Reply:
        """Return the answer when it is its turn."""
        if len(self._queue) >= self.room:
            await asyncio.sleep(FASTEST)
            return UNAVAILABLE
        loop = asyncio.get_running_loop()
        served = loop.create_future()
        self._queue.append((job, served))
        if self._worker is None or self._worker.done():
            self._worker = loop.create_task(self._work())
        try:
            await served
            await self._on_the_way()
        except asyncio.CancelledError:
            self.wasted += not served.cancelled()  # or the client gives up while the answer is on its way
            raise
        return OK

    async def _work(self) -> None:
        while self._queue:
            await asyncio.sleep(1 / self._rate(self._now))
            job, served = self._queue.popleft()
            job.carry_out()
            if served.cancelled():
                self.wasted += 1
            else:
                served.set_result(None)

    def _rate(self, at: float) -> float:
        return self.capacity * self.left if at in self.trouble else self.capacity

    async def foresee(self, patience: float) -> bool:
        """Wait for a place in the queue, if one comes up in time."""
        slot = self._slot(after=self._now)
        if slot - self._now > patience:
            return False
        self._last_slot = slot
        await asyncio.sleep(slot - self._now)
        return True

    def _slot(self, *, after: float) -> float:
        return max(after, self._last_slot + 1 / self._rate(self._last_slot))


@dataclass(kw_only=True)
class RateLimiting(Crowded):
    """Grants a quota of requests in each window, and answers 429 with the seconds until the next window.

    The window opens for all clients at once, but behind it there is a queue: if all come at once, some get 503.

    Attributes:
        window: The length of a window in seconds.
        quota: Requests in a window.
        early: Requests that came before the next window although a 429 had named it.
    """

    left: float = 1.0
    room: int = 60
    window: float = 10.0
    quota: int = 146
    early: int = 0
    _granted: Counter[int] = field(default_factory=Counter)
    _foreseen: Counter[int] = field(default_factory=Counter)
    _told: set[int] = field(default_factory=set)

    async def serve(self, job: Job) -> Reply:
        """Return the answer of the limiter, or of the queue behind it."""
        if not self._is_sick:
            return await super().serve(job)
        window = self._window(self._now)
        self.early += window in self._told
        if self._granted[window] < self.quota:
            self._granted[window] += 1
            return await super().serve(job)
        seconds = math.ceil(self._door(window) - self._now)
        await self._on_the_way()
        self._told.add(window)
        return Reply(429, {"Retry-After": str(seconds)})

    async def foresee(self, patience: float) -> bool:
        """Take a request of this window's quota, or of the next one's if it is near enough."""
        slot = self._slot(after=self._now)
        if self._is_spent(slot):
            slot = self._slot(after=self._door(self._window(slot)))
        if self._is_spent(slot) or slot - self._now > patience:
            return False
        self._last_slot = slot
        self._foreseen[self._window(slot)] += 1
        await asyncio.sleep(slot - self._now)
        return True

    def _is_spent(self, at: float) -> bool:
        return at in self.trouble and self._foreseen[self._window(at)] >= self.quota

    def _window(self, at: float) -> int:
        return math.floor((at - self.trouble.begins) / self.window)

    def _door(self, window: int) -> float:
        return min(self.trouble.begins + (window + 1) * self.window, self.trouble.ends)


@dataclass(kw_only=True)
class Flaky(Healthy):
    """Fails now and then, sometimes after the work is done.

    The first request of an operation meets the same fault for all contenders, and so do the second and the third: what
    sets them apart is how they react, not their luck.

    Attributes:
        unavailable: The share of requests that are answered 503 and not carried out.
        lost: The share of requests that are carried out and answered 502.
    """

    unavailable: float = 0.12
    lost: float = 0.04
    _dice_by_operation: dict[int, random.Random] = field(default_factory=dict)
    _seed: int = field(init=False)

    def __post_init__(self) -> None:
        self._seed = self.chance.getrandbits(32)

    async def serve(self, job: Job) -> Reply:
        """Return the answer, or a fault in its place."""
        if not self._is_sick:
            return await super().serve(job)
        drawn = self._drawn(job.operation)
        if drawn < self.unavailable:
            await self._on_the_way()
            return UNAVAILABLE
        reply = await super().serve(job)
        return BAD_GATEWAY if drawn < self.unavailable + self.lost else reply

    def _drawn(self, operation: int) -> float:
        """Return the random number of an operation's next request."""
        dice = self._dice_by_operation.get(operation)
        if dice is None:
            dice = random.Random(f"{self._seed} {operation}")  # noqa: S311  # the same dice each time
            self._dice_by_operation[operation] = dice
        return dice.random()
