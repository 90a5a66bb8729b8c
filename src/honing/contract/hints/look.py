"""The hints of a target wherever it lies: it is fetched and copied first, as for a measurement."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from honing.contract.hints.files import base_name
from honing.contract.hints.find import Survey, survey
from honing.contract.target import SourceOptions, resolve
from honing.store import TreeStore


def survey_target(target: str, options: SourceOptions | None = None) -> Survey:
    """What the files of a target name; nothing of it is run.

    Args:
        target: A folder or an address.
        options: How a target that lies elsewhere is reached.

    Raises:
        TargetError: There is no such target, or it cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="honing-") as scratch:
        trees = TreeStore(Path(scratch) / "trees")
        resolved = resolve(target, trees, options=options)
        folder = Path(scratch) / "target"
        trees.materialise(resolved.tree, folder)
        return survey(folder, names=_names(target, resolved.origin))


def _names(target: str, origin: str) -> tuple[str, ...]:
    """What the last parts of an address call the target: `https://host/me/bench.git@v1` is `bench`."""
    found = [base_name(re.split(r"[@#?]", one.split("://")[-1])[0]) for one in (origin, target)]
    found.append(Path(target).resolve().name if "://" not in target else "")
    return tuple(dict.fromkeys(name for name in found if re.fullmatch(r"[\w.-]{2,}", name)))
