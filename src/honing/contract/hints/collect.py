"""The files that are looked at, and the blocks in them, in the order in which hints are given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from honing.contract.hints.block import Block, Line
from honing.contract.hints.files import TargetFiles, base_name
from honing.contract.hints.sources import recipes
from honing.contract.hints.sources.containers import devcontainer_blocks, dockerfile_blocks
from honing.contract.hints.sources.installs import install_blocks
from honing.contract.hints.sources.markdown import markdown_blocks
from honing.contract.hints.sources.projects import Project
from honing.contract.hints.sources.restructured import restructured_blocks
from honing.contract.hints.sources.scripts import script_blocks
from honing.contract.hints.sources.workflows import github_blocks, gitlab_blocks

_README = re.compile(r"readme(?:[._-].*)?", re.IGNORECASE)
_TRANSLATED = re.compile(r"readme[._-](?:zh|cn|ja|jp|ko|fr|de|es|ru|pt)\b.*", re.IGNORECASE)
_GUIDE = re.compile(
    r"(?:install|installation|setup|usage|eval|evaluation|evaluate|quick_?start|getting_?started|benchmark|run|running)"
    r"[\w-]*\.(?:md|rst|txt)",
    re.IGNORECASE,
)
"""Pages at the top that are docs by their name."""
_PAGES = (".md", ".rst", ".txt", ".markdown", ".mdx")
_DOCS = ("docs", "doc", "documentation")
_DOCS_DEPTH = 3
_MAX_NESTED = 60
_MAX_DOCS = 200
_MAX_WORKFLOWS = 30

Reader = Callable[..., list[Block]]
_NAMED: tuple[tuple[re.Pattern[str], Reader], ...] = tuple(
    (re.compile(pattern), reader)
    for pattern, reader in (
        (r"(?i:makefile)|GNUmakefile", recipes.make_blocks),
        (r"\.?(?i:justfile)", recipes.just_blocks),
        (r"tox\.ini", recipes.tox_blocks),
        (r"noxfile\.py", recipes.nox_blocks),
        (r"pyproject\.toml", recipes.pyproject_tasks),
        (r"package\.json", recipes.package_blocks),
        (r"(?:[\w.-]+\.)?Dockerfile(?:[.-][\w.-]+)?", dockerfile_blocks),
        (r"\.devcontainer\.json", devcontainer_blocks),
        (r"\.gitlab-ci\.yml", gitlab_blocks),
    )
)
"""Files at the top, by their names."""


def blocks_of(files: TargetFiles, project: Project) -> Iterator[Block]:
    """Every block that may name a command."""
    for path, source in _pages(files):
        text = files.text(path)
        if text is not None:
            read = restructured_blocks if path.lower().endswith(".rst") else markdown_blocks
            yield from read(text, file=path, source=source)
    yield from _console_scripts(project)
    for path, reader in _project_files(files):
        yield from _read(files, path, reader)
    yield from script_blocks(files)
    yield from install_blocks(files)


def task_texts(files: TargetFiles) -> dict[str, str]:
    """What each task runs, by the command that starts it: `make eval`, `npm test`."""
    found: dict[str, str] = {}
    for path, reader in _project_files(files):
        if reader not in (dockerfile_blocks, devcontainer_blocks, github_blocks, gitlab_blocks):
            found |= {
                block.lines[0].text: block.behind for block in _read(files, path, reader) if block.behind
            }
    return found


def _pages(files: TargetFiles) -> Iterator[tuple[str, str]]:
    """The pages that are read, each with its kind: READMEs, then docs."""
    yield from ((path, "readme") for path in _readmes(files, "."))
    yield from ((path, "docs") for path in files.files() if _GUIDE.fullmatch(path))
    nested = [folder for folder in files.folders() if folder.lower() not in _DOCS]
    if len(nested) > _MAX_NESTED:
        files.notes.append(f"only {_MAX_NESTED} of {len(nested)} folders were searched for a README")
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
            workdir=".",
        )


def _project_files(files: TargetFiles) -> Iterator[tuple[str, Reader]]:
    """Files at the top by their names, container files in `docker/`, then CI."""
    for path in files.files():
        for pattern, reader in _NAMED:
            if pattern.fullmatch(path):
                yield path, reader
    for path in files.files("docker"):
        if "dockerfile" in path.lower():
            yield path, dockerfile_blocks
    if files.is_file(".devcontainer/devcontainer.json"):
        yield ".devcontainer/devcontainer.json", devcontainer_blocks
    workflows = [path for path in files.files(".github/workflows") if path.endswith((".yml", ".yaml"))]
    if len(workflows) > _MAX_WORKFLOWS:
        files.notes.append(f"only {_MAX_WORKFLOWS} of {len(workflows)} workflows were read")
    yield from ((path, github_blocks) for path in workflows[:_MAX_WORKFLOWS])


def _read(files: TargetFiles, path: str, reader: Reader) -> list[Block]:
    text = files.text(path)
    if text is None:
        return []
    try:
        return reader(text, file=path)
    except (ValueError, RecursionError) as error:
        files.notes.append(f"{path}: cannot be read ({type(error).__name__})")
        return []
