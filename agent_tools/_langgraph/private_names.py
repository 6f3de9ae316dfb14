"""All names that LangGraph and LangChain do not export but this package uses. No other module spells one.

When a new release removes a name, `tests/langgraph/test_private_names.py` fails and says which.
"""

from typing import NamedTuple

LANGGRAPH, PREBUILT, CORE = "langgraph 1.2.24", "langgraph-prebuilt 1.1.3", "langchain-core 1.8.3"
PYTHON = "Python 3.13"


class PrivateName(NamedTuple):
    """A private name of another package.

    Attributes:
        name: The name, or the value of a constant.
        definition: `module:attribute.attribute`.
        purpose: What it is needed for.
        seen_in: The version in which it was seen.
    """

    name: str
    definition: str
    purpose: str
    seen_in: str


PRIVATE_NAMES: list[PrivateName] = []


def _name(name: str, definition: str, purpose: str, seen_in: str) -> str:
    PRIVATE_NAMES.append(PrivateName(name, definition, purpose, seen_in))
    return name


_CONSTANTS = "langgraph._internal._constants"
_SCRATCHPAD = "langgraph._internal._scratchpad:PregelScratchpad"


def _constant(name: str, constant: str, purpose: str) -> str:
    return _name(name, f"{_CONSTANTS}:{constant}", purpose, LANGGRAPH)


# ---- keys in `configurable`, where LangGraph keeps the state of a task ----

CALL = _constant("__pregel_call", "CONFIG_KEY_CALL", "running calls as tasks of their own")
CHECKPOINT_ID = _constant("checkpoint_id", "CONFIG_KEY_CHECKPOINT_ID", "giving a call what belongs to its task")
CHECKPOINT_MAP = _constant("checkpoint_map", "CONFIG_KEY_CHECKPOINT_MAP", "the checkpoints of a run and of its tasks")
CHECKPOINTER = _constant("__pregel_checkpointer", "CONFIG_KEY_CHECKPOINTER", "finding what earlier runs have recorded")
DURABILITY = _constant("__pregel_durability", "CONFIG_KEY_DURABILITY", "whether checkpoints are saved before the end")
NAMESPACE = _constant("checkpoint_ns", "CONFIG_KEY_CHECKPOINT_NS", "the place of a task among graphs inside graphs")
NAMESPACE_SEPARATOR = _constant("|", "NS_SEP", "the place of the graph that runs a task")
RUNTIME = _constant("__pregel_runtime", "CONFIG_KEY_RUNTIME", "telling the config of a graph from one given by hand")
SCRATCHPAD = _constant("__pregel_scratchpad", "CONFIG_KEY_SCRATCHPAD", "the resume values of a task")
SEND = _constant("__pregel_send", "CONFIG_KEY_SEND", "saving the resume values of a task")
TASK_ID = _constant("__pregel_task_id", "CONFIG_KEY_TASK_ID", "which task a call belongs to")

#: What LangGraph calls the writer of a run's input, such as a plain resume value.
INPUT = _constant("00000000-0000-0000-0000-000000000000", "NULL_TASK_ID", "taking back a plain resume value")

#: The prefix of LangGraph's private keys.
PRIVATE = "__pregel_"

# ---- the function under CALL, which creates the tasks of a node ----

FUTURES = "futures"
SUBMIT = "submit"
SCHEDULE_TASK = "schedule_task"
PENDING_WRITES = _name(
    "checkpoint_pending_writes",
    "langgraph.pregel._loop:PregelLoop.checkpoint_pending_writes",
    "finding which task has asked",
    LANGGRAPH,
)
PUT_WRITES = _name(
    "put_writes", "langgraph.pregel._loop:PregelLoop.put_writes", "saving whose question a task asks", LANGGRAPH
)
PUT_CHECKPOINT = _name(
    "_put_checkpoint_fut",
    "langgraph.pregel._loop:PregelLoop._put_checkpoint_fut",
    "whether the message that calls a tool is saved",
    LANGGRAPH,
)

# ---- how a sync run waits for its tasks when its stream is closed ----

WAITERS = "_waiters"
CLOSING = _name(
    "_AllCompletedWaiter",
    "concurrent.futures._base:_AllCompletedWaiter",
    "whether a sync stream is being closed",
    PYTHON,
)

# ---- channels that a task writes to ----

INTERRUPT = _constant("__interrupt__", "INTERRUPT", "finding which task has asked")
RETURN = _constant("__return__", "RETURN", "finding what a call has brought")
RESUME = _constant("__resume__", "RESUME", "saving the resume values of a task")

# ---- fields of the scratchpad of a task ----

INTERRUPT_COUNTER = _name(
    "interrupt_counter", f"{_SCRATCHPAD}.interrupt_counter", "replaying resume values for the next attempt", LANGGRAPH
)
GET_NULL_RESUME = _name(
    "get_null_resume", f"{_SCRATCHPAD}.get_null_resume", "whether a plain resume value is left", LANGGRAPH
)
CALL_COUNTER = _name(
    "call_counter", f"{_SCRATCHPAD}.call_counter", "making the same tasks when a node is retried", LANGGRAPH
)
LAST_COUNTED = _name(
    "_counter", "langgraph.pregel._algo:LazyAtomicCounter._counter", "whether anything was counted before", LANGGRAPH
)
QUESTION_ID = _name("_interrupt_id", "langgraph.types:_interrupt_id", "how questions are numbered", LANGGRAPH)
RESUME_VALUES = _name("resume", f"{_SCRATCHPAD}.resume", "whether a task was resumed", LANGGRAPH)

# ---- functions whose frames in a traceback say how far a call had got ----

INJECT = _name(
    "_inject_tool_args",
    "langgraph.prebuilt.tool_node:ToolNode._inject_tool_args",
    "errors of the wiring: a missing store or state field",
    PREBUILT,
)
PARSE = _name("_parse_input", "langchain_core.tools.base:BaseTool._parse_input", "errors of the arguments", CORE)
RUN = _name("_run", "langchain_core.tools.base:BaseTool._run", "errors of the tool itself", CORE)
ARUN = _name("_arun", "langchain_core.tools.base:BaseTool._arun", "the same, async", CORE)
NORMALIZE = _name(
    "_normalize_tool_response",
    "langgraph.prebuilt.tool_node:ToolNode._normalize_tool_response",
    "errors of what the tool returned",
    PREBUILT,
)

# ---- functions that are called ----

PARSE_STATE = _name(
    "_parse_input",
    "langgraph.prebuilt.tool_node:ToolNode._parse_input",
    "the calls in each shape of input that ToolNode takes",
    PREBUILT,
)
HANDLED_TYPES = _name(
    "_infer_handled_types",
    "langgraph.prebuilt.tool_node:_infer_handled_types",
    "the error types that a user's handler is annotated for",
    PREBUILT,
)
CONFIG_IN_CONTEXT = _name(
    "var_child_runnable_config",
    "langchain_core.runnables.config:var_child_runnable_config",
    "showing a wrapper the resume values of its call",
    CORE,
)
