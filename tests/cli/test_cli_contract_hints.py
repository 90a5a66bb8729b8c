"""`hone contract hints` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from hone_process import Hone

PAGE = "# Nuts\n\n## Evaluation\n\n```bash\ncd eval\npython run.py --model <model> --data [a|b]\n```\n"


def target(folder: Path) -> Path:
    (folder / "nuts" / "eval").mkdir(parents=True)
    (folder / "nuts" / "README.md").write_text(PAGE)
    (folder / "nuts" / "eval" / "run.py").write_text("raise SystemExit('never run')\n")
    (folder / "nuts" / "requirements.txt").write_text("numpy\n")
    return folder / "nuts"


def test_hints_are_shown_with_what_must_be_filled_in(hone: Hone, tmp_path: Path) -> None:
    ended = hone("contract", "hints", str(target(tmp_path)), "--tsv", "--role", "evaluate")

    command = "(in eval) python run.py --model <model> --data [a|b]"
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "role\tconfidence\tanchor\tcommand\tplaceholders\ttraps",
        f'evaluate\t0.52\tREADME.md:7\t{command}\t["model=model","data=a|b"]\t[]',
    ]


def test_json_has_every_detail(hone: Hone, tmp_path: Path) -> None:
    ended = hone("contract", "hints", str(target(tmp_path)), "--json")

    rows = json.loads(ended.out)
    assert [row["anchor"] for row in rows] == ["README.md:7", "requirements.txt:1"]
    assert rows[0]["asks_model"] is True
    assert rows[0]["placeholders"][1] == {
        "name": "data",
        "kind": "choice",
        "text": "[a|b]",
        "start": 37,
        "end": 42,
        "option": "--data",
        "choices": ["a", "b"],
        "default": None,
    }


def test_an_unknown_role_names_the_known_ones(hone: Hone, tmp_path: Path) -> None:
    ended = hone("contract", "hints", str(target(tmp_path)), "--role", "score")

    assert ended.code == 2
    assert "must be one of install, data, serve, rollout, evaluate, test, other" in ended.err


def test_a_target_that_names_no_command_says_so(hone: Hone, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.jsonl").write_text("{}\n")

    ended = hone("contract", "hints", str(tmp_path / "data"))

    assert (ended.code, ended.out) == (0, "")
    assert "no command is named" in ended.err
