"""One start of one unit: whatever the function does, there is exactly one ending."""

from __future__ import annotations

import json
import time
import traceback

from honing.executors.base import Completed, Json, Unit, UnitFunction, UnitStatus

_TRACE_CHARACTERS = 4000
_ERROR_CHARACTERS = 2000


def attempt(fn: UnitFunction, unit: Unit, *, worker: str) -> Completed:
    """Call `fn` with the unit's input and say how it ended.

    The result is passed through JSON, so it is the same value here, from another process, and from the
    journal. Everything the function raises, `SystemExit` included, is the unit's failure; only
    `KeyboardInterrupt` passes.
    """
    started, clock = time.time(), time.perf_counter()
    try:
        result, error = as_json(fn(unit.input)), None
    except (Exception, SystemExit) as raised:  # noqa: BLE001 - the unit's ending, whatever it is
        result, error = None, raised
    return Completed(
        unit=unit,
        status=UnitStatus.DONE if error is None else UnitStatus.FAILED,
        result=result,
        error="" if error is None else (str(error) or type(error).__name__)[:_ERROR_CHARACTERS],
        error_kind="" if error is None else type(error).__name__,
        trace="" if error is None else "".join(traceback.format_exception(error))[-_TRACE_CHARACTERS:],
        worker=worker,
        started=started,
        duration_s=time.perf_counter() - clock,
    )


def as_json(value: Json) -> Json:
    """The value as JSON gives it back: tuples become lists, keys become text, order is kept.

    Raises:
        TypeError: The value holds something that is not JSON.
        ValueError: It holds a NaN or an infinity, or refers to itself.
    """
    return json.loads(json.dumps(value, allow_nan=False))
