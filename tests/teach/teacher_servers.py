"""Model servers on this machine that play teachers, and lines to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from honing.errors import ModelRequestError
from honing.llm import (
    Backoff,
    ClientConfig,
    Fault,
    ModelReply,
    ModelRequest,
    ScriptedModel,
    ScriptedServer,
    last_user_text,
)
from honing.store import Run
from honing.teach.teachers.line import Line, Patience, open_lines

KEY = "sk-test-teacher-key-0123456789"
GOOD = {
    "suggested_action": "take the blue door",
    "rationale": "It leads out.",
    "diagnosis": "The agent took a door that leads nowhere.",
    "error_type": "attribute_confusion",
    "confidence": 0.9,
}


def reply(**changes: Any) -> str:
    """A good piece of advice, but for the changes."""
    return json.dumps({**GOOD, **changes})


INVALID = reply(suggested_action="take the green door")


def server_of(replies: Sequence[str], faults: Sequence[Fault | None] = ()) -> ScriptedServer:
    """A server that gives these replies one after the other."""
    return ScriptedServer(ScriptedModel.of_replies(replies), faults=faults, key=KEY)


def server_that(answers: Callable[[ModelRequest], str | ModelReply]) -> ScriptedServer:
    """A server that answers by a function of the request."""
    return ScriptedServer(ScriptedModel(answers), key=KEY)


def first_valid(request: ModelRequest) -> str:
    """Advice that names the first valid action of the moment it is asked about."""
    lines = last_user_text(request).split("Valid actions now:\n")[1].splitlines()
    return reply(suggested_action=lines[0].removeprefix("- "))


def refusing(word: str) -> Callable[[ModelRequest], str]:
    """A server's model that does not take a parameter."""

    def answer(request: ModelRequest) -> str:
        if word == "temperature" and request.sampling.temperature is not None:
            raise ModelRequestError("Unsupported parameter: 'temperature' is not supported with this model.")
        if word == "response_format" and request.response_format is not None:
            raise ModelRequestError("Unknown parameter: response_format of type json_schema")
        return first_valid(request)

    return answer


def endpoints(server: ScriptedServer) -> dict[str, str]:
    """Variables that lead to a server."""
    return {"OPENAI_BASE_URL": f"{server.base_url}/v1", "OPENAI_API_KEY": KEY}


@contextmanager
def lines_to(
    server: ScriptedServer, folder: Path, models: Sequence[str] = ("gpt-4o-mini", "gpt-4o"), *, limit: int = 5
) -> Iterator[list[Line]]:
    """Lines that try each call twice and do not wait long."""
    run = Run.create(folder, kind="teach", config={}, command=["test"], seed=0)
    quick = ClientConfig(backoff=Backoff(retries=1, base_s=0.01, cap_s=0.02))
    patience = Patience(upstream=quick, failures_in_a_row=limit)
    with open_lines(run, models, endpoints(server), label="teacher", patience=patience) as lines:
        yield lines
