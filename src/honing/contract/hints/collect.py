"""The files that are looked at, and the blocks in them, in the order in which hints are given."""

from __future__ import annotations

import re
from collections.abc import Iterator

from honing.contract.hints.block import Block, Line
from honing.contract.hints.files import TargetFiles, base_name
from honing.contract.hints.sources.markdown import markdown_blocks
from honing.contract.hints.sources.projects import Project

_README = re.compile(r"readme(?:[._-].*)?", re.IGNORECASE)
_TRANSLATED = re.compile(r"readme[._-](?:zh|cn|ja|jp|ko|fr|de|es|ru|pt)\b.*", re.IGNORECASE)
_PAGES = (".md", ".rst", ".txt", ".markdown", ".mdx")
_DOCS = ("docs", "doc", "documentation")
_DOCS_DEPTH = 3
_MAX_NESTED = 60
_MAX_DOCS = 200


def blocks_of(files: TargetFiles, project: Project) -> Iterator[Block]:
    """Every block that may name a command."""
    for path, source in pages(files):
        text = files.text(path)
        if text is not None:
            yield from markdown_blocks(text, file=path, source=source)
    yield from _console_scripts(project)


def pages(files: TargetFiles) -> Iterator[tuple[str, str]]:
    """The pages that are read, each with its kind: READMEs, then docs."""
    yield from ((path, "readme") for path in _readmes(files, "."))
    nested = [folder for folder in files.folders() if base_name(folder).lower() not in _DOCS]
    if len(nested) > _MAX_NESTED:
        files.notes.append(
            f"only the first {_MAX_NESTED} of {len(nested)} folders were searched for a README"
        )
    for folder in nested[:_MAX_NESTED]:
        yield from ((path, "readme") for path in _readmes(files, folder))
    folders = [folder for folder in files.folders() if folder.lower() in _DOCS]
    found = [path for folder in folders for path in _docs(files, folder, _DOCS_DEPTH)]
    if len(found) > _MAX_DOCS:
        files.notes.append(f"only the first {_MAX_DOCS} of {len(found)} pages of docs were read")
    yield from ((path, "docs") for path in found[:_MAX_DOCS])


def _readmes(files: TargetFiles, folder: str) -> list[str]:
    found = [path for path in files.files(folder) if _README.fullmatch(base_name(path))]
    found = [path for path in found if path.lower().endswith((*_PAGES, "readme"))]
    return sorted(found, key=lambda path: (bool(_TRANSLATED.fullmatch(base_name(path))), path))


def _docs(files: TargetFiles, folder: str, depth: int) -> Iterator[str]:
    yield from (path for path in files.files(folder) if path.lower().endswith(_PAGES))
    if depth > 1:
        for below in files.folders(folder):
            yield from _docs(files, below, depth - 1)


def _console_scripts(project: Project) -> Iterator[Block]:
    for script in project.scripts.values():
        yield Block(
            file=script.file,
            source="pyproject",
            lines=(Line(script.line, script.name),),
            before=f"console script of {script.module}",
            certain=True,
        )
