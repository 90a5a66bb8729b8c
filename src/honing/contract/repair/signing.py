"""Who wrote what: the provenance that an accepted patch leaves in the contract."""

from __future__ import annotations

from honing.contract.repair.base import Proposal
from honing.contract.repair.gates_judging import new_provenance
from honing.contract.repair.patch import Patch
from honing.contract.repair.workspace import Workspace, hash_of
from honing.contract.spec import ContractSpec, Provenance
from honing.contract.spec_file import CONTRACT_PATH, load_contract
from honing.store import EntryKind, TreeDiff


def signed_parts(workspace: Workspace, diff: TreeDiff, proposal: Proposal) -> list[Provenance]:
    """The provenance of the contract with the patch.

    What the patch left alone keeps its author. Each part that it changed is the agent's, with the agent's own
    anchor where it gave one; each file that it wrote is named with its sha256.
    """
    spec = load_contract(workspace.folder / CONTRACT_PATH)
    patch = Patch.of(workspace, spec, None, diff, frozenset())
    who = f"{proposal.run['agent']} {proposal.run['version']}".strip()
    given = [part for part in new_provenance(patch) if part.by == "agent"]
    kept = [part for part in _before(workspace) if not _touched(part.part, patch.parts)]
    named = {part.part for part in given}
    changed = [
        Provenance(part=part, by="agent", why=f"changed by {who}")
        for part in patch.parts
        if not any(part == name or part.startswith(f"{name}.") for name in named)
    ]
    written = [*diff.added, *(change.after for change in diff.changed)]
    files = [
        Provenance(
            part=entry.name, by="agent", why=f"written by {who}; {_identity(workspace, entry.name, spec)}"
        )
        for entry in written
        if entry.kind is EntryKind.FILE
    ]
    return [*kept, *given, *changed, *files]


def _before(workspace: Workspace) -> tuple[Provenance, ...]:
    return () if workspace.spec is None else workspace.spec.provenance


def _touched(part: str, changed: tuple[str, ...]) -> bool:
    return any(one == part or one.startswith(f"{part}.") or part.startswith(f"{one}.") for one in changed)


def _identity(workspace: Workspace, name: str, spec: ContractSpec) -> str:
    # This very signature goes into the contract, so its digest, which leaves provenance out, names it.
    return f"digest {spec.digest}" if name == CONTRACT_PATH else f"sha256 {hash_of(workspace.folder / name)}"
