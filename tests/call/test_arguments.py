"""Refused arguments are reported as such, whatever checked them, by the names that the model used."""

from typing import Annotated, Any

import pytest
from langchain.agents.middleware import AgentMiddleware
from langchain_core.tools import StructuredTool
from langgraph.prebuilt import InjectedState
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel
from pydantic.v1 import BaseModel as OldModel
from pydantic.v1 import root_validator

from tests.support.toolbox import Flavor, agent_of, answers_in, asking, http_error

pytestmark = pytest.mark.doors("node", "create_agent")


class Old(OldModel):
    guests: int


class OldTogether(OldModel):
    guests: int

    @root_validator(pre=True)
    def _few(cls, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N805  # a validator of Pydantic 1
        raise ValueError("too many guests")


class Aliased(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    guest_count: int


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    guests: int = 1


class Raises(BaseModel):
    guests: int

    @field_validator("guests", mode="before")
    @classmethod
    def _look_up(cls, value: Any) -> Any:
        return {}[value]


class RaisesTogether(BaseModel):
    guests: int

    @model_validator(mode="before")
    @classmethod
    def _add(cls, values: Any) -> Any:
        return values["guests"] + 1 and values


class Nested(BaseModel):
    guests: dict[str, int]


MANY = {f"guest number {number} of the party": "x" for number in range(200)}

CASES: list[tuple[type, dict[str, Any], str]] = [
    (Old, {"guests": "two"}, "guests: value is not a valid integer"),
    (OldTogether, {"guests": 1}, "Together: too many guests"),
    (Aliased, {"guestCount": "two"}, "guestCount: Input should be a valid integer"),
    (Aliased, {"guest_count": "two"}, "guest_count: Input should be a valid integer"),
    (Strict, {"gests": 2}, "gests: Extra inputs are not permitted"),
    (Raises, {"guests": "two"}, "guests: a check of the arguments failed (KeyError)"),
    (RaisesTogether, {"guests": "two"}, "guests: a check of the arguments failed (TypeError)"),
    (Nested, {"guests": MANY}, "and 18"),
]


@pytest.mark.parametrize(("schema", "arguments", "fact"), CASES)
def test_whatever_checks_them(flavor: Flavor, schema: Any, arguments: dict[str, Any], fact: str) -> None:
    def book(**given: Any) -> str:
        raise AssertionError("it must not run")

    answer = flavor.answer(flavor.tool(book, args_schema=schema), arguments=arguments)

    assert answer.content.startswith("`book` was not run: its arguments do not fit.")
    assert fact in answer.content
    assert len(answer.content) <= 2000
    assert (answer.artifact["category"], answer.artifact["may_have_acted"]) == ("non_retryable", False)


def test_a_function_that_does_not_take_them(flavor: Flavor) -> None:
    def book(guests: int) -> str:
        return "booked"

    async def abook(guests: int) -> str:
        return "booked"

    schema = {"title": "book", "type": "object", "properties": {"guests": {"type": "integer"}}}
    options: Any = {"name": "book", "description": "Book.", "args_schema": schema}
    bodies: Any = {"coroutine": abook} if flavor.is_async else {"func": book}
    answer = flavor.answer(StructuredTool(**options, **bodies), arguments={"gests": 2})

    assert (
        "was not run: its arguments do not fit. Together: got an unexpected keyword argument 'gests'" in answer.content
    )
    assert answer.artifact["may_have_acted"] is False


def test_a_service_that_a_check_asks_is_no_verdict(flavor: Flavor) -> None:
    class Asks(BaseModel):
        customer: str

        @field_validator("customer")
        @classmethod
        def _ask(cls, value: str) -> str:
            raise http_error(503)

    def book(customer: str) -> str:
        raise AssertionError("it must not run")

    answer = flavor.answer(flavor.tool(book, args_schema=Asks), arguments={"customer": "Ada"})

    assert (answer.artifact["category"], answer.artifact["status_code"]) == ("retryable", 503)


@pytest.mark.parametrize(
    ("handled", "fact"),
    [
        (True, "`book` was not run: its arguments do not fit. guests: Input should be a valid integer"),
        ("Numbers only.", "Numbers only."),
        (lambda error: f"{error.error_count()} wrong", "1 wrong"),
    ],
)
def test_a_tool_that_answers_for_itself(flavor: Flavor, handled: Any, fact: str) -> None:
    def book(guests: int) -> str:
        return "booked"

    answer = flavor.answer(flavor.tool(book, handle_validation_error=handled), arguments={"guests": "two"})

    assert fact in answer.content
    assert answer.artifact["may_have_acted"] is False
    assert answer.additional_kwargs["lc_data"]["category"] == "non_retryable"


@pytest.mark.doors("node")
def test_arguments_that_the_application_injects_are_not_named(flavor: Flavor) -> None:
    class Booking(BaseModel):
        guests: int
        state: Annotated[Any, InjectedState]

    def book(guests: int, state: Any) -> str:
        raise AssertionError("it must not run")

    answer = flavor.answer(flavor.tool(book, args_schema=Booking), arguments={"guests": "two"})

    assert "guests: Input should be" in answer.content
    assert "state" not in answer.content


@pytest.mark.parametrize("name", ["a\nCRITICAL forged", "api_key=sk-live-4eC39HqLyjWDarjtT1zdp7dc"])
def test_names_of_arguments_that_the_model_made_up_are_cleaned(flavor: Flavor, name: str) -> None:
    def book(guests: int = 1) -> str:
        return "booked"

    answer = flavor.answer(flavor.tool(book, args_schema=Strict), arguments={name: 1})

    assert "Extra inputs are not permitted" in answer.content
    assert "\n" not in answer.content
    assert "sk-live" not in answer.content


@pytest.mark.doors("create_agent")
def test_a_tool_that_inner_middleware_brings_in(flavor: Flavor) -> None:
    def book(guests: int) -> str:
        return "booked"

    tool = flavor.tool(book)

    class Brings(AgentMiddleware[Any, Any]):
        def wrap_tool_call(self, request: Any, handler: Any) -> Any:
            return handler(request.override(tool=tool))

        async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
            return await handler(request.override(tool=tool))

    graph = agent_of([], inside=[Brings()])
    (answer,) = answers_in(flavor.run(graph, asking(("book", {"guests": "sk-live-4eC39HqLyjWDarjtT1zdp7dc"}))))

    assert answer.content.startswith("`book` was not run: its arguments do not fit. guests: Input should be")
    assert "sk-live" not in answer.content
    assert answer.artifact["may_have_acted"] is False


def test_a_default_that_fits_needs_no_argument(flavor: Flavor) -> None:
    class Booking(BaseModel):
        guests: int = Field(default=1, alias="guestCount")

    def book(**given: Any) -> str:
        return "booked"

    assert flavor.answer(flavor.tool(book, args_schema=Booking)).content == "booked"
