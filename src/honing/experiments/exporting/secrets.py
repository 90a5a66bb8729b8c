"""What must not leave with a run: found by its name, by its form, or because its value is known.

Three ways, since none is enough: a setting called `api_token` tells by its name, `hf_...` in a log by its
form, and a password that a target printed only by the value that the environment gave it.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

HIDDEN = "[redacted]"

_NAME = re.compile(
    r"api[ _-]?key|access[ _-]?key|private[ _-]?key|secret|passw(?:or)?d|passphrase|authorization|credential|"
    r"bearer|cookie|token(?!i[sz])",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"token", re.IGNORECASE)
"""Names that are secrets when they hold a word, and counts when they hold a number."""
_AMOUNT = re.compile(r"[+-]?[\d.,_\s]*\d(\s.*|[kMG]?)")
# Text may be megabytes of one character. So no pattern begins with a repetition, and repetitions in one that
# may begin often are bounded: the time grows with the length of the text, not with its square.
_FORMS = re.compile(
    r"\b(?:sk-[\w-]{16,}|hf_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}"
    r"|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|xox[abeprs]-[\w-]{10,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,}"
    r"|(?<!-)eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,})"
)
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.{0,20000}?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL
)
_IN_ADDRESS = re.compile(r"(?<=[A-Za-z0-9+.-]://)[^/\s@\"'<>\\]+@")
_HEADER = re.compile(
    r"(authorization[\"'\s:=]{1,6}(?:basic|bearer|token)\s+|\bbearer\s+(?=\S*\d))([\w+/=.~-]{8,})",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    rf"((?:{_NAME.pattern})[\w-]{{0,100}})(\\?[\"']\s*[=:]\s*|\s*=\s*)(\\?[\"']?)([^\s\"'&<>,;\\]+)",
    re.IGNORECASE,
)
_SHORTEST = 8
"""Characters of a known value that is looked for inside other text; a shorter one would eat plain words."""
_SHORTEST_WHOLE = 4
"""Characters of one that is recognised where it stands alone."""
_NO_SECRETS = frozenset({"none", "empty", "dummy", "not-needed", "placeholder"})


def is_secret_name(name: str) -> bool:
    """Whether what a name holds is to be kept: `OPENAI_API_KEY`, `hub_token`, `Authorization`; not
    `tokenizer`."""
    return _NAME.search(name) is not None


class Redactor:
    """Takes secrets out of names, text and documents.

    Args:
        known: Values that are secret wherever they occur.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for value in known:
            self._learn(value)

    @classmethod
    def of_environment(cls, environ: Mapping[str, str]) -> Redactor:
        """One that knows what an environment keeps: values under secret names, passwords in addresses."""
        return cls(_kept(environ))

    def learn(self, document: Any, *, name: str = "") -> None:
        """Remember every value of a document that its name gives away, to be found elsewhere too. A name and
        its value may also stand side by side: `{"label": "API key", "value": ...}`.

        Args:
            document: Plain data.
            name: What holds it.
        """
        if isinstance(document, Mapping):
            labels = [document[key] for key in ("label", "name", "key") if isinstance(document.get(key), str)]
            if "value" in document and any(map(is_secret_name, labels)):
                self.learn(document["value"], name="secret")
            for key, value in document.items():
                self.learn(value, name=f"{name}.{key}" if is_secret_name(name) else str(key))
        elif isinstance(document, list | tuple):
            for value in document:
                self.learn(value, name=name)
        elif isinstance(document, str) and self._is_kept(name, document):
            self._learn(document)

    def value(self, name: str, value: Any) -> Any:
        """A document with what its names, its forms and known values give away taken out."""
        if isinstance(value, Mapping):
            inherited = name if is_secret_name(name) else ""
            return {self.text(str(key)): self.value(f"{inherited}{key}", one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(name, one) for one in value]
        if self._is_kept(name, value):
            return HIDDEN
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """Text with secrets in it replaced."""
        if text in self._known:
            return HIDDEN
        if self._pattern is None:
            self._pattern = _any_of(self._known)
        text = self._pattern.sub(HIDDEN, text)
        text = _KEY_BLOCK.sub(HIDDEN, text)
        text = _FORMS.sub(HIDDEN, text)
        text = _IN_ADDRESS.sub(f"{HIDDEN}@", text)
        text = _HEADER.sub(rf"\1{HIDDEN}", text)
        return _ASSIGNED.sub(_without_value, text)

    def words(self, command: Iterable[str]) -> list[str]:
        """A command line; whatever `--env` was given goes too."""
        found: list[str] = []
        before = ""
        for word in command:
            option, equals, value = word.partition("=")
            if before == "--env" and equals:
                word = f"{option}=***"
            elif option == "--env" and "=" in value:
                word = f"--env={value.partition('=')[0]}=***"
            elif before.startswith("-") and is_secret_name(before) and not _AMOUNT.fullmatch(word):
                word = HIDDEN
            found.append(self.text(word))
            before = word
        return found

    def knows(self, payload: bytes) -> bool:
        """Whether bytes that cannot be edited (a picture) hold a known value."""
        return any(len(value) >= _SHORTEST and value.encode() in payload for value in self._known)

    def _is_kept(self, name: str, value: Any) -> bool:
        if isinstance(value, bool) or value is None or value == "" or not is_secret_name(name):
            return False
        if isinstance(value, str):
            return not (_COUNTED.search(name) and _AMOUNT.fullmatch(value)) and value != HIDDEN
        return isinstance(value, int | float) and not _COUNTED.search(name)

    def _learn(self, value: str) -> None:
        if len(value) >= _SHORTEST_WHOLE and value.lower() not in _NO_SECRETS and value != HIDDEN:
            self._known.add(value)
            self._pattern = None


def _kept(environ: Mapping[str, str]) -> Iterator[str]:
    for name, value in environ.items():
        if is_secret_name(name) and not (_COUNTED.search(name) and _AMOUNT.fullmatch(value)):
            yield value
        if "://" in value and "@" in value:
            try:
                password = urlsplit(value).password
            except ValueError:
                continue
            if password:
                yield password


def _any_of(known: Iterable[str]) -> re.Pattern[str]:
    """Finds each value as it is and as JSON, HTML, an address or base64 write it; the longest first."""
    forms = set()
    for value in known:
        if len(value) < _SHORTEST:
            continue
        written = json.dumps(value)[1:-1]
        forms |= {value, written, json.dumps(value, ensure_ascii=False)[1:-1], html.escape(value)}
        forms |= {
            quote(value, safe=""),
            quote(value),
            quote_plus(value),
            base64.b64encode(value.encode()).decode(),
        }
    if not forms:
        return re.compile(r"(?!)")
    return re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))


def _without_value(match: re.Match[str]) -> str:
    name, between, opening, value = match[1], match[2], match[3], match[4]
    counted = _COUNTED.search(name) and _AMOUNT.fullmatch(value)
    kept = counted or value in {"***", HIDDEN, "true", "false", "null", "None"} or HIDDEN in value
    return match[0] if kept else f"{name}{between}{opening}{HIDDEN}"
