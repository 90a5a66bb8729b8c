"""How far a step is, on stderr: a live bar for people, plain lines for logs, or nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from honing.stats import Interval

_REFRESH_S = 0.1
_LARGE = 1e150


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Where a step stands."""

    step: str
    total: int
    done: int
    """Units with a result, those from earlier sessions included."""
    failed: int
    """Units that ended without a result in this session."""
    reused: int
    """Units of `done` that came from the journal."""
    elapsed_s: float
    """Of this session."""
    tokens: int
    """Of all sessions."""
    cost_usd: float
    """Known money of all sessions."""
    cost_unknown: int
    """Units whose cost nobody knows."""
    values: Sequence[float]
    """Observed values of the results so far, in the order of completion."""

    @property
    def ended(self) -> int:
        return self.done + self.failed

    @property
    def rate(self) -> float | None:
        """Units per second in this session; None before the first."""
        fresh = self.ended - self.reused
        return fresh / self.elapsed_s if fresh and self.elapsed_s > 0 else None

    @property
    def eta_s(self) -> float | None:
        """Seconds to go at this rate; None while it is unknown."""
        return None if self.rate is None else (self.total - self.ended) / self.rate


class Progress(Protocol):
    """Is told how a step goes. Called by one thread, often; it must be quick and must not raise."""

    def begin(self, tally: Tally) -> None: ...

    def update(self, tally: Tally) -> None: ...

    def end(self, tally: Tally) -> None: ...


class SilentProgress:
    """Shows nothing."""

    def begin(self, tally: Tally) -> None:
        """Nothing to show."""

    def update(self, tally: Tally) -> None:
        """Nothing to show."""

    def end(self, tally: Tally) -> None:
        """Nothing to show."""


class LineProgress:
    """One plain line at the start, at the end, and in between at most one in `interval_s`."""

    def __init__(
        self,
        stream: TextIO,
        *,
        interval_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        words: Callable[[Tally], str] | None = None,
    ) -> None:
        """Write nothing yet.

        Args:
            stream: Where to write.
            interval_s: Shortest time between two lines, in seconds.
            clock: Monotonic time in seconds.
            words: What a line says; `describe` where None.
        """
        self._stream = stream
        self._words = words or describe
        self._interval_s = interval_s
        self._clock = clock
        self._last = 0.0

    def begin(self, tally: Tally) -> None:
        self._line(tally)

    def update(self, tally: Tally) -> None:
        if self._clock() - self._last >= self._interval_s:
            self._line(tally)

    def end(self, tally: Tally) -> None:
        self._line(tally)

    def _line(self, tally: Tally) -> None:
        self._last = self._clock()
        self._stream.write(f"{tally.step}: {self._words(tally)}\n")
        self._stream.flush()


class BarProgress:
    """A live bar that is redrawn in place and stays with its last state."""

    def __init__(
        self,
        stream: TextIO,
        *,
        colour: bool = True,
        width: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        words: Callable[[Tally], str] | None = None,
    ) -> None:
        """Draw nothing yet.

        Args:
            stream: A terminal.
            colour: Whether to use colours.
            width: Columns; those of the terminal when None.
            clock: Monotonic time in seconds.
            words: What stands beside the bar; `describe` where None.
        """
        self._words = words or describe
        self._stream = stream
        self._colour = colour
        self._width = width
        self._clock = clock
        self._last = 0.0
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None

    def begin(self, tally: Tally) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        console = Console(
            file=self._stream,
            force_terminal=True,
            width=self._width,
            color_system="auto" if self._colour else None,
            no_color=not self._colour,
        )
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}", markup=False),
            console=console,
            auto_refresh=False,
        )
        self._bar.start()
        self._task = self._bar.add_task(tally.step, total=max(tally.total, 1), state="")
        self._draw(tally)

    def update(self, tally: Tally) -> None:
        if self._clock() - self._last >= _REFRESH_S:
            self._draw(tally)

    def end(self, tally: Tally) -> None:
        self._draw(tally)
        if self._bar is not None:
            self._bar.stop()

    def _draw(self, tally: Tally) -> None:
        self._last = self._clock()
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=tally.ended, state=self._words(tally))
            self._bar.refresh()


def choose_progress(
    stream: TextIO,
    environ: Mapping[str, str],
    *,
    quiet: bool = False,
    words: Callable[[Tally], str] | None = None,
) -> Progress:
    """The progress that suits a stream: a bar on a terminal, lines elsewhere, nothing when quiet.

    Args:
        stream: Usually stderr.
        environ: Read for NO_COLOR (no colours) and TERM=dumb (lines instead of a bar).
        quiet: Whether to show nothing.
        words: What is said of a step; `describe` where None.
    """
    if quiet:
        return SilentProgress()
    if not stream.isatty() or environ.get("TERM", "") in ("", "dumb"):
        return LineProgress(stream, words=words)
    return BarProgress(stream, colour=not environ.get("NO_COLOR"), words=words)


def describe(tally: Tally) -> str:
    """One line of plain text: counts, rate, time left, mean with interval, spend."""
    parts = [f"{tally.ended}/{tally.total}"]
    if tally.failed:
        parts.append(f"{tally.failed} failed")
    if tally.rate is not None:
        parts.append(f"{tally.rate:.3g}/s")
    if tally.eta_s:
        parts.append(f"{_duration(tally.eta_s)} left")
    if tally.values:
        parts.append(_mean(tally.values))
    if tally.tokens:
        parts.append(f"{tally.tokens:,} tokens")
    parts.extend(_money(tally))
    return ", ".join(parts)


def mean_of(values: Sequence[float]) -> tuple[float, Interval | None]:
    """The mean of one value or more and its 95% interval: Wilson's for zeros and ones, otherwise Student's t;
    a single other value has none."""
    from honing.stats import t_interval, wilson

    n = len(values)
    if all(value in (0.0, 1.0) for value in values):
        return math.fsum(values) / n, wilson(round(math.fsum(values)), n)
    if n < 2:
        return values[0], None
    # Squares and sums of numbers that a float just holds are too large for one.
    largest = max(map(abs, values))
    unit = largest if largest > _LARGE else 1.0
    mean = math.fsum(value / unit for value in values) / n
    deviation = unit * math.sqrt(math.fsum((value / unit - mean) ** 2 for value in values) / (n - 1))
    return mean * unit, t_interval(n, mean * unit, deviation) if math.isfinite(deviation) else None


def _mean(values: Sequence[float]) -> str:
    mean, found = mean_of(values)
    return f"mean {mean:.3f}" + (f" [{found.low:.3f}, {found.high:.3f}]" if found is not None else "")


def _money(tally: Tally) -> list[str]:
    known = [f"${tally.cost_usd:.4f}"] if tally.cost_usd else []
    return known + ([f"cost of {tally.cost_unknown} unknown"] if tally.cost_unknown else [])


def _duration(seconds: float) -> str:
    whole = math.ceil(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class OneBar:
    """Shows several steps as one: their counts add up under one name."""

    def __init__(self, inner: Progress, step: str, *, total: int) -> None:
        """Wrap a progress.

        Args:
            inner: What shows it.
            step: The name shown.
            total: Units of all steps together.
        """
        self._inner = inner
        self._step = step
        self._total = total
        self._before = self._sum(())

    def __enter__(self) -> Self:
        self._inner.begin(self._before)
        return self

    def __exit__(self, *_: object) -> None:
        self._inner.end(self._before)

    def begin(self, tally: Tally) -> None:
        """A further step begins."""

    def update(self, tally: Tally) -> None:
        self._inner.update(self._sum((self._before, tally)))

    def end(self, tally: Tally) -> None:
        self._before = self._sum((self._before, tally))

    def _sum(self, tallies: Sequence[Tally]) -> Tally:
        return Tally(
            step=self._step,
            total=self._total,
            done=sum(one.done for one in tallies),
            failed=sum(one.failed for one in tallies),
            reused=sum(one.reused for one in tallies),
            elapsed_s=math.fsum(one.elapsed_s for one in tallies),
            tokens=0,
            cost_usd=0.0,
            cost_unknown=0,
            values=(),
        )
