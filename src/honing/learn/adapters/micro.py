"""Train many adapters in one pass: the rows of all of them share each forward pass through the base."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from honing.errors import TrainingError
from honing.learn.adapters.stack import Stack, stack_of
from honing.learn.adapters.steps import StackedAdamW
from honing.learn.example import Example
from honing.learn.student import Student
from honing.learn.training.batches import Plan, plan_of
from honing.learn.training.lora import Layer, Weights, first_weights, layers_of
from honing.learn.training.options import SftOptions
from honing.learn.training.quiet import training_at
from honing.learn.training.rows import Row, action_losses, check_examples, padded, rows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterJob:
    """One adapter to train."""

    name: str
    """Unique among the jobs."""
    examples: tuple[Example, ...]
    options: SftOptions
    """`n_steps`, `learning_rate`, `seed`, `batch_size`, `replay` and the like. All jobs of one pass have the
    same rank, alpha and targets."""
    replay: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRoom:
    """How much is trained at a time. It decides speed and memory, and weights only within rounding."""

    adapters: int = 64
    rows: int = 128
    """Of one forward pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """How the training of one adapter went."""

    name: str
    n_steps: int
    n_replay: int
    """Rows of replay that were seen over all steps."""
    losses: tuple[float, ...]
    """Of each step's rows before it: mean negative log-probability of an action's token, nats."""


def micro_train(
    student: Student,
    jobs: Sequence[AdapterJob],
    *,
    room: StackRoom | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> tuple[Stack, list[JobOutcome]]:
    """Train one adapter per job, all from the student's weights, which stay as they are.

    Each comes to the weights that it would have alone (`train_lora` with the same options), within 1e-4: the
    adapters share no gradient, no optimiser state and no clipping.

    Args:
        student: The base.
        jobs: What to train; the adapters of the stack have their order.
        room: How much at a time.
        told: Is told how it goes, a line at a time.

    Raises:
        LeakageError: An example comes from an episode that was tampered with.
        TrainingError: Jobs differ in rank, alpha or targets, or training failed.
    """
    _check(jobs)
    layers = layers_of(student.model, jobs[0].options.targets)
    planned = [_planned(student, job) for job in jobs]
    trained = _in_parts(student, jobs, planned, layers, room or StackRoom(), told)
    scale, device = jobs[0].options.scale, student.model.device
    stack = stack_of(layers, [weights for weights, _ in trained], [job.name for job in jobs], scale, device)
    outcomes = [
        JobOutcome(name=job.name, n_steps=len(losses), n_replay=each.n_replay, losses=losses)
        for job, each, (_, losses) in zip(jobs, planned, trained, strict=True)
    ]
    return stack, outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A job's rows, step by step."""

    steps: tuple[tuple[Row, ...], ...]
    n_replay: int
    options: SftOptions


def _check(jobs: Sequence[AdapterJob]) -> None:
    shapes = {(job.options.rank, job.options.alpha, job.options.targets) for job in jobs}
    if len(shapes) != 1:
        raise TrainingError(
            f"Adapters of one pass need one rank, alpha and choice of targets, got {sorted(shapes)}. Train "
            "them in a pass for each."
        )
    check_examples(example for job in jobs for example in (*job.examples, *job.replay))


def _planned(student: Student, job: AdapterJob) -> _Planned:
    plan: Plan[Example] = plan_of(job.examples, job.replay, job.options)
    known: dict[int, Row] = {}
    unique = {id(example): example for step in plan.steps for example in step}
    rows = rows_of(student, unique.values())
    known.update(zip(unique, rows, strict=True))
    steps = tuple(tuple(known[id(example)] for example in step) for step in plan.steps)
    return _Planned(
        steps=steps, n_replay=plan.n_replay, options=replace(job.options, n_steps=len(plan.steps))
    )


def _in_parts(
    student: Student,
    jobs: Sequence[AdapterJob],
    planned: Sequence[_Planned],
    layers: Sequence[Layer],
    room: StackRoom,
    told: Callable[[str], None],
) -> list[tuple[Weights, tuple[float, ...]]]:
    """Each job's weights and losses, so many trained at a time as there is room for."""
    order = sorted(range(len(jobs)), key=lambda number: -len(planned[number].steps))
    found: dict[int, tuple[Weights, tuple[float, ...]]] = {}
    for begin in range(0, len(order), room.adapters):
        part = order[begin : begin + room.adapters]
        told(f"adapters {begin + 1} to {begin + len(part)} of {len(order)}")
        options = [jobs[number].options for number in part]
        fresh = [
            {layer.name: first_weights(layer, each.rank, each.seed) for layer in layers} for each in options
        ]
        names = [jobs[number].name for number in part]
        stack = stack_of(layers, fresh, names, options[0].scale, student.model.device)
        losses = _train(student.model, stack, [planned[number] for number in part], room)
        for place, number in enumerate(part):
            found[number] = stack.alone(place), losses[place]
    return [found[number] for number in range(len(jobs))]


def _train(model: Any, stack: Stack, jobs: Sequence[_Planned], room: StackRoom) -> list[tuple[float, ...]]:
    """Train a stack in place; jobs with more steps come first. Returns each job's losses."""
    weights = [weight.requires_grad_() for pair in stack.weights.values() for weight in pair]
    optimiser = StackedAdamW(weights, [job.options for job in jobs])
    losses: list[list[float]] = [[] for _ in jobs]
    step = [0]
    with training_at("adapters", step), _frozen(model), stack.attached(model):
        while (n := optimiser.active()) > 0:
            rows = [(number, row) for number in range(n) for row in jobs[number].steps[optimiser.done]]
            for number, loss in enumerate(_gradients(model, stack, rows, room.rows)):
                losses[number].append(loss)
            optimiser.step()
            step[0] = optimiser.done
    for weight in weights:
        weight.requires_grad = False
    return [tuple(found) for found in losses]


def _gradients(model: Any, stack: Stack, rows: Sequence[tuple[int, Row]], at_once: int) -> list[float]:
    """Put the gradients of one step on the stack's weights.

    Args:
        model: The base, with the stack attached.
        stack: What is trained.
        rows: With the number of the adapter of each, in its order.
        at_once: Rows of one forward pass.

    Returns:
        The loss of each adapter's rows.
    """
    import torch

    tokens = [0] * (rows[-1][0] + 1)
    for number, row in rows:
        tokens[number] += row.n_action
    found = [0.0] * len(tokens)
    for first in range(0, len(rows), at_once):
        part = rows[first : first + at_once]
        numbers = [number for number, _ in part]
        stack.route(numbers)
        parts = torch.tensor([1.0 / tokens[number] for number in numbers], device=model.device)
        each = action_losses(model, padded([row for _, row in part], model.device)) * parts
        each.sum().backward()
        for number, loss in zip(numbers, each.tolist(), strict=True):
            found[number] += loss
    return found


@contextmanager
def _frozen(model: Any) -> Iterator[None]:
    """No gradients for the base, and no dropout."""
    before = [(weight, weight.requires_grad) for weight in model.parameters()]
    was_training = model.training
    model.eval()
    for weight, _ in before:
        weight.requires_grad = False
    try:
        yield
    finally:
        for weight, wanted in before:
            weight.requires_grad = wanted
        model.train(was_training)
