"""One session of a loop: the run, what is remembered in it, what it has spent."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from honing.errors import HoningError, LeakageError, StoppedError, StoreError
from honing.executors import Executor, Json, Memo, ResidentExecutor
from honing.experiments.improve.base import (
    Measurement,
    Panel,
    Part,
    Proposal,
    Spending,
    StepName,
    Subject,
    Version,
)
from honing.experiments.improve.desk import Allowance, Desk
from honing.experiments.improve.opening import open_run
from honing.experiments.improve.panels import Sealed
from honing.experiments.improve.remembered import (
    measurement_document,
    measurement_from,
    panel_document,
    panel_from,
    proposal_document,
    proposal_from,
)
from honing.experiments.improve.spec import ImproveOptions, ImproveSpec
from honing.experiments.improve.split import BudgetSplit, check_limits
from honing.store import Journal, Run

NESTED = ("steps/*/run.json", "cache/*/*/run.json")
"""Where a subject makes runs of its own in the loop's: of its steps, and of what it asks."""
_SESSION = "improve.session"
_PANEL, _MEASURED, _PROPOSED = "improve.panel", "improve.measured", "improve.proposed"
_SETTLED, _BEGAN, _OPENED = "improve.settled", "improve.began", "improve.opened"
_LOOK_EVERY_S = 0.2


@dataclass(slots=True, kw_only=True)
class Bench:
    """What the steps of the loop work with. Made by `open_bench`."""

    subject: Subject
    spec: ImproveSpec
    options: ImproveOptions
    run: Run
    desk: Desk
    memo: Memo
    journal: Journal
    sealed: Sealed
    split: BudgetSplit | None = None
    clock: Callable[[], float] = time.monotonic
    _settled: float = 0.0

    def told(self, line: str) -> None:
        self.options.told(line)

    def panel(self) -> Panel:
        """The panel, fixed in the first session; every session asks the subject for it, and it must be the
        same.

        Raises:
            StoreError: The subject's tasks are others than they were.
        """
        found = self.subject.panel(self.desk)
        kept = panel_from(self.memo.remember(_PANEL, "panel", lambda: panel_document(found)))
        if kept.id != found.id:
            raise StoreError(
                f"{self.run.path}: the panel is another one ({found.id}) than at the beginning ({kept.id}): "
                "the target has changed. Start a new run with --fresh."
            )
        return kept

    def settled(self, split: BudgetSplit) -> BudgetSplit:
        """The split with as many proposals as the first session settled on. With another number the search
        would be another one, and a session with a larger budget could not go on with it."""
        proposals = self.memo.remember(_SETTLED, "proposals", lambda: split.proposals)
        return replace(split, proposals=proposals)

    def open_seal(self) -> None:
        """Break the seal on the held-out tasks, for this session and every later one."""
        self.memo.remember(_OPENED, "seal", lambda: True)
        self.sealed.open()

    def measure(self, version: Version, part: Part, seeds: Sequence[int]) -> Measurement:
        """One measurement, made once in the life of the run.

        Raises:
            BudgetExhaustedError: It does not fit into what is left.
            LeakageError: See `Sealed`.
        """
        key = [version.as_document(), part.value, list(seeds)]

        def make() -> Json:
            tasks = len(self.panel_ids(part)) * len(seeds)
            self._may_begin(f"measuring the '{part.value}' tasks", needs=tasks)
            began = self.clock()
            with _forwarding_stop(self.run):
                found = self.sealed.measure(self.desk, version, part, seeds)
            spent = replace(found.spent, wall_s=self.clock() - began)
            return measurement_document(replace(found, spent=spent))

        return measurement_from(self._remember(_MEASURED, key, make))

    def panel_ids(self, part: Part) -> tuple[str, ...]:
        """The ids of a part's tasks."""
        return panel_from(self.memo.remember(_PANEL, "panel", _never)).ids(part)

    def propose(self, step: StepName, version: Version) -> Proposal:
        """What a step proposes on top of a version, made once in the life of the run.

        Raises:
            LeakageError: The held-out tasks were looked at, in this session or an earlier one.
        """

        def make() -> Json:
            if self.sealed.opened:
                raise LeakageError(f"step '{step}': nothing is proposed after the last look.")
            self._may_begin(f"the step '{step.value}'")
            allowance, began = self._allowance(step), self.clock()
            change = self.subject.rewrite if step is StepName.HARNESS else self.subject.teach
            with _forwarding_stop(self.run):
                found = change(replace(self.desk, allowance=allowance), version)
            return proposal_document(replace(found, spent=replace(found.spent, wall_s=self.clock() - began)))

        return proposal_from(self._remember(_PROPOSED, [step.value, version.as_document()], make))

    def seeds(self, purpose: str, count: int) -> list[int]:
        """Seeds of their own for one purpose."""
        return [
            int.from_bytes(hashlib.sha256(f"{self.spec.seed}\0{purpose}\0{k}".encode()).digest()[:4], "big")
            >> 1
            for k in range(count)
        ]

    def spent(self) -> Spending:
        """What everything that ended has cost, over all sessions; seconds those of the sessions."""
        kept = [*self.memo.results(_MEASURED), *self.memo.results(_PROPOSED)]
        total = Spending()
        for document in kept:
            total = total.plus(Spending(**document["spent"]))
        return replace(total, wall_s=self.journal.totals(_SESSION).wall_s)

    def settle(self) -> None:
        """Add this session's seconds to the journal."""
        now = self.clock()
        self.journal.add_wall(_SESSION, now - self._settled)
        self._settled = now

    def begin(self) -> None:
        """Start counting this session's seconds."""
        self.journal.begin_step(_SESSION, 0)
        self._settled = self.clock()

    def _remember(self, step: str, key: Json, make: Callable[[], Json]) -> Any:
        try:
            return self.memo.remember(step, key, make)
        finally:
            self.settle()

    def _may_begin(self, doing: str, *, needs: int = 0) -> None:
        self.settle()
        if self.run.stop_requested():
            raise StoppedError(f"Stopped by the stop file before {doing}. The same call goes on.")
        check_limits(self.options.limits, self.spent(), needs=needs, doing=doing)

    def _allowance(self, step: StepName) -> Allowance:
        """What a step may take. Its seconds are those that were left when it first began: a run of its own
        counts its seconds over all sessions itself."""
        assert self.split is not None
        seconds = self.memo.remember(_BEGAN, step.value, lambda: self.spent().wall_s)
        return self.split.allowance(step, replace(self.spent(), wall_s=seconds))


@contextmanager
def open_bench(subject: Subject, spec: ImproveSpec, options: ImproveOptions) -> Iterator[Bench]:
    """Open or go on with the run of this request.

    Raises:
        UsageError: The name belongs to another run.
        StoreError: Another process works on it.
    """
    run = open_run(subject, spec, options)
    with ExitStack() as stack:
        stack.enter_context(_named_in(run))
        stack.enter_context(run.supervise())
        journal = stack.enter_context(run.journal())
        executor = options.executor or stack.enter_context(ResidentExecutor(options.workers))
        stack.push(_closing(subject))
        bench = Bench(
            subject=subject,
            spec=spec,
            options=options,
            run=run,
            desk=_desk(run, spec, options, executor),
            memo=Memo(run, journal),
            journal=journal,
            sealed=Sealed(subject),
        )
        if bench.memo.count(_OPENED):
            bench.sealed.open()
        bench.begin()
        stack.callback(bench.settle)
        yield bench


def _desk(run: Run, spec: ImproveSpec, options: ImproveOptions, executor: Executor) -> Desk:
    return Desk(
        run=run,
        home=options.home,
        seed=spec.seed,
        allowance=Allowance(
            proposals=spec.proposals, training_steps=spec.training_steps, **asdict(options.limits)
        ),
        executor=executor,
        workers=options.workers,
        endpoints=options.endpoints,
        cache=options.cache,
        sandbox=options.sandbox,
        progress=options.progress,
        told=options.told,
    )


def _closing(subject: Subject) -> Callable[[object, BaseException | None, object], None]:
    """What closes a subject at the end of a session, where it can be closed."""
    close = getattr(subject, "close", lambda error: None)
    return lambda kind, error, trace: close(error)


@contextmanager
def _forwarding_stop(run: Run) -> Iterator[None]:
    """While a subject works in runs of its own, a stop that is asked of the loop is asked of them."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_EVERY_S):
            if run.stop_requested():
                for manifest in (one for place in NESTED for one in run.path.glob(place)):
                    (manifest.parent / "stop").touch()
                return

    watcher = threading.Thread(target=look, name="stop forwarder", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@contextmanager
def _named_in(run: Run) -> Iterator[None]:
    """An error says in which run it happened."""
    try:
        yield
    except (HoningError, KeyboardInterrupt) as error:
        vars(error)["run_folder"] = str(run.path)
        raise


def _never() -> Json:
    raise StoreError("the panel is fixed before anything is measured.")
