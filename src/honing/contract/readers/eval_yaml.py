"""`eval.yaml` of a hub data set: which columns ask and answer, and how answers are judged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from honing.contract.data.task import DatasetTask
from honing.contract.readers.base import Foreign, Note, Unportable, Wanted, provenance_of
from honing.contract.readers.data_spec import data_spec
from honing.contract.readers.declared import (
    Declared,
    choose_table,
    declared_task,
    ending_of,
    with_template,
)
from honing.contract.readers.located import Document, Where, read_document
from honing.errors import ContractError

FILES = ("eval.yaml", "eval.yml")
_TOP = ("name", "description", "evaluation_framework", "tasks")
_TASK = (
    "id",
    "config",
    "name",
    "subset",
    "split",
    "splits",
    "field_spec",
    "shuffle_choices",
    "epochs",
    "epoch_reducer",
    "solvers",
    "scorers",
)
_FIELDS = ("input", "target", "choices", "metadata", "id", "description", "input_image")
_SCORERS: Mapping[str, tuple[str, ...]] = {
    "match": ("numeric", "text"),
    "exact": ("numeric", "text"),
    "answer": ("numeric", "text"),
    "pattern": ("numeric", "text"),
    "math": ("numeric",),
    "choice": ("choice",),
}
"""Scorers whose question (is the answer this one?) ours ask as well, by the golds they can be asked about."""
_WHY_NOT: Mapping[str, str] = {
    "includes": "a right answer anywhere in the completion counts, so naming every answer is right",
    "f1": "partial credit for shared words is not an answer that is right or wrong",
    "model_graded_qa": "another model judges",
    "model_graded_fact": "another model judges",
}
_TEMPLATES = ("prompt_template", "multiple_choice", "user_message", "system_message", "generate")
_PLACEHOLDER = re.compile(r"\{(prompt|question|choices|letters)\}")


class EvalYaml:
    """Reads the hub's `eval.yaml`."""

    kind = "eval.yaml"

    def find(self, folder: Path) -> str | None:
        """See `Reader.find`. The name is a common one: the hub's lists `tasks`, each with a `field_spec`."""
        for file in FILES:
            if not (folder / file).is_file():
                continue
            try:
                document = read_document(folder, file)
            except ContractError:
                continue
            tasks = document.value.get("tasks") if document else None
            if isinstance(tasks, list) and any(isinstance(t, dict) and "field_spec" in t for t in tasks):
                return file
        return None

    def read(self, folder: Path, file: str, wanted: Wanted) -> Foreign:
        """See `Reader.read`."""
        document = read_document(folder, file)
        if document is None:
            raise ContractError(f"{file}:1: eval.yaml is a mapping with 'tasks'.")
        document.check_keys((), _TOP)
        where: Where = ("tasks", _chosen(document, wanted))
        document.check_keys(where, _TASK)
        notes: list[Note] = []
        task = _task(folder, document, where, wanted)
        task, system = _with_solvers(document, where, task, notes)
        _check_scorer(document, where, task, notes)
        _note_the_rest(document, where, notes)
        parts = [(f"task.{name}", document.anchor(*where, name), "") for name in ("field_spec", "split")]
        parts += [("task.scorer", document.anchor(*where, "scorers"), f"{task.scorer} in its place")]
        spec = data_spec(document.text(("name",)), task, provenance_of(parts, notes), system=system)
        return Foreign(kind=self.kind, file=file, spec=spec, task=task, notes=tuple(notes))


def _chosen(document: Document, wanted: Wanted) -> int:
    """The position of the task that is meant.

    Raises:
        Unportable: Several could be.
    """
    tasks = document.at(("tasks",))
    names = [
        {str(document.at(("tasks", at, key))) for key in ("id", "config", "name", "subset")}
        for at in range(len(tasks))
    ]
    meant = [at for at, found in enumerate(names) if wanted.config is None or wanted.config in found]
    if wanted.split is not None and len(meant) > 1:
        meant = [at for at in meant if _split(document, ("tasks", at)) == wanted.split]
    if len(meant) == 1:
        return meant[0]
    ids = [str(document.at(("tasks", at, "id")) or at) for at in range(len(tasks))]
    raise Unportable(
        document.anchor("tasks"),
        f"{len(tasks)} tasks are listed and {len(meant)} could be meant",
        "`--config` with the id of one",
        ids,
    )


def _task(folder: Path, document: Document, where: Where, wanted: Wanted) -> DatasetTask:
    spec: Where = (*where, "field_spec")
    document.check_keys(spec, _FIELDS)
    if document.at((*spec, "input_image")):
        raise Unportable(
            document.anchor(*spec, "input_image"), "prompts show an image", "a target whose prompts are text"
        )
    target = document.text((*spec, "target"))
    if target.startswith("literal:"):
        raise Unportable(
            document.anchor(*spec, "target"), "every row has the same right answer", "a column of answers"
        )
    choices = document.texts((*spec, "choices"))
    names = {"input": document.text((*spec, "input")), "target": target}
    for name, column in names.items():
        if not column:
            raise document.wrong((*spec, name), "the name of a column")
    anchors = {column: document.anchor(*spec, name) for name, column in names.items()}
    anchors |= {column: document.anchor(*spec, "choices") for column in choices}
    config = next(
        (document.text((*where, key)) for key in ("config", "subset") if document.at((*where, key))),
        "default",
    )
    table = choose_table(folder, config=config, split=wanted.split or _split(document, where))
    if isinstance(table, str):
        raise Unportable(
            document.anchor(*where), table, "the data set's own files in the target's folder", ()
        )
    declared = Declared(input=names["input"], target=target, choices=tuple(choices), anchors=anchors)
    task = declared_task(folder, table, declared)
    if isinstance(task, str):
        raise Unportable(document.anchor(*spec), task, "columns whose answers can be judged")
    return task


def _split(document: Document, where: Where) -> str:
    """The declared split; older files list `splits`."""
    return document.text((*where, "split")) or next(iter(document.texts((*where, "splits"))), "test")


def _with_solvers(
    document: Document, where: Where, task: DatasetTask, notes: list[Note]
) -> tuple[DatasetTask, str]:
    """The task with the declared prompt, and the system prompt."""
    template, system = "", ""
    for at, solver in enumerate(document.at((*where, "solvers")) or []):
        step: Where = (*where, "solvers", at)
        name = solver if isinstance(solver, str) else document.text((*step, "name"))
        if name == "chain_of_thought":
            notes.append(Note(document.anchor(*step), "our prompt asks for the reasoning in its own words"))
        elif name not in _TEMPLATES:
            raise Unportable(
                document.anchor(*step),
                f"the solver {name!r} is more than one question",
                "a solver that asks once",
            )
        text = document.text((*step, "args", "template")) if isinstance(solver, dict) else ""
        if name == "system_message":
            system = text
        elif text:
            template = _our_template(document, (*step, "args", "template"), text)
    if not template:
        return task, system
    keeps_form = task.scorer == "choice" and "{choices}" not in template
    return with_template(task, template + ("\n\n{choices}" if keeps_form else ""), ending_of(task)), system


def _our_template(document: Document, where: Where, text: str) -> str:
    """A foreign prompt template as one of ours."""
    names = {"prompt": "input", "question": "input", "choices": "choices", "letters": "labels"}
    rest = _PLACEHOLDER.sub("", text).replace("{{", "").replace("}}", "")
    if "{" in rest or "}" in rest:
        raise Unportable(
            document.anchor(*where),
            "the template names more than prompt and choices",
            "a template without it",
        )
    if not re.search(r"\{(prompt|question)\}", text):
        raise Unportable(document.anchor(*where), "the template leaves out {prompt}", "a template with it")
    return _PLACEHOLDER.sub(lambda match: "{" + names[match.group(1)] + "}", text).rstrip()


def _check_scorer(document: Document, where: Where, task: DatasetTask, notes: list[Note]) -> None:
    """Whether our scorer may stand for one of the declared ones.

    Raises:
        Unportable: None of them asks what ours asks.
    """
    scorers: list[Any] = document.at((*where, "scorers")) or []
    names = [
        one if isinstance(one, str) else str(one.get("name"))
        for one in scorers
        if isinstance(one, str | dict)
    ]
    usable = [name for name in names if task.scorer in _SCORERS.get(name, ())]
    if not usable:
        name = names[0] if names else ""
        known = _SCORERS.get(name)
        why = _WHY_NOT.get(name) or (
            f"it judges {' or '.join(known)}, and the golds are for {task.scorer!r}"
            if known
            else "it is not known"
        )
        raise Unportable(
            document.anchor(*where, "scorers"),
            f"the scorer {name!r} has no counterpart here: {why}",
            f"one of {', '.join(_SCORERS)}, or a contract with the target's own evaluate commands",
        )
    text = (
        f"{usable[0]!r} is judged by Honing's {task.scorer} scorer, which takes an answer in any usual form"
    )
    notes.append(Note(document.anchor(*where, "scorers"), text))
    notes.extend(
        Note(document.anchor(*where, "scorers"), f"the scorer {name!r} is left out: one number is measured")
        for name in names
        if name != usable[0]
    )


def _note_the_rest(document: Document, where: Where, notes: list[Note]) -> None:
    epochs = document.at((*where, "epochs")) or 1
    if epochs != 1:
        notes.append(Note(document.anchor(*where, "epochs"), f"give --epochs {epochs} to ask as often"))
    if document.at((*where, "shuffle_choices")):
        notes.append(Note(document.anchor(*where, "shuffle_choices"), "choices keep the order of the data"))
    framework = document.text(("evaluation_framework",))
    if framework and framework not in ("inspect-ai", "inspect_ai"):
        notes.append(
            Note(document.anchor("evaluation_framework"), f"read as inspect's, it says {framework!r}")
        )
