"""The solver: runs what the model wrote and answers calls. Everything here is in the reach of that code."""

from __future__ import annotations

import resource
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from honing.contract.scorers.judge.crossing import Channel, Json, decode, encode


def solve(channel: Channel) -> None:
    """Define the program, then answer until the referee hangs up."""
    channel.send("ready")
    job = channel.receive()
    resource.setrlimit(resource.RLIMIT_AS, (job["memory"], job["memory"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    module = types.ModuleType("solution")
    sys.modules["solution"] = module
    try:
        for source in (job["setup"], job["source"]):
            exec(compile(source, "<solution>", "exec"), module.__dict__)
    except BaseException as error:  # noqa: BLE001  (a program that ends itself defines nothing)
        channel.send(_raised(error))
        return
    channel.send(["ok", None, {}])
    kept: list[Any] = []
    while True:
        channel.send(_answer(channel.receive(), module.__dict__, kept))


def _answer(request: Json, names: Mapping[str, Any], kept: list[Any]) -> Json:
    """["ok", result, {position: argument as it is now}] or ["raised", class, text]."""

    def keep(value: Any) -> Json:
        kept.append(value)
        return ["h", len(kept) - 1]

    def find(tag: str, key: Any) -> Any:
        return kept[key] if tag == "h" else names[key]

    try:
        operation, target, arguments, keywords = request
        owner = find(*target)
        values = [decode(one, find) for one in arguments]
        named = {key: decode(one, find) for key, one in keywords.items()}
        result = _OPERATIONS[operation](owner, values, named)
        changed = {}
        for at, (before, value) in enumerate(zip(arguments, values, strict=True)):
            # A function may sort its argument in place, and the tests must see that.
            if isinstance(value, list | dict | set | bytearray) and (now := encode(value, keep)) != before:
                changed[at] = now
        return ["ok", encode(result, keep), changed]
    except BaseException as error:  # noqa: BLE001  (whatever it raises is the tests' to judge)
        return _raised(error)


def _raised(error: BaseException) -> Json:
    return ["raised", type(error).__name__, str(error)[:500]]


_OPERATIONS: Mapping[str, Callable[[Any, list[Any], dict[str, Any]], Any]] = {
    "call": lambda owner, values, keywords: owner(*values, **keywords),
    "get": lambda owner, values, _: getattr(owner, values[0]),
    "set": lambda owner, values, _: setattr(owner, values[0], values[1]),
    "item": lambda owner, values, _: owner[values[0]],
    "length": lambda owner, *_: len(owner),
    "iterate": lambda owner, *_: iter(owner),
    "next": lambda owner, *_: next(owner),
}
