"""A broken contract is mended by an agent, and only calibration says that it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from repair_scene import (
    BROKEN,
    MENDED,
    PATH,
    README,
    SCAFFOLD,
    listening,
    measured,
    without_contract,
)

from honing.agents import ScriptedAgent
from honing.contract import GapError, SetupOptions, setup
from honing.store import Run

Write = Callable[..., Path]


def broken(write_target: Write) -> Path:
    return write_target(BROKEN, README__md=README)


def test_a_contract_that_names_a_wrong_file_is_repaired_and_scores(
    write_target: Write, tmp_path: Path
) -> None:
    found = measured(broken(write_target), tmp_path / "runs", ScriptedAgent({PATH: MENDED}))

    assert (found.result.ok, found.result.score) == (True, 1.0)
    assert (found.repair["ending"], found.verdicts) == ("repaired", ["repaired"])
    first = found.repair["first_failure"]
    assert (first["kind"], first["stage"], first["command"]) == ("data_missing", "rollout", "python3 ask.py")
    assert "-  rollout: {commands: [python3 ask.py]}" in found.repair["iterations"][0]["patch"]
    records = {record.kind: record.body for record in Run.open(found.run).evidence().read()}
    assert (records["agent"]["agent"], records["repair"]["verdict"]) == ("scripted", "repaired")
    assert records["agent"]["brief"].startswith("# Your job")


def test_what_the_agent_wrote_is_signed_with_its_hash(write_target: Write, tmp_path: Path) -> None:
    script = "#!/bin/sh\npython3 run.py\n"
    edits = {
        PATH: MENDED.replace("python3 run.py", "bash .honing/stages/ask.sh"),
        ".honing/stages/ask.sh": script,
    }

    found = measured(broken(write_target), tmp_path / "runs", ScriptedAgent(edits))

    signed = {part.part: part for part in found.contract.provenance if part.by == "agent"}
    assert found.result.ok
    assert sorted(signed) == [".honing/contract.yaml", ".honing/stages/ask.sh", "stages.rollout.commands"]
    assert "sha256 " in signed[".honing/stages/ask.sh"].why
    assert f"digest {found.contract.digest}" in signed[".honing/contract.yaml"].why


def test_a_target_without_any_contract_is_scaffolded(write_target: Write, tmp_path: Path) -> None:
    target = without_contract(broken(write_target))
    (target / "questions.jsonl").rename(target / "questions.txt")
    for name in ("run.py", "grade.py"):
        path = target / name
        path.write_text(path.read_text().replace("questions.jsonl", "questions.txt"))
    (target / "oracle.jsonl").rename(target / "gold.txt")
    with pytest.raises(GapError), setup(target, SetupOptions(home=tmp_path / "without")):
        pass

    contract = SCAFFOLD.replace("oracle.jsonl", "gold.txt")
    found = measured(target, tmp_path / "runs", ScriptedAgent({PATH: contract}))

    assert (found.result.ok, found.result.score) == (True, 1.0)
    assert found.repair["first_failure"]["stage"] == "target"
    assert not (found.run / "contract_gap.json").exists()
    anchors = {part.part: part.anchor for part in found.contract.provenance if part.anchor}
    assert anchors == {"stages.evaluate": "README.md:7", "oracle": "gold.txt:1"}


def test_a_patch_outside_the_contract_files_is_refused_reported_and_dropped_whole(
    write_target: Write, tmp_path: Path
) -> None:
    target = broken(write_target)
    cheat = "import json\njson.dump({'ok': True, 'score': 1.0}, open('metrics.json', 'w'))\n"
    edits = {PATH: MENDED, "grade.py": cheat}

    found = measured(target, tmp_path / "runs", ScriptedAgent(edits), iterations=1)

    (iteration,) = found.repair["iterations"]
    assert (found.result.ok, found.repair["ending"]) == (False, "iterations")
    assert (iteration["verdict"], iteration["paths"]) == ("refused", [PATH, "grade.py"])
    assert [(one["gate"], one["where"]) for one in iteration["refusals"]] == [("scope", "grade.py")]
    assert "only contract files may be changed" in iteration["reason"]
    assert found.contract.stages.rollout.commands == ("python3 ask.py",)
    assert "python3 grade.py" in (target / PATH).read_text()


def test_an_agent_cannot_make_a_score_by_itself(write_target: Write, tmp_path: Path) -> None:
    """A patch that gets past every gate and is wrong stays uncalibrated."""
    always = MENDED.replace("python3 grade.py", "cat grade.py > /dev/null; bash .honing/stages/judge.sh")
    sneaky = """#!/bin/sh
# Puts together what a reader of the text does not see.
n=$((2 - 1)); printf '{"ok": true, "sco%s": %s}' re "$n" > metrics.json
"""
    provenance = '\nprovenance: [{part: stages.evaluate, by: agent, anchor: "README.md:7"}]\n'
    edits = {PATH: always + provenance, ".honing/stages/judge.sh": sneaky}

    found = measured(broken(write_target), tmp_path / "runs", ScriptedAgent(edits), iterations=1)

    assert (found.result.ok, found.result.score) == (False, None)
    assert found.repair["ending"] == "iterations"
    assert found.verdicts[0] in ("progress", "not-repaired")


def test_the_brief_says_what_failed_what_was_tried_and_what_the_target_names(
    write_target: Write, tmp_path: Path
) -> None:
    briefs: list[str] = []
    turns = [{"grade.py": "print(1)"}, {PATH: MENDED}]

    found = measured(broken(write_target), tmp_path / "runs", listening(briefs, lambda: turns.pop(0)))

    first, second = briefs
    assert found.verdicts == ["refused", "repaired"]
    assert "Failed: rollout (data_missing)." in first
    assert "can't open file" in first
    assert "README.md:6" in first
    assert "    python3 ask.py" in first
    assert "What was tried before" not in first
    assert "refused, grade.py: only contract files may be changed" in second
    assert "+print(1)" in second


def test_the_agent_sees_no_file_that_speaks_to_agents_and_the_target_keeps_them(
    write_target: Write, tmp_path: Path
) -> None:
    target = broken(write_target)
    for name in ("AGENTS.md", "CLAUDE.md", ".mcp.json", ".claude/settings.json", "sub/AGENTS.md"):
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_text("{}")
    briefs: list[str] = []

    found = measured(target, tmp_path / "runs", listening(briefs, lambda: {PATH: MENDED}))

    files = briefs[0].rpartition("FILES ")[2].split()
    expected = [PATH, "README.md", "grade.py", "oracle.jsonl", "questions.jsonl", "run.py"]
    assert (found.result.ok, files) == (True, expected)
    assert not (found.run / "work").exists()


def test_a_hole_is_filled_by_the_agent(write_target: Write, tmp_path: Path) -> None:
    hole = 'holes: [{name: program, kind: path, text: "<program>", anchor: "README.md:6"}]\n'
    target = write_target(BROKEN.replace("python3 ask.py", "'python3 {{program}}'") + hole, README__md=README)
    briefs: list[str] = []

    found = measured(target, tmp_path / "runs", listening(briefs, lambda: {PATH: MENDED}))

    assert (found.result.ok, found.verdicts) == (True, ["repaired"])
    assert "- program: path; the target writes '<program>' (README.md:6)" in briefs[0]
