"""Which tokens a git server may see, and what its refusals mean."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from honing.contract.targets.addresses import is_loopback
from honing.contract.targets.base import SourceOptions
from honing.contract.targets.git_program import Access, GitError
from honing.errors import TargetError

T = TypeVar("T")
_WANTS_LOGIN = re.compile(
    r"could not read (Username|Password)|Authentication failed|Permission denied|HTTP Basic: Access denied|"
    "returned error: 40[134]|[Rr]epository( '.*')? not found|terminal prompts disabled|Host key "
    "verification",
)
_NETWORK = re.compile(
    r"Could not resolve|Connection (timed out|refused|reset)|Failed to connect|early EOF|RPC failed|"
    r"Operation too slow|timed out|returned error: (429|5\d\d)|unexpected "
    "disconnect|SSL|TLS|certificate|proxy",
    re.IGNORECASE,
)


def wants_login(error: GitError) -> bool:
    """Whether a server asked who we are, or hides what it has from strangers."""
    return bool(_WANTS_LOGIN.search(error.stderr))


def is_network_failure(error: GitError) -> bool:
    """Whether trying again later may help."""
    return bool(_NETWORK.search(error.stderr)) and not wants_login(error)


def accesses(url: str, credentials: str, options: SourceOptions) -> list[Access]:
    """Ways to reach a server, to be tried in this order: as a stranger first, so that no token travels where
    none is needed.

    Args:
        url: The repository.
        credentials: `user:password` that stood in the address; then there is no other way.
        options: Holds the tokens.
    """
    parts = urlsplit(url)
    stranger = Access(scheme=parts.scheme)
    if parts.scheme not in {"https", "http"}:
        return [stranger]
    root = f"{parts.scheme}://{parts.netloc}/"
    may_send = parts.scheme == "https" or is_loopback(parts.hostname or "")
    login = credentials or _token_for(parts.netloc, options)
    if not login or not may_send:
        return [stranger]
    encoded = base64.b64encode(login.encode()).decode()
    known = Access(scheme=parts.scheme, header=f"Basic {encoded}", url=root)
    return [known] if credentials else [stranger, known]


def _token_for(host: str, options: SourceOptions) -> str:
    """`user:token` for a host; empty where there is none. Ports count: another port is another server."""
    variables = options.variables
    github = variables.get("GITHUB_TOKEN") or variables.get("GH_TOKEN")
    if github and host == (variables.get("GH_HOST") or "github.com"):
        return f"x-access-token:{github}"
    gitlab = variables.get("GITLAB_TOKEN")
    if gitlab and host == (variables.get("GITLAB_HOST") or "gitlab.com"):
        return f"oauth2:{gitlab}"
    if variables.get("HF_TOKEN") and host in {"huggingface.co", "hf.co"}:
        return f"user:{variables['HF_TOKEN']}"
    return ""


def with_access(ways: list[Access], do: Callable[[Access], T]) -> T:
    """Do something the first way that the server lets us in; that way is the first one from then on.

    Raises:
        GitError: None did, or it failed for another reason.
    """
    for number, way in enumerate(ways):
        try:
            done = do(way)
        except GitError as error:
            if number + 1 == len(ways) or not wants_login(error):
                raise
            continue
        ways.insert(0, ways.pop(number))
        return done
    raise TargetError("no way to reach the server was given.")


def explained(error: GitError, shown: str, url: str, *, has_token: bool, is_short: bool) -> TargetError:
    """What a user can do about git's refusal."""
    host = urlsplit(url).netloc
    folder = f" There is no folder {shown!r} here either." if is_short else ""
    if wants_login(error):
        tokens = {"github.com": "GITHUB_TOKEN", "gitlab.com": "GITLAB_TOKEN"}
        variable = tokens.get(host, "GITHUB_TOKEN with GH_HOST, or GITLAB_TOKEN with GITLAB_HOST")
        step = "The token that is set does not open it" if has_token else f"If it is private, set {variable}"
        if url.startswith("ssh:"):
            step = "Load your key into ssh-agent and connect once by hand, so that the host is known"
        return TargetError(
            f"{shown!r}: {host} shows no such repository. {step}.{folder} (git: {error.stderr[-300:]})"
        )
    if "redirect" in error.stderr:
        return TargetError(
            f"{shown!r}: the server redirects, and a token follows no redirect. Name the address it leads "
            f"to. (git: {error.stderr[-300:]})"
        )
    if "dubious ownership" in error.stderr:
        return TargetError(f"{shown!r} belongs to another user of this machine. Pass a copy of your own.")
    return TargetError(f"{shown!r} cannot be fetched.{folder} Check address, network and proxy. {error}")
