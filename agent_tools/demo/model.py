"""Which model drives the bot: the scripted one, or a real one by name."""

import re

from langchain_core.language_models import BaseChatModel

from agent_tools.demo.script import scripted_model


class ModelUnavailableError(Exception):
    """The model cannot be used here; the text says what to do about it."""


def model_named(name: str | None) -> BaseChatModel:
    """Return the model `name`, as in `openai:gpt-5-mini`; the scripted one when no name is given.

    Raises:
        ModelUnavailableError: A package or a key is missing, or the name is unknown.
    """
    if not name:
        return scripted_model()
    try:
        from langchain.chat_models import init_chat_model  # noqa: PLC0415 - an extra
    except ImportError:
        raise ModelUnavailableError(
            "a real model needs LangChain: pip install 'langgraph-agent-tools[langchain]', and the package of "
            "its provider, langchain-openai for example"
        ) from None
    try:
        model: BaseChatModel = init_chat_model(name)
    except ImportError as error:
        named = re.search(r"pip install (?:-U )?([\w-]+)", str(error))
        package = named[1] if named else f"langchain-{name.partition(':')[0]}"
        raise ModelUnavailableError(f"{name!r} needs the package of its provider: pip install {package}") from None
    except ValueError as error:
        raise ModelUnavailableError(
            f"{name!r} names no model that LangChain knows, write provider:name, openai:gpt-5-mini for example "
            f"({type(error).__name__})"
        ) from None
    except Exception as error:  # noqa: BLE001  # each provider's package has errors of its own
        raise ModelUnavailableError(
            f"{name!r} cannot be used ({type(error).__name__}): is the key of its provider in the environment?"
        ) from None
    return model
