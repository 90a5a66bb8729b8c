"""Every attack, from inside every sandbox, and again with exactly the protection against it removed.

An attack is a short program that prints `GOT` once it got what it wanted. Where a sandbox claims the
protection the attack must fail; where it does not, it must succeed or be listed as held all the same, so that
the table stays true. The second test is the proof that the attack is alive: without the protection it
succeeds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from sandbox_attacks import ATTACKS, HEAD, Attack, arguments
from sandbox_scene import MAKERS, Scene

from honing.sandbox import BubblewrapSandbox, Capability, Command, Finished, LandlockSandbox, Network, Sandbox
from honing.sandbox.bubblewrap import ALL_PROTECTIONS, Protection
from honing.sandbox.cgroups import hierarchy
from honing.sandbox.landlock import ALL_RESTRICTIONS


def got_it(scene: Scene, attack: Attack, run: Callable[[Command], Finished]) -> bool:
    """Run the attack; whether it got what it wanted."""
    finished = run(scene.python_command(HEAD + attack.code, *arguments(scene)))
    if attack.covered_by is Capability.TREE_KILLED:
        time.sleep(0.5)
        return (scene.work / "result").read_text() == "1.0"
    return "GOT" in finished.stdout


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name for attack in ATTACKS])
def test_an_attack_succeeds_only_where_its_protection_is_not_claimed(
    scene: Scene, sandbox: Sandbox, attack: Attack
) -> None:
    held = attack.covered_by in sandbox.capabilities or sandbox.name in attack.held_anyway

    assert got_it(scene, attack, sandbox.run) is (not held)


LIVE = [
    pytest.param(attack, sandbox, id=f"{name} without {'+'.join(sorted(without))}: {attack.name}")
    for attack in ATTACKS
    for name, without, sandbox in (
        ("bubblewrap", attack.bubblewrap_without, attack.bubblewrap_without),
        ("landlock", attack.landlock_without, attack.landlock_without),
    )
    if without
]


@pytest.mark.skipif(
    os.getuid() != 0, reason="protections are only removed where the caller has something to lose"
)
@pytest.mark.parametrize(("attack", "removed"), LIVE)
def test_an_attack_succeeds_once_its_protection_is_removed(
    scene: Scene, attack: Attack, removed: frozenset[Any]
) -> None:
    weak: BubblewrapSandbox | LandlockSandbox
    if isinstance(next(iter(removed)), Protection):
        weak = BubblewrapSandbox(protections=ALL_PROTECTIONS - removed)
    else:
        weak = LandlockSandbox(restrictions=ALL_RESTRICTIONS - removed)

    # `attempt` does without the self-check, which is about what the whole sandbox claims.
    assert got_it(scene, attack, weak.attempt)
    assert attack.covered_by not in weak.offered(Network.NONE)


def test_every_capability_is_attacked_here_or_in_the_tests_of_limits() -> None:
    of_limits = {Capability.MEMORY_CAP, Capability.PIDS_CAP, Capability.DISK_CAP}
    by_its_weaker_form = {Capability.NET_CUT}

    assert {attack.covered_by for attack in ATTACKS} | of_limits | by_its_weaker_form == set(Capability)


def test_only_bubblewrap_claims_everything() -> None:
    """On every machine, but for the caps that need a control group one may write to."""
    everything = frozenset(Capability)
    memory = set() if hierarchy().memory else {Capability.MEMORY_CAP}
    pids = set() if hierarchy().pids else {Capability.PIDS_CAP}

    assert {name: everything - make().capabilities for name, make in MAKERS.items()} == {
        "bubblewrap": frozenset(memory | (pids if os.getuid() == 0 else set())),
        "landlock": frozenset({Capability.NET_CUT, Capability.PID_NAMESPACE} | memory | pids),
        "unconfined": everything - {Capability.ENV_CLEAN},
    }
