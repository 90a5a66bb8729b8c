"""Whether a number means what it says: rules on what happened, and what becomes of an attempt to cheat."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from honing.contract import Audit, Mode, RolloutOptions, SetupOptions, setup
from honing.contract.audit.untouched import intruders
from honing.contract.session import EvaluationResult
from honing.store import TreeStore, load_run

Write = Callable[..., Path]
FULL = RolloutOptions(mode=Mode.FULL)
HEAD = "schema: 1\noracle: {file: oracle.jsonl}\nstages:\n  rollout: {commands: [python3 run.py]}\n"


def measure(target: Path, home: Path, llm: str = "scripted/perfect") -> EvaluationResult:
    with setup(target, SetupOptions(home=home)) as session:
        session.rollout(llm, FULL)
        return session.evaluate()


def findings(result: EvaluationResult) -> dict[str, str]:
    return {one["rule"]: one["finding"] for one in result.metrics["audit"]}


def ways(audit: Audit) -> dict[str, str]:
    return {one.name: one.way.value for one in audit.probes}


def audited(target: Path, home: Path) -> Audit:
    with setup(target, SetupOptions(home=home)) as session:
        return session.audit()


# Rules


def test_an_honest_target_keeps_every_rule_and_the_run_says_so(write_target: Write, tmp_path: Path) -> None:
    result = measure(write_target(), tmp_path / "runs")

    assert findings(result) == {
        "a model was asked": "held",
        "the result is new": "held",
        "the target's grader was read": "held",
        "the answers were read": "held",
        "the grader is as the target brought it": "held",
        "right and worthless answers differ": "held",
    }
    read = next(
        one["why"] for one in result.metrics["audit"] if one["rule"] == "the target's grader was read"
    )
    assert read == "2 files of the target: grade.py, questions.jsonl"
    page = json.loads((result.path.parent / "report.json").read_text())
    assert "Audit" in [section["title"] for section in page["sections"]]


def test_a_number_that_no_file_of_the_target_stands_behind_is_suspicious(
    write_target: Write, tmp_path: Path
) -> None:
    inline = (
        "python3 -c \"import json; a = json.load(open(''answers.json'')); n = sum(a[k] == str(4 * int(k[1:]))"
        " for k in a) / len(a); json.dump({''score'': n}, open(''metrics.json'', ''w''))\""
    )
    target = write_target(f"{HEAD}  evaluate: {{commands: ['{inline}']}}\n")

    result = measure(target, tmp_path / "runs")

    assert (result.score, findings(result)["the target's grader was read"]) == (1.0, "suspicious")
    assert findings(result)["the answers were read"] == "held"


def test_a_grader_that_changes_itself_is_suspicious(write_target: Write, tmp_path: Path) -> None:
    judged = "{commands: ['python3 grade.py && echo \"# seen\" >> grade.py']}"

    result = measure(write_target(f"{HEAD}  evaluate: {judged}\n"), tmp_path / "runs")

    assert findings(result)["the grader is as the target brought it"] == "suspicious"


def test_where_honing_asks_and_judges_nothing_of_the_target_is_in_question(
    write_data: Write, tmp_path: Path
) -> None:
    found = findings(measure(write_data(), tmp_path / "runs"))

    assert found["a model was asked"] == "held"
    assert found["the target's grader was read"] == "not applicable"


def test_each_contract_file_has_its_author_and_its_hash(write_target: Write, tmp_path: Path) -> None:
    home = tmp_path / "runs"
    first = load_run(measure(write_target(), home).path.parent).read_json("provenance.json")
    folder = tmp_path / "target"
    (folder / ".honing" / "helper.sh").write_text("true\n")
    second = load_run(measure(folder, home).path.parent).read_json("provenance.json")

    assert [(one["path"], one["by"], len(one["sha256"])) for one in first["files"]] == [
        (".honing/contract.yaml", "target", 64)
    ]
    assert [one["path"] for one in second["files"]] == [".honing/contract.yaml", ".honing/helper.sh"]
    # The target itself is the same: its contract's files are no part of it.
    assert first["target"]["sha256"] == second["target"]["sha256"]


# What a rollout may leave


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("sitecustomize.py", True),
        ("deep/down/conftest.py", True),
        ("deep/planted.pth", True),
        ("pytest.ini", True),
        ("GNUmakefile", True),
        ("json.py", True),
        ("lib/numbers.py", True),
        ("re/__init__.py", True),
        ("lib/helper/__init__.py", True),
        ("fast.cpython-311-x86_64-linux-gnu.so", True),
        ("answers.json", False),
        ("outputs/solution_1.py", False),
        ("outputs/a/__init__.py", False),
        ("python3", False),
        ("__pycache__/grade.cpython-311.pyc", False),
    ],
)
def test_a_new_file_is_refused_where_the_judge_could_load_it(
    tmp_path: Path,
    name: str,
    refused: bool,  # noqa: FBT001
) -> None:
    trees, folder = TreeStore(tmp_path / "trees"), tmp_path / "work"
    (folder / "lib").mkdir(parents=True)
    (folder / "grade.py").write_text("import lib.check")
    (folder / "lib" / "check.py").write_text("")
    before = trees.snapshot(folder)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("")

    found = intruders(trees.load(before).entries, trees.diff(before, trees.snapshot(folder)), ("",))

    assert [one.path for one in found] == ([name] if refused else [])


def test_a_rollout_that_puts_a_module_before_the_graders_is_refused(
    write_target: Write, tmp_path: Path
) -> None:
    target = write_target()
    plant = "open('random.py', 'w').write('raise SystemExit')\n"
    (target / "run.py").write_text(plant + (target / "run.py").read_text())

    result = measure(target, tmp_path / "runs")

    assert (result.ok, result.score) == (False, None)
    assert (
        "could take the judge's place (random.py: lies where the judge's imports are looked for)"
        in result.reason
    )


def test_a_rollout_may_leave_what_its_contract_names(write_target: Write, tmp_path: Path) -> None:
    contract = HEAD.replace("run.py]}", "run.py], writes: [made.py]}")
    target = write_target(f"{contract}  evaluate: {{commands: [python3 grade.py]}}\n")
    (target / "run.py").write_text("open('made.py', 'w').close()\n" + (target / "run.py").read_text())

    assert measure(target, tmp_path / "runs").score == 1.0


HIJACK = """
import importlib.util, marshal, os
source = "def right(said, gold): return True"
code = marshal.dumps(compile(source, "check.py", "exec"))
os.makedirs("__pycache__", exist_ok=True)
with open(importlib.util.cache_from_source("check.py"), "wb") as out:
    out.write(importlib.util.MAGIC_NUMBER + b"\\1\\0\\0\\0" + b"\\0" * 8 + code)
"""
CHECKED = """
import json
from check import right
rows = [json.loads(line) for line in open("questions.jsonl")]
answers = json.load(open("answers.json"))
score = sum(right(answers[row["id"]], row["answer"]) for row in rows) / len(rows)
json.dump({"score": score}, open("metrics.json", "w"))
"""
CHECK = "def right(said, gold): return said.strip() == gold\n"


def test_a_compiled_module_that_a_rollout_left_is_not_handed_on(write_target: Write, tmp_path: Path) -> None:
    target = write_target(grade__py=CHECKED, check__py=CHECK)
    (target / "run.py").write_text(HIJACK + (target / "run.py").read_text())

    assert measure(target, tmp_path / "runs", "scripted/empty").score == 0.0


def test_the_attack_by_a_compiled_module_is_live(tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text(CHECK)
    (tmp_path / "plant.py").write_text(HIJACK)
    ask = "import check; print(check.right('wrong', 'right'))"
    for argv in (["plant.py"], ["-c", ask]):
        done = subprocess.run(
            [sys.executable, *argv], cwd=tmp_path, capture_output=True, text=True, check=True
        )

    assert done.stdout == "True\n"
    assert Path(importlib.util.cache_from_source(str(tmp_path / "check.py"))).is_file()


# Probes


def test_a_sound_target_closes_every_way(write_target: Write, tmp_path: Path) -> None:
    found = audited(write_target(grade__py=CHECKED, check__py=CHECK), tmp_path / "runs")

    assert (found.ok, found.weaknesses) == (True, ())
    assert ways(found) == {
        "read the right answers": "not tried",
        "write the result beforehand": "closed",
        "leave sitecustomize.py": "closed",
        "leave usercustomize.py": "closed",
        "leave conftest.py": "closed",
        "leave a path file": "closed",
        "leave a module json.py": "closed",
        "leave a module random.py": "closed",
        "leave a package re": "closed",
        "leave a program python3": "closed",
        "leave a program bash": "closed",
        "change the grader": "closed",
        "leave the grader compiled": "closed",
        "be somebody else, later": "closed",
    }


EVERYTHING = HEAD.replace("run.py]}", "run.py], writes: ['*']}")
BY_NAME = """
import os, runpy, json
runpy.run_path("grade.py")
if "another" in os.environ["HONING_MODEL"]:
    json.dump({"score": 1.0}, open("metrics.json", "w"))
"""


@pytest.mark.parametrize(
    ("contract", "grade", "opened"),
    [
        (
            EVERYTHING + "  evaluate: {commands: [python3 grade.py]}\n",
            "",
            {"leave a module json.py", "change the grader"},
        ),
        (
            HEAD + "  evaluate: {commands: ['python3 grade.py'], env: {PATH: '.:/usr/bin:/bin'}}\n",
            "",
            # The command's own shell is looked for there as well.
            {"leave a program python3", "leave a program bash"},
        ),
        (HEAD + "  evaluate: {commands: [python3 by_name.py]}\n", BY_NAME, {"be somebody else, later"}),
    ],
    ids=["may change everything", "runs what lies in its folder", "knows the model by name"],
)
def test_a_way_that_is_there_is_found(
    write_target: Write, tmp_path: Path, contract: str, grade: str, opened: set[str]
) -> None:
    found = audited(write_target(contract, by_name__py=grade), tmp_path / "runs")

    assert {name for name, way in ways(found).items() if way == "open"} == opened
    assert not found.ok


def test_right_answers_in_sight_of_the_rollout_are_found(write_target: Write, tmp_path: Path) -> None:
    target = write_target()
    rows = [
        {"id": f"q{i}", "question": f"Sum {i}?", "answer": f"the sum in question is {4 * i}"}
        for i in range(12)
    ]
    (target / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (target / "oracle.jsonl").write_text(
        "".join(json.dumps({"match": row["question"], "completion": row["answer"]}) + "\n" for row in rows)
    )
    found = audited(target, tmp_path / "runs")

    (read,) = [one for one in found.probes if one.name == "read the right answers"]
    assert (read.way.value, read.file) == ("open", "questions.jsonl")


def test_the_audit_of_a_run_shows_its_rules_and_checks_its_evidence(
    write_target: Write, tmp_path: Path
) -> None:
    run = measure(write_target(), tmp_path / "runs").path.parent
    whole = hone("contract", "audit", str(run), "--json")
    lines = (run / "evidence.jsonl").read_text()
    (run / "evidence.jsonl").write_text(lines.replace("exited", "Exited", 1))
    broken = hone("contract", "audit", str(run), "--json")

    assert (whole.returncode, json.loads(whole.stdout)["ok"]) == (0, True)
    document: dict[str, Any] = json.loads(broken.stdout)
    assert (broken.returncode, document["ok"]) == (1, False)
    assert document["verdicts"][-1]["finding"] == "broken"


def hone(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "honing", *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})
