"""The jobs of a batch: of a list, of the pairs of a store, of the projects below a folder; all checked beforehand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from stabkit.config import load_config
from stabkit.errors import StabkitError, UsageError, nearest
from stabkit.pipeline.job_lists import Listed
from stabkit.pipeline.notebooks import check_parameters, find_notebook, notebook_parameters, read_value
from stabkit.pipeline.reports import Job, from_here
from stabkit.redact import is_secret_name, redact_text, redact_values
from stabkit.store import Store

__all__ = ["USUAL_NOTEBOOK", "jobs_of", "pairs", "projects_below"]

#: What an entry makes that names no notebook; its reports need no word for it in their names.
USUAL_NOTEBOOK: Final = "stability_report"


def pairs(store: Store, places: Mapping[str, str]) -> list[Listed]:
    """Return an entry for each run of a store and the run before it, oldest first.

    The run before is the newest earlier one of the same environment, or the one that was collected together with it.
    A run without one is left out. Labels name the runs where they are unique, else their ids do. ``places`` are store
    and configuration, for the notebooks that have such parameters.

    Raises
    ------
    UsageError
        There is no such pair.
    StoreError
        The store cannot be read.
    """
    from stabkit.case import run_before

    runs = store.runs()
    labels = runs["label"].value_counts()
    names = {
        run.run_id: run.label if isinstance(run.label, str) and labels[run.label] == 1 else run.run_id
        for run in runs.itertuples()
    }
    found = []
    for _, run in runs.iterrows():
        before = run_before(run, store)
        if before is not None:
            after = str(run["run_id"])
            sides = {"baseline": before, "candidate": after}
            shown = f"{names[before]}-{names[after]}"
            found.append(Listed(f"run {names[after]}", name=shown, parameters=sides, offered=places))
    if not found:
        raise UsageError(
            "The store holds no run that has one before it.",
            where=str(store.place),
            hint="Collect another run of the same environment with: stabkit collect",
        )
    return found


def projects_below(folder: Path) -> list[Listed]:
    """Return an entry for each ``stabkit.toml`` below a folder, in order of their paths: its newest run.

    One that cannot be read is an entry too, whose report says why: a project's fault is not the others'.

    Raises
    ------
    UsageError
        There is no such folder, or no configuration in it.
    """
    if not folder.is_dir():
        raise UsageError("There is no such folder.", where=str(folder), hint="Name a folder of projects with --below.")
    files = sorted(file for file in folder.rglob("stabkit.toml") if not _hidden(file.relative_to(folder)))
    if not files:
        raise UsageError(
            "There is no stabkit.toml below this folder.", where=str(folder), hint="Write one with: stabkit init"
        )
    return [_project(file, folder) for file in files]


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts[:-1])


def _project(file: Path, folder: Path) -> Listed:
    parts = file.parent.relative_to(folder).parts or (folder.resolve().name,)
    try:
        data = from_here(load_config(file).data)
    except StabkitError as problem:
        return Listed(str(file), name="-".join(parts), about="/".join(parts), problem=problem, failed=True)
    return Listed(
        str(file), name="-".join(parts), about="/".join(parts), offered={"config": from_here(file), "data": data}
    )


def jobs_of(
    entries: Iterable[Listed],
    *,
    notebooks: Sequence[str],
    parameters: Mapping[str, str],
    usual: Mapping[str, str],
) -> tuple[list[tuple[str, Job]], list[StabkitError]]:
    """Return the jobs of a list, each with where it stands, and everything that is wrong with the list.

    Parameters
    ----------
    entries : iterable of Listed
        An entry that names no notebook makes one job for each of ``notebooks``.
    notebooks : sequence of str
        Names or paths.
    parameters : mapping
        Words for parameters that an entry does not give itself.
    usual : mapping
        Store and configuration, for the notebooks that have such parameters and entries that give none.
    """
    found: list[tuple[str, Job]] = []
    problems: list[StabkitError] = []
    places: dict[str, str] = {}
    unused = set(parameters)
    for entry in entries:
        if entry.problem is not None and not entry.failed:
            problems.append(entry.problem)
            continue
        for notebook in [entry.notebook] if entry.notebook is not None else notebooks:
            try:
                job, used = _job(entry, notebook, parameters, usual)
                unused -= used
                first = places.get(job.file_name.casefold())
                if first is not None:
                    raise UsageError(
                        f"It would write the same files as {first}: {job.file_name}.html.",
                        hint="Give one of them a name of its own.",
                    )
                places[job.file_name.casefold()] = entry.where
            except StabkitError as problem:
                problem.where = f"{entry.where}: {problem.where}" if problem.where else entry.where
                problems.append(problem)
            else:
                found.append((entry.where, job))
    if unused and not problems:
        problems.append(_unknown(sorted(unused)[0], [job for _, job in found]))
    return found, problems


def _job(entry: Listed, notebook: str, parameters: Mapping[str, str], usual: Mapping[str, str]) -> tuple[Job, set[str]]:
    """Return the job of an entry, and which of the common parameters it took."""
    path = find_notebook(notebook)
    declared = notebook_parameters(path)
    common = {name: read_value(word, declared[name]) for name, word in parameters.items() if name in declared}
    own = dict(entry.parameters)
    if entry.text:
        own = {name: read_value(word, declared.get(name)) for name, word in own.items()}
    values = {**common, **own}
    if "data" in declared and "data" not in values:
        if isinstance(values.get("config"), str) and values["config"]:
            values["data"] = from_here(load_config(Path(values["config"])).data)
        else:
            values = {**{name: word for name, word in (entry.offered or usual).items() if name in declared}, **values}
    check_parameters(path, values)
    words = [_short(value) for key, value in own.items() if not is_secret_name(key)]
    name = entry.name
    if name is None:
        name = "-".join([path.stem, *words])
    elif entry.notebook is None and notebook != USUAL_NOTEBOOK:
        name = f"{name}-{path.stem}"
    about = entry.about or entry.name or ", ".join(words) or None
    return Job(notebook, values, name, entry.timeout_s, about, entry.problem), set(common)


def _short(value: Any) -> str:
    return redact_text(value) if isinstance(value, str) else json.dumps(redact_values(value, named=True))


def _unknown(name: str, jobs: Sequence[Job]) -> UsageError:
    known = {declared for job in jobs for declared in notebook_parameters(find_notebook(job.notebook))}
    guess = nearest(name, known)
    return UsageError(
        f"No notebook of this batch has the parameter {name!r}.",
        where="--parameter",
        hint=(f"Did you mean {guess!r}? " if guess else "") + f"There are: {', '.join(sorted(known)) or 'none'}.",
    )
