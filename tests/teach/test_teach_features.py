"""What a predictor may know of a snapshot, and what it must not."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from honing.environments import ScriptedWorld
from honing.errors import MissingToolError, StudyError, UsageError
from honing.teach.prediction.embedding import HashingEmbedder, embedder_named
from honing.teach.prediction.features import (
    SIMILARITIES,
    STRUCTURAL,
    UNCERTAINTY,
    FeatureTable,
    feature_names,
    feature_table,
    structural_features,
)
from honing.teach.snapshot import Quadrant, Snapshot, Uncertainty
from teach_made_up import labelled_snapshots

WORLD = ScriptedWorld()
EMBEDDER = HashingEmbedder(32)


def a_snapshot(**changes: object) -> Snapshot:
    found = Snapshot(
        id="t-3",
        task={"id": "t", "seed": 0, "parameters": {}, "tags": []},
        task_hash="h",
        goal="Pass all 6 places, for 1.5 coins.",
        observation="You stand at place 2.",
        valid_actions=["take the red door", "take the blue door", "go back"],
        history=["go back", "go back", "take the red door", "go back", "take the red door"],
        action="go back",
        action_kind="back",
        step_index=5,
        n_steps=9,
        rewards=[0.0, 0.25, 0.25, 0.5, 0.5],
        start_observation="You stand at place 1.",
        uncertainty=Uncertainty(
            entropy=0.9, margin=0.2, topk_spread=0.3, effective_actions=2.46, length_normalised=-0.7,
            n_actions=3,
        ),
    )  # fmt: skip
    return found.model_copy(update=changes)


def table_of(snapshots: list[Snapshot], successes: list[Snapshot] | None = None) -> FeatureTable:
    return feature_table(snapshots, successes or [], WORLD, EMBEDDER)


def test_structural_features_are_what_their_names_say() -> None:
    found = dict(zip(STRUCTURAL, structural_features(a_snapshot(), WORLD), strict=True))

    assert found == {
        "entropy": 0.9,
        "margin": 0.2,
        "topk_spread": 0.3,
        "effective_actions": 2.46,
        "length_normalised": -0.7,
        "n_actions": 3.0,
        "n_escapes": 1.0,
        "escape_share": 1 / 3,
        "took_escape": 1.0,
        "observation_words": 5.0,
        "step_index": 5.0,
        "step_fraction": 5 / 15,
        "repeats": 1.0,
        "loops": 1.0,
        "steps_since_progress": 1.0,
        "reward_so_far": 0.5,
        "goal_words": 7.0,
        "goal_numbers": 2.0,
    }


def test_labels_and_the_rest_of_the_episode_leave_no_trace_in_the_features() -> None:
    before = labelled_snapshots(3)
    blind = [
        one.model_copy(
            update={
                "advice": None,
                "leverage": None,
                "cpt": None,
                "quadrant": Quadrant.Q3,
                "quadrant_probability": None,
                "U": None,
                "abstain": True,
                "n_steps": 77,
                "task": {**one.task, "tags": ["sign_owl"]},
            }
        )
        for one in before
    ]

    assert table_of(blind).as_document() == table_of(before).as_document()


def test_a_table_survives_its_file() -> None:
    table = table_of(labelled_snapshots(4), labelled_snapshots(2, seed=9))

    assert FeatureTable.from_document(table.as_document()).as_document() == table.as_document()


def test_a_table_of_another_version_is_refused() -> None:
    document = {**table_of(labelled_snapshots(2)).as_document(), "names": ["entropy"]}

    with pytest.raises(StudyError, match="has other features than this version makes"):
        FeatureTable.from_document(document)


def test_names_stand_for_columns_with_and_without_uncertainty() -> None:
    table = table_of(labelled_snapshots(3))
    centroids = table.centroids([0, 1])

    assert feature_names(32) == (
        *STRUCTURAL,
        *SIMILARITIES,
        *(f"embedding_{place}" for place in range(32)),
    )
    assert table.design(centroids).shape == (3, len(feature_names(32)))
    assert table.design(centroids, uncertainty=False).shape == (3, len(feature_names(32)) - len(UNCERTAINTY))
    without = table.design(centroids, uncertainty=False)
    assert np.array_equal(table.design(centroids)[:, len(UNCERTAINTY) :], without)


def test_centroids_are_made_of_training_rows_and_of_successes_of_other_tasks_alone() -> None:
    snapshots = labelled_snapshots(4)
    same_task = labelled_snapshots(5, seed=3)[4].model_copy(update={"task_hash": snapshots[3].task_hash})
    other_task = labelled_snapshots(6, seed=4)[5]
    table = table_of(snapshots, [same_task, other_task])

    success, failure = table.centroids([0, 1, 2])

    assert np.allclose(success, table.success_embeddings[1], atol=1e-5)
    mean = table.embeddings[:3].mean(axis=0)
    assert np.allclose(failure, mean / np.linalg.norm(mean))


def test_without_a_usable_success_its_centroid_is_zero() -> None:
    success, _ = table_of(labelled_snapshots(2)).centroids([0])

    assert np.array_equal(success, np.zeros(32))


def test_similar_texts_are_near_and_texts_without_words_are_nowhere() -> None:
    found = EMBEDDER.embed(["the red door", "The red door!", "a blue window", "..."])

    assert found[0] @ found[1] == pytest.approx(1.0)
    assert found[0] @ found[2] < 0.5
    assert np.array_equal(found[3], np.zeros(32))


def test_an_embedding_does_not_depend_on_its_neighbours() -> None:
    alone = EMBEDDER.embed(["the red door"])

    assert np.array_equal(EMBEDDER.embed(["x", "the red door", "y"])[1], alone[0])


def test_a_sentence_model_that_is_not_here_is_said_with_the_way_out() -> None:
    missing = importlib.util.find_spec("sentence_transformers") is None

    with pytest.raises(MissingToolError if missing else UsageError, match="hashing"):
        embedder_named("/no/such/model", 256)


def test_a_snapshot_without_uncertainty_names_the_command_that_measures_it() -> None:
    with pytest.raises(StudyError, match=r"t-3: its uncertainty was not measured.*hone teach uncertainty"):
        structural_features(a_snapshot(uncertainty=None), WORLD)
