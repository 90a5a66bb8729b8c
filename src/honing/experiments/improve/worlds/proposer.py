"""The proposer that needs no model: it edits a student's harness by what the student's episodes show.

Two of three slots try a note on the next clue that the harness does not hold yet; the others change one of
the rules, the temperature, or what the prompt shows. What a slot proposes follows from its number, the
loop's random numbers and the folder it is given, so a run that is gone on with proposes the same.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from honing.agents import Agent, AgentTask, ScriptedAgent
from honing.errors import AgentError, UsageError
from honing.experiments.improve.worlds.evidence import Clue
from honing.learn import ActingHarness, Note, acting_files, patch_text, read_acting

SEED_VARIABLE = "HONING_PROPOSAL_SEED"
"""What the loop tells every proposer: a whole number, another for every proposal of a run."""
NAME = "programmatic"
_FORMS = ("hint", "demo")
"""How a clue is said; see `learn.patch_text`."""
_TEMPERATURES = (0.0, 0.25, 0.5, 0.75, 1.0)
_HISTORIES = (0, 1, 2, 3, 4, 6, 8)
_TRIES = (0, 1, 2, 3)
_TEMPLATES = (
    "{patch}Goal: {goal}\nDone: {history}\nSeen: {observation}\nAction:",
    "{patch}Goal: {goal}\nSeen: {observation}\nDone: {history}\nAction:",
    "{patch}Goal: {goal}\nSeen: {observation}\nAction:",
    "{patch}Done: {history}\nSeen: {observation}\nGoal: {goal}\nAction:",
    "{patch}Goal: {goal}\nDone: {history}\nSeen: {observation}\nOpen: {actions}\nAction:",
)


def programmatic_proposer(clues: Sequence[Clue]) -> Agent:
    """The proposer as an agent.

    Args:
        clues: Of `clues_of`, in the order in which they are to be tried.
    """

    def edits(task: AgentTask) -> Mapping[str, str | None]:
        told = task.env.get(SEED_VARIABLE)
        if told is None:
            raise AgentError(f"{NAME}: no {SEED_VARIABLE} was given; the loop gives one to every agent.")
        try:
            harness = read_acting(task.workspace)
        except UsageError as error:
            raise AgentError(f"{NAME}: the harness in the workspace cannot be read: {error}") from error
        return dict(acting_files(edited(harness, clues, slot=task.slot, rng=random.Random(int(told)))))

    return ScriptedAgent(edits, name=NAME, reads_brief=False)


def edited(harness: ActingHarness, clues: Sequence[Clue], *, slot: int, rng: random.Random) -> ActingHarness:
    """One edit of a harness.

    Args:
        harness: Where the proposal starts.
        clues: What may be noted, in order.
        slot: Of the proposal, from 1.
        rng: For everything that the slot does not decide.
    """
    if clues and slot % 3:
        # Slots 1, 2, 4, 5, 7 ... are the clues' turns 0, 1, 2, 3, 4 ...
        turn = slot - slot // 3 - 1
        note = note_of(clues[turn % len(clues)], _FORMS[(turn // len(clues)) % len(_FORMS)])
        if note not in harness.notes:
            return replace(harness, notes=(note, *harness.notes))
    return _turned(harness, rng)


def note_of(clue: Clue, form: str) -> Note:
    """A clue as a note: shown where its kind of action is open, in the place it was open most, and until what
    is seen says that it was done."""
    return Note(
        say=patch_text(form, clue.lesson),
        goal=(clue.word,) if clue.word else (),
        seen=(clue.lesson.observation,) if clue.lesson.observation.strip() else (),
        # Nothing tells after a kind that was hardly ever taken; its name is the best guess.
        unseen=(clue.mark or clue.kind,),
        can=(clue.can,) if clue.can.strip() else (),
    )


def _turned(harness: ActingHarness, rng: random.Random) -> ActingHarness:
    """One of the harness's other parts, set to another value."""
    options: dict[str, Sequence[Any]] = {
        "temperature": _TEMPERATURES,
        "loop_breaker": _TRIES,
        "retry": _TRIES,
        "history": _HISTORIES,
        "template": _TEMPLATES,
        "notes": [tuple(note for note in harness.notes if note is not left) for left in harness.notes],
    }
    name = rng.choice([name for name, values in options.items() if values])
    prompt = harness.prompt
    if name in ("history", "template"):
        value = rng.choice([value for value in options[name] if value != getattr(prompt, name)])
        return replace(harness, prompt=replace(prompt, **{name: value}))
    value = rng.choice([value for value in options[name] if value != getattr(harness, name)])
    return replace(harness, **{name: value})
