"""Finding a phrase however it is dressed: other case, look-alike letters, invisible characters, encodings."""

from __future__ import annotations

import base64
import unicodedata
from functools import lru_cache

_LOOK_ALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u04cf\u051b\u051d"
    "\u0432\u043a\u043c\u043d\u0442\u0433\u03b1\u03b2\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4"
    "\u03c5\u03c7\u03b7\u03f2\u03f3\u0131",
    "aeopcyxijsdhlqwbkmhtrabeikvoptyxncji",
)
"""Cyrillic and Greek letters that look like Latin ones, once case is folded. Both sides of a comparison pass
through it, so it need not be exact."""
_ENCODED_FROM = 12
"""Characters from which a phrase is also looked for encoded: shorter codes stand in other files by chance."""
_SECRET_FROM = 12


def fold(text: str) -> str:
    """Text as it is compared: no case, accents, invisible or control characters; white space is one space."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).casefold().translate(_LOOK_ALIKES)
    else:
        text = text.lower()
    if not (text.isascii() and text.isprintable()):
        text = "".join(" " if one.isspace() else one for one in text if one.isspace() or not _is_unseen(one))
    return " ".join(text.split())


def readable(content: bytes) -> str:
    """The folded text of any file: what is no text leaves marks behind, and wide characters are found since
    their zero bytes are control characters."""
    return fold(content.decode("utf-8", "replace"))


def holds_secret(content: bytes, secret: str) -> bool:
    """Whether bytes hold a secret: plain, backwards, in hexadecimal or base 64, or broken up by other signs.

    Args:
        content: Any bytes.
        secret: Letters and digits; too short a one is never found.
    """
    if len(secret) < _SECRET_FROM:
        return False
    if any(form in content for form in encoded(secret)):
        return True
    letters = bytes(byte for byte in content if chr(byte).isascii() and chr(byte).isalnum())
    return any(form in letters for form in (secret.encode(), secret[::-1].encode()))


def holds_encoded(content: bytes, phrase: str) -> bool:
    """Whether bytes hold a phrase encoded; never for a short one."""
    return len(phrase) >= _ENCODED_FROM and any(form in content for form in encoded(phrase)[1:])


@lru_cache(maxsize=4096)
def encoded(phrase: str) -> tuple[bytes, ...]:
    """A phrase as bytes, then in the codes in which it is looked for."""
    plain = phrase.encode("utf-8", "surrogateescape")
    forms = [plain, plain[::-1], plain.hex().encode(), plain.hex().upper().encode()]
    for shift in range(3):
        # Base 64 goes by threes: what the neighbours decide is cut off at both ends.
        code = base64.b64encode(b"\0" * shift + plain)
        inner = code[4 if shift else 0 : len(code) - 4 if (shift + len(plain)) % 3 else len(code)]
        forms += [inner, inner.replace(b"+", b"-").replace(b"/", b"_")]
    return tuple(dict.fromkeys(forms))


def _is_unseen(one: str) -> bool:
    """Whether a character is a combining mark, a control or an invisible one."""
    return unicodedata.category(one) in ("Mn", "Me", "Cc", "Cf", "Cs", "Co", "Cn")
