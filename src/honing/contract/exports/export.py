"""The one door: a run in somebody else's form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from honing.contract.data.task import task_from_document
from honing.contract.exports.base import Exported, Form, Rows
from honing.contract.exports.harbor import write_harbor
from honing.contract.exports.hf_results import write_hf_results
from honing.contract.exports.inspect_log import write_inspect
from honing.contract.exports.verifiers_package import write_verifiers
from honing.contract.results.measured import Measured, read_measured
from honing.contract.stages.copies import fresh_copy, remove_copies
from honing.errors import UsageError
from honing.store import TREES, Run, TreeId, TreeStore


def export_run(run: Run, form: Form, out: Path, *, model: str = "", dataset: str = "") -> Exported:
    """Write a measurement in somebody else's form.

    Args:
        run: A finished measurement. It is only read.
        form: Whose form.
        out: A folder that does not exist yet, or is empty.
        model: Which model, where the run measured several; the last where empty.
        dataset: For `hf-results`: the benchmark's data set on the hub.

    Raises:
        UsageError: The run has no results, cannot be put into that form, or the folder holds files.
    """
    measured = read_measured(run, model=model)
    if form is Form.INSPECT:
        return write_inspect(measured, out)
    if form is Form.HF_RESULTS:
        return write_hf_results(measured, out, dataset=dataset)
    with _rows(measured, form) as rows:
        if form is Form.HARBOR:
            return write_harbor(measured, rows, out)
        return write_verifiers(measured, rows, out)


@contextmanager
def _rows(measured: Measured, form: Form) -> Iterator[Rows]:
    """The rows that the run asked, from the target as it was stored.

    Raises:
        UsageError: The target's own commands judge, so there are no rows to hand on.
    """
    document = measured.contract.task
    if not measured.own_scorer or document is None:
        raise UsageError(
            f"--to {form.value}: the target of {measured.name} is judged by its own commands, so it has no "
            "rows that could be judged elsewhere. `--to inspect` carries its samples."
        )
    trees = TreeStore(measured.run.path.parent / TREES)
    folder = fresh_copy(measured.run, trees, TreeId(measured.tree), "export")
    try:
        task = task_from_document(document, folder)
        asked = {sample.id for sample in measured.samples}
        yield Rows(task=task, rows=tuple(row for row in task.rows() if row.id in asked))
    finally:
        remove_copies(measured.run)
