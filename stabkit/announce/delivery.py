"""Telling a verdict to one place; whatever goes wrong there is one kind of error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stabkit.announce.announcement import Announcement
from stabkit.announce.exchange import Exchange
from stabkit.announce.github import comment_on_github
from stabkit.announce.gitlab import note_on_gitlab
from stabkit.announce.grafana import annotate_grafana
from stabkit.announce.places import Place
from stabkit.errors import StabkitError

__all__ = ["announce"]

_LIMIT_S: Final = 30.0


def announce(
    place: Place, announcement: Announcement, variables: Mapping[str, str], *, limit_s: float = _LIMIT_S
) -> str:
    """Tell a verdict to a place, and return what was done, in words.

    Parameters
    ----------
    place : Place
    announcement : Announcement
    variables : mapping
        The environment, with what the service of a CI sets, and tokens.
    limit_s : float
        Seconds that all requests together may take.

    Raises
    ------
    StabkitError
        It could not be told. Nothing else is raised: no service may change what a gate says.
    """
    try:
        if place.kind == "github":
            return comment_on_github(announcement, place.name, variables, limit_s=limit_s)
        if place.kind == "gitlab":
            return note_on_gitlab(announcement, place.name, variables, limit_s=limit_s)
        if place.kind == "grafana":
            return annotate_grafana(announcement, variables, limit_s=limit_s)
        with Exchange(place.shown, {}, limit_s=limit_s, secrets=place.secrets) as service:
            service.ask("POST", place.address, body=announcement.document())
    except StabkitError:
        raise
    except Exception as error:  # an answer of a shape that nobody foresaw
        raise StabkitError(f"its answer cannot be used ({type(error).__name__}).", where=place.shown) from error
    return "the webhook has the verdict"
