"""Phase 4 on labels with a relation that is planted, and with none."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from honing.environments import ScriptedWorld
from honing.errors import StudyError, TrainingError
from honing.teach.desk import Desk, read_rows
from honing.teach.phase import PhaseOutcome
from honing.teach.phases.predictor import (
    FEATURES,
    OUT_OF_FOLD,
    PREDICTOR,
    RESULT,
    SUCCESSES,
    train_predictor,
)
from honing.teach.prediction.cross_validation import OURS, WITHOUT, fold_predictions
from honing.teach.prediction.embedding import HashingEmbedder
from honing.teach.prediction.features import feature_table
from honing.teach.prediction.fitting import train_network
from honing.teach.prediction.network import NetworkOptions
from honing.teach.prediction.saved import load_predictor
from honing.teach.prediction.targets import targets_of
from honing.teach.snapshot import Snapshot
from teach_made_up import labelled_snapshots, made_desk

pytestmark = pytest.mark.teach

SETTINGS: dict[str, Any] = {"embedding_dim": 32, "folds": 3}
N = 100
Done = tuple[Desk, PhaseOutcome]


def predicted(home: Path, snapshots: list[Snapshot], **spec: Any) -> Done:
    desk = made_desk(home, snapshots, predictor=SETTINGS, **spec)
    desk.run.write_json(SUCCESSES, [one.as_document() for one in labelled_snapshots(8, seed=5)])
    return desk, train_predictor(desk)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Done:
    panel = [one.model_copy(update={"split": "panel"}) for one in labelled_snapshots(9, seed=3)]
    return predicted(tmp_path_factory.mktemp("planted"), [*labelled_snapshots(N), *panel])


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory: pytest.TempPathFactory) -> Done:
    return predicted(tmp_path_factory.mktemp("shuffled"), labelled_snapshots(60, shuffled=True))


def result_of(done: Done) -> Any:
    return done[0].run.read_json(RESULT)


def met(outcome: PhaseOutcome) -> dict[str, bool | None]:
    return {each.name: each.met for each in outcome.criteria}


def test_a_planted_relation_is_found_out_of_fold(planted: Done) -> None:
    figures = result_of(planted)["out_of_fold"][OURS]

    assert figures["numbers"]["L_local"]["r2_low"] > 0.2
    assert figures["numbers"]["ELP_net"]["spearman_low"] > 0.4
    assert figures["numbers"]["U"]["r2"] > 0.8
    assert figures["classes"]["quadrant"]["accuracy"] > 0.75
    assert result_of(planted)["ranking"]["scores"]["predictor"]["ndcg"] > 0.7
    found = met(planted[1])
    assert found.pop("predictor_r2_L") is (figures["numbers"]["L_local"]["r2"] > 0.5)
    assert found == {
        "predictor_r2_U": True,
        "predictor_r2_U_without": True,
        "predictor_r2_L_upper": None,
        "predictor_quadrant_accuracy": True,
        "predictor_ndcg_over_entropy": True,
        "predictor_precision_over_entropy": True,
    }


def test_shuffled_labels_give_an_r2_of_about_zero(shuffled: Done) -> None:
    numbers = result_of(shuffled)["out_of_fold"][OURS]["numbers"]

    assert numbers["L_local"]["r2"] == pytest.approx(0.0, abs=0.12)
    assert numbers["ELP_net"]["r2"] == pytest.approx(0.0, abs=0.12)
    assert not met(shuffled[1])["predictor_r2_L"]
    assert not met(shuffled[1])["predictor_ndcg_over_entropy"]


def test_u_that_only_its_measures_tell_is_told_with_them_and_not_without(shuffled: Done) -> None:
    figures = result_of(shuffled)["out_of_fold"]

    assert figures[OURS]["numbers"]["U"]["r2"] > 0.8
    assert figures[WITHOUT]["numbers"]["U"]["r2"] < 0.2
    assert met(shuffled[1])["predictor_r2_U"] is True
    assert met(shuffled[1])["predictor_r2_U_without"] is False


def test_every_training_snapshot_is_predicted_once_and_tasks_stay_in_one_fold(planted: Done) -> None:
    rows = read_rows(planted[0].run.path / OUT_OF_FOLD)

    assert [row["id"] for row in rows] == [one.id for one in labelled_snapshots(N)]
    assert {row["fold"] for row in rows} == {0, 1, 2}
    assert len({(row["task_hash"], row["fold"]) for row in rows}) == len({row["task_hash"] for row in rows})


def test_labels_of_a_fold_have_no_influence_on_its_predictions() -> None:
    snapshots = labelled_snapshots(40)
    other = [*labelled_snapshots(40, shuffled=True)[:10], *snapshots[10:]]
    table = feature_table(snapshots, [], ScriptedWorld(), HashingEmbedder(16))
    options = NetworkOptions(epochs=3)
    training, left_out = list(range(10, 40)), list(range(10))

    first, second = (
        fold_predictions(table, targets_of(labels), training, left_out, options)
        for labels in (snapshots, other)
    )

    assert targets_of(snapshots).numbers["L_local"][:10].tolist() != (
        targets_of(other).numbers["L_local"][:10].tolist()
    )
    assert first.keys() == second.keys()
    for name in first:
        assert {head: values.tolist() for head, values in first[name].numbers.items()} == {
            head: values.tolist() for head, values in second[name].numbers.items()
        }


def test_the_same_study_gives_the_same_bytes_in_another_folder_and_finished_folds_are_kept(
    tmp_path: Path,
) -> None:
    first, _ = predicted(tmp_path / "first", labelled_snapshots(16))
    names = [FEATURES, RESULT, OUT_OF_FOLD, f"{PREDICTOR}/model.safetensors", f"{PREDICTOR}/predictor.json"]
    before = [(first.run.path / name).read_bytes() for name in names]
    for name in names:
        (first.run.path / name).unlink()

    second, _ = predicted(tmp_path / "second", labelled_snapshots(16))
    train_predictor(first)

    assert [(second.run.path / name).read_bytes() for name in names] == before
    assert [(first.run.path / name).read_bytes() for name in names] == before
    with first.run.journal() as journal:
        assert journal.totals().done == 3


def test_a_saved_predictor_answers_for_new_snapshots_from_folder_or_file(
    planted: Done, tmp_path: Path
) -> None:
    folder = planted[0].run.path / PREDICTOR
    shutil.copy(folder / "model.safetensors", tmp_path / "any-name")
    fresh = labelled_snapshots(30, seed=77)
    world = ScriptedWorld()

    answers = load_predictor(folder).predict(fresh, world)

    assert load_predictor(tmp_path / "any-name").predict(fresh, world) == answers
    assert set(answers[0]) == {"ELP_net", "L_local", "L_upper", "U", "quadrant", "route"}
    assert sum(answers[0]["quadrant"].values()) == pytest.approx(1.0, abs=1e-5)
    assert all(-1 < row["L_local"] < 1.5 for row in answers)


def test_a_saved_predictor_knows_which_tasks_it_was_trained_on(planted: Done) -> None:
    predictor = load_predictor(planted[0].run.path / PREDICTOR)

    assert predictor.trained_on == {one.task_hash for one in labelled_snapshots(N)}


def test_what_is_no_predictor_is_said_with_the_command_that_makes_one(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"nothing")

    with pytest.raises(StudyError, match=r"no predictor.*hone teach predictor"):
        load_predictor(tmp_path)


def test_one_task_alone_gives_a_predictor_and_no_figures(tmp_path: Path) -> None:
    desk, outcome = predicted(tmp_path, labelled_snapshots(1))

    assert desk.run.read_json(RESULT)["out_of_fold"] == {}
    assert set(met(outcome).values()) == {None}
    assert {each.note for each in outcome.criteria} == {
        "fewer than two tasks: nothing can be predicted out of fold"
    }
    assert load_predictor(desk.run.path / PREDICTOR).embedding_dim == 32


def test_labels_that_were_skipped_leave_the_other_heads(tmp_path: Path) -> None:
    bare = [one.model_copy(update={"cpt": None, "leverage": None}) for one in labelled_snapshots(16)]

    desk, outcome = predicted(tmp_path, bare)

    figures = desk.run.read_json(RESULT)["out_of_fold"][OURS]
    assert (set(figures["numbers"]), set(figures["classes"])) == ({"U"}, {"quadrant"})
    assert met(outcome)["predictor_r2_L"] is None
    assert met(outcome)["predictor_ndcg_over_entropy"] is None


def test_without_any_label_there_is_nothing_to_learn() -> None:
    bare = [
        one.model_copy(update={"cpt": None, "leverage": None, "quadrant": None, "U": None})
        for one in labelled_snapshots(6)
    ]
    table = feature_table(bare, [], ScriptedWorld(), HashingEmbedder(8))
    design = table.design(table.centroids(range(6)))

    with pytest.raises(TrainingError, match="no labels to learn from"):
        train_network(design, targets_of(bare), table.groups, NetworkOptions(), n_embedding=8)


def test_a_head_that_found_nothing_in_rows_held_back_is_trusted_less() -> None:
    trusted = []
    for shuffled in (False, True):
        snapshots = labelled_snapshots(60, shuffled=shuffled)
        table = feature_table(snapshots, [], ScriptedWorld(), HashingEmbedder(16))
        design = table.design(table.centroids(range(60)))
        network = train_network(design, targets_of(snapshots), table.groups, NetworkOptions(), n_embedding=16)
        trusted.append(network.trust["L_local"])

    assert trusted[0] > 0.95
    assert trusted[1] < 0.8
