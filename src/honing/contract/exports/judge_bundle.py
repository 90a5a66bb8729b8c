"""Our scorers as a package that needs nothing but Python: what an export judges with, elsewhere."""

from __future__ import annotations

from pathlib import Path

from honing import contract

_SCORERS = Path(contract.__file__).parent / "scorers"
_PROGRAMS = Path(__file__).parent / "programs"
_SHARED = ("base.py", "answers.py")
_PARTS = {
    "numeric": ("numbers.py", "numeric.py"),
    "text": ("text.py",),
    "choice": ("text.py", "choice.py"),
    "code": (
        "code.py",
        "code_text.py",
        "judge/__init__.py",
        "judge/crossing.py",
        "judge/programs.py",
        "judge/solver.py",
        "judge/referee.py",
        "judge/start.py",
    ),
}
"""Files of each scorer."""
_ENTRY = '''"""Judges one completion against one row. The scorer stands beside, as Honing has it."""

from __future__ import annotations

from typing import Any

IMPORTS

def judge(row: dict[str, Any], parameters: dict[str, Any], completion: str) -> dict[str, Any]:
    """Reward (None where the row cannot be judged), why, and what was taken for the answer."""
    scorer = SCORER
    given = Row(id=row["id"], inputs=row["inputs"], golds=tuple(row["golds"]), anchor=row["anchor"])
    found = scorer.score(given, completion)
    return {
        "reward": found.reward,
        "status": found.status.value,
        "extracted": found.extracted,
        "expected": found.expected,
        "why": found.why,
    }
'''
"""The package's own file."""
_CLASSES = {"numeric": "NumericScorer", "text": "TextScorer", "choice": "ChoiceScorer", "code": "CodeScorer"}


def bundle(scorer: str, package: str) -> dict[str, str]:
    """The files of a package that judges with one of our scorers, by path below it.

    The scorers are copied as they are, so that they cannot judge otherwise there; only the names of the
    modules they import change.

    Args:
        scorer: Its name.
        package: What the package is called where it is imported.
    """
    names = (*_SHARED, *_PARTS[scorer])
    files = {name: _renamed((_SCORERS / name).read_text(encoding="utf-8"), package) for name in names}
    if scorer == "code":
        files["contained.py"] = (_PROGRAMS / "contained.py").read_text(encoding="utf-8")
    return {"__init__.py": _entry(scorer, package), **files}


def _renamed(text: str, package: str) -> str:
    text = text.replace("honing.contract.scorers", package)
    text = text.replace("from honing.sandbox import", f"from {package}.contained import")
    return text.replace("from honing.errors import", f"from {package}.contained import")


def _entry(scorer: str, package: str) -> str:
    """The package's one function, `judge`."""
    name, imports = _CLASSES[scorer], ""
    made = f"{name}(**parameters)"
    if scorer == "code":
        imports = f"from {package}.contained import Contained\n"
        name, made = (
            "CodeLimits, CodeScorer",
            "CodeScorer(sandbox=Contained(), limits=CodeLimits(**parameters))",
        )
    imports = f"from {package}.base import Row\nfrom {package}.{scorer} import {name}\n{imports}"
    return _ENTRY.replace("IMPORTS\n", imports).replace("SCORER", made)
