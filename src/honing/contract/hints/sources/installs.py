"""Install facts: files that say what a target needs although no text names the command."""

from __future__ import annotations

import re
from collections.abc import Iterator

from honing.contract.hints.block import Block, Line
from honing.contract.hints.files import TargetFiles, base_name

_REQUIREMENTS = re.compile(r"requirements?[\w.-]*\.txt|[\w-]+[-_]requirements\.txt", re.IGNORECASE)
_FIXED = (
    ("environment.yml", "conda env create -f environment.yml"),
    ("environment.yaml", "conda env create -f environment.yaml"),
    ("Pipfile", "pipenv install"),
    ("poetry.lock", "poetry install"),
    ("pdm.lock", "pdm install"),
    ("uv.lock", "uv sync"),
)
_MAX_REQUIREMENTS = 30


def install_blocks(files: TargetFiles) -> Iterator[Block]:
    """The package itself, its lock files, and the lists of requirements at the top and one folder down."""
    for path in ("pyproject.toml", "setup.py"):
        text = files.text(path)
        if text is not None and (path == "setup.py" or "[build-system]" in text or "[project]" in text):
            yield _fact(path, "pip install -e .")
            break
    for path, command in _FIXED:
        if files.is_file(path):
            yield _fact(path, command)
    found = [path for folder in (".", *files.folders()) for path in files.files(folder)]
    lists = [path for path in found if _REQUIREMENTS.fullmatch(base_name(path))]
    for path in lists[:_MAX_REQUIREMENTS]:
        if " " not in path:
            yield _fact(path, f"pip install -r {path}")


def _fact(path: str, command: str) -> Block:
    return Block(
        file=path,
        source="requirements",
        lines=(Line(1, command),),
        before="The file is there.",
        certain=True,
        workdir=".",
    )
