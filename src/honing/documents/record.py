"""What everything that is read from a user's file is built of."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def _inside(path: str) -> str:
    if not path or path.startswith("/") or ".." in path.split("/") or "\0" in path:
        raise ValueError("must be a path inside the working copy, without '..'")
    return path


RelativePath = Annotated[str, AfterValidator(_inside)]
"""A path inside the working copy."""


def _absolute(path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/") or "\0" in path or path != path.rstrip("/"):
        raise ValueError("must be an absolute path without '..' and without a slash at its end")
    return path


AbsolutePath = Annotated[str, AfterValidator(_absolute)]


class Record(BaseModel):
    """A part of a document: an unknown key is an error, and nothing changes once it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Described(Record):
    """A record whose JSON Schema says what each key means: the sentences under the fields."""

    model_config = ConfigDict(use_attribute_docstrings=True)
