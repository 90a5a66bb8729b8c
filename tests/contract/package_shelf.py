"""A shelf of package files made here, from which environments are built without a network."""

from __future__ import annotations

import base64
import hashlib
import textwrap
import zipfile
from collections.abc import Mapping
from pathlib import Path


def put_wheel(shelf: Path, name: str, version: str, files: Mapping[str, str], entry_points: str = "") -> Path:
    """Write a wheel of plain Python files."""
    info = f"{name}-{version}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: shelf\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if entry_points:
        content[f"{info}/entry_points.txt"] = entry_points
    record = "".join(f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in content.items())
    shelf.mkdir(parents=True, exist_ok=True)
    path = shelf / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in content.items():
            archive.writestr(inside, text)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


BACKEND = '''
"""The target's own way of building itself, as odd as old set-up scripts are."""

import pathlib
import sys
import zipfile

{imports}

(pathlib.Path(__file__).parent / "sums" / "_version.py").write_text("VERSION = '1.0'\\n")


def _wheel(folder, files):
    info = "sums-1.0.dist-info"
    name = "sums-1.0-py3-none-any.whl"
    entry = "[console_scripts]\\n{script}\\n"
    files = dict(files)
    files[info + "/METADATA"] = "Metadata-Version: 2.1\\nName: sums\\nVersion: 1.0\\n{requires}"
    files[info + "/WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files[info + "/entry_points.txt"] = entry
    record = "".join(path + ",,\\n" for path in files) + info + "/RECORD,,\\n"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(info + "/RECORD", record)
    return name


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    here = pathlib.Path(__file__).parent
    files = {{str(path.relative_to(here)): path.read_text() for path in here.glob("sums/*.py")}}
    return _wheel(wheel_directory, files)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return _wheel(wheel_directory, {{"sums.pth": str(pathlib.Path(__file__).parent) + "\\n"}})
'''


def write_package(folder: Path, *, imports: str = "", script: str, requires: tuple[str, ...] = ()) -> Path:
    """A target that is a package, built by a backend of its own.

    Args:
        folder: Where it goes.
        imports: What the backend imports.
        script: Its console script, `name = module:function`.
        requires: Distributions it depends on.
    """
    lines = "".join(f"Requires-Dist: {one}\\n" for one in requires)
    files = {
        "pyproject.toml": """
            [build-system]
            requires = ["setuptools"]
            build-backend = "backend"
            backend-path = ["."]
            """,
        "backend.py": BACKEND.format(imports=imports, script=script, requires=lines),
        "sums/__init__.py": "",
        "sums/grade.py": """
            import sys

            def main():
                import helper

                print("graded by", helper.NAME, "at", __file__)

            if __name__ == "__main__":
                main()
            """,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder
