"""Fetching over https: resumed, retried, bounded; a token goes to its own host and to no other."""

from __future__ import annotations

import base64
import email.utils
import json
import ssl
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urljoin, urlsplit

from honing.contract.targets.addresses import is_loopback, without_secrets
from honing.contract.targets.base import SourceOptions
from honing.errors import TargetError

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")
MAX_PAGE_BYTES = 64 * 1024**2
"""Of a listing or an index page."""
_MAX_REDIRECTS = 8
_LONGEST_WAIT_S = 120.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class RefusedError(TargetError):
    """A server answered, and the answer is final."""

    def __init__(self, text: str, status: int) -> None:
        """Say `text`; `status` is the HTTP status."""
        super().__init__(text)
        self.status = status


class _TryAgainError(Exception):
    """One attempt failed in a way that may pass."""

    def __init__(self, why: str, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.wait_s = wait_s


class _PartError(_TryAgainError):
    """What has arrived is no beginning of what the server has."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """A header that is sent to one origin: scheme, host and port must be those of `url`."""

    header: str
    url: str

    @classmethod
    def bearer(cls, token: str, url: str) -> Authorization | None:
        """A token for the server of `url`; None where it is empty."""
        return cls(f"Bearer {token}", url) if token else None

    @classmethod
    def basic(cls, credentials: str, url: str) -> Authorization | None:
        """`user:password` for the server of `url`; None where it is empty."""
        encoded = base64.b64encode(credentials.encode()).decode()
        return cls(f"Basic {encoded}", url) if credentials else None

    def __repr__(self) -> str:
        return f"Authorization(for {_origin(self.url)})"

    def headers_for(self, url: str) -> dict[str, str]:
        """What to send to `url`: the header at home, over https or on this machine, and nothing elsewhere."""
        scheme, host, _ = _origin(url)
        is_home = _origin(url) == _origin(self.url) and (scheme == "https" or is_loopback(host))
        return {"authorization": self.header} if is_home else {}


@dataclass(frozen=True, slots=True)
class Page:
    """A whole answer."""

    url: str
    """Where it came from after redirects."""
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            TargetError: It is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise TargetError(f"{_shown(self.url)}: expected JSON: {error}.") from None


class Web:
    """Requests of one fetch. Certificates are always checked; use as a context manager, from any thread."""

    def __init__(self, options: SourceOptions) -> None:
        """Nothing is opened before the first request.

        Raises:
            TargetError: The surroundings ask for unchecked certificates.
        """
        check_tls(options.variables)
        self._options = options
        self._clients: dict[str | None, httpx2.Client] = {}
        self._tls: ssl.SSLContext | None = None
        self._ends = options.clock() + options.total_timeout_s

    def __enter__(self) -> Self:
        # Made here and not on first use: threads may share this object.
        self._tls = _tls_context(ca_file(self._options.variables))
        for proxy in {None, *proxies(self._options.variables).values()}:
            self._clients[proxy] = self._client(proxy)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            client.close()

    def page(self, url: str, *, auth: Authorization | None = None, accept: str = "application/json") -> Page:
        """One whole answer of at most `MAX_PAGE_BYTES`.

        Raises:
            RefusedError: The server says no.
            TargetError: It does not answer as promised, after every attempt.
        """

        def once() -> Page:
            with self._opened(url, auth, {"accept": accept}) as response:
                body = b"".join(self._limited(response, MAX_PAGE_BYTES, url))
                return Page(str(response.url), response.headers, body)

        return self._again(url, once)

    def download(
        self, url: str, path: Path, *, auth: Authorization | None = None, size: int | None = None
    ) -> None:
        """Download into a file, going on where an earlier attempt (or an earlier process) stopped.

        Args:
            url: What to fetch.
            path: Grows; the caller checks its content and gives it its name.
            auth: For the server of `url` alone.
            size: Its bytes, where known.

        Raises:
            RefusedError: The server says no.
            TargetError: It is too large, or does not arrive whole after every attempt.
        """
        limit = self._options.max_total_bytes if size is None else size
        tags: list[str] = []

        def once() -> None:
            have = path.stat().st_size if path.exists() else 0
            if size is not None and have > size:
                path.unlink()
                have = 0
            if size is not None and have == size:
                path.touch()
                return
            ranged = {"range": f"bytes={have}-"} if have else {}
            if have and tags:
                ranged["if-range"] = tags[-1]
            with _fresh_where_unfit(path), self._opened(url, auth, {"accept": "*/*", **ranged}) as response:
                # Only a strong tag vouches that two parts belong to the same file.
                tags.extend(tag for tag in [response.headers.get("etag", "")] if tag.startswith('"'))
                self._store(response, path, have, limit, url)
            if size is not None and path.stat().st_size != size:
                raise _TryAgainError(f"{path.stat().st_size:,} of {size:,} bytes arrived")

        self._again(url, once)

    def _store(self, response: httpx2.Response, path: Path, have: int, limit: int, url: str) -> None:
        goes_on = response.status_code == 206
        if goes_on and not response.headers.get("content-range", "").startswith(f"bytes {have}-"):
            raise _PartError("the server sent another part than was asked for")
        written = have if goes_on else 0
        promised = response.headers.get("content-length", "")
        with path.open("ab" if goes_on else "wb") as file:
            for chunk in self._limited(response, limit - written, url):
                file.write(chunk)
                written += len(chunk)
        start = have if goes_on else 0
        if promised.isdigit() and written - start != int(promised):
            raise _TryAgainError(f"{written - start:,} of {int(promised):,} bytes arrived")

    def _limited(self, response: httpx2.Response, limit: int, url: str) -> Iterator[bytes]:
        """The body as it arrives, up to a number of bytes and the end of the time."""
        taken = 0
        # As it arrives: what is gathered into larger pieces is lost where the connection breaks off. And raw:
        # some servers call a .gz file an encoding.
        for chunk in response.iter_raw():
            taken += len(chunk)
            if taken > limit:
                raise TargetError(
                    f"{_shown(url)}: more bytes than expected or allowed; {limit:,} were. The limits are "
                    "HONING_MAX_TARGET_MIB and HONING_MAX_TARGET_FILE_MIB."
                )
            if self._options.clock() > self._ends:
                raise self._too_long(url)
            yield chunk

    def _again(self, url: str, once: Callable[[], T]) -> T:
        shown, last = _shown(url), ""
        for attempt in range(self._options.attempts):
            try:
                return once()
            except _TryAgainError as failure:
                last = str(failure)
                wait_s = min(2.0**attempt if failure.wait_s is None else failure.wait_s, _LONGEST_WAIT_S)
            if self._options.clock() + wait_s > self._ends:
                raise self._too_long(url)
            if attempt + 1 < self._options.attempts:
                self._options.sleep(wait_s)
        raise TargetError(
            f"{shown}: no answer after {self._options.attempts} attempts ({last}). Check the network and the "
            "proxy (HTTPS_PROXY), or set HONING_MIRROR to a folder that holds the target. What has arrived "
            "is kept: the same command goes on from there."
        )

    def _too_long(self, url: str) -> TargetError:
        return TargetError(
            f"{_shown(url)}: not done after {self._options.total_timeout_s:g} s. What has arrived "
            "is kept: the same command goes on from there."
        )

    @contextmanager
    def _opened(
        self, url: str, auth: Authorization | None, headers: Mapping[str, str]
    ) -> Iterator[httpx2.Response]:
        """The answer to a request, its body unread, after following redirects by hand."""
        import httpx2

        for _ in range(_MAX_REDIRECTS):
            _check_url(url)
            sent = {**headers, **(auth.headers_for(url) if auth else {}), "accept-encoding": "identity"}
            try:
                with self._client_for(url).stream("GET", url, headers=sent) as response:
                    if response.status_code not in _REDIRECTS:
                        _check_status(response, url)
                        yield response
                        return
                    url = _next_url(url, response.headers.get("location", ""))
            except (httpx2.TransportError, httpx2.DecodingError) as error:
                if "CERTIFICATE_VERIFY_FAILED" in str(error):
                    raise _untrusted(url, error) from error
                raise _TryAgainError(f"{type(error).__name__}: {error}") from error
        raise TargetError(f"{_shown(url)}: more than {_MAX_REDIRECTS} redirects.")

    def _client_for(self, url: str) -> httpx2.Client:
        return self._clients[proxy_for(url, self._options.variables)]

    def _client(self, proxy: str | None) -> httpx2.Client:
        import httpx2

        # Without trust_env: what is heeded of the surroundings stands in the options, .netrc does not.
        return httpx2.Client(
            verify=self._tls or True,
            proxy=proxy,
            trust_env=False,
            timeout=self._options.timeout_s,
            headers={"user-agent": "honing"},
        )


@contextmanager
def _fresh_where_unfit(path: Path) -> Iterator[None]:
    """Begin the next attempt anew where what has arrived belongs to something else."""
    try:
        yield
    except _PartError:
        path.unlink(missing_ok=True)
        raise


def check_tls(variables: Mapping[str, str]) -> None:
    """Refuse to go on where certificates are not to be checked.

    Raises:
        TargetError: `GIT_SSL_NO_VERIFY` is set.
    """
    if variables.get("GIT_SSL_NO_VERIFY", "").lower() not in {"", "0", "false", "no", "off"}:
        raise TargetError(
            "GIT_SSL_NO_VERIFY is set, but a target that anybody on the way can change is no evidence. Unset "
            "it; for a certificate of your own set SSL_CERT_FILE or GIT_SSL_CAINFO to its file."
        )


def ca_file(variables: Mapping[str, str]) -> str:
    """The user's own file of certificates; empty for the system's."""
    names = ("SSL_CERT_FILE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    return next((variables[name] for name in names if variables.get(name)), "")


def proxies(variables: Mapping[str, str]) -> dict[str, str]:
    """{scheme: proxy} from the usual variables; the lower-case ones win, as with curl."""
    every = variables.get("all_proxy") or variables.get("ALL_PROXY") or ""
    found = {}
    for scheme in ("https", "http"):
        proxy = variables.get(f"{scheme}_proxy") or variables.get(f"{scheme.upper()}_PROXY") or every
        if proxy:
            found[scheme] = proxy if "://" in proxy else f"http://{proxy}"
    return found


def proxy_for(url: str, variables: Mapping[str, str]) -> str | None:
    """The proxy that leads to a url; None for a straight way. This machine is never behind a proxy."""
    parts = urlsplit(url)
    excluded = variables.get("no_proxy") or variables.get("NO_PROXY") or ""
    host = parts.hostname or ""
    place = f"{host}:{parts.port}" if parts.port else host
    bypass: Any = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]
    straight = is_loopback(host) or bypass(place, {"no": excluded})
    return None if straight else proxies(variables).get(parts.scheme)


def _tls_context(file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=file or None)
    except (OSError, ssl.SSLError) as error:
        raise TargetError(
            f"{file}: holds no certificates that can be read ({error}). Mend SSL_CERT_FILE."
        ) from error


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise TargetError(f"{_shown(url)}: refused, only https is followed.")


def _next_url(url: str, location: str) -> str:
    if not location:
        raise TargetError(f"{_shown(url)}: a redirect to nowhere.")
    return urljoin(url, location)


def _check_status(response: httpx2.Response, url: str) -> None:
    status = response.status_code
    if status in (200, 206):
        return
    if status in _TRY_AGAIN:
        raise _TryAgainError(f"HTTP {status}", _asked_wait_s(response.headers))
    if status == 416:
        raise _PartError("HTTP 416: the server has no more than has arrived")
    raise RefusedError(f"{_shown(url)}: HTTP {status}.", status)


def _asked_wait_s(headers: Mapping[str, str]) -> float | None:
    """What `Retry-After` asks for: seconds, or a date, which counts from the server's own."""
    asked = headers.get("retry-after", "").strip()
    if asked.isdigit():
        return float(asked[:9])
    try:
        until, now = (email.utils.parsedate_to_datetime(one) for one in (asked, headers.get("date", "")))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, OverflowError, TypeError):
        return None


def _untrusted(url: str, error: Exception) -> TargetError:
    return TargetError(
        f"{_shown(url)}: its certificate is not trusted ({error}). For an authority of your own set "
        "SSL_CERT_FILE to the file with its certificate."
    )


def _shown(url: str) -> str:
    """For messages: what follows the question mark may be a signature."""
    return without_secrets(url).partition("?")[0]


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
