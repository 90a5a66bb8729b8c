"""Writing an export: new files in a new folder, and TOML as its own reader reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.errors import UsageError


def write_files(
    out: Path, files: Mapping[str, str | bytes], *, executable: Sequence[str] = ()
) -> tuple[str, ...]:
    """Write files below a folder that does not hold anything yet.

    Args:
        out: The folder; made where missing.
        files: Content by path below it.
        executable: Names of files that may be run.

    Raises:
        UsageError: The folder holds something already, or cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise UsageError(
                f"--out {out}: holds files already. Name a new folder, so that nothing is mixed."
            )
        for name, content in files.items():
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            if path.name in executable:
                path.chmod(0o755)
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror}).") from None
    return tuple(files)


def toml_text(document: Mapping[str, Any]) -> str:
    """A nested mapping as TOML; entries that are None are left out."""
    return "\n".join(_table((), document)).lstrip("\n") + "\n"


def _table(path: tuple[str, ...], table: Mapping[str, Any]) -> list[str]:
    plain = {
        key: value for key, value in table.items() if not isinstance(value, Mapping) and value is not None
    }
    lines = ["", f"[{'.'.join(map(_key, path))}]"] if path and (plain or not table) else []
    lines += [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += _table((*path, key), value)
    return lines


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        # A JSON text is a basic TOML text, but for the one control character that JSON leaves alone.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
