"""One note on a merge request of GitLab, renewed at every run.

Source: GitLab REST API v4, notes of merge requests; ``x-next-page`` for the pages of a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from stabkit.announce.announcement import Announcement
from stabkit.announce.comment import comment_body, find_own
from stabkit.announce.exchange import Exchange
from stabkit.errors import StabkitError

__all__ = ["note_on_gitlab"]

_WHERE: Final = "gitlab"
_MOST_PAGES: Final = 100
_TOKEN: Final = "GITLAB_TOKEN"  # noqa: S105 - the name of a variable
_RIGHTS: Final = f"{_TOKEN} needs the scope api and the role Reporter; the token of a job may not write notes."
_HINTS: Final = {401: f"Check {_TOKEN}: it is wrong, or has expired. {_RIGHTS}", 403: _RIGHTS, 404: _RIGHTS}


def note_on_gitlab(announcement: Announcement, name: str, variables: Mapping[str, str], *, limit_s: float) -> str:
    """Write or renew the note, and return what was done.

    Raises
    ------
    StabkitError
        The environment lacks something, or GitLab refuses.
    """
    if variables.get("GITLAB_CI") and not variables.get("CI_MERGE_REQUEST_IID"):
        return "the pipeline is of no merge request; there is nothing to comment on"
    for key in ("CI_API_V4_URL", "CI_PROJECT_ID", "CI_MERGE_REQUEST_IID", _TOKEN):
        if not variables.get(key):
            keep = "Make a project access token, and keep it as a masked variable of the project."
            raise StabkitError(
                f"{key} is not set.",
                where=_WHERE,
                hint=f"{keep} {_RIGHTS}" if key == _TOKEN else "GitLab sets it in pipelines of merge requests.",
            )
    api = variables["CI_API_V4_URL"].rstrip("/")
    project, request = (quote(variables[key], safe="") for key in ("CI_PROJECT_ID", "CI_MERGE_REQUEST_IID"))
    notes = f"{api}/projects/{project}/merge_requests/{request}/notes"
    with Exchange(_WHERE, {"PRIVATE-TOKEN": variables[_TOKEN]}, limit_s=limit_s, hints=_HINTS) as service:
        own = find_own(_notes(service, notes), name, _user(service, f"{api}/user"))
        body = {"body": comment_body(announcement, name)}
        if own and service.ask("PUT", f"{notes}/{own[0]}", body=body, accept=(404,)).status != 404:
            for more in own[1:]:
                service.ask("DELETE", f"{notes}/{more}", accept=(404,))
            return f"renewed the note on merge request {variables['CI_MERGE_REQUEST_IID']}"
        service.ask("POST", notes, body=body)
    return f"wrote a note on merge request {variables['CI_MERGE_REQUEST_IID']}"


def _user(service: Exchange, address: str) -> str:
    answer = service.ask("GET", address)
    number = answer.value.get("id") if isinstance(answer.value, dict) else None
    if not isinstance(number, int):
        raise StabkitError("GitLab does not say who the token is.", where=_WHERE, hint=_HINTS[401])
    return str(number)


def _notes(service: Exchange, address: str) -> Iterator[dict[str, Any]]:
    page = "1"
    for _ in range(_MOST_PAGES):
        query = {"per_page": 100, "page": page, "sort": "asc", "order_by": "created_at"}
        answer = service.ask("GET", address, query=query)
        if not isinstance(answer.value, list):
            raise StabkitError("GitLab answers with no list of notes.", where=_WHERE, hint=_HINTS[404])
        for note in answer.value:
            if not note.get("system"):
                author = str((note.get("author") or {}).get("id"))
                yield {"id": note["id"], "author": author, "body": note.get("body") or ""}
        page = answer.headers.get("x-next-page", "")
        if not page.isdecimal():
            return
