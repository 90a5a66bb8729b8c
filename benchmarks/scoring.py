"""Scoring and rollouts of a tiny student against the naive way, in one run, on one thread.

    python benchmarks/scoring.py [--world shop] [--states 512] [--episodes 64] [--rounds 3]

The student has the shape and the size of the warm-started one (Llama, hidden 96, 2 layers) and random
weights: speed does not depend on what it knows. Prints a Markdown table; figures are of CPU time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from honing.environments import Task, World, world_named
from honing.learn import Keep, Prompt, RandomPolicy, Situation, Start, Student, StudentOptions, Turn, roll_out
from honing.learn.scoring import Method
from honing.learn.warming.words import word_tokenizer

IN_FLIGHT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One way of working."""

    name: str
    per_s: float
    """States or steps per second of CPU time, the median of the rounds."""


def main() -> None:
    options = _options()
    import torch

    torch.set_num_threads(1)
    world = world_named(options.world, json.loads(options.options))
    tasks = world.tasks("collect", options.episodes)
    turns = _turns(world, tasks)[: options.states]
    prompt = Prompt(history=options.history)
    model, tokenizer = _tiny(turns, prompt)

    def student(method: Method, remembered: int = 0) -> Student:
        asked = StudentOptions(method=method, remembered=remembered)
        return Student(model, tokenizer, prompt=prompt, name="tiny", identity="tiny", options=asked)

    _describe(options.world, turns, student(Method.NAIVE), model)
    _table("States per CPU-second", _scoring(student, turns, options.rounds))
    _table("Steps of rollouts per CPU-second", _rollouts(student, world, tasks, options.rounds))
    labelling = _labelling(student, world, tasks, options.rounds)
    _table("Steps of continuations of saved states per CPU-second", labelling)
    print(f"\nLargest difference from naive: {_difference(student, turns):.1e} nats.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", default="shop")
    parser.add_argument("--options", default="{}", help="of the world, as JSON")
    parser.add_argument("--states", type=int, default=512)
    parser.add_argument("--episodes", type=int, default=64)
    parser.add_argument("--history", type=int, default=4, help="past actions shown in the prompt")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _turns(world: World, tasks: Sequence[Task]) -> list[Turn]:
    """The different states that a random policy meets, shuffled by their text."""
    starts = [Start(task=task, draw=str(number)) for task in tasks for number in range(4)]
    found: dict[Situation, None] = {}
    for episode in roll_out(RandomPolicy(), world, starts, temperature=1.0, seed=0, keep=Keep.STEPS):
        for number, move in enumerate(episode.moves):
            situation = Situation(
                goal=episode.goal,
                observation=move.observation,
                history=episode.actions[:number],
                actions=move.actions,
            )
            found[situation] = None
    return [Turn(situation=situation) for situation in sorted(found, key=hash_order)]


def hash_order(situation: Situation) -> str:
    """A key that shuffles situations the same way every time."""
    import hashlib

    return hashlib.sha256(repr(situation).encode()).hexdigest()


def _tiny(turns: Sequence[Turn], prompt: Prompt) -> tuple[Any, Any]:
    """A model with random weights, and the tokenizer that a warm start would make of these situations."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    texts = [prompt.text(turn.situation) for turn in turns]
    texts += [f" {action}" for turn in turns for action in turn.situation.actions]
    tokenizer = word_tokenizer(texts, max_words=2000)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=96,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=2048,
    )
    return LlamaForCausalLM(config).eval(), tokenizer


def _describe(world: str, turns: Sequence[Turn], student: Student, model: Any) -> None:
    prompts = [len(student.encode(turn.situation)) for turn in turns]
    actions = [len(turn.situation.actions) for turn in turns]
    tokens = [len(student.encode_action(action)) for turn in turns for action in turn.situation.actions]
    print(
        f"`{world}`: {len(turns)} different states, prompts of {statistics.mean(prompts):.0f} tokens, "
        f"{statistics.mean(actions):.1f} actions of {statistics.mean(tokens):.1f} tokens; "
        f"{model.num_parameters():,} parameters, vocabulary {model.config.vocab_size}."
    )


def _scoring(student: Callable[..., Student], turns: Sequence[Turn], rounds: int) -> list[Measured]:
    """States scored per CPU-second, every way once a round, so that all meet the same disturbances."""
    chunks = [turns[start : start + IN_FLIGHT] for start in range(0, len(turns), IN_FLIGHT)]
    took: dict[Method, list[float]] = {method: [] for method in (Method.NAIVE, Method.PADDED, Method.TRIE)}
    for _ in range(rounds):
        for method, found in took.items():
            # Naive scoring takes most of the time: a part of the states tells its speed.
            part = chunks[: max(1, len(chunks) // 4)] if method is Method.NAIVE else chunks
            asked = student(method)
            start = time.process_time()
            for chunk in part:
                asked.scores(chunk)
            found.append(sum(map(len, part)) / (time.process_time() - start))
    return [Measured(name=method.value, per_s=statistics.median(found)) for method, found in took.items()]


def _rollouts(
    student: Callable[..., Student], world: World, tasks: Sequence[Task], rounds: int
) -> list[Measured]:
    """Steps per CPU-second of sampled episodes from the start of their tasks."""
    starts = [Start(task=task, draw=str(number)) for task in tasks for number in range(2)]
    ways = {
        "naive, one episode at a time": (student(Method.NAIVE), 1, 8),
        "trie, one episode at a time": (student(Method.TRIE), 1, 4),
        f"trie, {IN_FLIGHT} in flight": (student(Method.TRIE), IN_FLIGHT, 1),
        f"trie, {IN_FLIGHT} in flight, scores remembered": (student(Method.TRIE, 50_000), IN_FLIGHT, 1),
    }
    return _raced(ways, world, starts, rounds)


def _labelling(
    student: Callable[..., Student], world: World, tasks: Sequence[Task], rounds: int
) -> list[Measured]:
    """The same for what labels are made of: seven continuations from each of some saved states."""
    walks = [Start(task=task) for task in tasks[: len(tasks) // 2]]
    starts = [
        Start(
            task=episode.task,
            state=episode.moves[len(episode.moves) // 2].state,
            history=episode.actions[: len(episode.moves) // 2],
            draw=str(number),
        )
        for episode in roll_out(RandomPolicy(), world, walks, temperature=1.0, seed=1, keep=Keep.STATES)
        for number in range(7)
    ]
    ways = {
        "naive, one episode at a time": (student(Method.NAIVE), 1, 16),
        f"trie, {IN_FLIGHT} in flight": (student(Method.TRIE), IN_FLIGHT, 1),
        f"trie, {IN_FLIGHT} in flight, scores remembered": (student(Method.TRIE, 50_000), IN_FLIGHT, 1),
    }
    return _raced(ways, world, starts, rounds)


def _raced(
    ways: Mapping[str, tuple[Student, int, int]], world: World, starts: Sequence[Start], rounds: int
) -> list[Measured]:
    """Each way once a round: its student, episodes in flight, and which part of the starts (one in n) tells
    its speed."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (policy, in_flight, part) in ways.items():
            policy.forget()
            began = time.process_time()
            episodes = roll_out(
                policy, world, starts[: len(starts) // part], temperature=1.0, seed=0, in_flight=in_flight
            )
            steps = sum(len(episode.actions) for episode in episodes)
            found[name].append(steps / (time.process_time() - began))
    return [Measured(name=name, per_s=statistics.median(rates)) for name, rates in found.items()]


def _difference(student: Callable[..., Student], turns: Sequence[Turn]) -> float:
    part = turns[:IN_FLIGHT]
    expected, found = student(Method.NAIVE).logprobs(part), student(Method.TRIE).logprobs(part)
    pairs = zip(expected, found, strict=True)
    return max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True))


def _table(title: str, rows: Sequence[Measured]) -> None:
    print(f"\n| {title} | rate | against naive |\n|---|---:|---:|")
    for row in rows:
        print(f"| {row.name} | {row.per_s:,.0f} | {row.per_s / rows[0].per_s:.1f}x |")


if __name__ == "__main__":
    main()
