"""A stair: the way past what was not taken, and what counts as a gain."""

from __future__ import annotations

from test_view_figures import marks, number

from honing.store import Interval, Step, Steps
from honing.view.figures import describe, draw

STAIR = Steps(
    title="s",
    steps=(
        Step(label="baseline", value=0.4, low=0.3, high=0.5),
        Step(label="+ harness", value=0.6, low=0.5, high=0.7, gain=Interval(0.2, 0.1, 0.3), word="kept"),
        Step(label="+ weights", value=0.5, gain=Interval(-0.1, -0.2, 0.05), taken=False, word="rejected"),
    ),
)


def test_a_stair_goes_on_past_a_step_that_was_not_taken() -> None:
    svg = draw(STAIR, 780, "s")

    (way,) = marks(svg, "stair")
    corners = [tuple(map(float, pair.split())) for pair in way.get("d", "")[1:].split("L")]
    taken = [number(node, "cy") for node in marks(svg, "score-dot")]
    assert [y for _, y in corners] == [taken[0]] * 2 + [taken[1]] * 2
    assert corners[1][0] == corners[2][0] < corners[3][0]
    assert len(marks(svg, "hollow")) == 1


def test_only_an_interval_that_leaves_zero_out_is_a_gain() -> None:
    for width in (780, 330):
        svg = draw(STAIR, width, "s")

        good = [node.text or "" for node in marks(svg, "good")]
        assert [words.split()[0] for words in good] == ["+0.200"]
        assert marks(svg, "bad") == []
    assert describe(STAIR) == (
        "baseline 0.400 [0.300, 0.500]; + harness 0.600 [0.500, 0.700], kept, gain +0.200 [+0.100, +0.300]; "
        "+ weights 0.500, rejected, gain \u22120.100 [\u22120.200, +0.050]"
    )
