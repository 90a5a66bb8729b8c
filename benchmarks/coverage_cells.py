"""The populations of `coverage.py`: what is drawn, at which size, and which shipped function is called on it.

Where the data are counts, the coverage is also summed exactly over all outcomes. Each cell has its own random
generator, seeded by its name, so any subset of cells gives the same figures as the whole.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from honing.stats import (
    Interval,
    Method,
    clopper_pearson,
    mean_interval,
    newcombe,
    newcombe_paired,
    paired_difference,
    pass_at_k_interval,
    proportion,
    spearman_interval,
    t_interval,
    unpaired_difference,
    wilson,
)
from honing.stats.bootstrap import weighted_bootstrap

Generator = np.random.Generator
LOWEST, HIGHEST = 0.93, 0.97
"""Coverage of a nominal 95% interval that counts as kept."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One population and sample size, under one method."""

    regime: str
    method: str
    setting: str
    draw: Callable[[Generator], Interval]
    """Draws one data set and returns the interval that the shipped function gives for it."""
    truth: float
    recommended: bool = True
    exact: Callable[[], float] | None = None

    @property
    def name(self) -> str:
        """Unique; seeds the cell."""
        return f"{self.regime} | {self.method} | {self.setting}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a cell gave."""

    cell: Cell
    datasets: int
    covered: float
    width: float
    exact: float | None

    @property
    def verdict(self) -> str:
        """`kept`, `short` (misses too often) or `wide` (misses too rarely); by the exact figure if known."""
        share = self.covered if self.exact is None else self.exact
        return "short" if share < LOWEST else "wide" if share > HIGHEST else "kept"


def simulate(cell: Cell, datasets: int, seed: int) -> Coverage:
    """Draw data sets and count how often the truth lies inside."""
    rng = np.random.default_rng([seed, zlib.crc32(cell.name.encode())])
    intervals = [cell.draw(rng) for _ in range(datasets)]
    # A limit that equals the truth up to rounding holds it.
    covered = sum(i.low - 1e-12 <= cell.truth <= i.high + 1e-12 for i in intervals)
    width = sum(i.high - i.low for i in intervals) / datasets
    return Coverage(cell, datasets, covered / datasets, width, cell.exact() if cell.exact else None)


def proportion_cells() -> Iterator[Cell]:
    """A success rate, from 10 tasks to the 1,319 of a full benchmark."""
    methods: tuple[tuple[str, Callable[[int, int], Interval], bool], ...] = (
        ("proportion", proportion, True),
        ("wilson", wilson, False),
        ("clopper_pearson", clopper_pearson, False),
    )
    for (name, method, recommended), n, p in product(
        methods, (10, 30, 100, 1319), (0.02, 0.1, 0.5, 0.9, 0.98)
    ):
        of = cache(lambda x, n=n, method=method: method(x, n))

        def draw(rng: Generator, n: int = n, p: float = p, of: Callable[[int], Interval] = of) -> Interval:
            return of(int(rng.binomial(n, p)))

        def exact(n: int = n, p: float = p, of: Callable[[int], Interval] = of) -> float:
            return math.fsum(chance for x, chance in _binomial(n, p) if of(x).low <= p <= of(x).high)

        yield Cell("proportion", name, f"n={n}, p={p}", draw, p, recommended, exact)


def _binomial(n: int, p: float) -> Iterator[tuple[int, float]]:
    """Outcomes and their chances, those below 1e-12 left out."""
    for x in range(n + 1):
        log = math.lgamma(n + 1) - math.lgamma(x + 1) - math.lgamma(n - x + 1)
        chance = math.exp(log + x * math.log(p) + (n - x) * math.log1p(-p))
        if chance > 1e-12:
            yield x, chance


def clustered_cells() -> Iterator[Cell]:
    """Five epochs of each task, whose success rates differ between tasks by the intraclass correlation."""
    for tasks, icc, p in product((5, 20, 100), (0.0, 0.3, 0.7), (0.1, 0.5, 0.9)):
        clusters = np.repeat(np.arange(tasks), 5).tolist()

        def draw(
            rng: Generator, tasks: int = tasks, icc: float = icc, p: float = p, clusters: Any = clusters
        ) -> Interval:
            return mean_interval(_epochs(rng, tasks, icc, p).ravel().tolist(), clusters=clusters)

        def ignoring(rng: Generator, tasks: int = tasks, icc: float = icc, p: float = p) -> Interval:
            return proportion(int(_epochs(rng, tasks, icc, p).sum()), tasks * 5)

        setting = f"tasks={tasks}, epochs=5, ICC={icc}, p={p}"
        yield Cell("clustered 0/1", "mean_interval(clusters)", setting, draw, p)
        if p == 0.5:
            yield Cell("clustered 0/1", "proportion, tasks ignored", setting, ignoring, p, recommended=False)


def _epochs(rng: Generator, tasks: int, icc: float, p: float) -> Any:
    rates = (
        np.full(tasks, p) if icc == 0 else rng.beta(p * (1 / icc - 1), (1 - p) * (1 / icc - 1), size=tasks)
    )
    return (rng.random((tasks, 5)) < rates[:, None]).astype(float)


Sampler = Callable[[Generator, int], Any]
UNBOUNDED: dict[str, tuple[Sampler, float]] = {
    "normal": (lambda rng, n: rng.normal(size=n), 0.0),
    "exponential": (lambda rng, n: rng.exponential(size=n), 1.0),
    "lognormal": (lambda rng, n: rng.lognormal(size=n), math.exp(0.5)),
}
BOUNDED: dict[str, tuple[Sampler, float]] = {
    "beta(5, 5)": (lambda rng, n: rng.beta(5, 5, size=n), 0.5),
    "beta(0.3, 1)": (lambda rng, n: rng.beta(0.3, 1, size=n), 0.3 / 1.3),
    "beta(0.1, 0.9)": (lambda rng, n: rng.beta(0.1, 0.9, size=n), 0.1),
    "0 in 9 of 10, else beta(2, 2)": (lambda rng, n: (rng.random(n) < 0.1) * rng.beta(2, 2, size=n), 0.05),
    "k of 4 tests pass, p=0.7": (lambda rng, n: rng.binomial(4, 0.7, size=n) / 4, 0.7),
}


def mean_cells() -> Iterator[Cell]:
    """Continuous rewards, without bounds and within [0, 1], symmetric and skewed."""
    for kinds, bounds in ((UNBOUNDED, None), (BOUNDED, (0.0, 1.0))):
        for (name, (sample, truth)), n in product(kinds.items(), (10, 30, 100)):
            regime, setting = f"mean, {'no bounds' if bounds is None else 'in [0, 1]'}", f"{name}, n={n}"

            def draw(rng: Generator, sample: Sampler = sample, n: int = n, bounds: Any = bounds) -> Interval:
                return mean_interval(sample(rng, n).tolist(), bounds=bounds)

            def plain(rng: Generator, sample: Sampler = sample, n: int = n) -> Interval:
                values = sample(rng, n)
                return t_interval(n, float(values.mean()), float(values.std(ddof=1)))

            yield Cell(regime, "mean_interval", setting, draw, truth)
            yield Cell(regime, "t_interval", setting, plain, truth, recommended=False)
            if name in ("exponential", "beta(0.3, 1)"):
                for method in (Method.BCA, Method.PERCENTILE):
                    bootstrapped = _bootstrap_draw(sample, n, method)
                    yield Cell(regime, method.value, setting, bootstrapped, truth, recommended=False)


def _bootstrap_draw(sample: Sampler, n: int, method: Method) -> Callable[[Generator], Interval]:
    def draw(rng: Generator) -> Interval:
        values = sample(rng, n)
        return weighted_bootstrap(
            n, lambda w: w @ values / n, method=method, resamples=600, seed=int(rng.integers(2**31))
        )

    return draw


def paired_cells() -> Iterator[Cell]:
    """Two arms on the same tasks: 0/1 with correlated successes, rewards, and epochs of tasks."""
    rates = ((0.5, 0.5), (0.6, 0.5), (0.9, 0.8), (0.1, 0.05))
    for n, (a, b), correlation in product((30, 100, 300), rates, (0.0, 0.3, 0.6)):
        both = a * b + correlation * math.sqrt(a * (1 - a) * b * (1 - b))
        chances = (both, a - both, b - both, 1 - a - b + both)
        of = cache(newcombe_paired)

        def draw(rng: Generator, n: int = n, chances: Any = chances, of: Any = of) -> Interval:
            return of(*(int(count) for count in rng.multinomial(n, chances)))

        def exact(n: int = n, chances: Any = chances, of: Any = of, truth: float = a - b) -> float:
            return math.fsum(
                chance
                for counts, chance in _tables(n, chances)
                if of(*counts).low <= truth <= of(*counts).high
            )

        setting = f"n={n}, p={a} and {b}, correlation={correlation}"
        yield Cell("paired 0/1", "paired_difference", setting, draw, a - b, exact=exact if n == 30 else None)
    for (name, (sample, truth)), n in product(UNBOUNDED.items(), (10, 30, 100)):

        def gain(rng: Generator, sample: Sampler = sample, n: int = n) -> Interval:
            task = rng.normal(size=n)
            return paired_difference((task + sample(rng, n)).tolist(), task.tolist())

        yield Cell("paired rewards", "paired_difference", f"gain {name}, n={n}", gain, truth)
    for tasks, icc in product((20, 100), (0.0, 0.3, 0.7)):
        yield Cell(
            "paired 0/1, clustered", "paired_difference(clusters)",
            f"tasks={tasks}, epochs=5, ICC={icc}, p=0.6 and 0.5", _paired_epochs(tasks, icc), 0.1,
        )  # fmt: skip


def _tables(n: int, chances: Sequence[float]) -> Iterator[tuple[tuple[int, int, int, int], float]]:
    """Every paired 2 x 2 table of n tasks and its chance."""
    logs = [math.log(max(chance, 1e-300)) for chance in chances]
    for i, j, k in product(range(n + 1), repeat=3):
        if i + j + k <= n:
            counts = (i, j, k, n - i - j - k)
            log = math.lgamma(n + 1) + sum(
                c * log - math.lgamma(c + 1) for c, log in zip(counts, logs, strict=True)
            )
            yield counts, math.exp(log)


def _paired_epochs(tasks: int, icc: float) -> Callable[[Generator], Interval]:
    clusters = np.repeat(np.arange(tasks), 5).tolist()

    def draw(rng: Generator) -> Interval:
        # Both arms find the same tasks hard, and each draws its own luck in every epoch.
        if icc == 0:
            first, second = np.full(tasks, 0.6), np.full(tasks, 0.5)
        else:
            second = rng.beta(0.5 * (1 / icc - 1), 0.5 * (1 / icc - 1), size=tasks)
            first = second + 0.2 * (1 - second)
        draws = [
            (rng.random((tasks, 5)) < rate[:, None]).astype(float).ravel().tolist()
            for rate in (first, second)
        ]
        return paired_difference(draws[0], draws[1], clusters=clusters)

    return draw


def unpaired_cells() -> Iterator[Cell]:
    """Two arms on different tasks."""
    for n, (a, b) in product((30, 100), ((0.5, 0.5), (0.6, 0.5), (0.9, 0.8), (0.1, 0.05))):
        of = cache(lambda x, y, n=n: newcombe(x, n, y, n))

        def draw(rng: Generator, n: int = n, a: float = a, b: float = b, of: Any = of) -> Interval:
            return of(int(rng.binomial(n, a)), int(rng.binomial(n, b)))

        def exact(n: int = n, a: float = a, b: float = b, of: Any = of) -> float:
            pairs = product(_binomial(n, a), _binomial(n, b))
            return math.fsum(p * q for (x, p), (y, q) in pairs if of(x, y).low <= a - b <= of(x, y).high)

        yield Cell(
            "unpaired 0/1", "unpaired_difference", f"n={n} each, p={a} and {b}", draw, a - b, exact=exact
        )
    for (name, (sample, truth)), n in product(UNBOUNDED.items(), (10, 30, 100)):

        def means(rng: Generator, sample: Sampler = sample, n: int = n) -> Interval:
            return unpaired_difference(sample(rng, n).tolist(), rng.normal(size=n).tolist())

        yield Cell("unpaired rewards", "unpaired_difference", f"{name} and normal, n={n} each", means, truth)


def spearman_cells() -> Iterator[Cell]:
    """Rank correlation of normal pairs, of pairs in three classes, and of heavy-tailed pairs."""
    for kind, rho, n in product(("normal", "three classes", "t, 2 df"), (0.0, 0.3, 0.8), (20, 60, 200)):
        truth = rho if kind == "normal" else _true_spearman(kind, rho)
        for method in (None, Method.BONETT_WRIGHT):

            def draw(
                rng: Generator, kind: str = kind, rho: float = rho, n: int = n, method: Any = method
            ) -> Interval:
                x, y = _pairs(rng, kind, rho, n)
                seed = int(rng.integers(2**31))
                return spearman_interval(x.tolist(), y.tolist(), method=method, resamples=400, seed=seed)

            name = "spearman_interval" if method is None else method.value
            setting = f"{kind}, rho={rho} (normal scale), n={n}"
            yield Cell("spearman", name, setting, draw, truth, recommended=method is None)


def _pairs(rng: Generator, kind: str, rho: float, n: int) -> tuple[Any, Any]:
    pearson = 2 * math.sin(math.pi * rho / 6)
    x = rng.normal(size=n)
    y = pearson * x + math.sqrt(1 - pearson**2) * rng.normal(size=n)
    if kind == "three classes":
        return np.clip(np.round(x), -1, 1), np.clip(np.round(y), -1, 1)
    if kind == "t, 2 df":
        scale = np.sqrt(rng.chisquare(2, size=n) / 2)
        return x / scale, y / scale
    return x, y


@cache
def _true_spearman(kind: str, rho: float) -> float:
    """From a million pairs: standard error 0.001."""
    from honing.stats import spearman

    if rho == 0.0:
        return 0.0
    return spearman(*_pairs(np.random.default_rng(1), kind, rho, 1_000_000))


def pass_at_k_cells() -> Iterator[Cell]:
    """Ten attempts at each task, task rates from easy-or-hopeless to mostly hard."""
    for (a, b), tasks, k in product(((0.5, 0.5), (1.0, 3.0)), (20, 100, 164), (1, 5)):
        failing = math.exp(math.lgamma(b + k) + math.lgamma(a + b) - math.lgamma(b) - math.lgamma(a + b + k))

        def draw(rng: Generator, a: float = a, b: float = b, tasks: int = tasks, k: int = k) -> Interval:
            successes = rng.binomial(10, rng.beta(a, b, size=tasks))
            return pass_at_k_interval([(int(c), 10) for c in successes], k)

        yield Cell(
            "pass@k", "pass_at_k_interval", f"rates beta({a}, {b}), tasks={tasks}, k={k}", draw, 1 - failing
        )


REGIMES: dict[str, Callable[[], Iterator[Cell]]] = {
    "proportion": proportion_cells,
    "clustered": clustered_cells,
    "mean": mean_cells,
    "paired": paired_cells,
    "unpaired": unpaired_cells,
    "spearman": spearman_cells,
    "passk": pass_at_k_cells,
}
