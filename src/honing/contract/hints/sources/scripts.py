"""Shell scripts of a target as hints: each is one command, judged by what it runs."""

from __future__ import annotations

from collections.abc import Iterator

from honing.contract.hints.block import Block, Line
from honing.contract.hints.files import TargetFiles, base_name

_FOLDERS = (".", "scripts", "script", "bin", "eval", "evaluation", "run", "examples")
_MAX_SCRIPTS = 60


def script_blocks(files: TargetFiles) -> Iterator[Block]:
    """The shell scripts at the top and in the folders that usually hold them.

    The anchor is the script's first line that is neither empty nor a comment.
    """
    paths = [path for folder in _FOLDERS for path in files.files(folder) if path.endswith(".sh")]
    if len(paths) > _MAX_SCRIPTS:
        files.notes.append(f"only {_MAX_SCRIPTS} of {len(paths)} shell scripts were read")
    for path in paths[:_MAX_SCRIPTS]:
        text = files.text(path)
        first = _first_line(text or "")
        if text is not None and first:
            yield Block(
                file=path,
                source="script",
                lines=(Line(first, f"bash {path}"),),
                headings=(base_name(path),),
                certain=True,
                workdir=".",
                behind=text[:20_000],
            )


def _first_line(text: str) -> int:
    lines = enumerate(text.split("\n"), 1)
    return next((number for number, line in lines if line.strip() and not line.lstrip().startswith("#")), 0)
