"""The gates that a patch passes before anything of it runs. What one refuses is dropped whole.

They hold what can be told by reading: which files changed, who is asked and who judges, where gold comes
from. Whether the contract is right is not theirs to say: calibration does.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from honing.contract.repair.base import Refusal
from honing.contract.repair.gates_commands import command_refusals
from honing.contract.repair.gates_judging import judging_refusals
from honing.contract.repair.patch import Patch, refusal
from honing.contract.repair.workspace import FOLDER, Workspace
from honing.contract.spec import ContractSpec
from honing.contract.spec_file import CONTRACT_PATH, load_contract
from honing.errors import ContractError
from honing.store import Entry, EntryKind, TreeDiff

ALLOWED = (
    CONTRACT_PATH,
    f"{FOLDER}/stages/*.sh",
    f"{FOLDER}/policy/*.py",
    f"{FOLDER}/oracle/*.py",
    f"{FOLDER}/oracle/*.sh",
)
"""The files a repair may write."""
_FOLDERS = (FOLDER, f"{FOLDER}/stages", f"{FOLDER}/policy", f"{FOLDER}/oracle")
_MOST_BYTES = 64 * 1024


def refusals_of(
    workspace: Workspace, diff: TreeDiff, original: ContractSpec | None, *, programs: Iterable[str] = ()
) -> list[Refusal]:
    """Every reason not to try a patch; none where it may be tried.

    Args:
        workspace: As the agent left it.
        diff: What it changed.
        original: The contract before any repair: what must not be weakened. None where there was none.
        programs: Programs that the target's own files name for judging.
    """
    found = scope_refusals(diff)
    if found:
        return found
    try:
        spec = load_contract(workspace.folder / CONTRACT_PATH)
    except ContractError as error:
        text = str(error).replace(f"{workspace.folder}/", "")
        return [refusal("contract", CONTRACT_PATH, f"it is not valid: {text}")]
    patch = Patch.of(workspace, spec, original, diff, frozenset(programs))
    return [*command_refusals(patch), *judging_refusals(patch)]


def scope_refusals(diff: TreeDiff) -> list[Refusal]:
    """What was changed that is not the contract's: the target itself, above all what judges."""
    found = []
    changed = {
        change.after.name: change.after for change in (*diff.changed, *diff.mode_changed, *diff.renamed)
    }
    changed |= {change.after.name: change.after for change in diff.type_changed}
    changed |= {entry.name: entry for entry in diff.added}
    for name in sorted({path.decode(errors="replace") for path in diff.paths}):
        entry = changed.get(name)
        if entry is None and name in ALLOWED + _FOLDERS:
            continue
        if not _is_allowed(name, entry):
            found.append(refusal("scope", name, "only contract files may be changed: " + ", ".join(ALLOWED)))
        elif entry is not None and (reason := _why_no_plain_text(entry)):
            found.append(refusal("scope", name, reason))
    return found


def _is_allowed(name: str, entry: Entry | None) -> bool:
    if entry is not None and entry.kind is EntryKind.FOLDER:
        return name in _FOLDERS
    # A pattern's star stays within one folder.
    return any(fnmatchcase(name, pattern) and name.count("/") == pattern.count("/") for pattern in ALLOWED)


def _why_no_plain_text(entry: Entry) -> str:
    if entry.kind is EntryKind.FOLDER:
        return ""
    if entry.kind is not EntryKind.FILE:
        return f"must be a plain file, found a {entry.kind.value}"
    if entry.size > _MOST_BYTES:
        return f"holds {entry.size} bytes; a contract file has at most {_MOST_BYTES}"
    return ""
