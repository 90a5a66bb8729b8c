"""Who wrote each file of a contract, and what exactly stood in it: hashes that a label is bound to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from honing.contract.spec import ContractSpec, Provenance
from honing.contract.spec_file import CONTRACT_PATH
from honing.contract.workbench.bench import Bench
from honing.store import Entry, EntryKind

FILE = "provenance.json"
_FOLDER = ".honing/"


def provenance(bench: Bench, by: str) -> dict[str, Any]:
    """Every contract file with its author and hash, and the hashes of what is measured.

    Args:
        bench: Prepared.
        by: Who wrote the contract as a whole: `user`, `target`, `derivation`, `agent`.
    """
    entries = bench.trees.load(bench.prepared).entries
    files = [
        {"path": entry.name, "sha256": entry.content, "by": _author(entry.name, bench.contract, by)}
        for entry in entries
        if entry.kind is EntryKind.FILE and entry.name.startswith(_FOLDER)
    ]
    built = bench.surroundings.built
    return {
        "contract_hash": bench.contract.digest,
        "files": files,
        "parts": [part.model_dump() for part in bench.contract.provenance],
        "target": {
            "tree": bench.prepared,
            "files": sum(entry.kind is EntryKind.FILE for entry in entries),
            "sha256": _content(entries),
        },
        "environment": None if built is None else {"lock_sha256": built.digest, "python": built.python},
    }


def _author(name: str, spec: ContractSpec, by: str) -> str:
    """The last who is said to have written a file; of the contract file, its parts decide."""
    parts: Sequence[Provenance] = spec.provenance
    own = [part.by for part in parts if part.part == name or part.anchor.split(":")[0] == name]
    if name == CONTRACT_PATH:
        authors = sorted({str(part.by) for part in parts} or {by})
        return "+".join(authors)
    return own[-1] if own else by


def _content(entries: Sequence[Entry]) -> str:
    """sha256 over the names and contents of what the target brought, its contract apart."""
    lines = (
        f"{entry.name}\0{entry.content}\n"
        for entry in entries
        if entry.kind is EntryKind.FILE and not entry.name.startswith(_FOLDER)
    )
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
