"""Looking at a target's contract without running it, and writing a first one."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.contract.controls.gold import gold_of
from honing.contract.derive import Derived, GapError, contract_for
from honing.contract.results.unmeasured import spoken_of
from honing.contract.spec import ContractSpec
from honing.contract.spec_file import CONTRACT_PATH, dump_contract, load_contract
from honing.contract.target import SourceOptions, is_archive, resolve
from honing.errors import ContractError, UsageError
from honing.store import Run, TreeStore, write_atomic

_TEMPLATE = """\
# How this benchmark is set up, asked and judged. `hone contract check .` says what is wrong, with line
# numbers.
schema: 1
name: {name}
metric:
  name: accuracy
  path: score            # where the number stands in the metrics file
  range: [0, 1]
  chance: 0.0            # what an answerer without any knowledge reaches
# Right answers, so that the contract can be calibrated. Each line of the file is a JSON object with the keys
# "match" (a text of the prompt) and "completion" (the right answer).
{oracle}oracle: {{file: oracle.jsonl}}
stages:
  rollout:
    # The command finds its model at $OPENAI_BASE_URL with $OPENAI_API_KEY; the model's name is $HONING_MODEL.
    commands:
      - python3 run.py
  evaluate:
    # The command writes metrics.json, {{"ok": true, "score": 0.5}}. Its exit code is not a score.
    commands:
      - python3 grade.py
    metrics_path: metrics.json
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What a look at a contract found."""

    ok: bool
    """Whether it could run."""
    reason: str
    """Why not; empty where it could."""
    spec: ContractSpec | None
    by: str = ""
    """Who wrote it: user, target, derivation."""
    rows: int | None = None
    """Rows with a gold; None where the contract brings commands only."""
    gap: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()

    def as_document(self) -> dict[str, Any]:
        """Everything, as plain data."""
        return {
            "ok": self.ok,
            "reason": self.reason,
            "by": self.by,
            "rows": self.rows,
            "contract_hash": self.spec.digest if self.spec is not None else None,
            "contract": self.spec.as_document() if self.spec is not None else None,
            "gap": self.gap,
            "notes": list(self.notes),
        }

    def as_lines(self) -> list[tuple[str, str]]:
        """What a person reads first."""
        if self.spec is None:
            return [("valid", "no"), ("why", self.reason)]
        asks = "its own commands" if self.spec.stages.target_asks else "Honing asks, row by row"
        judges = "its own commands" if self.spec.stages.target_judges else f"scorer {_scorer(self.spec)}"
        lines = [
            ("valid", "yes"),
            ("written by", self.by),
            ("rollout", asks),
            ("evaluate", judges),
            (
                "metric",
                f"{self.spec.metric.name}, {self.spec.metric.direction}d, chance {self.spec.metric.chance:g}",
            ),
            ("rows with gold", str(self.rows) if self.rows is not None else "not known"),
            ("contract hash", self.spec.digest[:16]),
        ]
        return lines + [("note", note) for note in self.notes]


def _scorer(spec: ContractSpec) -> str:
    return str((spec.task or {}).get("scorer", {}).get("name", "?"))


def examine(target: str, options: SourceOptions | None = None) -> Examination:
    """Look at the contract of a target, of a contract file, or of a run. Nothing of the target is run.

    Args:
        target: Any of the three.
        options: How a target that lies elsewhere is reached.
    """
    path = Path(target)
    try:
        if path.is_file() and not is_archive(target):
            return _seen(None, load_contract(path), by="user")
        if (path / "run.json").is_file():
            run = Run.open(path)
            return _seen(None, load_contract(run.path / "contract.yaml"), by="run")
        return _examine_copy(target, options)
    except GapError as error:
        return Examination(ok=False, reason=str(error), spec=None, gap=error.document)
    except ContractError as error:
        return Examination(ok=False, reason=str(error), spec=None)


def _examine_copy(target: str, options: SourceOptions | None) -> Examination:
    with tempfile.TemporaryDirectory(prefix="honing-") as scratch:
        folder = Path(scratch) / "target"
        trees = TreeStore(Path(scratch) / "trees")
        resolved = resolve(target, trees, options=options)
        trees.materialise(resolved.tree, folder)
        with spoken_of(folder, target.rstrip("/")):
            derived = contract_for(folder, split=resolved.split, config=resolved.config)
        return _seen(derived, derived.spec, by=derived.by)


def _seen(derived: Derived | None, spec: ContractSpec, *, by: str) -> Examination:
    task = derived.task if derived is not None else None
    notes = list(task.notes) if task is not None else []
    if spec.task is None and spec.oracle is None:
        notes.append("no gold is named, so the contract cannot be calibrated: its level stays L4, unverified")
    gold = gold_of(derived) if derived is not None else None
    rows = len(gold.right) if gold is not None else None
    return Examination(ok=True, reason="", spec=spec, by=by, rows=rows, notes=tuple(notes))


def write_initial(folder: Path, *, force: bool) -> Path:
    """Write .honing/contract.yaml into a folder of the user's own, derived where possible, else a template.

    Raises:
        UsageError: There is no such folder, or a contract is there and `force` is not set.
    """
    if not folder.is_dir():
        raise UsageError(f"{str(folder)!r}: no such folder.")
    path = folder / CONTRACT_PATH
    if path.exists() and not force:
        raise UsageError(f"{path} exists; edit it with `hone contract edit`, or replace it with --force.")
    text = _initial_text(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text.encode())
    ignore = path.parent / ".gitignore"
    if not ignore.exists():
        write_atomic(ignore, b"# Runs and working copies are not part of a contract.\nruns/\nwork/\n")
    return path


def _initial_text(folder: Path) -> str:
    """The derived contract, or a template to be filled in. A contract that is there already is not looked
    at."""
    with tempfile.TemporaryDirectory(prefix="honing-") as scratch:
        copy = Path(scratch) / "target"
        shutil.copytree(folder, copy, symlinks=True, ignore=shutil.ignore_patterns(".honing", ".git"))
        try:
            return dump_contract(contract_for(copy).spec)
        except GapError:
            has_oracle = (copy / "oracle.jsonl").is_file()
            return _TEMPLATE.format(name=folder.resolve().name, oracle="" if has_oracle else "# ")
