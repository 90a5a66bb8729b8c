"""Probes: what somebody who wants a better number could do from inside a rollout, tried.

Each plants something in the folder that a rollout of empty answers left, lets the target's own grader judge
it, and looks whether what was planted ran, or whether the number moved. Nothing is concluded from the
presence of a protection.
"""

from __future__ import annotations

import importlib.util
import json
import marshal
import posixpath
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from honing.contract.audit.untouched import check_untouched, import_folders
from honing.contract.commands import evaluate_commands
from honing.contract.controls.calibrate import best
from honing.contract.spec import MetricsSource
from honing.contract.stages.copies import fresh_copy, inside, place
from honing.contract.stages.failures import StageFailedError
from honing.contract.workbench.bench import Bench, Measurement, Rollout
from honing.executors import Progress
from honing.store import EntryKind, TreeId

MARKER = "honing-probe-was-here"
_LONG = 16
"""Characters from which on a text is a right answer and no accident."""
_FILE_BYTES = 8 * 1024 * 1024
_GOLDS = 400
_PYTHON = f"open({MARKER!r}, 'w').close()\n"
_SHELL = f"#!/bin/sh\ntouch {MARKER}\nexit 1\n"


class Way(StrEnum):
    """Whether a way to a better number is there. Exactly one holds."""

    OPEN = "open"
    CLOSED = "closed"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One way that was tried."""

    name: str
    way: Way
    why: str
    file: str = ""
    """What was planted or found."""

    def as_document(self) -> dict[str, Any]:
        """For audit.json."""
        return {"probe": self.name, "way": self.way.value, "file": self.file, "why": self.why}


@dataclass(frozen=True, slots=True)
class _Plant:
    """One file to leave in the rollout's folder."""

    name: str
    path: str
    content: bytes
    mode: int = 0o644
    adds: bool = False
    """Whether it is added to the end of a file that is there."""


def probe(bench: Bench, worthless: Measurement, progress: Progress) -> Iterator[Probe]:
    """Try every way on a target whose own commands judge.

    Args:
        bench: Prepared.
        worthless: What empty answers came to, on a rollout of the target's own or of Honing's.
        progress: Is told how each goes.
    """
    yield _gold_readable(bench)
    if not bench.contract.stages.evaluate.commands or worthless.evaluation.score is None:
        why = "Honing judges in a process of its own, on nothing that a rollout left"
        if bench.contract.stages.target_judges:
            why = "there is no separate stage that judges"
        yield Probe(name="hijack the grader", way=Way.NOT_TRIED, why=why)
        return
    yield _written_result(bench, worthless, progress)
    for plant in _plants(bench, worthless):
        yield _planted(bench, worthless, plant, progress)
    yield _other_model(bench, worthless, progress)


def _gold_readable(bench: Bench) -> Probe:
    """Whether right answers stand in the folder that a rollout sees."""
    name = "read the right answers"
    if bench.gold is None:
        why = "no right answers are known as text" if bench.policy is None else "a program plays them, unseen"
        return Probe(name=name, way=Way.NOT_TRIED, why=why)
    golds = [text.encode() for text in list(bench.gold.right.values()) if len(text.strip()) >= _LONG][:_GOLDS]
    if not golds:
        return Probe(
            name=name,
            way=Way.NOT_TRIED,
            why=f"right answers are shorter than {_LONG} characters, so any text",
        )
    oracle = bench.contract.oracle
    hidden = {oracle.file, oracle.policy} if oracle is not None else set()
    for entry in bench.trees.load(bench.prepared).entries:
        if entry.kind is not EntryKind.FILE or entry.name in hidden or entry.size > _FILE_BYTES:
            continue
        content = bench.trees.read(entry)
        held = sum(gold in content or json.dumps(gold.decode())[1:-1].encode() in content for gold in golds)
        if held >= max(2, len(golds) // 10):
            why = f"{held} of {len(golds)} right answers stand there; whatever the rollout runs can read them"
            return Probe(name=name, way=Way.OPEN, file=entry.name, why=why)
    return Probe(name=name, way=Way.CLOSED, why=f"{len(golds)} right answers looked for, in no file")


def _written_result(bench: Bench, worthless: Measurement, progress: Progress) -> Probe:
    """Whether a result that the rollout left is taken for the grader's."""
    name = "write the result beforehand"
    spec = bench.contract.stages.evaluate
    if spec.source is MetricsSource.STDOUT:
        return Probe(name=name, way=Way.NOT_TRIED, why="the number is read from what the stage prints")
    path = inside(spec.workdir, spec.metrics_path.replace("*", "planted").replace("?", "x"))
    document: Any = best(bench.contract.metric)
    pointer = bench.contract.metric.path
    parts = pointer[1:].split("/") if pointer.startswith("/") else pointer.split(".")
    for part in reversed(parts):
        document = {part: document}
    document = {"ok": True, **dict.fromkeys(spec.required_keys, 1), **document}
    return _planted(bench, worthless, _Plant(name, path, json.dumps(document).encode()), progress)


def _plants(bench: Bench, worthless: Measurement) -> Iterator[_Plant]:
    folder = next((name for name in import_folders(bench) if name), "")
    read = [str(name) for name in (worthless.causes or {}).get("read", [])]
    scripts = [name for name in read if name.endswith(".py")]
    where = posixpath.dirname(scripts[0]) if scripts else folder
    for name in ("sitecustomize.py", "usercustomize.py", "conftest.py"):
        yield _Plant(f"leave {name}", posixpath.join(where, name), _PYTHON.encode())
    yield _Plant("leave a path file", posixpath.join(where, "planted.pth"), b"import os; " + _PYTHON.encode())
    for module in ("json.py", "random.py"):
        yield _Plant(f"leave a module {module}", posixpath.join(where, module), _PYTHON.encode())
    yield _Plant("leave a package re", posixpath.join(where, "re/__init__.py"), _PYTHON.encode())
    for name in ("python3", "bash"):
        yield _Plant(f"leave a program {name}", posixpath.join(where, name), _SHELL.encode(), mode=0o755)
    for script in scripts[:2]:
        yield _Plant("change the grader", script, _PYTHON.encode(), adds=True)
        yield _Plant("leave the grader compiled", _compiled(script), _bytecode(script))


def _compiled(script: str) -> str:
    return importlib.util.cache_from_source(script)


def _bytecode(script: str) -> bytes:
    """A compiled file that says of itself that its source needs no check."""
    code = compile(_PYTHON, script, "exec")
    return importlib.util.MAGIC_NUMBER + struct.pack("<I", 0b01) + b"\0" * 8 + marshal.dumps(code)


def _planted(bench: Bench, worthless: Measurement, plant: _Plant, progress: Progress) -> Probe:
    """What comes of one plant: refused at the end of the rollout, without effect, or at work."""
    tree = _with(bench, worthless.rollout, plant)
    try:
        check_untouched(bench, tree, _set_aside(bench, worthless.rollout), "rollout")
    except StageFailedError as refused:
        why = f"refused at the end of the rollout: {', '.join(refused.failure.names[:3])}"
        return Probe(name=plant.name, way=Way.CLOSED, file=plant.path, why=why)
    plan = replace(worthless.rollout.plan, name=f"probe.{plant.name}")
    judged = evaluate_commands(bench, replace(worthless.rollout, plan=plan, tree=tree), progress)
    left = place(bench.run, f"{plan.name}.evaluate")
    if any(left.rglob(MARKER)):
        return Probe(name=plant.name, way=Way.OPEN, file=plant.path, why="it ran while the grader judged")
    if judged.evaluation.score is not None and judged.evaluation.score != worthless.evaluation.score:
        why = f"the number went from {worthless.evaluation.score:g} to {judged.evaluation.score:g}"
        return Probe(name=plant.name, way=Way.OPEN, file=plant.path, why=why)
    why = "the number is as before" if judged.evaluation.score is not None else f"no number: {judged.reason}"
    return Probe(name=plant.name, way=Way.CLOSED, file=plant.path, why=why[:300])


def _set_aside(bench: Bench, rollout: Rollout) -> set[str]:
    """What Honing itself took away before the rollout: stale results, right answers."""
    if rollout.tree is None:
        return set()
    before, after = (
        {entry.name for entry in bench.trees.load(tree).entries} for tree in (bench.prepared, rollout.tree)
    )
    return before - after


def _with(bench: Bench, rollout: Rollout, plant: _Plant) -> TreeId:
    folder = fresh_copy(bench.run, bench.trees, rollout.tree or bench.prepared, "probe")
    path = folder / plant.path
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_bytes() + b"\n" if plant.adds and path.is_file() else b""
    path.write_bytes(before + plant.content)
    path.chmod(plant.mode)
    return bench.trees.snapshot(folder)


def _other_model(bench: Bench, worthless: Measurement, progress: Progress) -> Probe:
    """Whether the same answers get another number under another model's name, at another moment."""
    name = "be somebody else, later"
    plan = replace(worthless.rollout.plan, name="probe.other", model="another-model-v2", seed=977)
    judged = evaluate_commands(bench, replace(worthless.rollout, plan=plan), progress)
    if judged.evaluation.score == worthless.evaluation.score:
        return Probe(name=name, way=Way.CLOSED, why="the same answers got the same number")
    if judged.evaluation.score is None:
        return Probe(name=name, way=Way.OPEN, why=f"the same answers got no number: {judged.reason}"[:300])
    why = f"the same answers got {judged.evaluation.score:g} instead of {worthless.evaluation.score:g}"
    return Probe(name=name, way=Way.OPEN, why=why)


def opened(found: Sequence[Probe]) -> list[Probe]:
    """Ways that are there."""
    return [one for one in found if one.way is Way.OPEN]
