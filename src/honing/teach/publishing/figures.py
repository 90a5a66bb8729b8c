"""Every figure of a study, by file name, in the order of the phases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from honing.store import Figure
from honing.teach.publishing import judging_figures, label_figures, training_figures

FIGURES: Mapping[str, Callable[[Path], Figure | None]] = {
    "landscape": label_figures.landscape,
    "profiles": label_figures.profiles,
    "elp_by_quadrant": label_figures.elp_by_quadrant,
    "routes_by_quadrant": label_figures.routes_by_quadrant,
    "placebo_control": label_figures.placebo_control,
    "cpt_validation": judging_figures.cpt_validation,
    "cpt_agreement": judging_figures.cpt_agreement,
    "gains": training_figures.gains,
    "supervision_heat_map": training_figures.supervision_heat_map,
    "transfer_matrix": training_figures.transfer_matrix,
    "retention_frontier": training_figures.retention_frontier,
    "stuckness": training_figures.stuckness,
    "predictor_quality": judging_figures.predictor_quality,
    "predictor_ranking": judging_figures.predictor_ranking,
    "selection": judging_figures.selection,
}
"""Each reads a run's artifacts and gives None where the phase that it shows has not run."""


def figures_of(folder: Path) -> dict[str, Figure]:
    """The figures that a run's artifacts allow."""
    made = {name: make(folder) for name, make in FIGURES.items()}
    return {name: figure for name, figure in made.items() if figure is not None}
