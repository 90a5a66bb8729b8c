"""Models without a server behind them: scripts, rules, a model of known skill, and tool-calling scripts.

Each is an `Answerer`: a gateway channel, the loopback `ScriptedServer` and a test take any of them.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from honing.errors import ModelServerError, UsageError, boundary
from honing.llm.base import Answerer, Finish, ModelReply, ModelRequest, Role, ToolCall, Usage
from honing.llm.canonical import estimate_tokens, last_user_text, prompt_text, request_key

Answer = str | ModelReply
"""What a script gives for one request: text, or a whole reply."""


def reply_to(request: ModelRequest, answer: Answer) -> ModelReply:
    """A complete reply: text becomes a reply, the model's name and estimated token counts are filled in."""
    reply = answer if isinstance(answer, ModelReply) else ModelReply(text=answer)
    if reply.usage == Usage():
        said = reply.text + "".join(call.name + call.arguments for call in reply.tool_calls)
        usage = Usage(input_tokens=estimate_tokens(prompt_text(request)), output_tokens=estimate_tokens(said))
        reply = replace(reply, usage=usage)
    return reply if reply.model else replace(reply, model=request.model)


class ScriptedModel:
    """Answers from a function of the request; `of_replies` and `of_rules` make the usual functions."""

    def __init__(self, function: Callable[[ModelRequest], Answer]) -> None:
        self._function = function

    @classmethod
    def of_replies(cls, replies: Sequence[Answer]) -> Self:
        """Give the replies in the order in which requests arrive; one request too many is a
        `ModelServerError`."""
        remaining = iter(list(replies))
        lock = threading.Lock()

        def next_reply(request: ModelRequest) -> Answer:
            with lock:
                found = next(remaining, None)
            if found is None:
                raise ModelServerError(
                    f"the script has {len(replies)} replies and they are used up; "
                    f"no reply is left for {last_user_text(request)[:80]!r}. Add replies, or use rules."
                )
            return found

        return cls(next_reply)

    @classmethod
    def of_rules(cls, rules: Sequence[tuple[str, Answer]], *, default: Answer | None = None) -> Self:
        """Give the reply of the first rule whose regular expression is found in the last user message.

        Args:
            rules: Pairs of pattern and reply. A text reply may use the pattern's groups as \\1 or \\g<name>.
            default: The reply where no rule matches; None makes that a `ModelServerError`.
        """
        compiled = [(re.compile(pattern, re.DOTALL), answer) for pattern, answer in rules]

        def by_rule(request: ModelRequest) -> Answer:
            asked = last_user_text(request)
            for pattern, answer in compiled:
                found = pattern.search(asked)
                if found is not None:
                    return found.expand(answer) if isinstance(answer, str) else answer
            if default is None:
                raise ModelServerError(f"no rule of the script matches {asked[:80]!r}; give it a default")
            return default

        return cls(by_rule)

    def answer(self, request: ModelRequest) -> ModelReply:
        return reply_to(request, self._function(request))


class EmptyModel:
    """Answers nothing: the null control."""

    def answer(self, request: ModelRequest) -> ModelReply:
        return reply_to(request, "")


class EchoModel:
    """Answers the last user message unchanged."""

    def answer(self, request: ModelRequest) -> ModelReply:
        return reply_to(request, last_user_text(request))


class SkilledModel:
    """Right with a known probability, so that a measurement can be checked against the truth.

    Whether an answer is right depends on the seed, the request and how often it was asked before, and on
    nothing
    else: not on the order in which requests arrive, nor on how many arrive at once.

    Args:
        answers: The right answer to a request, or None where this model cannot know it (then it is always
            wrong).
        skill: Probability of a right answer, 0 to 1, drawn anew for each request.
        seed: Chooses which requests are answered rightly.
        wrong: Makes a wrong answer from the right one; `plausible_wrong` by default.
    """

    def __init__(
        self,
        answers: Callable[[ModelRequest], str | None],
        *,
        skill: float,
        seed: int,
        wrong: Callable[[str, random.Random], str] | None = None,
    ) -> None:
        if not 0.0 <= skill <= 1.0:
            raise ValueError(f"skill must lie in 0..1, got {skill!r}")
        self._answers = answers
        self._skill = skill
        self._seed = seed
        self._wrong = wrong or plausible_wrong
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def answer(self, request: ModelRequest) -> ModelReply:
        key = request_key(request)
        with self._lock:
            occurrence = self._asked[key]
            self._asked[key] += 1
        rng = random.Random(hashlib.sha256(f"{self._seed}:{occurrence}:{key}".encode()).digest())
        right = self._answers(request)
        if right is None:
            return reply_to(request, "I do not know.")
        is_right = rng.random() < self._skill
        return reply_to(request, right if is_right else self._wrong(right, rng))


def plausible_wrong(right: str, rng: random.Random) -> str:
    """An answer of the same kind as `right` that is never equal to it.

    Another letter for a letter A to E, the opposite for yes/no and true/false, a near number for a number;
    otherwise the last number in the text is moved, or the words are put in another order, or the text is
    denied.
    """
    text = right.strip()
    opposites = {"yes": "no", "no": "yes", "true": "false", "false": "true"}
    if len(text) == 1 and text.upper() in "ABCDE":
        letter = rng.choice([other for other in "ABCDE" if other != text.upper()])
        return letter if text.isupper() else letter.lower()
    if text.lower() in opposites:
        opposite = opposites[text.lower()]
        return opposite.capitalize() if text[0].isupper() else opposite
    numbers = list(re.finditer(r"\d+", text))
    if numbers:
        last = numbers[-1]
        moved = str(int(last.group()) + rng.randint(1, 9))
        return text[: last.start()] + moved + text[last.end() :]
    words = text.split()
    shuffled = rng.sample(words, len(words))
    return " ".join(shuffled) if shuffled != words else f"not {text}" if text else "something"


@dataclass(frozen=True, slots=True)
class ToolStep:
    """One turn of a `ToolScript`: tools to call, as (name, arguments) in order, and text before them."""

    calls: Sequence[tuple[str, Mapping[str, Any]]]
    text: str = ""


class ToolScript:
    """Plays a coding agent's model: turn by turn, tool calls and at last a text.

    It keeps no state. The turn is found from the tool results already in the request, so agents that retry,
    or that ask something on the side, do not put it out of step.

    Args:
        steps: The turns; a plain text ends the work. Past the last step the last text is said again.
        without_tools: What to say to a request that offers no tools (agents ask for a title that way).
    """

    def __init__(self, steps: Sequence[ToolStep | str], *, without_tools: str = "A short title") -> None:
        self._steps = list(steps)
        self._without_tools = without_tools
        self._last_text = next((step for step in reversed(self._steps) if isinstance(step, str)), "Done.")

    def answer(self, request: ModelRequest) -> ModelReply:
        if not request.tools:
            return reply_to(request, self._without_tools)
        step, first_call = self._step(sum(message.role is Role.TOOL for message in request.messages))
        if isinstance(step, str):
            return reply_to(request, step)
        calls = [
            ToolCall(id=f"call_{first_call + i}", name=name, arguments=json.dumps(arguments))
            for i, (name, arguments) in enumerate(step.calls)
        ]
        return reply_to(request, ModelReply(text=step.text, finish=Finish.TOOL_CALLS, tool_calls=calls))

    def _step(self, results: int) -> tuple[ToolStep | str, int]:
        """The step to play after that many tool results, and the number of the first call in it."""
        made = 0
        for step in self._steps:
            if isinstance(step, str) or results < made + len(step.calls):
                return step, made
            made += len(step.calls)
        return self._last_text, made


def load_script(path: Path) -> Answerer:
    """Read a model from a JSON file.

    The file is an object with one of: "rules", a list of {"match": regular expression, "reply": text} with an
    optional "default" beside it; "replies", a list of texts; "steps", a list of texts and of {"calls":
    [{"name", "arguments"}], "text"}, for a `ToolScript`; "echo": true.

    Raises:
        UsageError: The file cannot be read or says none of these.
    """
    with boundary(UsageError, f"{path}: reading the script"):
        found = json.loads(path.read_text(encoding="utf-8"))
        if "rules" in found:
            rules = [(rule["match"], rule["reply"]) for rule in found["rules"]]
            return ScriptedModel.of_rules(rules, default=found.get("default"))
        if "replies" in found:
            return ScriptedModel.of_replies(found["replies"])
        if "steps" in found:
            return ToolScript([_step_of(step) for step in found["steps"]])
        if found.get("echo") is True:
            return EchoModel()
    raise UsageError(f"{path}: a script needs 'rules', 'replies', 'steps' or 'echo'; found {sorted(found)}")


def _step_of(step: Any) -> ToolStep | str:
    if isinstance(step, str):
        return step
    calls = [(call["name"], call["arguments"]) for call in step["calls"]]
    return ToolStep(calls, step.get("text", ""))
