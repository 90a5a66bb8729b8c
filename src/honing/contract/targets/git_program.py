"""The git program, run so that neither the surroundings nor a repository can make it run anything else."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from honing.contract.targets.addresses import without_secrets
from honing.contract.targets.base import SourceOptions
from honing.contract.targets.network import ca_file, check_tls, proxies
from honing.errors import MissingToolError, TargetError

_OUTPUT_BYTES = 64 * 1024**2
_LOOK_EVERY_S = 0.05
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.askPass": "",
    "credential.helper": "",
    "protocol.allow": "never",
    "protocol.https.allow": "always",
    "protocol.http.allow": "always",
    "protocol.ssh.allow": "always",
    "protocol.file.allow": "always",
    "http.sslVerify": "true",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
    "transfer.bundleURI": "false",
    "http.lowSpeedLimit": "1000",
}
"""Settings that hold over everything else. Nothing is ever checked out, so no filter and no attribute
counts."""


class GitError(TargetError):
    """Git said no."""

    def __init__(self, text: str, stderr: str) -> None:
        """Say `text`; `stderr` is what git wrote, without secrets."""
        super().__init__(text)
        self.stderr = stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How one server may be reached."""

    scheme: str
    """The only protocol that is allowed."""
    header: str = ""
    """An `Authorization` header, without its name; sent to `url` alone, and then no redirect is followed."""
    url: str = ""

    def __repr__(self) -> str:
        return f"Access({self.scheme}, {'with' if self.header else 'without'} a token)"


class Git:
    """Runs git on bare repositories of ours. Its own configuration is all that counts."""

    def __init__(self, options: SourceOptions) -> None:
        """Find git.

        Raises:
            MissingToolError: It is not installed.
            TargetError: The surroundings ask for unchecked certificates.
        """
        check_tls(options.variables)
        self._options = options
        self._path = options.variables.get("PATH") or os.defpath
        program = shutil.which("git", path=self._path)
        if program is None:
            raise MissingToolError(
                "git is not installed, and this target lies in a git repository. Install it (Debian: apt "
                "install git)."
            )
        self._program = program
        self._ends = options.clock() + options.total_timeout_s

    def make(self, folder: Path, object_format: str) -> None:
        """Make an empty bare repository, without the template's hooks, unless it is there."""
        if not (folder / "HEAD").is_file():
            folder.mkdir(parents=True, exist_ok=True)
            self.run(
                ["init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", str(folder)]
            )

    def has_commit(self, repository: Path, commit: str) -> bool:
        """Whether a commit is there, with everything below it: what is fetched arrives whole or not at
        all."""
        if not (repository / "HEAD").is_file():
            return False
        try:
            self.run(["cat-file", "-e", f"{commit}^{{commit}}"], repository)
        except GitError:
            return False
        return True

    def run(
        self,
        arguments: Sequence[str],
        repository: Path | None = None,
        *,
        access: Access | None = None,
        watch: Callable[[], None] = lambda: None,
    ) -> bytes:
        """Run one command to its end and give its output.

        Args:
            arguments: Of git; addresses after `--end-of-options` or `--`.
            repository: The bare repository it works on.
            access: The server it may reach; none where None.
            watch: Called again and again meanwhile; what it raises ends the command.

        Raises:
            GitError: It failed.
            TargetError: It took too long, or wrote too much.
        """
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = self.start(arguments, repository, access=access, stdout=out, stderr=err)
            try:
                self._wait(process, (lambda: _check_written(out, arguments[0]), watch))
            finally:
                stop(process)
            _check_written(out, arguments[0])
            err.seek(0)
            stderr = without_secrets(err.read(65536).decode("utf-8", "backslashreplace")).strip()
            if process.returncode != 0:
                raise GitError(f"git {arguments[0]} failed: {stderr[-1500:] or process.returncode}", stderr)
            out.seek(0)
            return out.read()

    def start(
        self,
        arguments: Sequence[str],
        repository: Path | None = None,
        *,
        access: Access | None = None,
        stdin: int = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.DEVNULL,
        stderr: int | IO[bytes] = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """Start git in a session of its own. The caller ends it with `stop`."""
        where = [] if repository is None else [f"--git-dir={repository}"]
        return subprocess.Popen(
            [self._program, *where, *arguments],
            cwd=repository or "/",
            env=self._environment(access),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )

    def _wait(self, process: subprocess.Popen[bytes], watches: Sequence[Callable[[], None]]) -> None:
        while True:
            try:
                process.wait(timeout=_LOOK_EVERY_S)
                return
            except subprocess.TimeoutExpired:
                for watch in watches:
                    watch()
            if self._options.clock() > self._ends:
                raise TargetError(
                    f"git was not done after {self._options.total_timeout_s:g} s. Try again, or clone the "
                    "repository and pass the folder."
                )

    def _environment(self, access: Access | None) -> dict[str, str]:
        variables = self._options.variables
        settings = dict(_SETTINGS) | {"http.lowSpeedTime": str(max(1, round(self._options.timeout_s)))}
        # A header given by configuration would follow a redirect to another host.
        settings["http.followRedirects"] = "false" if access is not None and access.header else "initial"
        if access is not None and access.header:
            settings[f"http.{access.url}.extraHeader"] = f"Authorization: {access.header}"
        if authority := ca_file(variables):
            settings["http.sslCAInfo"] = authority
        found = {
            "PATH": self._path,
            # No .gitconfig, no .netrc, no credentials of the user.
            "HOME": "/nonexistent",
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            # Nothing without an access: a missing object is an error and never a reason to ask a server.
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": access.scheme if access is not None else "none",
            "GIT_SSH_COMMAND": variables.get("GIT_SSH_COMMAND") or "ssh -oBatchMode=yes",
            "GIT_SSH_VARIANT": "ssh",
            **_as_variables(settings),
        }
        found |= {f"{scheme}_proxy": proxy for scheme, proxy in proxies(variables).items()}
        excluded = variables.get("no_proxy") or variables.get("NO_PROXY") or ""
        found["no_proxy"] = ",".join(filter(None, [excluded, "127.0.0.1", "localhost", "::1"]))
        agent = variables.get("SSH_AUTH_SOCK")
        return found | ({"SSH_AUTH_SOCK": agent} if agent else {})


def _check_written(out: IO[bytes], command: str) -> None:
    written = os.fstat(out.fileno()).st_size
    if written > _OUTPUT_BYTES:
        raise TargetError(f"git {command} lists {written:,} bytes and more; {_OUTPUT_BYTES:,} are the limit.")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End git and what it started."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            time.sleep(0)
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _as_variables(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as variables: on the command line everybody on this machine could read a token."""
    found = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, value) in enumerate(settings.items()):
        found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return found
