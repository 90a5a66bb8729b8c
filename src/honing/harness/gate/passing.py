"""The gate, in its order: the first rule that is broken names the outcome."""

from __future__ import annotations

from collections.abc import Sequence

from honing.harness.candidate import Outcome
from honing.harness.gate.leaking import leakage_violation
from honing.harness.gate.refusal import Refusal
from honing.harness.gate.scoping import Places, class_violation, scope_violation
from honing.harness.gate.tampering import Read, Signs, tampered
from honing.harness.gate.touched import touched
from honing.harness.project import Project
from honing.store import Tree, TreeDiff


def gate(
    project: Project,
    before: Tree,
    after: Tree,
    diff: TreeDiff,
    read: Read,
    *,
    forged: Sequence[str] = (),
    carrying: Sequence[str] = (),
) -> Refusal | None:
    """Whether a candidate may be run at all.

    Everything is told from the two trees; what an agent says it did plays no part. Take both snapshots with
    `ignore=left_out(project.rules)`.

    Args:
        project: Its rules and what its candidates must not know.
        before: The parent.
        after: What the agent left.
        diff: From `before` to `after`.
        read: The bytes of a stored file (`TreeStore.read`).
        forged: Notes placed for the agent that it changed (`Taken.forged`).
        carrying: Paths of the candidate that hold a secret of the run (`secret_holders`).

    Returns:
        None where it may be run; otherwise exactly one outcome: no-change where nothing differs, then the
        first of tampered, scope-violation, class-violation and leakage-violation.

    Raises:
        StoreError: A content is missing or damaged (ours).
    """
    rules = project.rules
    found = touched(before, after, diff, rules)
    signs = Signs(forged=tuple(forged), carrying=tuple(carrying))
    if not found and signs == Signs():
        sentence = "nothing that is part of a candidate differs from its parent"
        return Refusal(outcome=Outcome.NO_CHANGE, sentence=sentence)
    places = Places(rules.scope, literal=project.legacy)
    return (
        tampered(before, after, found, places, signs)
        or scope_violation(before, after, found, rules, places)
        or class_violation(found, rules, places)
        or leakage_violation(project, before, found, read)
    )
