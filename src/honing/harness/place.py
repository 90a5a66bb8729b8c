"""Where a candidate is judged: throw-away copies of it, in the sandbox, outside the run's own folders.

Nothing that happens in a copy reaches the stored candidate, another copy or the run. Names inside are
constant, so a result does not depend on where a run lies.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from honing.documents import read_plain_file
from honing.errors import MetricsError, SandboxError, StoppedError, StoreError, boundary
from honing.harness.place_files import write_below
from honing.harness.tasks.objective import ContractObjective
from honing.sandbox import (
    Cancel,
    Capability,
    Command,
    Ending,
    Finished,
    Forward,
    Limits,
    Mount,
    Sandbox,
    remove_tree,
    require,
)
from honing.store import TreeId, TreeStore

NEEDED = (
    Capability.ENV_CLEAN,
    Capability.HOME_HIDDEN,
    Capability.HOST_READ_ONLY,
    Capability.TREE_KILLED,
    Capability.PRIVILEGES_DROPPED,
    Capability.NET_PORT_ONLY,
)
"""Without these nothing of a candidate's is started, unless the user chose `unconfined` by name."""
WORKSPACE = "/workspace"
_OWN = "/honing"
"""Folder in which mounts of ours are seen, where the sandbox has a file tree of its own."""
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_COPY = "copy"
_ENTERED = ("bash", "-c", 'cd -- "$0" || exit 127; exec "$@"')
"""Starts a program in a folder of the copy, which need not be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Makes copies of candidates. Safe to use from several threads at once."""

    trees: TreeStore
    """Where candidates are stored. Never shown to anything that runs."""
    sandbox: Sandbox
    scratch: Path
    """Folder for the copies, made when needed. Must lie neither in the store nor in a candidate."""
    limits: Limits = field(default_factory=Limits)
    """Of every command that names none."""
    objective: ContractObjective | None = None
    """Measures contracts, where the run has something that does."""

    def check(self) -> None:
        """Refuse to judge anything where the sandbox lacks a protection.

        Raises:
            MissingToolError: It does, and is not `unconfined`, which has to be asked for by name.
        """
        if self.sandbox.name != "unconfined":
            require(self.sandbox, NEEDED, what="judging a candidate")

    @contextmanager
    def open(
        self, tree: TreeId, *, env: Mapping[str, str] | None = None, cancel: Cancel | None = None
    ) -> Iterator[Copy]:
        """A copy of a candidate, gone afterwards whatever it holds by then.

        Args:
            tree: The candidate.
            env: Variables of everything that runs in it.
            cancel: Ends what runs in it.

        Raises:
            StoreError: The tree cannot be made.
            SandboxError: The copy cannot be removed.
        """
        self.check()
        with self.folder() as folder:
            self.trees.materialise(tree, folder / _COPY)
            yield Copy(places=self, folder=folder, env=dict(env or {}), cancel=cancel, tree=tree, source=tree)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder of its own below `scratch`, gone afterwards.

        Raises:
            SandboxError: It cannot be removed.
        """
        self.scratch.mkdir(parents=True, exist_ok=True)
        folder = self.scratch / secrets.token_hex(8)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            remove_tree(folder)


@dataclass(slots=True, kw_only=True)
class Copy:
    """One copy; see `Place`."""

    places: Places
    folder: Path
    """Holds the copy and what is ours beside it."""
    env: dict[str, str]
    cancel: Cancel | None
    tree: TreeId
    """The candidate."""
    source: TreeId | None
    """The tree that the copy still is; None once something ran in it or was written to it."""

    @property
    def workspace(self) -> Path:
        return self.folder / _COPY

    @property
    def inside(self) -> str:
        return WORKSPACE if self._own_tree else str(self.workspace)

    @property
    def objective(self) -> ContractObjective | None:
        return self.places.objective

    @property
    def own_network(self) -> bool:
        return Capability.NET_CUT in self.places.sandbox.capabilities

    @property
    def scratch(self) -> Path:
        return self._made("grader")

    def run(
        self,
        shell: str,
        *,
        limits: Limits | None = None,
        workdir: str = ".",
        env: Mapping[str, str] | None = None,
        mounts: Sequence[Mount] = (),
    ) -> Finished:
        """See `Place.run`."""
        return self.argv(("bash", "-c", shell), limits=limits, workdir=workdir, env=env, mounts=mounts)

    def argv(
        self,
        argv: Sequence[str],
        *,
        limits: Limits | None = None,
        workdir: str = ".",
        env: Mapping[str, str] | None = None,
        mounts: Sequence[Mount] = (),
        forwards: Sequence[Forward] = (),
        cancel: Cancel | None = None,
    ) -> Finished:
        """See `Place.argv`."""
        self.source = None
        # What ran before may have locked it; a place that cannot be entered would look like our failure.
        self.workspace.chmod(0o755)
        home, own = self._home("home")
        copy = Mount(self.workspace, Path(self.inside), writable=True)
        command = Command(
            argv=tuple(argv) if workdir in ("", ".") else (*_ENTERED, workdir, *argv),
            workdir=Path(self.inside),
            mounts=(copy, *own, *mounts),
            env={**_surroundings(home), **self.env, **(env or {})},
            forwards=tuple(forwards),
            limits=limits or self.places.limits,
        )
        finished = self.places.sandbox.run(command, cancel=_Either(self.cancel, cancel))
        return self._heeded(finished)

    def beside(
        self,
        argv: Sequence[str],
        *,
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
        mounts: Sequence[Mount] = (),
        forwards: Sequence[Forward] = (),
        stdin: bytes = b"",
    ) -> Finished:
        """See `Place.beside`."""
        home, own = self._home("grader-home")
        command = Command(
            argv=tuple(argv),
            workdir=mounts[0].inside or mounts[0].source,
            mounts=(*mounts, *own),
            env={**_surroundings(home), **self.env, **(env or {})},
            forwards=tuple(forwards),
            limits=limits or self.places.limits,
            stdin=stdin,
        )
        return self._heeded(self.places.sandbox.run(command, cancel=self.cancel))

    def mount(self, source: Path, name: str, *, writable: bool = False) -> Mount:
        """See `Place.mount`."""
        return Mount(source, Path(_OWN, name) if self._own_tree else source, writable=writable)

    def put(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
        """See `Place.put`."""
        self.source = None
        with boundary(SandboxError, f"writing {path!r} into a candidate's copy"):
            write_below(self.workspace, path, content, mode=mode)

    @contextmanager
    def branch(self) -> Iterator[Copy]:
        """See `Place.branch`.

        Raises:
            StoreError: What the candidate left cannot be copied: unreadable, too large, too deep.
        """
        with ExitStack() as stack:
            if self.source is None:
                copy = replace(self, folder=stack.enter_context(self.places.folder()))
                self._copied(copy.workspace)
            else:
                with _as_ours("branching a candidate's copy"):
                    opened = self.places.open(self.source, env=self.env, cancel=self.cancel)
                    copy = stack.enter_context(opened)
            yield copy

    def _copied(self, target: Path) -> None:
        """Copy this one as it is: contained, because what lies there is hostile; with times, as a cache of
        Python's is good only for the file it was made from."""
        target.mkdir()
        source = self.mount(self.workspace, "from")
        wanted = self.mount(target, "to", writable=True)
        finished = self.beside(
            ("cp", "-a", "--", f"{source.inside or source.source}/.", str(wanted.inside or wanted.source)),
            mounts=(wanted, source),
        )
        if not finished.ok:
            what = finished.detail or finished.stderr[-300:] or finished.ending.value
            raise StoreError(f"a candidate's copy cannot be copied as it is now: {what}")

    def read_text(self, path: str, *, limit_bytes: int = 1_000_000) -> str | None:
        """See `Place.read_text`."""
        try:
            return read_plain_file(self.workspace, path, max_bytes=limit_bytes).decode("utf-8", "replace")
        except (MetricsError, OSError, ValueError):
            return None

    @property
    def _own_tree(self) -> bool:
        return Capability.PID_NAMESPACE in self.places.sandbox.capabilities

    def _home(self, name: str) -> tuple[str, tuple[Mount, ...]]:
        """HOME and TMPDIR: the private /tmp, or a folder of ours where the sandbox has none."""
        if self._own_tree:
            return "/tmp", ()
        home = self._made(name)
        return str(home), (Mount(home, writable=True),)

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def _heeded(self, finished: Finished) -> Finished:
        if finished.ending is Ending.STOPPED and self.cancel is not None and self.cancel.is_set():
            raise StoppedError("judging a candidate was asked to stop")
        return finished


@contextmanager
def _as_ours(doing: str) -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise SandboxError(f"{doing}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Either:
    first: Cancel | None
    second: Cancel | None

    def is_set(self) -> bool:
        return any(each is not None and each.is_set() for each in (self.first, self.second))


def _surroundings(home: str) -> dict[str, str]:
    # The interpreter of ours comes last: a machine without a system Python still has one.
    own = os.path.realpath(Path(sys.base_prefix) / "bin")
    return {
        "PATH": f"{_SYSTEM_PATH}:{own}",
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
