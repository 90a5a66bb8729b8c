"""Reading and writing contract.yaml, with errors that name the line."""

from __future__ import annotations

from pathlib import Path

import yaml

from honing.contract.spec import ContractSpec
from honing.documents import checked, parse_yaml, read_bytes
from honing.errors import ContractError

CONTRACT_PATH = ".honing/contract.yaml"
"""Where a contract lies inside a target's working copy."""


def load_contract(path: Path) -> ContractSpec:
    """Read and check a contract file.

    Raises:
        ContractError: It cannot be read, is not YAML, or breaks the schema; the text names file, line and
            field, what was found, and what was expected. Every problem is listed, not just the first.
    """
    content = read_bytes(path, source=str(path), error=ContractError, what="a contract")
    return parse_contract(content, source=str(path))


def parse_contract(content: bytes, *, source: str) -> ContractSpec:
    """The contract that a YAML document holds; `source` names it in errors (see `load_contract`)."""
    document, lines = parse_yaml(content, source=source, error=ContractError, what="a contract")
    if not isinstance(document, dict):
        raise ContractError(
            f"{source}:1: a contract is a mapping with 'schema: 1', got {type(document).__name__}."
        )
    if document.get("schema") != 1:
        raise ContractError(
            f"{source}:{lines.line_of(('schema',))}: 'schema' must be 1, got {document.get('schema')!r}. "
            "This version of Honing reads schema 1; a newer contract needs a newer Honing."
        )
    return checked(ContractSpec, document, lines, source=source, error=ContractError, what="the contract")


def dump_contract(spec: ContractSpec) -> str:
    """The contract as YAML, in a stable order, block style, long shell text kept readable."""
    return yaml.dump(spec.as_document(), Dumper=_Writer, sort_keys=False, allow_unicode=True, width=100)


class _Writer(yaml.SafeDumper):
    pass


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = (
        "|" if "\n" in value and not any(line.endswith((" ", "\t")) for line in value.split("\n")) else None
    )
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Writer.add_representer(str, _text)
