"""Two runs side by side: what they were asked, what they came to, and their paired difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from honing.errors import HoningError, StoreError
from honing.store import Run, parse_json
from honing.view.live.actions import Compare
from honing.view.live.files import read_plain
from honing.view.live.folders import Place
from honing.view.live.rows import open_run
from honing.view.live.wording import flat, shown

_METRICS = "metrics.json"


def compare_places(a: Place, b: Place, paired: Compare) -> dict[str, Any]:
    """What differs between two runs.

    Args:
        a: The baseline.
        b: What it is compared with.
        paired: Gives the paired difference.

    Raises:
        StoreError: One of them cannot be opened.
    """
    first, second = open_run(a), open_run(b)
    metrics = [_metrics(a), _metrics(b)]
    found: dict[str, Any] = {
        "config": [one for one in side_by_side(_asked(first), _asked(second)) if one["a"] != one["b"]],
        "metrics": side_by_side(*(_numbers(flat(one)) for one in metrics)),
        "paired": None,
        "unpaired": "",
    }
    try:
        found["paired"] = paired(first, second)
    except HoningError as error:
        found["unpaired"] = str(error)
    return dict(shown(found))


def side_by_side(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every name of either, with both values; None where one lacks it. `difference` is b minus a."""
    rows: list[dict[str, Any]] = []
    for name in [*a, *(name for name in b if name not in a)]:
        x, y = a.get(name), b.get(name)
        row = {"name": name, "a": x, "b": y}
        if _is_number(x) and _is_number(y):
            row["difference"] = float(y or 0) - float(x or 0)
        rows.append(row)
    return rows


def _asked(run: Run) -> dict[str, Any]:
    config = {f"config.{name}": value for name, value in flat(run.config).items()}
    versions = {f"versions.{name}": value for name, value in run.versions.items()}
    return {"kind": run.kind, "seed": run.seed, **config, **versions}


def _metrics(place: Place) -> Any:
    try:
        return parse_json(read_plain(place.path, _METRICS), where=_METRICS)
    except StoreError:
        return {}


def _numbers(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if _is_number(value)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
