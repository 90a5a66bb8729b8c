"""What docs/harness.md tells a reader to type works as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "harness.md"


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [text for name, text in found if name == language]


def reader(folder: Path) -> dict[str, str]:
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(folder)}


def test_every_command_and_the_python_of_the_page_run(tmp_path: Path) -> None:
    lines = [line.split(" #")[0].strip() for text in blocks("sh") for line in text.splitlines()]
    (code,) = blocks("python")
    endings = {}
    for command in [*map(shlex.split, lines), [sys.executable, "-c", code]]:
        done = subprocess.run(
            command, cwd=tmp_path, env=reader(tmp_path), capture_output=True, text=True, check=False
        )
        endings[" ".join(command)] = (done.returncode, done.stderr[-500:] if done.returncode else "")

    assert len(endings) == 6
    assert endings == dict.fromkeys(endings, (0, ""))
    assert done.stdout.startswith("True 1.0 ")
