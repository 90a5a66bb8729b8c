"""Many adapters trained in one pass and asked in one batch, against one after the other, in one run, on one
thread.

    python benchmarks/adapters.py [--adapters 64] [--rounds 3] [--steps 4] [--episodes 128]

The student has the size of the warm-started one of the shop (Llama, hidden 96, 2 layers) after a few steps of
its training: speed does not depend on what it knows. Prints Markdown tables; figures are of CPU time, the
median of the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from honing.environments import world_named
from honing.learn import (
    AdapterJob,
    Example,
    SftOptions,
    StackedStudent,
    Start,
    Student,
    WarmStartOptions,
    demonstrations,
    load_stack,
    load_student,
    micro_train,
    roll_out,
    train_lora,
    warm_start,
)
from honing.learn.training.batches import plan_of
from honing.learn.training.lora import weights_of, with_lora
from honing.learn.training.rows import action_losses, padded, rows_of


def main() -> None:
    options = _options()
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        folder, new, replay = _scene(Path(place), options.adapters)
        student = load_student(folder)
        size = sum(weight.numel() for weight in student.model.parameters())
        print(f"Student: {size:,} weights. torch {torch.__version__}, one thread, CPU seconds.\n")
        micro = SftOptions(n_steps=options.steps, learning_rate=3e-3, replay=0.0)
        jobs = [
            AdapterJob(name=f"{number}", examples=(example,), options=replace(micro, seed=number))
            for number, example in enumerate(new)
        ]
        title = f"Micro-training: {len(jobs)} adapters, one example, {options.steps} steps each"
        _training(title, folder, student, jobs, options.rounds)
        runs = [
            AdapterJob(
                name=f"{number}",
                examples=tuple(new[number::8]),
                options=SftOptions(n_steps=15, seed=number, save_every=0),
                replay=tuple(replay),
            )
            for number in range(8)
        ]
        title = "A training matrix: 8 adapters, 15 steps of 8 rows, three quarters of them replay"
        _training(title, folder, student, runs, options.rounds)
        _asking(Path(place), folder, student, runs, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapters", type=int, default=64)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--episodes", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _scene(place: Path, n: int) -> tuple[Path, list[Example], list[Example]]:
    """A student of the shop, decisions to learn, and replay."""
    world = world_named("shop", {})
    options = WarmStartOptions(steps=20, demonstrations=600)
    folder = warm_start(world, options, place)
    return folder, demonstrations(world, "collect", n), demonstrations(world, "replay", 200)


def _training(title: str, folder: Path, student: Student, jobs: Sequence[AdapterJob], rounds: int) -> None:
    import torch

    stack, _ = micro_train(student, jobs)
    apart = []
    for number, job in enumerate(jobs[:8]):
        mine = stack.alone(number)
        for name, sides in _plain(load_student(folder), job).items():
            apart += [(a - b).abs().flatten() for a, b in zip(mine[name], sides, strict=True)]
    alone = load_student(folder)
    ways = {
        "one after the other, PEFT in plain torch": lambda: [_plain(alone, job) for job in jobs],
        "stacked, 1 at a time": lambda: [micro_train(student, [job]) for job in jobs],
        "stacked, all at once": lambda: micro_train(student, jobs),
    }
    few = jobs[:4]
    with tempfile.TemporaryDirectory() as out:

        def through_trl() -> None:
            for number, job in enumerate(few):
                where = Path(out) / f"{time.monotonic_ns()}-{number}"
                train_lora(folder, job.examples, job.replay, job.options, where)

        measured = {name: _cpu(way, rounds) for name, way in ways.items()}
        measured[f"one after the other, TRL ({len(few)} of them, scaled)"] = (
            _cpu(through_trl, rounds) * len(jobs) / len(few)
        )
    _table(title, measured, len(jobs), "adapter")
    every = torch.cat(apart)
    beyond = float((every > 1e-4).float().mean())
    print(
        f"\nDifference of a weight from PEFT in plain torch: {float(every.max()):.1e} at most, "
        f"{float(every.square().mean().sqrt()):.1e} root mean square, {beyond:.1e} of them beyond 1e-4.\n"
    )


def _plain(student: Student, job: AdapterJob) -> dict[str, tuple[Any, Any]]:
    """Train one adapter with PEFT and torch's AdamW, then take it off again."""
    import torch

    wrapped = with_lora(student.model, job.options)
    trained = [weight for weight in wrapped.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=job.options.learning_rate, weight_decay=0.0)
    for step in plan_of(job.examples, job.replay, job.options).steps:
        rows = rows_of(student, step)
        loss = action_losses(wrapped, padded(rows, "cpu")).sum() / sum(row.n_action for row in rows)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    found = weights_of(wrapped)
    student.model = wrapped.unload()
    return found


def _asking(
    place: Path, folder: Path, student: Student, runs: Sequence[AdapterJob], options: argparse.Namespace
) -> None:
    stack, _ = micro_train(student, runs)
    folders = {
        run.name: stack.export(number, place / "saved" / run.name, base=str(folder), options=run.options)
        for number, run in enumerate(runs)
    }
    world = world_named("shop", {})
    tasks = world.tasks("evaluate", options.episodes // len(runs))
    starts = [Start(task=task, adapter=number) for number in range(len(runs)) for task in tasks]

    def alone() -> None:
        for number, saved in enumerate(folders.values()):
            loaded = load_student(folder, adapter=saved)
            mine = [replace(start, adapter=None) for start in starts if start.adapter == number]
            roll_out(loaded, world, mine, temperature=1.0, seed=0)

    def together() -> None:
        asked = StackedStudent(student, load_stack(student.model, folders))
        roll_out(asked, world, starts, temperature=1.0, seed=0)

    measured = {
        "one adapter after the other, merged into the base": _cpu(alone, options.rounds),
        "all in one batch, routed": _cpu(together, options.rounds),
    }
    title = f"Rollouts: {len(runs)} adapters, {len(tasks)} episodes each, loading included"
    _table(title, measured, len(starts), "episode")


def _cpu(work: Callable[[], Any], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return statistics.median(taken)


def _table(title: str, measured: dict[str, float], n: int, unit: str) -> None:
    first = next(iter(measured.values()))
    print(f"### {title}\n\n| way | CPU s | ms per {unit} | times as fast |\n|---|---|---|---|")
    for name, seconds in measured.items():
        print(f"| {name} | {seconds:.2f} | {1000 * seconds / n:.1f} | {first / seconds:.1f} |")


if __name__ == "__main__":
    main()
