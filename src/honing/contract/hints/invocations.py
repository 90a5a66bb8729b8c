"""The programs that a command starts, with their arguments: what stands behind `sudo`, `uv run`, `-m`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from honing.contract.hints.files import base_name
from honing.contract.hints.marks import cover

_WORD = re.compile(
    r"""
    (?P<single>'[^']*') | (?P<double>"(?:\\.|[^"\\])*") | (?P<backquote>`[^`]*`) | (?P<escape>\\.)
  | (?P<substitution>\$\((?:[^()]|\([^()]*\))*\)) | (?P<plain>(?:[^\s'"`\\;&|()<>$]|\$(?!\())+)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPERATOR = re.compile(r"&&|\|\||;;|\|&|[<>]\(|[;|()\n]|&(?!>)")
_REDIRECT = re.compile(r"\d*(?:>>|>&|&>|<<<|<<-?|>\||[<>])[ \t]*")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_RESERVED = frozenset(
    {"if", "then", "else", "elif", "do", "while", "until", "!", "{", "}", "fi", "done", "esac"}
)
_WRAPPERS = frozenset(
    {"sudo", "time", "nohup", "env", "xvfb-run", "exec", "command", "nice", "stdbuf", "srun"}
)
_INTERPRETER = re.compile(r"(?:.*/)?(?:python|python3|python3\.\d+|pypy3?|py)")
_SHELL = re.compile(r"(?:.*/)?(?:bash|sh|zsh|dash)")
_RUNNERS = {
    ("uv", "run"), ("poetry", "run"), ("pdm", "run"), ("pipenv", "run"), ("rye", "run"), ("hatch", "run"),
    ("pixi", "run"), ("conda", "run"), ("mamba", "run"), ("micromamba", "run"), ("accelerate", "launch"),
}  # fmt: skip
_LAUNCHERS = frozenset({"torchrun", "deepspeed", "mpirun", "mpiexec"})
_VALUED = frozenset(
    {"-n", "-p", "--name", "--prefix", "--with", "--python", "--extra", "--group", "--env-file",
     "--directory",
     "--project", "--package", "-u", "--config_file", "--num_processes", "-s"}
)  # fmt: skip
"""Options of wrappers and runners that take the next word."""
_DOCKER_FLAGS = re.compile(
    r"--(rm|init|privileged|detach|interactive|tty|no-healthcheck)|-[itd]+|--[\w-]+=.*"
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command."""

    text: str
    """What the program sees: without quotes, variables unexpanded."""
    start: int
    """First character in the command, its quote included."""
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleCommand:
    """Words up to the next `;`, `&&`, `|` or line end."""

    words: tuple[Word, ...]
    assignments: tuple[Word, ...] = ()
    """`NAME=value` before the first word."""
    piped: bool = False
    """Whether its input is the output of the one before."""


class Form(StrEnum):
    """How a program is named."""

    PROGRAM = "program"
    MODULE = "module"
    SCRIPT = "script"
    CODE = "code"
    """Its text is an argument: `python -c ...`, `bash -c ...`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One program that a command starts."""

    program: str
    """`pip`, `pkg.mod` for `python -m pkg.mod`, `eval/run.py` for `python eval/run.py`."""
    form: Form
    arguments: tuple[Word, ...] = ()
    launchers: tuple[str, ...] = ()
    """What starts it, from the outside in: `sudo`, `docker`, `uv`, `python`."""
    interpreter: tuple[Word, ...] = ()
    """Options of the interpreter itself (`-i`)."""
    piped: bool = False
    assignments: tuple[Word, ...] = ()


@dataclass(slots=True)
class _Parts:
    words: list[Word] = field(default_factory=list)
    assignments: list[Word] = field(default_factory=list)
    piped: bool = False

    def command(self) -> SimpleCommand | None:
        if not self.words and not self.assignments:
            return None
        return SimpleCommand(words=tuple(self.words), assignments=tuple(self.assignments), piped=self.piped)


def simple_commands(command: str) -> list[SimpleCommand]:
    """The simple commands of a statement, in order; bodies of here documents are not read."""
    covered = _without_heredocs(cover(command))
    found: list[SimpleCommand] = []
    parts = _Parts()
    at = 0
    while at < len(covered):
        operator = _OPERATOR.match(covered, at)
        if operator is not None:
            ready = parts.command()
            found += [ready] if ready else []
            parts = _Parts(piped=operator[0] in ("|", "|&"))
            at = operator.end()
        else:
            at = _step(command, covered, at, parts)
    ready = parts.command()
    return [*found, *([ready] if ready else [])]


def _without_heredocs(covered: str) -> str:
    found = re.search(r"<<-?[ \t]*[\"']?\\?[\w.-]+[\"']?", covered)
    if found is None:
        return covered
    end = covered.find("\n", found.end())
    return covered if end < 0 else covered[:end]


def _step(command: str, covered: str, at: int, parts: _Parts) -> int:
    """Read one word, redirection, comment or blank; where the next one begins."""
    if covered[at].isspace():
        return at + 1
    if covered[at] == "#":
        end = covered.find("\n", at)
        return end if end >= 0 else len(covered)
    redirect = _REDIRECT.match(covered, at)
    if redirect is not None:
        # The word behind it is a file.
        return _word_end(covered, redirect.end())
    end = _word_end(covered, at)
    if end == at:
        return at + 1
    if covered[end - 1] == "=" and covered[end : end + 1] == "(" and _ASSIGNMENT.fullmatch(covered, at, end):
        closing = covered.find(")", end)
        end = closing + 1 if closing >= 0 else end
    word = Word(unquoted(command[at:end]), at, end)
    if not parts.words and _ASSIGNMENT.match(covered, at):
        parts.assignments.append(word)
    elif parts.words or word.text not in _RESERVED:
        parts.words.append(word)
    return end


def _word_end(covered: str, at: int) -> int:
    while (piece := _WORD.match(covered, at)) is not None:
        at = piece.end()
    return at


def unquoted(text: str) -> str:
    """A word without the quotes around it or its parts."""
    if not any(sign in text for sign in "'\"\\"):
        return text
    pieces = re.findall(r"'([^']*)'|\"((?:\\.|[^\"\\])*)\"|\\(.)|([^'\"\\]+|.)", text, re.DOTALL)
    return "".join("".join(piece) for piece in pieces)


def invocations(command: str) -> list[Invocation]:
    """The programs that a statement starts, in order."""
    return [found for simple in simple_commands(command) for found in _of(simple)]


def _of(simple: SimpleCommand) -> Iterator[Invocation]:
    words = list(simple.words)
    if words and words[0].text in ("for", "select", "case", "function"):
        return
    launchers: list[str] = []
    while words and len(launchers) < 8:
        inner = _peeled(words)
        if inner is None:
            break
        launchers.append(base_name(words[0].text))
        words = inner
    if not words:
        return
    yield _invocation(words, launchers, simple)


def _invocation(words: list[Word], launchers: list[str], simple: SimpleCommand) -> Invocation:
    first, rest = words[0], words[1:]
    if _INTERPRETER.fullmatch(first.text):
        return _interpreted(rest, [*launchers, "python"], simple)
    if _SHELL.fullmatch(first.text):
        return _shell(rest, launchers, first, simple)
    form = Form.SCRIPT if "/" in first.text or first.text.endswith((".py", ".sh")) else Form.PROGRAM
    program = first.text if form is Form.SCRIPT and not first.text.startswith("/") else base_name(first.text)
    return _made(program, form, rest, launchers, simple)


def _interpreted(words: list[Word], launchers: list[str], simple: SimpleCommand) -> Invocation:
    options: list[Word] = []
    for index, word in enumerate(words):
        if word.text == "-m" and index + 1 < len(words):
            module = words[index + 1].text
            found = _made(module, Form.MODULE, words[index + 2 :], launchers, simple)
        elif word.text == "-c":
            found = _made("python", Form.CODE, words[index + 1 :], launchers[:-1], simple)
        elif word.text.startswith("-") and word.text != "-":
            options.append(word)
            continue
        elif index and words[index - 1].text in ("-W", "-X"):
            continue
        else:
            found = _made(word.text, Form.SCRIPT, words[index + 1 :], launchers, simple)
        return Invocation(
            program=found.program, form=found.form, arguments=found.arguments, launchers=found.launchers,
            interpreter=tuple(options), piped=simple.piped, assignments=simple.assignments,
        )  # fmt: skip
    return _made("python", Form.PROGRAM, words, launchers[:-1], simple)


def _shell(words: list[Word], launchers: list[str], shell: Word, simple: SimpleCommand) -> Invocation:
    name = base_name(shell.text)
    scripts = [index for index, word in enumerate(words) if not word.text.startswith("-")]
    if any(word.text in ("-c", "-lc") for word in words) or not scripts:
        return _made(name, Form.CODE if words else Form.PROGRAM, words, launchers, simple)
    first = scripts[0]
    return _made(words[first].text, Form.SCRIPT, words[first + 1 :], [*launchers, name], simple)


def _made(
    program: str, form: Form, arguments: list[Word], launchers: list[str], simple: SimpleCommand
) -> Invocation:
    return Invocation(
        program=program.removeprefix("./") if form is Form.SCRIPT else program,
        form=form,
        arguments=tuple(arguments),
        launchers=tuple(launchers),
        piped=simple.piped,
        assignments=simple.assignments,
    )


def _peeled(words: list[Word]) -> list[Word] | None:
    """The words behind a wrapper or runner; None where the first word is neither."""
    name = base_name(words[0].text)
    rest = words[1:]
    if name in _WRAPPERS:
        return _behind_options(rest)
    if rest and (name, rest[0].text) in _RUNNERS:
        return _behind_options(rest[1:])
    if name in _LAUNCHERS:
        return _from_script(rest)
    if name in ("docker", "podman") and rest and rest[0].text in ("run", "exec"):
        return _in_container(rest[1:])
    return None


def _behind_options(words: list[Word]) -> list[Word] | None:
    index = 0
    while index < len(words):
        text = words[index].text
        if text in _VALUED:
            index += 2
        elif text.startswith("-") or _ASSIGNMENT.match(text):
            index += 1
        else:
            return words[index:]
    return None


def _from_script(words: list[Word]) -> list[Word] | None:
    for index, word in enumerate(words):
        if word.text.endswith(".py") or word.text == "-m":
            interpreter = Word("python", word.start, word.start)
            return [interpreter, *words[index:]]
    return None


def _in_container(words: list[Word]) -> list[Word] | None:
    """The command behind a container's image."""
    index = 0
    while index < len(words) and words[index].text.startswith("-"):
        index += 1 if _DOCKER_FLAGS.fullmatch(words[index].text) else 2
    return words[index + 1 :] or None


def task_of(invocation: Invocation) -> str:
    """The task that a task runner is to run: `eval` of `make -j A=b eval`; empty where there is none."""
    words = [word.text for word in invocation.arguments if re.fullmatch(r"[A-Za-z][\w:.-]*", word.text)]
    skipped = ("run", "-s", "-e")
    return next((word for word in words if word not in skipped), "")


def programs_of(found: list[Invocation]) -> tuple[str, ...]:
    """The names in `Hint.programs`: launchers that are programs of their own before what they start."""
    names: list[str] = []
    for invocation in found:
        names += [name for name in invocation.launchers if name not in _WRAPPERS and name != "python"]
        names.append(invocation.program)
    return tuple(names)
