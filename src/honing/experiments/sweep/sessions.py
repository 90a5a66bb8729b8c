"""Targets that stay set up: their controls are measured once in a sweep, and not once for each model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

from honing.contract import RolloutOptions, Session, SetupOptions, setup
from honing.executors import Progress, Tally
from honing.experiments.sweep.spec import SweepOptions
from honing.store import Run


class OpenTargets:
    """Sessions by target. Use it as a context manager: whatever is open is torn down.

    A target that Honing asks row by row stays open. One with commands of its own is torn down after each
    use: what it deployed would stand in the way of others.

    Args:
        run: The sweep's.
        options: How targets are set up, and who is told.
        home: Folder of the measurements' runs.
        asking: How they are asked, for whoever mends a contract.
    """

    def __init__(self, run: Run, options: SweepOptions, home: SetupOptions, asking: RolloutOptions) -> None:
        self._run = run
        self._options = options
        self._setup = home
        self._asking = asking
        self._open: dict[str, tuple[Session, ExitStack]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for target in list(self._open):
            _, stack = self._open.pop(target)
            stack.__exit__(kind, error, trace)

    @contextmanager
    def session(self, target: str) -> Iterator[Session]:
        """A target, set up. What goes wrong inside closes it.

        Raises:
            HoningError: It cannot be set up.
        """
        if target not in self._open:
            self._open[target] = self._opened(target)
        session, stack = self._open[target]
        try:
            yield session
        except BaseException as error:
            del self._open[target]
            stack.__exit__(type(error), error, error.__traceback__)
            raise
        if session.contract.stages.target_asks:
            del self._open[target]
            stack.close()

    def _opened(self, target: str) -> tuple[Session, ExitStack]:
        options, repair = self._options, None
        if options.repair is not None:
            repair = options.repair.options("", self._asking, options.endpoints)
        stack = ExitStack()
        # With an intent, a sweep that was killed goes on with the measurements that it had made.
        intent = {"for": "sweep", "sweep": self._run.id, "target": target}
        place = options.place_of(target)
        session = stack.enter_context(setup(place, self._setup, intent=intent, repair=repair))
        session.models = options.endpoints
        session.progress = _Relayed(options.progress(), self._run, session.run)
        return session, stack


class _Relayed:
    """A `Progress` that passes on what it is told, and asks a measurement to stop when the sweep is asked
    to."""

    def __init__(self, shown: Progress, sweep: Run, measured: Run) -> None:
        self._shown = shown
        self._sweep = sweep
        self._measured = measured

    def begin(self, tally: Tally) -> None:
        self._shown.begin(tally)

    def update(self, tally: Tally) -> None:
        """Look for a stop as well."""
        if self._sweep.stop_requested() and not self._measured.stop_requested():
            self._measured.request_stop()
        self._shown.update(tally)

    def end(self, tally: Tally) -> None:
        self._shown.end(tally)
