"""The referee: runs the tests on the solver's functions and gives the verdict."""

from __future__ import annotations

import builtins
import contextlib
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from honing.contract.scorers.judge.crossing import Channel, EndedError, Json, decode, encode
from honing.contract.scorers.judge.programs import choose

_LONGEST_SHOWN = 20_000
"""Characters of the program in a verdict, so that it stays far below what a sandbox keeps of an output."""


class NotPlainError(TypeError):
    """A test hands the solver something that cannot cross."""


class SolutionError(Exception):
    """The solver raised an exception whose class is not built in."""


class Solver:
    """The referee's side of the solver."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._known: dict[int, Remote] = {}
        self.calls = 0
        """How often the tests used the solution."""
        self.ended = ""
        """Why the solver can no longer be believed; empty while it can."""
        self.raised: list[BaseException] = []
        """What the solution raised, newest last."""

    def start(self, job: Mapping[str, Any], source: str) -> Json:
        """Hand over the program; the solver's first answer."""
        self._channel.send({"source": source, "setup": job["setup"], "memory": job["memory"]})
        return self._channel.receive()

    def ask(
        self,
        operation: str,
        target: Json,
        values: Sequence[Any] = (),
        keywords: Mapping[str, Any] | None = None,
    ) -> Any:
        """Let the solver do something, and give back plain data, a `Remote`, or raise what it raised."""
        if self.ended:
            raise EndedError(self.ended)
        self.calls += 1
        arguments = [encode(value, _reference) for value in values]
        named = {key: encode(value, _reference) for key, value in (keywords or {}).items()}
        try:
            self._channel.send([operation, target, arguments, named])
            kind, result, more = self._channel.receive()
            if kind == "raised":
                self.raised.append(_exception(str(result), str(more)))
            else:
                changed = {int(at): decode(now, self._find) for at, now in more.items()}
                value = decode(result, self._find)
        except EndedError as error:
            self.ended = self.ended or str(error)
            raise
        except Exception:  # noqa: BLE001  (only a solver that was taken over answers otherwise)
            self.ended = "the solution broke the protocol"
            raise EndedError(self.ended) from None
        if kind == "raised":
            raise self.raised[-1]
        for at, now in changed.items():
            _update(values[at], now)
        return value

    def _find(self, tag: str, key: int) -> Remote:
        if tag != "h":
            raise ValueError(tag)
        return self._known.setdefault(key, Remote(self, ["h", key]))


class Remote:
    """A function or object of the solver. It can be used, but takes no part in comparisons: it equals itself
    only.
    """

    __slots__ = ("_at",)
    _at: tuple[Solver, Json]

    def __init__(self, solver: Solver, target: Json) -> None:
        object.__setattr__(self, "_at", (solver, target))

    def __call__(self, *values: Any, **keywords: Any) -> Any:
        solver, target = self._at
        return solver.ask("call", target, values, keywords)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._ask("get", name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask("set", name, value)

    def __getitem__(self, key: Any) -> Any:
        return self._ask("item", key)

    def __len__(self) -> int:
        return int(self._ask("length"))

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Any:
        return self._ask("iterate")

    def __next__(self) -> Any:
        return self._ask("next")

    def _ask(self, operation: str, *values: Any) -> Any:
        solver, target = self._at
        return solver.ask(operation, target, values)


def _reference(value: Any) -> Json:
    if isinstance(value, Remote):
        return value._at[1]
    raise NotPlainError(f"the tests hand a {type(value).__name__} to the solution, which cannot cross")


def _exception(name: str, text: str) -> Exception:
    kind = getattr(builtins, name, None)
    with contextlib.suppress(TypeError):
        if isinstance(kind, type) and issubclass(kind, Exception):
            return kind(text)
    return SolutionError(f"{name}: {text}")


def _update(value: Any, now: Any) -> None:
    """Give a mutable argument the content that the solver left in it."""
    if isinstance(value, list | bytearray):
        value[:] = now
    elif isinstance(value, dict | set):
        value.clear()
        value.update(now)


def judge(job: Mapping[str, Any], solver: Solver) -> dict[str, Any]:
    """The verdict: `kind` (passed, failed, invalid, missing_package), `why`, and the program that was
    judged.
    """
    source = choose(job["programs"], job["trim"], job["names"])
    if source is None:
        return {"kind": "failed", "why": "the completion holds no Python that could be run"}
    verdict: dict[str, Any] = {"source": source[:_LONGEST_SHOWN]}
    names: dict[str, Any] = {"__name__": "tests"}
    if trouble := _prepare(job, names):
        return verdict | {"kind": trouble[0], "why": trouble[1]}
    try:
        kind, *more = solver.start(job, source)
    except (EndedError, OSError, ValueError, TypeError) as error:
        return verdict | {"kind": "failed", "why": solver.ended or str(error)}
    if kind != "ok":
        return verdict | {"kind": "failed", "why": f"the program raised {more[0]}: {more[1]}"}
    names |= {name: Remote(solver, ["n", name]) for name in job["names"]}
    kind, why = _tested(job, solver, names)
    if solver.ended:
        # Whatever the tests made of it: an answer that never came cannot have passed.
        kind, why = "failed", solver.ended
    elif kind == "passed" and not solver.calls:
        kind, why = "invalid", "the tests never use the solution"
    return verdict | {"kind": kind, "why": why}


def _prepare(job: Mapping[str, Any], names: dict[str, Any]) -> tuple[str, str] | None:
    """Run the tests' set-up and define what the task hands over; what went wrong, if anything did."""
    try:
        exec(compile(job["setup"], "<set-up>", "exec"), names)
    except EndedError:
        raise
    except BaseException as error:  # noqa: BLE001  (the data's code may raise anything)
        return _unusable(error, "set-up")
    # Tests may use functions of the given program. They come from the data, not from the model.
    for text in (job["given"], f"{job['given'].rstrip()}\n    pass\n"):
        with contextlib.suppress(Exception):
            exec(compile(text, "<given>", "exec"), names)
            break
    return None


def _tested(job: Mapping[str, Any], solver: Solver, names: dict[str, Any]) -> tuple[str, str]:
    """Run the tests: how they ended, and why."""
    try:
        exec(compile(job["tests"], "<tests>", "exec"), names)
        if "def check(" in job["tests"]:
            names["check"](names[job["names"][0]])
    except EndedError as error:
        return "failed", str(error)
    except NotPlainError as error:
        return "invalid", str(error)
    except BaseException as error:  # noqa: BLE001  (tests may raise anything; the verdict says what)
        return _failure(error, solver, job["tests"])
    return "passed", "every test passed"


def _failure(error: BaseException, solver: Solver, tests: str) -> tuple[str, str]:
    line = _line(error, tests)
    if any(error is one for one in solver.raised):
        return "failed", f"the solution raised {_shown(error)}{line}"
    if isinstance(error, ImportError | SystemExit | SyntaxError):
        return _unusable(error, "tests")
    return "failed", f"{_shown(error)}{line}"


def _unusable(error: BaseException, where: str) -> tuple[str, str]:
    if isinstance(error, ImportError):
        return "missing_package", f"the {where} need what is not installed: {_shown(error)}"
    return "invalid", f"the {where} themselves raise {_shown(error)}"


def _shown(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300].rstrip(": ")


def _line(error: BaseException, tests: str) -> str:
    """Where in the tests an error was raised."""
    numbers = [one.lineno for one in traceback.extract_tb(error.__traceback__) if one.filename == "<tests>"]
    if not numbers or numbers[-1] is None:
        return ""
    return f" (tests, line {numbers[-1]}: {tests.splitlines()[numbers[-1] - 1].strip()[:200]})"
