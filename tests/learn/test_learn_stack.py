"""Many adapters of one base: trained in one pass as if alone, and asked in one batch as if alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_training import train_plain
from tiny_students import ARCHITECTURES, decision, decisions

from honing.errors import LeakageError, TrainingError, UsageError
from honing.learn import (
    AdapterJob,
    SftOptions,
    StackedStudent,
    StackRoom,
    Student,
    Turn,
    load_stack,
    load_student,
    micro_train,
    train_lora,
)
from honing.learn.adapters.stack import Stack, stack_of
from honing.learn.training.lora import Layer, first_weights, read_adapter
from honing.learn.training.options import Schedule

pytestmark = pytest.mark.teach

OPTIONS = SftOptions(rank=4, alpha=8, n_steps=3, batch_size=4, learning_rate=3e-3, replay=0.0)


def job(number: int, **changes: Any) -> AdapterJob:
    options = replace(OPTIONS, seed=number, **changes)
    replay = tuple(decisions(30, 7)) if options.replay else ()
    return AdapterJob(
        name=f"a{number}", examples=tuple(decisions(number, number + 1)), options=options, replay=replay
    )


JOBS = [
    job(0, n_steps=2),
    job(1, n_steps=5, replay=0.75, batch_size=2, gradient_accumulation_steps=2),
    job(2, learning_rate=1e-2, schedule=Schedule.LINEAR),
    job(3, n_steps=5, replay=0.5, max_gradient_norm=0.2),
    job(4, n_steps=4, weight_decay=0.1, max_gradient_norm=50.0),
]
SMALL = StackRoom(adapters=3, rows=5)
"""Less than the jobs need: they are trained in two parts, their steps in several passes."""


def farthest(one: dict[str, Any], other: dict[str, Any]) -> float:
    assert one.keys() == other.keys()
    return max(float((one[n][side] - other[n][side]).abs().max()) for n in one for side in (0, 1))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_adapter_comes_to_the_weights_that_it_would_have_alone(
    shapes: dict[str, Path], architecture: str
) -> None:
    stack, outcomes = micro_train(load_student(shapes[architecture]), JOBS, room=SMALL)

    assert [(one.name, one.n_steps, one.n_replay) for one in outcomes] == [
        ("a0", 2, 0),
        ("a1", 5, 15),
        ("a2", 3, 0),
        ("a3", 5, 10),
        ("a4", 4, 0),
    ]
    for number, each in enumerate(JOBS):
        weights, losses = train_plain(
            load_student(shapes[architecture]), each.examples, each.replay, each.options
        )
        assert farthest(stack.alone(number), weights) < 1e-4
        assert outcomes[number].losses == pytest.approx(losses, abs=1e-4)
        moved = max(float(b.abs().max()) for _, b in weights.values())
        assert moved > 1e-3


def test_a_stack_and_the_trainer_of_trl_come_to_the_same_weights(
    shapes: dict[str, Path], tmp_path: Path
) -> None:
    stack, _ = micro_train(load_student(shapes["llama"]), JOBS)
    alone = train_lora(shapes["llama"], JOBS[1].examples, JOBS[1].replay, JOBS[1].options, tmp_path)

    assert farthest(stack.alone(1), read_adapter(alone.adapter)[0]) < 1e-4


def test_the_base_is_as_it_was_and_so_is_what_it_says(shapes: dict[str, Path]) -> None:
    student, untouched = load_student(shapes["gpt2"]), load_student(shapes["gpt2"])
    turns = [Turn(situation=decision(0).situation)]
    weights = {name: weight.clone() for name, weight in student.model.state_dict().items()}

    stack, _ = micro_train(student, JOBS[:2])
    StackedStudent(student, stack).logprobs([replace(turns[0], adapter=1)])

    assert all(bool((weights[name] == weight).all()) for name, weight in student.model.state_dict().items())
    assert student.logprobs(turns) == untouched.logprobs(turns)
    assert all(weight.requires_grad for weight in student.model.parameters())


@pytest.fixture(scope="module", params=ARCHITECTURES)
def together(
    request: pytest.FixtureRequest, shapes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Student, Stack, dict[str, Path]]:
    """A student, its adapters in a stack, and the same adapters as folders."""
    student = load_student(shapes[request.param])
    stack, _ = micro_train(student, JOBS)
    place = tmp_path_factory.mktemp("adapters")
    folders = {
        each.name: stack.export(
            number, place / each.name, base=str(shapes[request.param]), options=each.options
        )
        for number, each in enumerate(JOBS)
    }
    return student, stack, folders


def apart(one: list[tuple[float, ...]], other: list[tuple[float, ...]]) -> float:
    return max(abs(x - y) for a, b in zip(one, other, strict=True) for x, y in zip(a, b, strict=True))


TURNS = [
    Turn(situation=decision(number).situation, adapter=adapter)
    for number in range(5)
    for adapter in (3, None, 0, 4, 1, 2)
]


def test_turns_of_different_adapters_in_one_batch_are_decided_as_by_each_alone(
    together: tuple[Student, Stack, dict[str, Path]], shapes: dict[str, Path]
) -> None:
    student, stack, folders = together

    said = StackedStudent(student, stack).logprobs(TURNS)

    base = student.logprobs([replace(turn, adapter=None) for turn in TURNS])
    for adapter in (None, *range(len(JOBS))):
        mine = [place for place, turn in enumerate(TURNS) if turn.adapter == adapter]
        folder = None if adapter is None else folders[JOBS[adapter].name]
        alone = load_student(folder or str(shapes_of(student)))
        turns = [replace(TURNS[place], adapter=None) for place in mine]
        assert apart([said[place] for place in mine], alone.logprobs(turns)) < 1e-5
        if adapter is not None:
            assert apart([said[place] for place in mine], [base[place] for place in mine]) > 1e-3


def shapes_of(student: Student) -> str:
    """The folder a student was loaded from."""
    return str(student.model.config._name_or_path)


def test_adapters_that_were_saved_come_back_as_a_stack(
    together: tuple[Student, Stack, dict[str, Path]],
) -> None:
    student, stack, folders = together

    loaded = load_stack(student.model, folders)

    assert loaded.names == tuple(folders)
    assert (
        apart(StackedStudent(student, loaded).logprobs(TURNS), StackedStudent(student, stack).logprobs(TURNS))
        < 1e-5
    )
    assert StackedStudent(student, loaded).identity() != student.identity()


def test_adapters_of_different_ranks_are_asked_together(shapes: dict[str, Path], tmp_path: Path) -> None:
    student = load_student(shapes["llama"])
    folders = {}
    for rank in (2, 6):
        options = replace(OPTIONS, rank=rank, alpha=10)
        each = AdapterJob(name="one", examples=tuple(decisions(0, 3)), options=options)
        stack, _ = micro_train(student, [each])
        folders[f"r{rank}"] = stack.export(
            0, tmp_path / f"r{rank}", base=str(shapes["llama"]), options=options
        )

    both = StackedStudent(student, load_stack(student.model, folders))

    for number, folder in enumerate(folders.values()):
        turns = [Turn(situation=decision(2).situation, adapter=number)]
        alone = load_student(shapes["llama"], adapter=folder).logprobs([replace(turns[0], adapter=None)])
        assert apart(both.logprobs(turns), alone) < 1e-5


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.one_of(st.none(), st.integers(0, 3)), min_size=1, max_size=9))
def test_any_order_of_rows_goes_each_through_its_own_adapter(rows: list[int | None]) -> None:
    import torch

    generator = torch.Generator().manual_seed(7)
    layer = Layer(name="0", n_in=3, n_out=5, transposed=False)
    adapters = [
        {"0": (torch.randn(2, 3, generator=generator), torch.randn(5, 2, generator=generator))}
        for _ in range(4)
    ]
    model = torch.nn.Sequential(torch.nn.Linear(3, 5))
    seen = torch.randn(len(rows), 4, 3, generator=generator)
    stack = stack_of([layer], adapters, list("abcd"), 0.5, "cpu")

    with torch.no_grad(), stack.attached(model):
        stack.route(rows)
        found = model(seen)
        wanted = []
        for place, number in enumerate(rows):
            plain = torch.nn.functional.linear(seen[place], model[0].weight, model[0].bias)
            if number is not None:
                a, b = adapters[number]["0"]
                plain = plain + 0.5 * (seen[place] @ a.T @ b.T)
            wanted.append(plain)

    assert torch.allclose(found, torch.stack(wanted), atol=1e-5)


def test_what_cannot_be_stacked_is_refused(shapes: dict[str, Path], tmp_path: Path) -> None:
    student = load_student(shapes["llama"])
    stack, _ = micro_train(student, JOBS[:2])
    spoilt = replace(JOBS[0], examples=(replace(decision(0), tampered="a replay differs"),))

    with pytest.raises(TrainingError, match="need one rank, alpha and choice of targets"):
        micro_train(student, [JOBS[0], job(1, rank=8)])
    with pytest.raises(LeakageError, match="tampered with"):
        micro_train(student, [JOBS[1], spoilt])
    with pytest.raises(TrainingError, match=r"need names of their own, got \['a0', 'a0'\]"):
        micro_train(student, [JOBS[0], JOBS[0]])
    with pytest.raises(UsageError, match="no adapter 2; they are numbered from 0 to 1"):
        StackedStudent(student, stack).logprobs([Turn(situation=decision(0).situation, adapter=2)])
    other = stack.export(0, tmp_path / "llama", base=str(shapes["llama"]), options=OPTIONS)
    with pytest.raises(TrainingError, match="The adapters llama are for other layers"):
        load_stack(load_student(shapes["gpt2"]).model, {"llama": other})


def test_first_weights_follow_the_seed_and_the_layers_name_alone() -> None:
    import torch

    layer = Layer(name="h.0.q", n_in=16, n_out=5, transposed=False)

    a, b = first_weights(layer, 3, 1)
    again, _ = first_weights(replace(layer, n_out=9), 3, 1)

    assert (a.shape, b.shape) == ((3, 16), (5, 3))
    assert torch.equal(a, again)
    assert not torch.equal(a, first_weights(layer, 3, 2)[0])
    assert not torch.equal(a, first_weights(replace(layer, name="h.1.q"), 3, 1)[0])
    assert 0.2 < float(a.abs().max()) <= 0.25
    assert float(b.abs().max()) == 0.0
