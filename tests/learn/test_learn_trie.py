from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from honing.errors import UsageError
from honing.learn.scoring import Trie

END = 0
OPTIONS = st.lists(
    st.lists(st.integers(1, 3), max_size=5).map(lambda tokens: (*tokens, END)),
    min_size=1,
    max_size=8,
    unique=True,
)
"""Continuations over few tokens, so that they share beginnings, ended by a token that is in none."""


@given(OPTIONS)
def test_every_beginning_is_there_once_and_every_option_is_read_off_its_edges(
    options: list[tuple[int, ...]],
) -> None:
    trie = Trie(options)
    beginnings = {option[:length] for option in options for length in range(len(option))}
    edges = {option[:length] for option in options for length in range(1, len(option) + 1)}
    read = [tuple(trie.edge_tokens[edge] for edge in path) for path in trie.option_edges]

    assert (len(trie), len(trie.edge_tokens), read) == (len(beginnings), len(edges), options)


@given(OPTIONS)
def test_a_node_sees_itself_and_what_lies_between_it_and_the_root(options: list[tuple[int, ...]]) -> None:
    trie = Trie(options)
    seen = trie.ancestry()
    spelled = {
        tuple(
            trie.tokens[other - 1]
            for other in sorted(range(1, len(trie)), key=lambda other: (0, *trie.depths)[other])
            if seen[node][other]
        )
        for node in range(len(trie))
    }

    assert spelled == {option[:length] for option in options for length in range(len(option))}
    assert all(seen[node][0] and seen[node][node] for node in range(len(trie)))
    assert seen.sum(axis=1).tolist() == [1, *(depth + 1 for depth in trie.depths)]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "at least one token"),
        ([[1, 0], []], "at least one token"),
        ([[1, 0], [2, 0], [1, 0]], "have the same tokens"),
        ([[1], [1, 0]], "[1] is the beginning of another"),
    ],
    ids=["no option", "an empty option", "two equal options", "one option begins another"],
)
def test_options_that_cannot_be_told_apart_are_refused(options: list[list[int]], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        Trie(options)

    assert told in str(refused.value)


def test_an_action_that_begins_another_is_told_apart_by_its_end_token() -> None:
    trie = Trie([[5, 0], [5, 6, 0]])

    assert (trie.tokens, trie.depths) == ((5, 6), (1, 2))
    assert list(zip(trie.edge_parents, trie.edge_tokens, strict=True)) == [(0, 5), (1, 0), (1, 6), (2, 0)]
