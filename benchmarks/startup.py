"""How long `hone --help` takes, against the bare interpreter and against importing typer alone.

The runs are interleaved and each is a fresh process, so a busy machine slows all of them alike. Ratios are of
medians; the targets in seconds are held against the best run, which other work disturbs least.
Usage: python benchmarks/startup.py [ROUNDS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

TARGET_S = 0.3
"""`hone --help` should take no longer."""
IMPORT_TARGET_S = 0.15
"""`import honing` should add no more to the bare interpreter."""
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import honing'": ["-c", "import honing"],
    "python -c 'import typer'": ["-c", "import typer"],
    "hone --help": ["-m", "honing", "--help"],
    "hone doctor --help": ["-m", "honing", "doctor", "--help"],
    "hone --version": ["-m", "honing", "--version"],
    "hone config show": ["-m", "honing", "config", "show"],
}


def measure(rounds: int) -> dict[str, list[float]]:
    """Wall times of each command, seconds."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(rounds + 1):
        for name, arguments in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
            # The first round fills the disk's cache and writes bytecode.
            if number > 0:
                taken[name].append(time.perf_counter() - started)
    return taken


def main() -> int:
    """Print the table; 1 where a target is missed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    taken = measure(rounds)
    median = {name: statistics.median(times) for name, times in taken.items()}
    best = {name: min(times) for name, times in taken.items()}
    bare, typer = median["python -c pass"], median["python -c 'import typer'"]
    print(f"{rounds} interleaved runs each")
    print(f"{'command':28} {'best s':>7} {'median s':>9} {'x python':>9} {'x typer':>8}")
    for name in COMMANDS:
        ratios = f"{median[name] / bare:9.1f} {median[name] / typer:8.2f}"
        print(f"{name:28} {best[name]:7.3f} {median[name]:9.3f} {ratios}")
    added = best["python -c 'import honing'"] - best["python -c pass"]
    targets = {
        f"hone --help takes at most {TARGET_S} s": best["hone --help"] <= TARGET_S,
        f"import honing adds at most {IMPORT_TARGET_S} s (it adds {added:.3f})": added <= IMPORT_TARGET_S,
    }
    for target, met in targets.items():
        print(f"{'met' if met else 'MISSED':>6}: {target}")
    return 0 if all(targets.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
