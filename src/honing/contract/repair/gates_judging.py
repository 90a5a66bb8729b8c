"""Gates on what judges: the metric, the grader, the gold, and the anchors that each of them needs."""

from __future__ import annotations

from collections.abc import Iterator

from honing.contract.repair.base import Refusal
from honing.contract.repair.patch import Patch, is_declared, refusal
from honing.contract.spec import Provenance

_JUDGING = (
    "metric",
    "oracle",
    "task",
    "chat",
    "stages.evaluate",
    "stages.benchmark",
    "stages.rollout.answers",
)
"""Parts that decide what a score means. Whoever changes one says where the target says so."""
_DECLARED = ("range", "direction", "chance", "unit")
"""Of a metric that the target or the user declared, what no repair changes."""


def judging_refusals(patch: Patch) -> list[Refusal]:
    """What a repair may not do to the judging."""
    return [
        *_signed_by_another(patch),
        *_bad_anchors(patch),
        *_without_anchor(patch),
        *_other_metric(patch),
        *_own_grader(patch),
        *_gold_from_nowhere(patch),
    ]


def new_provenance(patch: Patch) -> list[Provenance]:
    """What the agent added to the contract's provenance."""
    known = () if patch.before is None else patch.before.provenance
    return [part for part in patch.after.provenance if part not in known]


def _signed_by_another(patch: Patch) -> Iterator[Refusal]:
    for part in new_provenance(patch):
        if part.by != "agent":
            text = f"an agent signs as `by: agent`, found `by: {part.by}`"
            yield refusal("provenance", f"provenance ({part.part})", text)


def _bad_anchors(patch: Patch) -> Iterator[Refusal]:
    for part in new_provenance(patch):
        if part.anchor and not _stands(patch, part.anchor):
            text = f"the anchor {part.anchor!r} is no line of a file of the target that holds anything"
            yield refusal("anchor", f"provenance ({part.part})", text)


def _without_anchor(patch: Patch) -> Iterator[Refusal]:
    anchored = [part.part for part in new_provenance(patch) if part.anchor]
    missing = dict.fromkeys(
        group
        for part in patch.parts
        for group in _JUDGING
        if _within(part, group) and not any(_within(part, a) or _within(a, group) for a in anchored)
    )
    for group in missing:
        text = (
            "it decides what the score means, so it needs an entry in `provenance`: {part: "
            f"{group}, by: agent, anchor: FILE:LINE, why: ...}}, the line of the target that says so"
        )
        yield refusal("anchor", group, text)


def _other_metric(patch: Patch) -> Iterator[Refusal]:
    if patch.original is None or not is_declared(patch.original):
        return
    for name in _DECLARED:
        was, now = getattr(patch.original.metric, name), getattr(patch.after.metric, name)
        if was != now:
            text = f"the target declares {was!r}; a repair may not make it {now!r}"
            yield refusal("metric", f"metric.{name}", text)


def _own_grader(patch: Patch) -> Iterator[Refusal]:
    """Judging that nothing of the target takes part in."""
    evaluate = patch.after.stages.evaluate
    for name, stage in patch.changed_stages():
        judges = name == "evaluate" or (name == "benchmark" and not evaluate.commands)
        if stage.commands and judges and not patch.uses_target(patch.text(stage.commands)):
            text = (
                "it runs nothing of the target's: the target's own grader judges, or its data through `task`"
            )
            yield refusal("grader", f"stages.{name}.commands", text)


def _gold_from_nowhere(patch: Patch) -> Iterator[Refusal]:
    """Right answers that come neither from the target's data nor from its own code."""
    oracle = patch.after.oracle
    written = any(path.startswith((".honing/oracle/", ".honing/policy/")) for path in patch.paths)
    is_new = patch.before is None or patch.before.oracle != oracle
    if oracle is None or not (is_new or written):
        return
    if oracle.policy is not None:
        path = patch.folder / oracle.policy
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        if oracle.policy not in patch.names and not patch.uses_target(text):
            yield refusal("gold", "oracle.policy", _NOWHERE)
    elif oracle.commands:
        if not patch.uses_target(patch.text(oracle.commands)):
            yield refusal("gold", "oracle.commands", _NOWHERE)
    elif oracle.file not in patch.names:
        text = f"the target has no file {oracle.file!r}; name one, or `commands` that write it from its data"
        yield refusal("gold", "oracle.file", text)


_NOWHERE = "gold comes from the target's data or its own code only, and this program uses neither"


def _stands(patch: Patch, anchor: str) -> bool:
    name, _, line = anchor.partition(":")
    number = line.split(":")[0]
    path = patch.folder / name
    if name not in patch.names or not number.isdigit() or path.is_symlink() or not path.is_file():
        return False
    lines = path.read_bytes().split(b"\n")
    return 1 <= int(number) <= len(lines) and bool(lines[int(number) - 1].strip())


def _within(part: str, group: str) -> bool:
    return part == group or part.startswith(f"{group}.")
