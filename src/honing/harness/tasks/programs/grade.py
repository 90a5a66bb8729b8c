"""Calls a grader of the project's author on a candidate's copy, which is mounted read-only.

    python -I grade.py RESULTS      with a JSON document on standard input

What it gives is written into a folder that nothing of the candidate's can see; what it prints is nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import math
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import honing_wire as wire


def main() -> None:
    asked = json.load(sys.stdin)
    sys.path[:0] = asked["paths"]
    call = _callable(asked["place"], asked["name"])
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    count = sum(one.kind in kinds for one in inspect.signature(call).parameters.values())
    copy = Path(asked["copy"])
    grade = call(copy, asked["seed"]) if count > 1 else call(copy)
    if isinstance(grade, dict):
        grade = {str(name): _plain(value) for name, value in grade.items()}
    wire.write_results(Path(sys.argv[1]), {"nonce": asked["nonce"], "grade": _plain(grade)})


def _callable(place: str, name: str) -> Any:
    if not place.endswith(".py"):
        return getattr(importlib.import_module(place), name)
    spec = importlib.util.spec_from_file_location("grader", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["grader"] = module
    spec.loader.exec_module(module)
    return getattr(module, name)


def _plain(value: Any) -> Any:
    """Numbers of other libraries as Python's own; those that are no number as their text, to be refused."""
    if isinstance(value, (str, bool, dict, type(None))):
        return value
    if not hasattr(value, "__float__"):
        return repr(value)[:200]
    number = float(value)
    return number if math.isfinite(number) else repr(number)


if __name__ == "__main__":
    main()
