"""The ledger of a run: read at any time, in order, with what is damaged named and all else there."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

from harness_candidates import agent, baseline, evaluation, kept, proposed, task_run
from harness_runs import CONFIG, add_candidates, made_run
from honing.harness.candidate import Arm, Outcome, Proposal
from honing.harness.candidate_document import evaluation_document
from honing.harness.ledger import Facts, Spend, read_ledger
from honing.harness.loop.config import CANDIDATES, KIND
from honing.harness.tasks.base import Evaluation
from honing.store import Run, RunStatus

LOW = {"title": 0.0, "tests": 0.5, "setup": 1.0}
HIGH = {"title": 1.0, "tests": 1.0, "setup": 1.0}
ALL = (
    baseline(),
    proposed(1, Outcome.CRASH, tree=None, proposal=Proposal(tree=None, agent=agent("crash", cost=None))),
    kept(2, HIGH),
    proposed(1, Outcome.DISCARD, arm=Arm.CONTROL, evaluation=evaluation(LOW)),
    kept(2, LOW, arm=Arm.CONTROL),
)


def test_a_ledger_holds_the_baseline_then_each_arm_by_slot(tmp_path: Path) -> None:
    run = made_run(tmp_path, [ALL[4], ALL[2], ALL[0], ALL[3], ALL[1]])

    ledger = read_ledger(run)

    assert list(ledger.candidates) == list(ALL)
    assert [each.id for each in ledger.arm(Arm.CONTROL)] == ["b0001", "b0002"]
    assert ledger.damage == ()
    assert ledger.running == ()
    assert sorted(ledger.moments) == ["b0001", "b0002", "c0000", "c0001", "c0002"]


def test_a_ledger_says_what_was_asked_and_what_was_spent(tmp_path: Path) -> None:
    ledger = read_ledger(made_run(tmp_path, ALL))

    known = {name: CONFIG[name] for name in Facts.__slots__}
    assert ledger.facts == Facts(**known)
    wall_s = ledger.spend.wall_s
    assert wall_s > 0.0
    # Four proposals, four evaluations of three tasks, two re-tests of three task runs.
    assert ledger.spend == Spend(
        calls=12,
        input_tokens=4800,
        output_tokens=1200,
        cost_usd=3 * 0.0125,
        cost_unknown=1,
        task_runs=4 * 3 + 2 * 3,
        agent_s=10.0,
        evaluation_s=3.0,
        wall_s=wall_s,
    )


def test_the_best_of_an_arm_leads_until_the_end_of_the_run_chose_another(tmp_path: Path) -> None:
    leads = read_ledger(made_run(tmp_path, ALL))
    end = {"winner": "c0000", "control_winner": "b0002", "held_out": {}}
    chosen = read_ledger(made_run(tmp_path, ALL, name="ended", final=end))

    found = [ledger.best(arm) for ledger in (leads, chosen) for arm in Arm]
    assert [each.id for each in found if each is not None] == ["c0002", "b0002", "c0000", "b0002"]
    assert (leads.improved, chosen.improved) == (True, False)


def test_a_run_without_a_journal_has_an_empty_ledger(tmp_path: Path) -> None:
    run = Run.create(tmp_path, kind=KIND, config=CONFIG, command=["hone"], seed=7, name="new")

    ledger = read_ledger(run)

    assert (ledger.status, list(ledger.candidates), ledger.damage) == (RunStatus.CREATED, [], ())
    assert (ledger.best(), ledger.improved, ledger.spend) == (None, False, Spend())


def test_a_configuration_that_says_little_or_nonsense_is_no_obstacle(tmp_path: Path) -> None:
    odd = {"project": 3, "proposals": "many", "control": None, "level": True, "tasks": []}
    run = Run.create(tmp_path, kind=KIND, config=odd, command=[], seed=1, name="odd")

    assert read_ledger(run).facts == Facts(seed=1)


def test_damaged_rows_are_named_and_the_others_are_there(tmp_path: Path) -> None:
    run = made_run(tmp_path, ALL)
    with sqlite3.connect(run.path / "journal.sqlite") as database:
        for position, value in ((0, "{not json"), (1, '{"schema": 1, "id": 5}')):
            database.execute(
                "UPDATE results SET value = ? WHERE key = "
                "(SELECT key FROM units WHERE step = ? AND position = ?)",
                (value, CANDIDATES, position),
            )
    database.close()

    ledger = read_ledger(run)

    assert [each.id for each in ledger.candidates] == ["c0000", "c0002", "b0002"]
    assert [words.split(":")[0] for words in ledger.damage] == ["candidates, unit 0", "candidates, unit 1"]
    assert "expected JSON" in ledger.damage[0]


def test_a_journal_that_is_no_database_is_damage_and_no_end(tmp_path: Path) -> None:
    run = made_run(tmp_path, ALL)
    (run.path / "journal.sqlite").write_bytes(b"no database" * 100)

    ledger = read_ledger(run)

    assert list(ledger.candidates) == []
    assert "cannot read the journal" in ledger.damage[0]


def test_what_is_under_way_is_named_by_its_slot(tmp_path: Path) -> None:
    run = made_run(tmp_path, [baseline()])
    with run.lock(), run.journal() as journal:
        units = [(f"key-{position}", CANDIDATES, position) for position in (0, 1, 4)]
        journal.lease(units, owner="somebody", ttl_s=60.0)
        live = read_ledger(run)

    assert live.running == ("c0001", "b0001", "c0003")
    assert read_ledger(run).running == ("c0001", "b0001", "c0003")


def hashes(folder: Path) -> dict[str, str]:
    """Of every file, by its path inside the folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_reading_changes_no_file_and_needs_no_lock(tmp_path: Path) -> None:
    run = made_run(tmp_path, ALL)
    before = hashes(run.path)
    with Run.open(run.path).lock():
        ledger = read_ledger(run)

    after = hashes(run.path)
    assert len(ledger.candidates) == 5
    assert {name: after[name] for name in before if name != "lock"} == {
        name: before[name] for name in before if name != "lock"
    }
    assert sorted(after) == sorted(before)


def test_a_run_that_goes_on_has_the_same_rows_and_more(tmp_path: Path) -> None:
    run = made_run(tmp_path, ALL[:2])
    first = read_ledger(run).candidates
    add_candidates(
        run, ALL, final={"winner": "c0002", "held_out": {"c0002": evaluation_document(evaluation(HIGH))}}
    )

    assert list(first) == list(ALL[:2])
    assert list(read_ledger(run).candidates) == list(ALL)


def test_anything_that_ran_unconfined_marks_the_run(tmp_path: Path) -> None:
    free = Evaluation(runs=(task_run("title", 1.0, sandbox="unconfined"),), complete=True)
    marked = read_ledger(made_run(tmp_path, [baseline(), proposed(1, Outcome.DISCARD, evaluation=free)]))
    plain = read_ledger(made_run(tmp_path, ALL, name="plain"))

    assert (marked.unconfined, plain.unconfined) == (True, False)
