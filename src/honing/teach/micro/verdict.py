"""The criteria of phase 1B."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.teach.phase import Criterion
from honing.teach.study_spec import MicroSetting

Json = Any

MIN_RHO = 0.3
STRETCH_RHO = 0.5
_MIN_PAIRS = 4
"""Below it no rank correlation has an interval."""


def criteria_of(
    settings: Sequence[MicroSetting], figures: Mapping[str, Mapping[str, Json]]
) -> tuple[Criterion, ...]:
    """Two criteria per setting, and the stretch of the deciding one. The point estimate of rho is held
    against its threshold, as the plan has it; the interval stands beside."""
    found: list[Criterion] = []
    for setting in settings:
        here = figures[setting.label]["same"]
        found += [
            _rho(setting, here, MIN_RHO, name="cpt_spearman", decides=setting.decides),
            _quadrants(setting, here),
        ]
        if setting.decides:
            found.append(_rho(setting, here, STRETCH_RHO, name="cpt_spearman_stretch", decides=False))
    return tuple(found)


def _rho(
    setting: MicroSetting, here: Mapping[str, Json], least: float, *, name: str, decides: bool
) -> Criterion:
    rho = here["rho"]
    sentence = (
        f"Spearman of ELP_net with the gain of micro-training is at least {least:g} ({_steps(setting)})."
    )
    if rho is None:
        enough = here["n"] >= _MIN_PAIRS
        note = (
            "every gain, or every ELP_net, is the same: nothing is ordered"
            if enough
            else f"{here['n']} snapshots, at least {_MIN_PAIRS} are needed"
        )
        return Criterion(
            name=_name(name, setting),
            sentence=sentence,
            value=None,
            n=here["n"],
            # Gains too small to be told apart are a validation that failed; too few snapshots are none.
            met=False if enough else None,
            decides=decides,
            note=note,
        )
    return Criterion(
        name=_name(name, setting),
        sentence=sentence,
        value=rho["estimate"],
        low=rho["low"],
        high=rho["high"],
        n=rho["n"],
        met=rho["estimate"] >= least,
        decides=decides,
        note="the interval reaches below" if rho["low"] < least <= rho["estimate"] else "",
    )


def _quadrants(setting: MicroSetting, here: Mapping[str, Json]) -> Criterion:
    found = here["Q1_minus_Q2"]
    sentence = (
        "Q1 gains clearly more by micro-training than Q2 (95% interval of the difference above 0; "
        f"{_steps(setting)})."
    )
    name = _name("cpt_q1_above_q2", setting)
    if found is None:
        return Criterion(
            name=name,
            sentence=sentence,
            value=None,
            met=None,
            decides=setting.decides,
            note="one of the two quadrants has no snapshot",
        )
    return Criterion(
        name=name,
        sentence=sentence,
        value=found["estimate"],
        low=found["low"],
        high=found["high"],
        n=found["n"],
        met=found["low"] > 0,
        decides=setting.decides,
        note="L_local comes from the same snapshots, so a part of it is by construction",
    )


def _name(name: str, setting: MicroSetting) -> str:
    return name if setting.decides else f"{name}_{setting.label}"


def _steps(setting: MicroSetting) -> str:
    return f"{setting.n_steps} steps at {setting.learning_rate:g}"
