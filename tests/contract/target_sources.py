"""What tests of targets share: resolving into a throw-away store, and reading what came of it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from honing.contract import SourceOptions, Target, resolve
from honing.errors import TargetError
from honing.store import EntryKind, TreeStore


class Source:
    """Resolves targets below one folder, without waiting between attempts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.waits: list[float] = []
        self.trees = TreeStore(folder / "trees")
        self.options = SourceOptions(
            cache=folder / "cache",
            variables={"PATH": os.environ["PATH"]},
            timeout_s=20.0,
            sleep=self.waits.append,
        )

    def resolve(self, origin: str | Path, *, variables: dict[str, str] | None = None, **more: Any) -> Target:
        """Resolve with these options; `variables` are added."""
        given = {**self.options.variables, **(variables or {})}
        return resolve(origin, self.trees, options=replace(self.options, variables=given, **more))

    def refused(self, origin: str | Path, **more: Any) -> str:
        """Why it is refused. Nothing may be left of it."""
        with pytest.raises(TargetError) as caught:
            self.resolve(origin, **more)
        left = [path.name for path in (self.folder / "cache").glob("staging-*")]
        assert (left, self.trees.trees()) == ([], ())
        return str(caught.value)

    def files(self, target: Target) -> dict[str, bytes]:
        """{path: content} of a target's files; links as `-> where`."""
        found = {}
        for entry in self.trees.load(target.tree).entries:
            if entry.kind is EntryKind.FILE:
                found[entry.name] = self.trees.read(entry)
            elif entry.kind is EntryKind.LINK:
                found[entry.name] = b"-> " + entry.target
        return found
