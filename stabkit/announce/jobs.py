"""Where the job that judges can be looked at: the address that a CI service gives it."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["job_address"]


def job_address(variables: Mapping[str, str]) -> str | None:
    """Return the address of the job of GitHub, GitLab or Jenkins; None outside of them.

    Examples
    --------
    >>> job_address({"CI_JOB_URL": "https://gitlab.example/shop/-/jobs/7"})
    'https://gitlab.example/shop/-/jobs/7'
    >>> job_address({}) is None
    True
    """
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    if all(variables.get(name) for name in names):
        server, repository, run = (variables[name] for name in names)
        return f"{server}/{repository}/actions/runs/{run}"
    return variables.get("CI_JOB_URL") or variables.get("BUILD_URL") or None
