"""What an evaluation left, kept as plain data: what it printed, and the JSON files it wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from honing.contract.derivation.metric import Observation
from honing.contract.derivation.numbers import numbers_in_files
from honing.contract.samples.results_file import Listing, list_results
from honing.documents import parse_json, read_plain_file
from honing.errors import MetricsError

_MAX_FILES = 100
_MAX_OUTPUT = 200_000
_TAIL = "\n"


def observe(folder: Path, printed: tuple[str, str], before: Listing) -> dict[str, Any]:
    """What the stage that judges left.

    Args:
        folder: Its working copy.
        printed: Its stdout and stderr.
        before: The result files that lay there when it began.

    Returns:
        Plain data, for `observation_from`; of each file only the figures that could be a score.
    """
    after = list_results(folder)
    new = [name for name, state in sorted(after.items()) if before.get(name) != state]
    figures: dict[str, list[list[Any]]] = {}
    for name in [one for one in new if one.endswith(".json")][:_MAX_FILES]:
        try:
            document = parse_json(read_plain_file(folder, name), source=name)
        except MetricsError:
            # A file that could not be believed as a result is no candidate for one either.
            continue
        numbers = numbers_in_files({name: document})
        if numbers:
            figures[name] = [[list(number.place.path), number.value] for number in numbers]
    output = _TAIL.join(text[-_MAX_OUTPUT:] for text in printed if text)
    return {"output": output, "figures": figures, "files": new[:_MAX_FILES]}


def observation_from(document: Mapping[str, Any]) -> Observation:
    """The observation that `observe` wrote."""
    documents: dict[str, object] = {}
    for file, figures in document["figures"].items():
        nested: dict[str, Any] = {}
        for path, value in figures:
            place = nested
            for key in path[:-1]:
                place = place.setdefault(key, {})
            place[path[-1]] = value
        documents[file] = nested
    return Observation(output=document["output"], documents=documents)
