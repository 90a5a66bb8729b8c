"""The change manifest: what an agent says it changed and what it expects of it, and what came of it.

It is never believed. It is read as strictly as anything an agent writes, it decides nothing, and its
predictions are held against the results of the tasks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from honing.documents import parse_json, read_plain_file
from honing.errors import HoningError, MetricsError
from honing.harness.gate import MANIFEST, MANIFEST_BEFORE
from honing.harness.tasks.base import Evaluation
from honing.sandbox import sanitise

SCHEMA = 1
LARGEST_BYTES = 64 * 1024
_MOST_CHANGES = 50
_Text = Annotated[str, StringConstraints(max_length=4000)]
_Names = Annotated[list[Annotated[str, StringConstraints(max_length=400)]], Field(max_length=200)]


class Verdict(StrEnum):
    """What the tasks say about one change that an agent declared. Exactly one holds."""

    EFFECTIVE = "effective"
    """Every task that it was to mend scores higher, and none it speaks of scores lower."""
    PARTLY = "partly-effective"
    """Some of them, and none scores lower."""
    MIXED = "mixed"
    """Some score higher, and some that it speaks of lower."""
    INEFFECTIVE = "ineffective"
    """None scores higher, none lower."""
    HARMFUL = "harmful"
    """None scores higher, and some lower."""
    NO_PREDICTION = "no-prediction"
    """It names no task to be mended."""


class Change(BaseModel):
    """One change that an agent declares."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    id: _Text = ""
    component: _Text = ""
    """What kind of file it is about: prompt, tool_desc, tool_impl, middleware, skill, subagent, memory ..."""
    description: _Text = ""
    files: _Names = []
    failure_pattern: _Text = ""
    """What went wrong before."""
    evidence_refs: _Names = []
    root_cause: _Text = ""
    targeted_fix: _Text = ""
    predicted_fixes: _Names = []
    """Tasks that are to score higher."""
    risk_tasks: _Names = []
    """Tasks that may score lower."""
    notes: _Text = ""


def read_manifest(
    workspace: Path, *, known_tasks: Iterable[str], inherited: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any] | None, str]:
    """The change manifest that an agent left, in its own place or in that of the predecessor.

    Args:
        workspace: As the agent left it; whatever started there is dead.
        known_tasks: Ids of the tasks that it may speak of; others are listed as unknown.
        inherited: The manifest of the candidate's parent. The same again is nobody's word about this change.

    Returns:
        The document and an empty text; None and why it cannot be used; None and an empty text where there is
        none.
    """
    for place in (MANIFEST, MANIFEST_BEFORE):
        try:
            content = read_plain_file(workspace, place, max_bytes=LARGEST_BYTES)
        except (MetricsError, OSError) as error:
            if not _is_there(workspace / place):
                continue
            return None, sanitise(str(error))
        try:
            document = manifest_from(content, source=place, known_tasks=known_tasks)
        except HoningError as error:
            return None, sanitise(str(error))
        if inherited is not None and document["changes"] == inherited.get("changes"):
            return None, f"{place}: it is word for word that of the parent, and says nothing of this change"
        return document, ""
    return None, ""


def manifest_from(content: bytes, *, source: str, known_tasks: Iterable[str]) -> dict[str, Any]:
    """The document of a manifest: every text sanitised, tasks that do not exist set apart.

    Args:
        content: As it was written: `{"changes": [...]}`, or one change alone.
        source: What errors call it.
        known_tasks: Ids of tasks.

    Raises:
        MetricsError: It is no strict JSON, or not of this shape.
    """
    found = parse_json(content, source=source, error=MetricsError)
    if not isinstance(found, dict):
        raise MetricsError(f"{source}: expected an object with 'changes', found {type(found).__name__}.")
    changes = found.get("changes", [found])
    if not isinstance(changes, list) or not 1 <= len(changes) <= _MOST_CHANGES:
        raise MetricsError(f"{source}: 'changes' must be a list of 1 to {_MOST_CHANGES} changes.")
    tasks = frozenset(known_tasks)
    read = [_change(each, f"{source}: changes[{number}]", tasks) for number, each in enumerate(changes)]
    return {"schema": SCHEMA, "changes": read}


def observed(
    manifest: Mapping[str, Any] | None,
    parent: Evaluation,
    child: Evaluation,
    *,
    changed: Sequence[str] = (),
    margin: float = 0.0,
) -> dict[str, Any]:
    """What was predicted of a candidate, held against what its tasks show.

    Args:
        manifest: As `read_manifest` gave it; None where the agent declared nothing.
        parent: Of the candidate it was made from.
        child: Of the candidate.
        changed: Paths that really differ.
        margin: Difference of a task's mean score from which it counts.

    Returns:
        `fixed` and `regressed` (task, before, after), a verdict for each declared change with its hit rate,
        how well regressions were foreseen, what changed without a word, and what did not though it was said.
    """
    fixed, regressed = moved_tasks(parent, child, margin=margin)
    better, worse = {one["task"] for one in fixed}, {one["task"] for one in regressed}
    changes = list(manifest["changes"]) if manifest is not None else []
    feared = {task for change in changes for task in change["risk_tasks"]}
    hoped = {task for change in changes for task in change["predicted_fixes"]}
    said = {path for change in changes for path in change["files"]}
    return {
        "declared": manifest is not None,
        "fixed": fixed,
        "regressed": regressed,
        "changes": [_judged(change, better, worse) for change in changes],
        "predicted": len(hoped),
        "hits": len(hoped & better),
        "hit_rate": len(hoped & better) / len(hoped) if hoped else None,
        "fixed_unpredicted": sorted(better - hoped),
        "regressions_foreseen": sorted(worse & feared),
        "regressions_unforeseen": sorted(worse - feared),
        "files_unsaid": sorted(set(changed) - said) if said else [],
        "files_unchanged": sorted(said - set(changed)),
    }


def moved_tasks(
    parent: Evaluation, child: Evaluation, *, margin: float = 0.0
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Tasks that score higher than in the parent, and those that score lower, by the mean over their seeds.

    A task that one of the two lacks is in neither.
    """
    before, after = parent.by_task, child.by_task
    rows = [
        {"task": task, "before": round(before[task], 6), "after": round(after[task], 6)}
        for task in before
        if task in after
    ]
    higher = [row for row in rows if after[str(row["task"])] - before[str(row["task"])] > margin]
    lower = [row for row in rows if before[str(row["task"])] - after[str(row["task"])] > margin]
    return higher, lower


def _change(found: Any, where: str, tasks: frozenset[str]) -> dict[str, Any]:
    try:
        change = Change.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MetricsError(f"{where}{'.' if place else ''}{place}: {first['msg']}.") from None
    document = {name: _clean(value) for name, value in change.model_dump().items()}
    named = [*document["predicted_fixes"], *document["risk_tasks"]]
    document["unknown_tasks"] = sorted({name for name in named if name not in tasks})
    for key in ("predicted_fixes", "risk_tasks"):
        document[key] = [name for name in dict.fromkeys(document[key]) if name in tasks]
    return document


def _judged(change: Mapping[str, Any], better: set[str], worse: set[str]) -> dict[str, Any]:
    hoped, spoken = set(change["predicted_fixes"]), {*change["predicted_fixes"], *change["risk_tasks"]}
    hits, harmed = hoped & better, spoken & worse
    return {
        "id": change["id"],
        "component": change["component"],
        "verdict": _verdict(hoped, hits, harmed).value,
        "hit_rate": len(hits) / len(hoped) if hoped else None,
        "fixed": sorted(hits),
        "missed": sorted(hoped - better),
        "harmed": sorted(harmed),
    }


def _verdict(hoped: set[str], hits: set[str], harmed: set[str]) -> Verdict:
    if harmed:
        return Verdict.MIXED if hits else Verdict.HARMFUL
    if not hoped:
        return Verdict.NO_PREDICTION
    if hits == hoped:
        return Verdict.EFFECTIVE
    return Verdict.PARTLY if hits else Verdict.INEFFECTIVE


def _clean(value: Any) -> Any:
    if isinstance(value, list):
        return [_clean(one) for one in value]
    # Half a pair of surrogates is JSON, and no text that can be written.
    return sanitise(value.encode("utf-8", "replace").decode("utf-8"))


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
