"""Tests that the harness does not hold, run where its code cannot reach them.

The tests run in one sandbox, the candidate's code in another; the tests ask, the code answers with values.
So nothing the candidate writes (conftest.py, sitecustomize, an `==` that is always true, `os._exit(0)`, a
patched assertion) takes part in a verdict, and no test, expected answer or result can be read by it.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from honing.documents import RelativePath
from honing.errors import GraderError, UsageError
from honing.harness.tasks.base import Cascade, Place, TaskScore
from honing.harness.tasks.basics import (
    Basics,
    Common,
    Seconds,
    Word,
    basics_of,
    cut_short,
    plain,
    scored,
    share,
    tampered,
    unexpected,
    within,
)
from honing.harness.tasks.grader_files import GraderFiles, files_below, grader_files
from honing.harness.tasks.graders import (
    PROGRAMS,
    Beside,
    broke,
    judged_beside,
    seen_at,
)
from honing.harness.tasks.link import Link
from honing.sandbox import Finished, Limits

_LARGEST_LIMIT_S = 600.0


class HiddenTestsSpec(Basics):
    """`type: hidden_tests`."""

    type: Literal["hidden_tests"]
    tests: Word
    """A file of tests or a folder of them (`test*.py`), outside the harness: functions `test...`, classes of
    `unittest`."""
    expect: tuple[Word, ...] = ()
    """Ids (`file.py::test_x`, `file.py::Class::test_x`) that must pass; all that the files hold where
    absent."""
    setup: str = ""
    """Shell text run in the copy first; must end with 0."""
    paths: tuple[RelativePath, ...] = (".",)
    """Folders of the harness from which its modules are imported."""
    modules: tuple[Word, ...] = ()
    """Modules that are the harness's although Python has one of that name."""
    python: str = ""
    """Interpreter of the harness's code (`.venv/bin/python`); Honing's own where absent."""
    runner: Literal["honing", "pytest"] = "honing"
    """`pytest` for tests that need its fixtures and parameters; it must be installed beside Honing. All tests
    then share one process of the harness's code."""
    all_or_nothing: bool = False
    """Score 1 only where every test passes; otherwise the share that passes."""
    hide_names: bool = False
    """Whether the proposer is told numbers instead of ids."""
    test_timeout_s: Seconds = 60.0
    """Of each test."""
    timeout_s: Seconds | None = None
    """Of all of them together, and of the setup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenTestsTask(Common):
    """The share of hidden tests that pass; missing and skipped ones do not."""

    files: GraderFiles
    expect: tuple[str, ...]
    setup: str = ""
    paths: tuple[str, ...] = (".",)
    modules: tuple[str, ...] = ()
    python: str = ""
    pytest: bool = False
    all_or_nothing: bool = False
    hide_names: bool = False
    test_timeout_s: float = 60.0
    timeout_s: float | None = None

    def identity(self) -> Mapping[str, Any]:
        return {
            "type": "hidden_tests",
            "tests": self.files.digest,
            "expect": list(self.expect),
            "setup": self.setup,
            "paths": list(self.paths),
            "modules": list(self.modules),
            "python": self.python,
            "pytest": self.pytest,
            "all_or_nothing": self.all_or_nothing,
            "hide_names": self.hide_names,
            "limits": [self.test_timeout_s, self.timeout_s],
        }

    def hidden_texts(self) -> tuple[str, ...]:
        """For the gate: no candidate can come by these lines honestly."""
        return self.files.texts()

    def judge(self, place: Place, seed: int) -> TaskScore:
        del seed
        self.files.check()
        if self.setup:
            prepared = place.run(self.setup, limits=within(self.timeout_s))
            if failed := unexpected(prepared, "the setup"):
                return failed
        finished, document, sandbox = self._tested(place)
        if problem := self.files.changed():
            return tampered(f"the hidden tests were touched while they ran: {problem}", sandbox=sandbox)
        if document is None:
            cut = cut_short(finished, "the hidden tests")
            if cut is None:
                raise broke(finished, f"task '{self.id}': the runner of the hidden tests")
            return TaskScore(status=cut.status, score=cut.score, reason=cut.reason, sandbox=sandbox)
        return self._score(document.get("held"), sandbox)

    @property
    def _limit_s(self) -> float:
        return _LARGEST_LIMIT_S if self.timeout_s is None else self.timeout_s

    def _tested(self, place: Place) -> tuple[Finished, Any, str]:
        folder = self.files.path if self.files.path.is_dir() else self.files.path.parent
        tests = place.mount(folder, "tests")
        if folder is not self.files.path:
            # Alone, whatever lies beside it.
            tests = place.mount(self.files.path, f"tests/{self.files.path.name}")
        root = seen_at(tests) if folder is self.files.path else seen_at(tests).parent
        asked = {
            "tests": list(self.expect),
            "modules": list(self.modules),
            "test_timeout_s": self.test_timeout_s,
            "limit_s": self._limit_s,
        }
        with Link(own_network=place.own_network) as link, _Subject(place, self, link) as subject:
            beside = Beside(
                program="run_pytest.py" if self.pytest else "run_tests.py",
                arguments=(str(link.tests.port), str(root)),
                mounts=(tests,),
                forwards=(link.tests,),
                limits=within(self.timeout_s),
            )
            finished, document = judged_beside(place, beside, asked)
        return finished, document, subject.sandbox

    def _score(self, held: Any, sandbox: str) -> TaskScore:
        if not isinstance(held, dict) or set(held) != set(self.expect):
            raise GraderError(
                f"task '{self.id}': the runner reports other tests than those it was asked for."
            )
        names = [f"test {at}" if self.hide_names else name for at, name in enumerate(self.expect, 1)]
        checks = {name: held[test] is True for name, test in zip(names, self.expect, strict=True)}
        passed = share(checks)
        score = float(passed == 1) if self.all_or_nothing else passed
        failed = sum(not one for one in checks.values())
        reason = f"{failed} of {len(checks)} hidden tests failed" if failed else ""
        return scored(score, reason, checks=checks, sandbox=sandbox)


class _Subject:
    """The candidate's side, started for as long as tests ask it something."""

    def __init__(self, place: Place, task: HiddenTestsTask, link: Link) -> None:
        self._place, self._task, self._link = place, task, link
        self._over = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._hold, name="honing-subject", daemon=True)
        self.sandbox = ""

    def __enter__(self) -> _Subject:
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._over.set()
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def _hold(self) -> None:
        task, place = self._task, self._place
        programs = place.mount(PROGRAMS, "programs")
        python = f"{place.inside}/{task.python}" if task.python else os.path.realpath(sys.executable)
        try:
            finished = place.argv(
                (
                    *(python, "-I", str(seen_at(programs) / "serve.py"), str(self._link.subject.port)),
                    *(f"{place.inside}/{path}" for path in task.paths),
                ),
                mounts=(programs,),
                forwards=(self._link.subject,),
                limits=Limits(wall_s=task._limit_s),
                cancel=self._over,
            )
            self.sandbox = finished.sandbox
        except Exception as error:  # noqa: BLE001 - it is raised where the tests are waited for
            self._error = error
        finally:
            # Tests that wait for an answer are told that none will come.
            if not self._over.is_set():
                self._link.hang_up()


def hidden_tests_task(spec: HiddenTestsSpec, folder: Path) -> HiddenTestsTask:
    """The task of a spec.

    Raises:
        UsageError: The tests cannot be read, or there are none.
    """
    key = f"task '{spec.id}': tests"
    files = grader_files(folder, spec.tests, key)
    if spec.runner == "pytest" and importlib.util.find_spec("pytest") is None:
        raise UsageError(
            f"{key}: runner: pytest is not installed beside Honing. Install it, or leave it out."
        )
    found = tuple(spec.expect) or tuple(_ids(files.path, key, by_pytest=spec.runner == "pytest"))
    if not found:
        raise UsageError(f"{key}: {str(files.path)!r} holds no test; write functions `test_...`.")
    if len(set(found)) < len(found):
        raise UsageError(f"{key}: an id is named twice.")
    return HiddenTestsTask(
        **basics_of(spec, Cascade.FULL),
        files=files,
        expect=found,
        setup=spec.setup,
        paths=spec.paths,
        modules=spec.modules,
        python=spec.python,
        pytest=spec.runner == "pytest",
        all_or_nothing=spec.all_or_nothing,
        hide_names=spec.hide_names,
        test_timeout_s=spec.test_timeout_s,
        timeout_s=spec.timeout_s,
    )


def _ids(path: Path, key: str, *, by_pytest: bool) -> Iterator[str]:
    """The ids of all tests, read from the source: nothing decides later which tests there are."""
    root = path if path.is_dir() else path.parent
    for file in files_below(path):
        if file.suffix == ".py" and (file.name.startswith("test") or file == path):
            name = file.relative_to(root).as_posix()
            try:
                module = ast.parse(file.read_text(encoding="utf-8"))
            except (SyntaxError, ValueError) as error:
                raise UsageError(f"{key}: {str(file)!r} is no Python: {plain(str(error))}.") from error
            yield from (f"{name}::{test}" for test in _tests_in(module, by_pytest=by_pytest))


def _tests_in(module: ast.Module, *, by_pytest: bool) -> Iterator[str]:
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            yield node.name
        if isinstance(node, ast.ClassDef) and _holds_tests(node, by_pytest=by_pytest):
            kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
            for inner in node.body:
                if isinstance(inner, kinds) and inner.name.startswith("test"):
                    yield f"{node.name}::{inner.name}"


def _holds_tests(node: ast.ClassDef, *, by_pytest: bool) -> bool:
    own = any("TestCase" in ast.unparse(base) for base in node.bases)
    return own or (by_pytest and node.name.startswith("Test"))
