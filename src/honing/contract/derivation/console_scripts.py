"""Console scripts that name a module and no function: old set-up tools ran them, pip refuses to install them.

The wheel is rewritten without such entries, and the scripts are written by us: each runs its module.
"""

from __future__ import annotations

import base64
import configparser
import hashlib
import zipfile
from pathlib import Path

from honing.errors import StageError, boundary
from honing.store import write_atomic

_SECTIONS = ("console_scripts", "gui_scripts")
_MAX_TEXT = 1024 * 1024


def without_odd_scripts(wheel: Path) -> dict[str, str]:
    """Take entries without a function out of a wheel, in place.

    Args:
        wheel: The file, as the target's own set-up built it.

    Returns:
        Modules by the name of the script that runs them.

    Raises:
        StageError: The file is not a wheel.
    """
    with boundary(StageError, f"reading the wheel {wheel.name}"), zipfile.ZipFile(wheel) as archive:
        entries = [one for one in archive.infolist() if one.filename.endswith("dist-info/entry_points.txt")]
        if not entries or entries[0].file_size > _MAX_TEXT:
            return {}
        text, odd = _split(archive.read(entries[0]).decode("utf-8", "replace"))
    if odd:
        _rewrite(wheel, entries[0].filename, text)
    return odd


def write_script(folder: Path, name: str, module: str) -> None:
    """Write a script that runs a module with the environment's own interpreter.

    Raises:
        StageError: The name is not a file's name, or the folder is a link.
    """
    if folder.is_symlink():
        raise StageError(f"{folder}: the target's set-up put a link there; no script is written through it.")
    if not name or "/" in name or name in (".", "..") or not module.replace(".", "").isidentifier():
        raise StageError(f"the console script {name!r} = {module!r} cannot be written.")
    text = (
        f"#!{folder}/python\n"
        "import runpy\n"
        f"runpy.run_module({module!r}, run_name='__main__', alter_sys=True)\n"
    )
    path = folder / name
    write_atomic(path, text.encode())
    path.chmod(0o755)


def _split(text: str) -> tuple[str, dict[str, str]]:
    """The entry points without odd scripts, and those by name."""
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    odd: dict[str, str] = {}
    kept: list[str] = []
    for section in parser.sections():
        kept.append(f"[{section}]")
        for name, value in parser.items(section):
            reference = value.partition("[")[0].strip()
            if section in _SECTIONS and ":" not in reference:
                odd[name] = reference
            else:
                kept.append(f"{name} = {value}")
        kept.append("")
    return "\n".join(kept), odd


def _rewrite(wheel: Path, entry: str, text: str) -> None:
    """Replace one member of a wheel, and its line in the list of files."""
    content = text.encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    changed = wheel.with_suffix(".new")
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            data = old.read(member)
            if member.filename == entry:
                data = content
            elif member.filename.endswith("dist-info/RECORD"):
                lines = data.decode("utf-8", "replace").splitlines()
                fixed = [
                    f"{entry},sha256={digest},{len(content)}" if line.startswith(f"{entry},") else line
                    for line in lines
                ]
                data = "".join(f"{line}\n" for line in fixed).encode()
            new.writestr(member, data)
    changed.replace(wheel)
