"""The link between a handler and Redis.

Each gate that is not calm is one string. A change is one operation: a script writes the new state unless another
process has changed the old one, and returns the time of the server. Each change is also entered in a stream.
A thread of each handler reads it, so all workers know at once what one has met; a worker that starts or was
disconnected reads what it has missed.

A call never talks to the server itself. It hands its change to a second thread and waits for it, a tenth of a second
by default; then it goes on with what this process knows.
"""

import asyncio
import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import (  # the redis package is loaded when it is needed, and what its clients return is of any type
    Any,
    Protocol,
)

from agent_tools._core.gate_policies import BudgetPolicy
from agent_tools._core.gate_state import CALM, GateState, shifted
from agent_tools._gate.record import as_json, from_json
from agent_tools._gate.store import Change, Local

logger = logging.getLogger("agent_tools")

#: The oldest server that has all needed commands.
OLDEST = 6

#: Changes that the stream keeps for workers that start.
CHANGES = 1000

#: Seconds for which a server is not used after it failed or was slow.
REST = 2.0

#: Seconds after which a blocking read returns without news.
PATIENCE = 1.0

#: Tries to make a change before others have made one of their own.
TRIES = 5

_SCRIPT = f"""
local time = redis.call('TIME')
local now = redis.call('GET', KEYS[1]) or ''
local id = string.match(now, '^(%S*)') or ''
if ARGV[1] ~= id then return {{0, time[1], time[2], now}} end
local new = redis.call('XADD', KEYS[2], 'MAXLEN', '~', {CHANGES}, '*', 'gate', ARGV[2], 'state', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
if ARGV[3] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], new .. ' ' .. ARGV[3], 'PX', ARGV[4])
end
return {{1, time[1], time[2], new}}
"""


class Server(Protocol):
    """Where the states are kept: a `RedisHealth`.

    Attributes:
        prefix: What its keys begin with.
        timeout: Longest time in seconds that a call waits for it.
        expiry: Seconds after which the state of a tool without calls is forgotten.
    """

    @property
    def prefix(self) -> str: ...
    @property
    def timeout(self) -> float: ...
    @property
    def expiry(self) -> float: ...

    def client(self, timeout: float) -> Any:
        """Return a new client, each of whose operations may take this many seconds."""


@dataclass(frozen=True, slots=True)
class View:
    """A state in the store, by the store's clock; its `id` is empty if the store has no state."""

    id: str = ""
    state: GateState = CALM


@dataclass(slots=True)
class _Job:
    """A pending change, and the future of its result."""

    key: str
    change: Change[Any]
    result: Future[Any] = field(default_factory=Future)


class RedisLink:
    """The link between one handler and the store.

    Attributes:
        is_down: The store failed or was slow, and is left alone for a while.
        is_listening: The thread that receives changes is running.
        operations: How often the store was asked to change something.
        failures: How often it failed or was too slow.
        all_failures: The same of all links of this process.
    """

    all_failures = 0

    def __init__(self, store: Server, local: Local, policy: BudgetPolicy | None) -> None:
        self._store = store
        self._local = local
        self._policy = policy
        self.operations = self.failures = 0
        self._begin()
        _links.add(self)

    def _begin(self) -> None:
        """Begin with nothing: when it is made, and in a forked process, which has none of the threads."""
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._views: dict[str, View] = {}
        self._ahead: float | None = None  # seconds that the clock of the store is ahead of the local one
        self._client: Any = None
        self._reader: Any = None
        self._last_heard = "0"
        self._down_since: float | None = None
        self._has_logged_garbage = False
        self.is_listening = self._is_working = False
        self._is_up_to_date = threading.Event()

    @property
    def is_down(self) -> bool:
        return self._down_since is not None

    def listen(self, *, within: float = 0.0) -> None:
        """Start receiving the changes of other processes; wait up to `within` seconds to catch up."""
        with self._lock:
            is_new, self.is_listening = not self.is_listening, True
        if is_new:
            _in_background(_listening, weakref.ref(self), "agent_tools health")
        if within:
            self._is_up_to_date.wait(within)

    def asking(self, key: str, change: Change[Any]) -> "Asking":
        """Return the step that makes a change and returns its result."""
        return Asking(self, key, change)

    def change_later(self, key: str, change: Change[Any]) -> None:
        """Make a change without waiting for it."""
        self.submit(key, change)

    def submit(self, key: str, change: Change[Any]) -> Future[Any]:
        """Hand a change to the thread that makes them, and return the future of its result."""
        with self._lock:
            is_new, self._is_working = not self._is_working, True
        if is_new:
            _in_background(_working, weakref.ref(self), "agent_tools health changes")
        job = _Job(key, change)
        self._jobs.put(job)
        return job.result

    @property
    def timeout(self) -> float:
        """Seconds that a call waits for the store."""
        return self._store.timeout

    def change_here(self, key: str, change: Change[Any]) -> Any:
        """Make a change in this process alone."""
        return self._local.change(key, change)

    def failed(self, why: str) -> None:
        """Leave the store alone for a while."""
        with self._lock:
            is_new = self._down_since is None
            self._down_since = time.monotonic()
            self.failures += 1
            RedisLink.all_failures += 1
        if is_new:
            logger.warning("%r failed (%s); until it answers, this process shares nothing", self._store, why)

    # ---- changes, in a thread of their own ----

    def work(self, jobs: list[_Job]) -> None:
        """Make changes, those of one key in one operation."""
        jobs_by_key: dict[str, list[_Job]] = {}
        for job in jobs:
            if job.result.set_running_or_notify_cancel():
                jobs_by_key.setdefault(job.key, []).append(job)
        for key, same in jobs_by_key.items():
            try:
                results = self._changed(key, [job.change for job in same])
            except Exception as error:  # noqa: BLE001  # must not fail a call
                self._client = None
                self.failed(type(error).__name__)
                results = [self.change_here(key, job.change) for job in same]
            for job, each in zip(same, results, strict=True):
                job.result.set_result(each)

    def _changed(self, key: str, changes: list[Change[Any]]) -> list[Any]:
        view = self._views.get(key, View())
        for _ in range(TRIES):
            if self._ahead is None:
                view = self._written("?", key, CALM) or view  # nothing has that id: it is read, and the clock
            before, results = self._known(key, view), list[Any]()
            state = before
            for change in changes:
                state, each = change(state, self._now())
                results.append(each)
            if state == before:
                return results
            newer = self._written(view.id, key, state)
            if newer is None:
                return results
            view = newer
        raise TimeoutError

    def _known(self, key: str, view: View) -> GateState:
        """Return the state to change; where the store has none, as after a restart, what this process knows."""
        return view.state if view.id else shifted(self._local.state(key), self._ahead or 0.0)

    def _written(self, expected: str, key: str, state: GateState) -> View | None:
        """Replace the `expected` state with another; if the store has a different one, return that."""
        if self._client is None:
            client = self._store.client(self._store.timeout)
            self._client = client.register_script(_SCRIPT)
        prefix, expiry = self._store.prefix, int(1000 * self._store.expiry)
        self.operations += 1
        is_written, seconds, microseconds, reply = self._client(
            keys=[f"{prefix}:gate:{key}", f"{prefix}:changes"], args=[expected, key, as_json(state), expiry]
        )
        self._set_clock(seconds, microseconds)
        if is_written:
            self._see(key, View(reply if state != CALM else "", state))
            return None
        identity, _, text = reply.partition(" ")
        view = View(identity, self._read(text))
        self._see(key, view)
        return view

    def _see(self, key: str, view: View) -> None:
        """Show the handler a state."""
        with self._lock:
            if view.id:
                self._views[key] = view
            else:
                self._views.pop(key, None)
        self._local.adopt(key, shifted(view.state, -(self._ahead or 0.0)))

    def _read(self, text: str) -> GateState:
        try:
            return from_json(text, self._policy)
        except ValueError:
            if not self._has_logged_garbage:
                self._has_logged_garbage = True
                logger.warning("%r holds a value that is not the state of a gate; it will be overwritten", self._store)
            return CALM

    def _now(self) -> float:
        return float(self._local.clock()) + (self._ahead or 0.0)

    def _set_clock(self, seconds: str | int, microseconds: str | int) -> None:
        self._ahead = int(seconds) + int(microseconds) / 1e6 - self._local.clock()

    # ---- what others have changed, in a thread of its own ----

    def hear(self) -> None:
        """Wait a second for changes and show them to the handler."""
        try:
            if self._reader is None:
                self._open_reader()
            stream = f"{self._store.prefix}:changes"
            read = self._reader.xread({stream: self._last_heard}, count=500, block=int(PATIENCE * 1000))
            for identity, change in read[0][1] if read else ():
                self._last_heard = identity
                self._heard(identity, change)
            self._is_up_to_date.set()
            if self._down_since is not None and time.monotonic() - self._down_since > REST:
                self._look_again()
        except Exception as error:  # noqa: BLE001  # trouble with the store must not fail a call
            self._reader = None
            self.failed(type(error).__name__)
            self._is_up_to_date.set()
            time.sleep(PATIENCE)

    def _open_reader(self) -> None:
        """Connect, and first read what the stream still has: the changes missed without a connection."""
        reader = self._store.client(self._store.timeout + PATIENCE)
        _require_version(reader.info("server"))
        seconds, microseconds = reader.time()
        self._set_clock(seconds, microseconds)
        self._last_heard = str(max(0, int(1000 * (seconds - self._store.expiry))))
        self._reader = reader
        with self._lock:
            self._views.clear()  # the clock may be another one now, and ids with it

    def _heard(self, identity: str, change: dict[str, str]) -> None:
        key, text = change["gate"], change["state"]
        known = self._views.get(key)
        if known is None or _order(known.id) < _order(identity):
            self._see(key, View(identity if text else "", self._read(text)))

    def _look_again(self) -> None:
        """Check whether the store answers in time again."""
        began = time.monotonic()
        self._set_clock(*self._reader.time())
        if time.monotonic() - began > self._store.timeout:
            self._down_since = time.monotonic()
            return
        self._down_since = None
        logger.info("%r works again", self._store)


@dataclass(frozen=True, slots=True)
class Asking:
    """Make a change in the store, or in this process alone if the store fails or is slow: a step of a flow."""

    link: RedisLink
    key: str
    change: Change[Any]

    def do(self) -> Any:
        """Return the result of the change."""
        future = self.link.submit(self.key, self.change)
        try:
            return future.result(self.link.timeout)
        except TimeoutError:
            return self._alone(future)

    async def ado(self) -> Any:
        """Return the same as `do`."""
        future = self.link.submit(self.key, self.change)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self.link.timeout)
        except TimeoutError:
            return self._alone(future)

    def _alone(self, future: Future[Any]) -> Any:
        future.cancel()
        self.link.failed("no answer in time")
        return self.link.change_here(self.key, self.change)


def _listening(link_of: "weakref.ref[RedisLink]") -> None:
    while (link := link_of()) is not None:
        link.hear()
        del link


def _working(link_of: "weakref.ref[RedisLink]") -> None:
    while (link := link_of()) is not None:
        jobs, work = link._jobs, link.work  # noqa: SLF001  # this is the body of its thread
        del link
        try:
            batch = [jobs.get(timeout=PATIENCE)]
        except queue.Empty:
            del work
            continue
        while not jobs.empty():
            batch.append(jobs.get())
        work(batch)
        del work, batch


def _in_background(body: Callable[..., None], link: object, name: str) -> None:
    """Run `body` in a thread that never keeps the process from ending."""
    threading.Thread(target=body, args=(link,), daemon=True, name=name).start()


def _require_version(server: dict[str, Any]) -> None:
    version = str(server.get("redis_version", OLDEST))
    if int(version.partition(".")[0]) < OLDEST:
        raise RuntimeError(f"Redis must be version {OLDEST} or later, not {version}")


def _order(identity: str) -> tuple[int, int]:
    time_of, _, number = identity.partition("-")
    return int(time_of or 0), int(number or 0)


_links: "weakref.WeakSet[RedisLink]" = weakref.WeakSet()


def _begin_anew() -> None:
    for link in list(_links):
        link._begin()  # noqa: SLF001  # in a forked process


os.register_at_fork(after_in_child=_begin_anew)
