"""Records of the loop as the journal keeps them, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from honing.experiments.improve.base import (
    Measurement,
    Panel,
    PanelTask,
    Part,
    Proposal,
    Spending,
    TaskScore,
    Version,
)


def panel_document(panel: Panel) -> dict[str, Any]:
    """A panel as plain data: ids and digests, never what a task asks."""
    return {
        "id": panel.id,
        "tasks": {part.value: [asdict(task) for task in panel.tasks[part]] for part in Part},
        "certificate": dict(panel.certificate),
    }


def panel_from(document: Mapping[str, Any]) -> Panel:
    """The panel that `panel_document` wrote."""
    tasks = {part: tuple(PanelTask(**task) for task in document["tasks"][part.value]) for part in Part}
    return Panel(tasks=tasks, certificate=document["certificate"])


def measurement_document(found: Measurement) -> dict[str, Any]:
    """A measurement as plain data."""
    return {
        "scores": [[one.task, one.seed, one.score] for one in found.scores],
        "spent": asdict(found.spent),
        "deterministic": found.deterministic,
    }


def measurement_from(document: Mapping[str, Any]) -> Measurement:
    """The measurement that `measurement_document` wrote."""
    scores = (TaskScore(task=task, seed=seed, score=score) for task, seed, score in document["scores"])
    return Measurement(
        scores=tuple(scores),
        spent=Spending(**document["spent"]),
        deterministic=document["deterministic"],
    )


def proposal_document(proposal: Proposal) -> dict[str, Any]:
    """A proposal as plain data."""
    return {
        "version": None if proposal.version is None else proposal.version.as_document(),
        "control": None if proposal.control is None else proposal.control.as_document(),
        "reason": proposal.reason,
        "spent": asdict(proposal.spent),
        "run": proposal.run,
        "facts": dict(proposal.facts),
    }


def proposal_from(document: Mapping[str, Any]) -> Proposal:
    """The proposal that `proposal_document` wrote."""
    return Proposal(
        version=None if document["version"] is None else Version.from_document(document["version"]),
        control=None if document["control"] is None else Version.from_document(document["control"]),
        reason=document["reason"],
        spent=Spending(**document["spent"]),
        run=document["run"],
        facts=document["facts"],
    )


def lasting(spent: Spending) -> dict[str, Any]:
    """What something cost, without what differs between two equal runs: for artifacts."""
    return {each.name: getattr(spent, each.name) for each in fields(spent) if each.name != "wall_s"}
