"""Git called safely: the repository, its configuration, its names and its sizes are untrusted."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stabkit.errors import EvidenceError, UsageError
from stabkit.redact import redact_text

__all__ = ["Blob", "Git", "repository_state"]

# A repository's own configuration can name programs to run; each that a reading command would start is switched off.
_SAFE: Final = (
    "--no-pager",
    "--no-replace-objects",
    "--literal-pathspecs",
    *("-c", "core.quotepath=off"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "log.showSignature=false"),
    *("-c", f"diff.orderFile={os.devnull}"),
    *("-c", "protocol.allow=never"),
)
_LIMIT: Final = 256 * 1024 * 1024
_DEADLINE_S: Final = 60.0
# So many bytes are asked for at once: far below the limit, whatever git prints around them.
_AT_ONCE: Final = 32 * 1024 * 1024
# What leads from a commit to one before it.
_ANCESTOR: Final = re.compile(r"(?:[~^]\d*)+$")
_COMMIT_ID: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Blob:
    """One file of a commit's tree."""

    path: str
    object_id: str


class Git:
    """Reading commands on one repository, each with a deadline (seconds) and an output limit (bytes).

    Attributes
    ----------
    partial : bool
        True for a clone that lacks contents, on purpose or not. What it lacks is absent then, and is never fetched.
    """

    def __init__(self, repository: Path, *, deadline_s: float = _DEADLINE_S, limit: int = _LIMIT) -> None:
        self.repository = repository
        self._deadline_s = deadline_s
        self._limit = limit
        if not repository.is_dir():
            raise UsageError("There is no such folder.", where=str(repository), hint="Name a git repository.")
        self._objects: dict[str, str] = {}
        try:
            objects = self.read("rev-parse", "--path-format=absolute", "--git-path", "objects", "--git-path", "shallow")
        except EvidenceError as error:
            if "not a git repository" not in error.what:  # another owner's, a broken one: git's own words help
                raise
            raise EvidenceError(
                "This is no git repository.", where=str(repository), hint="Name one, or leave the changes out."
            ) from error
        self.partial = self._promises()
        if self.partial:
            folder, shallow = (os.fsdecode(line) for line in objects.splitlines())
            self._set_apart(folder, Path(shallow))

    def _promises(self) -> bool:
        """Say whether a remote has promised to send what is missing."""
        try:
            return bool(self.read("config", "--get-regexp", r"^(remote\..*\.promisor|extensions\.partialclone)$"))
        except EvidenceError:
            return False

    def _set_apart(self, objects: str, shallow: Path) -> None:
        """Read objects through a repository of our own, which knows no remote.

        Git ends at the first object that a remote promised and that may not be fetched; where nothing is promised, it
        says which are missing and goes on.
        """
        own = Path(tempfile.mkdtemp(prefix="stabkit-git-"))
        weakref.finalize(self, shutil.rmtree, own, ignore_errors=True)
        (own / "refs").mkdir()
        (own / "objects").mkdir()
        (own / "HEAD").write_text("ref: refs/heads/none\n")
        sha256 = self.read("rev-parse", "--show-object-format").strip() == b"sha256"
        version, extension = (1, "[extensions]\n\tobjectFormat = sha256\n") if sha256 else (0, "")
        core = f"[core]\n\trepositoryformatversion = {version}\n\tbare = true\n"
        (own / "config").write_text(core + extension)
        if shallow.is_file():
            (own / "shallow").write_bytes(shallow.read_bytes())
        self._objects = {"GIT_DIR": str(own), "GIT_OBJECT_DIRECTORY": objects}

    def read(self, *arguments: str, given: bytes = b"", objects: bool = False) -> bytes:
        """Return what a git command prints.

        Parameters
        ----------
        *arguments : str
            The command and what it is given.
        given : bytes
            What it reads.
        objects : bool
            True for a command that is given full ids alone and reads contents: of a partial clone it tells what is
            missing instead of ending there.

        Raises
        ------
        EvidenceError
            Git is missing, fails, takes too long or prints too much.
        """
        command = ["git", *_SAFE, "-C", str(self.repository), *arguments]
        with tempfile.TemporaryFile() as incoming, tempfile.TemporaryFile() as errors:
            incoming.write(given)
            incoming.seek(0)
            try:
                process = subprocess.Popen(  # noqa: S603 - an argument list without a shell
                    command,
                    stdin=incoming,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env={**_environment(), **(self._objects if objects else {})},
                    start_new_session=True,
                )
            except OSError as error:
                raise EvidenceError(
                    f"Git cannot be started: {error.strerror}.", where=str(self.repository), hint="Install git."
                ) from error
            output = self._drain(process, arguments[0])
            if process.returncode:
                errors.seek(0)
                said = redact_text(errors.read(2_000).decode("utf-8", "replace").strip())
                raise EvidenceError(
                    f"git {arguments[0]} failed: {said or f'exit code {process.returncode}'}",
                    where=str(self.repository),
                    hint="Check that this is a readable git repository with that history.",
                )
        return output

    def _drain(self, process: subprocess.Popen[bytes], name: str) -> bytes:
        late = threading.Event()

        def stop() -> None:
            late.set()
            _end(process)

        timer = threading.Timer(self._deadline_s, stop)
        timer.start()
        try:
            assert process.stdout is not None
            with process.stdout as pipe:
                output = pipe.read(self._limit + 1)
                if len(output) > self._limit:
                    _end(process)
            process.wait()
        finally:
            timer.cancel()
            if process.poll() is None:
                _end(process)
                process.wait()
        if late.is_set() or len(output) > self._limit:
            why = f"took longer than {self._deadline_s:g} s" if late.is_set() else "printed too much"
            raise EvidenceError(
                f"git {name} {why}.", where=str(self.repository), hint="Choose a smaller range or a nearer base."
            )
        return output

    def commit(self, reference: str) -> str:
        """Return the full id of a commit.

        Raises
        ------
        UsageError
            No commit answers to that reference.
        """
        try:
            found = self.read("rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
        except (EvidenceError, ValueError) as error:
            what, hint = self._no_commit(reference)
            raise UsageError(what, where=str(self.repository), hint=hint) from error
        name = found.decode("ascii", "replace").strip()
        if not _COMMIT_ID.fullmatch(name):
            raise EvidenceError(f"Git answers {name!r}, which is no commit id.", where=str(self.repository))
        return name

    def _no_commit(self, reference: str) -> tuple[str, str]:
        """Return why a reference names no commit, and what to do about it."""
        plain = _ANCESTOR.sub("", reference)
        if plain in ("", "@", "HEAD") and not self._names("HEAD"):
            return "The repository has no commit yet.", "Commit something first, or name one that has a history."
        if plain != reference and self._names(plain or "HEAD"):
            if self.shallow:
                return f"No commit {reference!r}: the clone is shallow.", "Fetch its history: git fetch --unshallow"
            return (
                f"No commit {reference!r}: {plain or 'HEAD'} has no such commit before it.",
                "The first commit has none before it, and only a merge has a second one; name two that exist.",
            )
        return f"No commit {reference!r}.", "Name a branch, tag or commit id that git rev-parse knows."

    def _names(self, reference: str) -> bool:
        """Say whether a reference names a commit."""
        try:
            return bool(self.read("rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}"))
        except (EvidenceError, ValueError):
            return False

    def merge_base(self, base: str, head: str) -> str:
        """Return the full id of the best common ancestor of two full ids."""
        try:
            return self.read("merge-base", base, head).decode("ascii").strip()
        except EvidenceError as error:
            shallow = self.shallow
            raise EvidenceError(
                "The clone is shallow and lacks the common history." if shallow else "The commits share no history.",
                where=str(self.repository),
                hint="Fetch the whole history: git fetch --unshallow" if shallow else "Choose another base.",
            ) from error

    @property
    def shallow(self) -> bool:
        """True if older history is cut off."""
        return self.read("rev-parse", "--is-shallow-repository").strip() == b"true"

    def lacks(self, names: Iterable[str]) -> set[str]:
        """Return which of these objects, by full ids, are not there."""
        asked = self.read("cat-file", "--batch-check", given=_lines(names), objects=True).decode("ascii", "replace")
        return {line.split()[0] for line in asked.splitlines() if line.endswith(" missing")}

    def tree(self, commit: str) -> dict[str, Blob]:
        """Return the regular files of a commit by path; symbolic links and submodules are left out."""
        found: dict[str, Blob] = {}
        for entry in self.read("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0"):
            facts, tab, name = entry.partition(b"\t")
            if tab and facts[:6] in (b"100644", b"100755"):
                path = name.decode("utf-8", "replace")
                found[path] = Blob(path, facts.split()[2].decode("ascii"))
        return found

    def contents(self, blobs: Iterable[Blob], *, largest: int = 2 * 1024 * 1024) -> dict[str, bytes]:
        """Return contents by object id; not those larger than ``largest`` bytes or absent, as in a partial clone."""
        return dict(self.each_content(blobs, largest=largest))

    def each_content(self, blobs: Iterable[Blob], *, largest: int = 2 * 1024 * 1024) -> Iterator[tuple[str, bytes]]:
        """Yield what :meth:`contents` returns, never holding more than some of it."""
        names = dict.fromkeys(blob.object_id for blob in blobs)
        if not names:
            return
        asked = self.read("cat-file", "--batch-check", given=_lines(names), objects=True)
        sizes = [line.split() for line in asked.decode("ascii", "replace").splitlines()]
        wanted: list[str] = []
        together = 0
        for facts in sizes:
            if len(facts) != 3 or facts[1] != "blob" or (size := int(facts[2])) > largest:
                continue
            if wanted and together + size > _AT_ONCE:
                yield from self._batch(wanted)
                wanted, together = [], 0
            wanted.append(facts[0])
            together += size
        if wanted:
            yield from self._batch(wanted)

    def _batch(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        output = self.read("cat-file", "--batch", given=_lines(names), objects=True)
        position = 0
        while position < len(output):
            end = output.index(b"\n", position)
            name, _, size = output[position:end].split()
            position = end + 1
            yield name.decode("ascii"), output[position : position + int(size)]
            position += int(size) + 1


def repository_state(path: Path) -> tuple[str | None, str | None]:
    """Return the full commit id and the branch checked out there; each None if there is none.

    A folder outside any repository, a repository without commits and a detached head are normal states, not errors.
    Of a detached head, as runners check it out, the branch is the one that the runner names for that commit.
    """
    try:
        git = Git(path)
        commit = git.commit("HEAD")
    except (EvidenceError, UsageError):
        return None, None
    try:
        branch = git.read("symbolic-ref", "--quiet", "--short", "HEAD").decode("utf-8", "replace").strip()
    except EvidenceError:
        branch = ""
    return commit, branch or _branch_of_runner(commit)


# Variable that holds the commit of a job, and those that name its branch, the one of a merge request first.
_RUNNERS: Final = (
    ("GITHUB_SHA", ("GITHUB_HEAD_REF", "GITHUB_REF_NAME")),
    ("CI_COMMIT_SHA", ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_BRANCH")),
    ("GIT_COMMIT", ("CHANGE_BRANCH", "BRANCH_NAME", "GIT_BRANCH")),
)


def _branch_of_runner(commit: str) -> str | None:
    """Return the branch that a CI runner names for this commit; a variable that speaks of another is none of ours."""
    if os.environ.get("GITHUB_REF_TYPE") == "tag":
        return None
    known = [name for sha, names in _RUNNERS if os.environ.get(sha) == commit for name in names]
    named = next((os.environ[name] for name in known if os.environ.get(name)), None)
    return None if named is None else named.removeprefix("origin/")


def _lines(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def _end(process: subprocess.Popen[bytes]) -> None:
    # With its children: one of them would keep the pipe open long after git itself is gone.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _environment() -> Mapping[str, str]:
    # Variables such as GIT_DIR, set while a hook runs, would point git at another repository.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return inherited | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ASKPASS": "true",
        "LC_ALL": "C",
    }
