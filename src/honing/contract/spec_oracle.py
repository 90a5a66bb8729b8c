"""Where a contract's right answers come from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from honing.documents import Record, RelativePath


class OracleTable(Record):
    """A data file whose columns hold questions and right answers."""

    path: RelativePath | None = None
    """The file, where it is part of the target. It stays visible: the target's own commands read it."""
    variable: str = ""
    """The variable that names the file, where the user brings it (`--env NAME=/path`)."""
    id: str = ""
    match: str = "prompt"
    """Column whose text stands in the prompt."""
    completion: Annotated[tuple[str, ...], Field(min_length=1)] = ("completion",)
    """Columns that together, in this order, are the right answer."""
    language: str = ""
    """Language of the fence around the answer; none where empty."""

    @model_validator(mode="after")
    def _one_place(self) -> OracleTable:
        if (self.path is None) == (not self.variable):
            raise ValueError("oracle.table: name either `path` or `variable`")
        return self


class OracleSpec(Record):
    """Where the gold of a target with its own commands comes from, for calibration: a file, a table of the
    data, or a policy."""

    file: RelativePath | None = None
    """JSONL rows {"match": text found in the prompt, "completion": the right answer}."""
    commands: tuple[str, ...] = ()
    """Shell text that writes `file`, run once after bootstrap, without a model and without a network."""
    policy: RelativePath | None = None
    """A Python program of the contract that plays the perfect model: one JSON object {"prompt": text} on a
    line of its input, one {"completion": text} on a line of its output. It runs beside the gateway, out of
    sight of the rollout."""
    table: OracleTable | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """Files of the target that hold or play the right answers: out of sight of whatever answers."""
        return tuple(name for name in (self.file, self.policy) if name is not None)

    @model_validator(mode="after")
    def _one_source(self) -> OracleSpec:
        if sum(one is not None for one in (self.file, self.policy, self.table)) != 1:
            raise ValueError("oracle: name exactly one of `file`, `policy` and `table`")
        if self.commands and self.file is None:
            raise ValueError("oracle.commands write `file`; name it")
        return self
