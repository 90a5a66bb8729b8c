from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_models import STANDARD, VOCABULARY, random_model

from honing.learn.scoring import (
    Method,
    Query,
    Room,
    Trie,
    normalised,
    score_naive,
    score_packed,
    score_padded,
    scorer_for,
)

pytestmark = pytest.mark.teach

END = 0
TOKEN = st.integers(1, VOCABULARY - 1)
QUERY = st.builds(
    lambda prompt, options: Query(prompt=tuple(prompt), trie=Trie(options)),
    st.lists(TOKEN, min_size=1, max_size=12),
    st.lists(
        st.lists(st.integers(1, 3), max_size=4).map(lambda tokens: (*tokens, END)),
        min_size=1,
        max_size=6,
        unique=True,
    ),
)
"""A prompt and continuations that share beginnings; one may be the beginning of another but for its end."""
ROOMS = st.sampled_from([Room(tokens=1), Room(tokens=40), Room(rows=2), Room(logits=900), Room()])
WIDE = Query(prompt=tuple(range(1, 13)), trie=Trie([(3, 4, 5, END), (3, 4, END), (7, END)]))


@cache
def model_of(architecture: str) -> Any:
    return random_model(architecture)


def furthest(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> float:
    pairs = zip(one, other, strict=True)
    return max(abs(a - b) for left, right in pairs for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("architecture", STANDARD)
# A failing example is small already; making it smaller would take minutes.
@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(queries=st.lists(QUERY, min_size=1, max_size=5), room=ROOMS)
def test_tries_and_padding_score_as_one_sequence_at_a_time_does(
    architecture: str, queries: list[Query], room: Room
) -> None:
    model = model_of(architecture)

    expected = score_naive(model, queries, room=room)
    padded = score_padded(model, queries, room=room)
    packed = score_packed(model, queries, room=room)

    assert [len(scores) for scores in expected] == [len(query.options) for query in queries]
    assert max(furthest(expected, padded), furthest(expected, packed)) < 1e-5


@pytest.mark.parametrize("architecture", STANDARD)
def test_the_reference_is_the_loss_that_the_model_itself_computes(architecture: str) -> None:
    import torch

    model = model_of(architecture)
    found = score_naive(model, [WIDE], room=Room())[0]
    losses = []
    for option in WIDE.options:
        ids = torch.tensor([[*WIDE.prompt, *option]])
        labels = torch.tensor([[-100] * len(WIDE.prompt) + list(option)])
        losses.append(float(model(input_ids=ids, labels=labels).loss.detach()) * len(option))

    assert found == pytest.approx([-loss for loss in losses], abs=1e-4)


def test_eager_attention_scores_a_trie_as_well() -> None:
    model = random_model("qwen2", attn_implementation="eager")

    assert furthest(score_naive(model, [WIDE], room=Room()), score_packed(model, [WIDE], room=Room())) < 1e-5


@pytest.mark.parametrize("scorer", [score_naive, score_padded, score_packed], ids=["naive", "padded", "trie"])
def test_every_row_is_told_its_adapter_before_it_is_run(scorer: Any) -> None:
    model, told = model_of("llama"), []
    queries = [
        Query(prompt=(5, 6, 7), trie=Trie([(1, END), (2, END)]), adapter=1),
        Query(prompt=(5, 6), trie=Trie([(1, END), (2, END)]), adapter=None),
        Query(prompt=(5,), trie=Trie([(1, END), (2, END)]), adapter=0),
    ]

    scorer(model, queries, room=Room(), route=lambda rows: told.extend(rows))

    each = 1 if scorer is score_packed else 2
    assert sorted(told, key=str) == [0] * each + [1] * each + [None] * each


def test_a_route_decides_for_its_own_rows_only() -> None:
    """An adapter that shifts the embedding of its rows changes their scores and no others."""
    import torch

    model, now = random_model("llama", seed=3), []

    def shifted(module: Any, inputs: Any, output: Any) -> Any:
        shift = torch.tensor([0.0 if adapter is None else 0.3 * (adapter + 1) for adapter in now])
        return output + shift[:, None, None]

    def route(rows: Sequence[int | None]) -> None:
        now[:] = rows

    hook = model.get_input_embeddings().register_forward_hook(shifted)
    queries = [
        Query(prompt=tuple(range(2, 3 + size)), trie=WIDE.trie, adapter=adapter)
        for size, adapter in ((9, 0), (3, None), (6, 1), (4, 0))
    ]
    expected = score_naive(model, queries, room=Room(), route=route)
    found = [scorer(model, queries, room=Room(), route=route) for scorer in (score_padded, score_packed)]
    hook.remove()
    plain = score_naive(model, queries, room=Room())

    assert max(furthest(expected, scores) for scores in found) < 1e-5
    assert [a == b for a, b in zip(expected, plain, strict=True)] == [False, True, False, False]


@pytest.mark.parametrize("architecture", STANDARD)
def test_standard_architectures_are_scored_as_tries(architecture: str) -> None:
    choice = scorer_for(model_of(architecture))

    assert choice.as_document() == {"method": "trie", "refused": {}, "window": None}


def test_a_model_that_places_tokens_by_its_mask_falls_back_to_padding_and_says_why() -> None:
    model = random_model("bloom")
    choice = scorer_for(model)

    assert (choice.method, list(choice.refused)) == (Method.PADDED, [Method.TRIE])
    assert furthest(choice.score(model, [WIDE], room=Room()), score_naive(model, [WIDE], room=Room())) < 1e-5


def test_a_model_whose_window_is_shorter_than_a_trial_falls_back_by_its_numbers() -> None:
    choice = scorer_for(random_model("mistral", sliding_window=3))

    assert choice.method is Method.PADDED
    assert "differs from the reference" in choice.refused[Method.TRIE]


def test_sequences_longer_than_a_window_are_scored_with_padding_and_the_others_as_tries() -> None:
    model = random_model("mistral", sliding_window=14)
    short = Query(prompt=(4, 5, 6), trie=WIDE.trie)
    choice = scorer_for(model)
    queries = [WIDE, short, WIDE]

    assert (choice.method, choice.window) == (Method.TRIE, 14)
    assert (
        furthest(choice.score(model, queries, room=Room()), score_naive(model, queries, room=Room())) < 1e-5
    )
    assert furthest(score_packed(model, [WIDE], room=Room()), score_naive(model, [WIDE], room=Room())) > 1e-4


@given(st.lists(st.floats(-900, 0), min_size=1, max_size=9))
def test_normalised_scores_are_a_distribution_with_the_same_differences(scores: list[float]) -> None:
    import math

    found = normalised(scores)

    assert math.fsum(map(math.exp, found)) == pytest.approx(1.0, abs=1e-9)
    assert [a - b for a, b in zip(found, scores, strict=True)] == pytest.approx(
        [found[0] - scores[0]] * len(scores), abs=1e-9
    )


@pytest.mark.parametrize("scores", [[float("-inf")] * 2, [0.0, float("nan")], [float("inf"), 0.0]], ids=str)
def test_scores_that_are_no_distribution_are_refused(scores: list[float]) -> None:
    with pytest.raises(ValueError, match="no distribution"):
        normalised(scores)
