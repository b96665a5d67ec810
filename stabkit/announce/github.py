"""One comment on a pull request of GitHub, renewed at every run.

Source: GitHub REST API 2022-11-28, issue comments (``/repos/{owner}/{repo}/issues/{number}/comments``); GraphQL
``viewer``, which says who a token is, also that of a workflow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stabkit.announce.announcement import Announcement
from stabkit.announce.comment import comment_body, find_own
from stabkit.announce.exchange import Exchange
from stabkit.errors import StabkitError

__all__ = ["comment_on_github"]

_WHERE: Final = "github"
_MOST_PAGES: Final = 100
_REPOSITORY: Final = re.compile(r"[\w.-]+/[\w.-]+")
_RIGHTS: Final = "Give the job: permissions: pull-requests: write. The token of a fork's pull request only reads."
_HINTS: Final = {
    401: "Check GITHUB_TOKEN: it is wrong, or has expired.",
    403: _RIGHTS,
    404: f"Check GITHUB_REPOSITORY and GITHUB_API_URL. {_RIGHTS}",
}


def comment_on_github(announcement: Announcement, name: str, variables: Mapping[str, str], *, limit_s: float) -> str:
    """Write or renew the comment, and return what was done.

    Raises
    ------
    StabkitError
        The environment lacks something, or GitHub refuses.
    """
    number = _pull_request(variables)
    if number is None:
        return "the event is of no pull request; there is nothing to comment on"
    missing = [key for key in ("GITHUB_TOKEN", "GITHUB_REPOSITORY") if not variables.get(key)]
    if missing:
        raise StabkitError(
            f"{missing[0]} is not set.",
            where=_WHERE,
            hint="In a workflow: env: GITHUB_TOKEN: ${{ github.token }}",
        )
    repository = variables["GITHUB_REPOSITORY"]
    if not _REPOSITORY.fullmatch(repository):
        raise StabkitError("GITHUB_REPOSITORY is no owner/name.", where=_WHERE)
    api = (variables.get("GITHUB_API_URL") or "https://api.github.com").rstrip("/")
    headers = {"Authorization": f"Bearer {variables['GITHUB_TOKEN']}", "X-GitHub-Api-Version": "2022-11-28"}
    with Exchange(_WHERE, headers, limit_s=limit_s, hints=_HINTS) as service:
        comments = f"{api}/repos/{repository}/issues/{number}/comments"
        author = _viewer(service, variables.get("GITHUB_GRAPHQL_URL") or _graphql(api))
        own = find_own(_comments(service, comments), name, author)
        body = {"body": comment_body(announcement, name)}
        one = f"{api}/repos/{repository}/issues/comments"
        if own and service.ask("PATCH", f"{one}/{own[0]}", body=body, accept=(404,)).status != 404:
            for more in own[1:]:
                service.ask("DELETE", f"{one}/{more}", accept=(404,))
            return f"renewed the comment on pull request {number}"
        service.ask("POST", comments, body=body)
    return f"commented on pull request {number}"


def _pull_request(variables: Mapping[str, str]) -> int | None:
    """Return the number of the pull request that started the job; None of another event."""
    path = variables.get("GITHUB_EVENT_PATH")
    if not path:
        raise StabkitError(
            "GITHUB_EVENT_PATH is not set.",
            where=_WHERE,
            hint="GitHub sets it in its workflows.",
        )
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StabkitError("GITHUB_EVENT_PATH names no event that can be read.", where=_WHERE) from error
    if not isinstance(event, dict):
        return None
    issue, run = event.get("issue"), event.get("workflow_run")
    found: Any = event.get("pull_request")
    if found is None and isinstance(issue, dict) and issue.get("pull_request"):
        found = issue
    if found is None and isinstance(run, dict):
        requests = run.get("pull_requests")
        found = requests[0] if isinstance(requests, list) and len(requests) == 1 else None
    number = found.get("number") if isinstance(found, dict) else None
    return number if isinstance(number, int) else None


def _graphql(api: str) -> str:
    base = api.removesuffix("/v3")
    return f"{base}/graphql"


def _viewer(service: Exchange, address: str) -> str:
    answer = service.ask("POST", address, body={"query": "{viewer{login}}"})
    login = ((_mapping(_mapping(answer.value).get("data"))).get("viewer") or {}).get("login")
    if not isinstance(login, str) or not login:
        raise StabkitError("GitHub does not say who the token is.", where=_WHERE, hint=_HINTS[401])
    return login


def _comments(service: Exchange, address: str) -> Iterator[dict[str, Any]]:
    for page in range(1, _MOST_PAGES + 1):
        answer = service.ask("GET", address, query={"per_page": 100, "page": page})
        if not isinstance(answer.value, list):
            raise StabkitError("GitHub answers with no list of comments.", where=_WHERE, hint=_HINTS[404])
        for comment in answer.value:
            author = (comment.get("user") or {}).get("login")  # null where the account is gone
            yield {"id": comment["id"], "author": author, "body": comment.get("body") or ""}
        if 'rel="next"' not in answer.headers.get("link", ""):
            return


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
