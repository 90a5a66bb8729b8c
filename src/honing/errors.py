"""Failures, named by the boundary at which they happened.

Every error a user can meet derives from `HoningError` and carries the exit code of the command line. An error
is attributed once, by `boundary`, where our code meets something foreign (a file, a process, a server, a
user's callable); the loops of the three systems are the only places that turn an error into a record.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class HoningError(Exception):
    """Base of every failure with a name. Its text says where, what was found, what was expected, what to do
    next."""

    exit_code: int = 1
    run_folder: str = ""
    """Folder of the run in which it happened; empty where there was none, or where none was kept."""


class UsageError(HoningError):
    """The command, flag, setting or argument cannot be understood."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting has a value that cannot be used; the text names its origin (flag, variable, file)."""


class ProjectError(UsageError):
    """A harness project cannot be used as it is written; the text names the file, the line and the key."""


class MissingToolError(HoningError):
    """A program, package or kernel feature that Honing itself needs is not here; the text says how to install
    it."""

    exit_code = 3


class BudgetExhaustedError(HoningError):
    """A stated budget (units, tokens, money, time) is spent. What was finished is kept; the run is
    resumable."""

    exit_code = 4


class StoppedError(HoningError):
    """The run was asked to stop (stop file or SIGTERM) and did so cleanly. It is resumable."""

    exit_code = 5


class StoreError(HoningError):
    """A run folder, journal, evidence file or tree cannot be read or written as promised."""


class UnfitTreeError(StoreError):
    """A folder holds what no snapshot takes (too large, too many, too deep, unreadable, always changing): its
    content is at fault, not the store."""

    path: str = ""
    """What is at fault, relative to the folder; empty where it is no single path."""


class EvidenceError(StoreError):
    """An evidence record does not match its checksum or its predecessor."""


class SandboxError(HoningError):
    """The sandbox itself failed (ours): never a property of the command that ran in it."""


class ExecutorError(HoningError):
    """A unit of work could not be run to a result, for example after its worker was killed too often."""


class ModelError(HoningError):
    """A model call failed. Subclasses say which side is at fault; none of them is ever a score."""


class ModelAuthenticationError(ModelError):
    """The server refused the key (401, 403)."""


class ModelRateLimitError(ModelError):
    """The server keeps answering 429 after every retry."""


class ModelServerError(ModelError):
    """The server failed (5xx) or could not be reached after every retry."""


class ModelUnreachableError(ModelServerError):
    """Nobody answers at the server's address, several calls in a row: asking on is of no use."""


class ModelTimeoutError(ModelError):
    """The server did not answer within the time limit."""


class ModelRequestError(ModelError):
    """The server understood the request and rejected it (other 4xx), for example an unsupported parameter."""


class ModelReplyError(ModelError):
    """The reply is not what its wire promises: malformed JSON, a truncated stream, unknown or missing
    fields."""


class TargetError(HoningError):
    """The target cannot be resolved, copied or read."""


class ContractError(HoningError):
    """A contract file is invalid; the text names the file, the line and the field."""


class StageError(HoningError):
    """A stage of a contract failed: its command ended badly, timed out or lacked a capability."""


class MetricsError(HoningError):
    """A result or samples file is not acceptable as evidence of a score."""


class CalibrationError(HoningError):
    """The controls (oracle, null, shuffled, format) do not bracket the score, so none may be reported."""


class EnvironmentFaultError(HoningError):
    """A text environment was used against its rules, cannot be reached, or did not replay as it was saved."""


class StudyError(UsageError):
    """A study or one of its artifacts cannot be used as it is written; the text names file, line and key."""


class RegistryError(UsageError):
    """A registry of experiments cannot be used as it is written; the text names the file, the line and the
    key."""


class LeakageError(HoningError):
    """Data that must be apart (training, panels) share a task: a number made from them would be false."""


class TrainingError(HoningError):
    """Weights could not be trained; the text says at which step and what to change."""


class TrialError(HoningError):
    """A trial of a matrix ended without a result that may be counted."""


class AgentError(HoningError):
    """A coding agent could not be launched, authenticated or driven."""


class TrackerError(HoningError):
    """An experiment tracker failed, refused or cannot be reached. The run that was handed on is untouched."""

    exit_code = 6


class GraderError(HoningError):
    """A harness project's own grader failed or broke its promises; says nothing about the candidate."""


@contextmanager
def boundary(kind: type[HoningError], doing: str) -> Iterator[None]:
    """Name whatever goes wrong inside as `kind`, once.

    An error that already has a name passes through unchanged; the cause is kept. `KeyboardInterrupt` and
    `SystemExit` are not failures and pass through as well.

    Args:
        kind: The error to raise.
        doing: What was being done, as the start of the sentence ("reading metrics.json").
    """
    try:
        yield
    except HoningError:
        raise
    except Exception as error:
        detail = str(error) or type(error).__name__
        raise kind(f"{doing}: {detail}") from error
