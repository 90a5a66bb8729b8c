"""The YAML task files of lm-evaluation-harness, where they show columns and compare answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from honing.contract.data.table_files import Table
from honing.contract.data.tables import table_format
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
from honing.contract.readers.jinja_text import (
    NotSimpleError,
    Prompt,
    answer_column,
    choice_columns,
    read_prompt,
)
from honing.contract.readers.located import Document, Tagged, Where, read_document
from honing.errors import ContractError

_DEPTH, _MOST_FILES, _MOST_BYTES = 3, 2000, 64 * 1024
_WITHOUT_EFFECT = (
    "task_alias",
    "tag",
    "group",
    "metadata",
    "should_decontaminate",
    "doc_to_decontamination_query",
    "fewshot_split",
    "fewshot_delimiter",
    "target_delimiter",
    "unsafe_code",
)
_READ = (
    "task",
    "dataset_path",
    "dataset_name",
    "dataset_kwargs",
    "training_split",
    "validation_split",
    "test_split",
    "doc_to_text",
    "doc_to_target",
    "doc_to_choice",
    "output_type",
    "description",
    "metric_list",
    "filter_list",
    "generation_kwargs",
    "num_fewshot",
    "repeats",
)
_COMPUTES = (
    "include",
    "process_docs",
    "process_results",
    "use_prompt",
    "gen_prefix",
    "custom_dataset",
    "doc_to_image",
    "doc_to_audio",
    "fewshot_config",
)
_METRICS = {"generate_until": ("exact_match",), "multiple_choice": ("acc", "acc_norm")}
_FILTERS = ("regex", "take_first", "remove_whitespace", "lowercase", "uppercase", "multi_choice_regex")
_FORMATS = ("json", "csv", "parquet")


class TaskYaml:
    """Reads a task file of lm-evaluation-harness."""

    kind = "task yaml"

    def find(self, folder: Path) -> str | None:
        """See `Reader.find`. Where several lie there, the first by name; `read` says that one must be
        chosen."""
        return next(_task_files(folder), None)

    def read(self, folder: Path, file: str, wanted: Wanted) -> Foreign:
        """See `Reader.read`."""
        try:
            document = _chosen(folder, wanted)
            document.check_keys((), (*_READ, *_WITHOUT_EFFECT, *_COMPUTES))
            return _Reading(folder, document).contract(wanted)
        except ContractError as error:
            # Such files are one of many in a target, and their own tool may take what we do not know.
            anchor, _, text = str(error).rstrip(".").partition(": ")
            raise Unportable(anchor, text, "keys and values as Honing knows them") from None


def _task_files(folder: Path) -> Iterator[str]:
    seen = 0
    for here, folders, names in os.walk(folder):
        below = Path(here).relative_to(folder)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "node_modules")))
        if len(below.parts) >= _DEPTH:
            folders.clear()
        for name in sorted(names):
            path = Path(here) / name
            if path.suffix not in (".yaml", ".yml") or path.is_symlink():
                continue
            seen += 1
            if seen > _MOST_FILES:
                return
            content = path.read_bytes() if path.stat().st_size <= _MOST_BYTES else b""
            if b"dataset_path" in content and b"doc_to_t" in content:
                yield (below / name).as_posix()


def _chosen(folder: Path, wanted: Wanted) -> Document:
    """The task file that is meant.

    Raises:
        Unportable: Several could be.
    """
    found = [document for file in _task_files(folder) if (document := read_document(folder, file))]
    named = [one for one in found if wanted.config in (None, one.value.get("task"), one.file)]
    if len(named) == 1:
        return named[0]
    names = [str(one.value.get("task") or one.file) for one in found]
    raise Unportable(
        f"{found[0].file}:1" if found else "",
        f"{len(found)} task files lie here and {len(named)} could be meant",
        "`--config` with the name of one task",
        names[:20],
    )


@dataclass
class _Reading:
    """One task file being read."""

    folder: Path
    document: Document
    notes: list[Note] = field(default_factory=list)

    def contract(self, wanted: Wanted) -> Foreign:
        document = self.document
        self._refuse_what_computes()
        kind = document.text(("output_type",), "generate_until")
        if kind not in _METRICS:
            raise Unportable(
                document.anchor("output_type"),
                f"{kind!r} compares likelihoods, which a served model does not give",
                "output_type generate_until or multiple_choice",
            )
        self._check_metrics(kind)
        self._check_filters()
        prompt = self._prompt()
        choices = self._choices(prompt) if kind == "multiple_choice" else ()
        task = self._task(prompt, choices, wanted)
        task = self._with_prompt(task, prompt)
        self._note_the_rest(kind)
        parts = [
            (f"task.{part}", document.anchor(key), "")
            for part, key in (
                ("files", "dataset_path"),
                ("template", "doc_to_text"),
                ("fields", "doc_to_target"),
            )
        ]
        parts.append(("task.scorer", document.anchor("metric_list"), f"{task.scorer} in its place"))
        provenance = provenance_of(parts, self.notes)
        spec = data_spec(document.text(("task",)), task, provenance)
        return Foreign(kind=TaskYaml.kind, file=document.file, spec=spec, task=task, notes=tuple(self.notes))

    def _refuse_what_computes(self) -> None:
        for key, value in self.document.value.items():
            if isinstance(value, Tagged):
                text = f"{key} is computed by the target's own code ({value.tag} {value.text})"
                raise Unportable(
                    self.document.anchor(key), text, "a column, or a template that shows columns"
                )
            if key in _COMPUTES and value not in (None, "", False, {}):
                text = f"{key} changes what is asked or judged"
                raise Unportable(self.document.anchor(key), text, f"a task file without {key}")

    def _check_metrics(self, kind: str) -> None:
        listed = self._listed("metric_list") or [{"metric": _METRICS[kind][0]}]
        names = [one.get("metric") if isinstance(one, dict) else one for one in listed]
        usable = [name for name in names if isinstance(name, str) and name in _METRICS[kind]]
        if not usable:
            shown = ", ".join(one.text if isinstance(one, Tagged) else str(one) for one in names)
            raise Unportable(
                self.document.anchor("metric_list"),
                f"the metric {shown} has no counterpart here",
                f"one of {', '.join(_METRICS[kind])}",
            )
        for at, name in enumerate(names):
            if name != usable[0]:
                self._note(f"the metric {name} is left out: one number is measured", "metric_list", at)

    def _listed(self, *where: str | int) -> list[Any]:
        """The list at a place; empty where there is none."""
        found = self.document.at(where)
        if found not in (None, "", {}) and not isinstance(found, list):
            raise self.document.wrong(where, "a list")
        return found if isinstance(found, list) else []

    def _check_filters(self) -> None:
        for at, one in enumerate(self._listed("filter_list")):
            for step, used in enumerate(self._listed("filter_list", at, "filter") if one else []):
                name = used.get("function") if isinstance(used, dict) else used
                if name not in _FILTERS:
                    raise Unportable(
                        self.document.anchor("filter_list", at, "filter", step),
                        f"the filter {name!r} has no counterpart here",
                        f"filters out of {', '.join(_FILTERS)}",
                    )
                if name == "regex":
                    pattern = used.get("regex_pattern", "")
                    text = f"Honing's scorer finds answers in any usual form, and not by {pattern!r} alone"
                    self._note(text, "filter_list", at, "filter", step)

    def _prompt(self) -> Prompt:
        try:
            text = self.document.text(("doc_to_text",))
            plain = text if "{{" in text else "{{" + text + "}}"
            return read_prompt(plain)
        except NotSimpleError as error:
            raise self._computed("doc_to_text", error) from None

    def _choices(self, prompt: Prompt) -> tuple[str, ...]:
        value = self.document.at(("doc_to_choice",))
        if prompt.choices:
            return prompt.choices
        if isinstance(value, list):
            raise Unportable(
                self.document.anchor("doc_to_choice"),
                "the choices are the same for every row, and the prompt does not list them beside letters",
                "a column of choices",
            )
        try:
            return choice_columns(self.document.text(("doc_to_choice",)))
        except NotSimpleError as error:
            raise self._computed("doc_to_choice", error) from None

    def _task(self, prompt: Prompt, choices: tuple[str, ...], wanted: Wanted) -> DatasetTask:
        try:
            target = answer_column(self.document.text(("doc_to_target",)))
        except NotSimpleError as error:
            raise self._computed("doc_to_target", error) from None
        if not 1 <= len(prompt.columns) <= 2:
            raise Unportable(
                self.document.anchor("doc_to_text"),
                f"the prompt shows {len(prompt.columns)} columns ({', '.join(prompt.columns)})",
                "a prompt of a question, and of a text it is about",
            )
        *before, asked = prompt.columns
        keys = {asked: "doc_to_text", target: "doc_to_target"} | dict.fromkeys(choices, "doc_to_choice")
        declared = Declared(
            input=asked,
            target=target,
            choices=choices,
            context=before[0] if before else "",
            anchors={column: self.document.anchor(key) for column, key in keys.items()},
        )
        found = declared_task(self.folder, self._table(wanted), declared)
        if isinstance(found, str):
            text, closes = found, "columns whose answers can be judged"
            raise Unportable(self.document.anchor("doc_to_target"), text, closes)
        return found

    def _table(self, wanted: Wanted) -> Table:
        """Where the data lie.

        Raises:
            Unportable: Not in the target.
        """
        document = self.document
        path = document.text(("dataset_path",))
        splits = [document.text((f"{name}_split",)) for name in ("test", "validation", "training")]
        split = wanted.split or next((name for name in splits if name), "test")
        if path in _FORMATS:
            return self._named_files(split)
        config = document.text(("dataset_name",)) or "default"
        local = self.folder / path
        inside = not path.startswith("/") and local.resolve().is_relative_to(self.folder.resolve())
        if inside and local.is_dir():
            table = choose_table(local, config=config, split=split)
            if isinstance(table, Table):
                return Table(
                    table.config, table.split, tuple(f"{path.rstrip('/')}/{one}" for one in table.files)
                )
        else:
            table = choose_table(self.folder, config=config, split=split)
            if isinstance(table, Table):
                self._note(f"the tables that lie in the target are taken for {path}", "dataset_path")
                return table
        raise Unportable(
            document.anchor("dataset_path"),
            f"the data of {path!r} are not in the target: {table}",
            f"the files of https://huggingface.co/datasets/{path} in the target's folder",
        )

    def _named_files(self, split: str) -> Table:
        where: Where = ("dataset_kwargs", "data_files")
        files = self.document.at(where)
        if isinstance(files, dict):
            where, files = (*where, split), files.get(split)
        listed = [files] if isinstance(files, str) else files
        fine = isinstance(listed, list) and listed and all(isinstance(one, str) for one in listed)
        if not fine or not isinstance(listed, list):
            raise self.document.wrong(where, f"the path of the data of split {split!r}")
        for file in listed:
            path = self.folder / file
            outside = (
                file.startswith("/")
                or "\0" in file
                or not path.resolve().is_relative_to(self.folder.resolve())
            )
            if outside or not path.is_file() or table_format(path) is None:
                raise Unportable(
                    self.document.anchor(*where), f"{file!r} is no data file of the target", "that file"
                )
        return Table("", split, tuple(listed))

    def _with_prompt(self, task: DatasetTask, prompt: Prompt) -> DatasetTask:
        """The declared prompt in our terms, and after it how our scorer wants the answer marked."""
        roles = {str(column): role for role, column in task.fields.items() if role in ("input", "context")}
        text = prompt.text.replace("{choices}", "\0").replace("{{", "\1").replace("}}", "\2")
        text = text.replace("{", "{{").replace("}", "}}")
        for column, role in roles.items():
            text = text.replace(f"\1{column}\2", "{" + role + "}")
        if task.scorer == "choice":
            text = text.replace("\0", "{choices}") if "\0" in text else f"{text}\n\n{{choices}}"
            self._note(
                "the choices are listed and a letter is asked for: no likelihoods are compared", "output_type"
            )
        description = self.document.text(("description",)).replace("{", "{{").replace("}", "}}")
        return with_template(task, f"{description}{text}".rstrip(), ending_of(task))

    def _note_the_rest(self, kind: str) -> None:
        shots = self.document.at(("num_fewshot",)) or 0
        if shots:
            self._note(f"asked without its {shots} worked examples", "num_fewshot")
        if kind == "generate_until" and self.document.at(("generation_kwargs",)):
            self._note("sampling is the user's to choose (--temperature, --max-tokens)", "generation_kwargs")
        if (self.document.at(("repeats",)) or 1) != 1:
            self._note("give --epochs to ask more than once", "repeats")

    def _computed(self, key: str, error: NotSimpleError) -> Unportable:
        text = f"{key} computes something ({str(error)[:60]!r})"
        return Unportable(self.document.anchor(key), text, "a template that only shows columns")

    def _note(self, text: str, *where: str | int) -> None:
        self.notes.append(Note(self.document.anchor(*where), text))
