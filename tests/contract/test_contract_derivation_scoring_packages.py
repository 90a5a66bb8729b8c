"""Where a target says what scoring alone needs, nothing else is installed to judge answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hint_targets import made

from honing.contract.derivation.packages import packages_of
from honing.contract.hints import Role, find_hints

PAGE = """# Sums

For everything, run `pip install -r requirements.txt`. If you just want to score answers, run
`pip install -r requirements-base.txt`. For inference, run `pip install -r requirements-inference.txt`.

## Evaluation

```bash
python grade.py --samples mine.jsonl
python evaluate.py --model gpt-4
```
""".replace("run\n`", "run `")


@pytest.mark.parametrize(
    ("program", "installed"),
    [
        ("grade.py", ("-r requirements-base.txt",)),
        (
            "evaluate.py",
            ("-r requirements.txt", "-r requirements-base.txt", "-r requirements-inference.txt"),
        ),
    ],
)
def test_scoring_alone_needs_its_own_list(program: str, installed: tuple[str, ...], tmp_path: Path) -> None:
    lists = {f"requirements{part}.txt": "numpy\n" for part in ("", "-base", "-inference")}
    target = made(tmp_path / "sums", {"README.md": PAGE, "grade.py": "", "evaluate.py": "", **lists})
    hints = find_hints(target)
    chosen = [hint for hint in hints if hint.role is Role.EVALUATE and program in hint.command]

    spec = packages_of(target, hints, chosen).spec

    assert spec is not None
    assert spec.install == installed
