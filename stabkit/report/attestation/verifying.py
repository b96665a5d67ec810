"""Verifying a page: its statement, its signature, its evidence, and its verdict computed anew.

Nothing of the page is run, rendered from it or opened at its word: of the paths that it names, only those in the
working folder are looked at, and of its runs only those that the store holds.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stabkit.case import existing, is_store, load_case, lost_since, open_runs
from stabkit.config import find_config, load_config
from stabkit.errors import EvidenceError, StabkitError
from stabkit.installation import package_version
from stabkit.report.attestation.claims import Claim, ClaimedSide, claim_of, stays_here
from stabkit.report.attestation.pages import Attested, read_attested
from stabkit.report.attestation.statements import conditions_of
from stabkit.report.attestation.structure import foreign_parts
from stabkit.text import count, joined, plain
from stabkit.vocabulary import EXIT_CODES

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from stabkit.case import Case

__all__ = ["Finding", "Verification", "verify_page"]

_WORD: Final = re.compile(
    rb'<p class="word"><span aria-hidden="true">[^<]{1,8}</span> <strong>([A-Za-z ]{1,40})</strong>'
)
_TITLE: Final = re.compile(rb"<title>([^<]{0,2000})</title>")
_COMMENT: Final = re.compile(rb"<!--.*?-->", re.DOTALL)  # what no reader sees
_STYLE: Final = re.compile(rb"<style[^>]*>(.*?)</style", re.DOTALL | re.IGNORECASE)
_NAMED: Final = 5
_BAD: Final = frozenset({"differs", "altered", "another_key", "missing"})
_GONE: Final = frozenset({"gone", "unstated"})


@dataclass(frozen=True)
class Finding:
    """One thing that was verified.

    Attributes
    ----------
    about : {"page", "signature", "evidence", "configuration", "verdict"}
    outcome : str
        ``same``, ``signed``, ``not_asked`` (nobody asked for a signature) and ``none`` (nothing to compare);
        ``differs``, ``altered`` (after it was written, or signed), ``another_key`` and ``missing`` (no signature);
        ``gone`` and ``unstated``.
    text : str
        The same in a sentence.
    """

    about: str
    outcome: str
    text: str


@dataclass(frozen=True)
class Verification:
    """What was found of a page.

    Attributes
    ----------
    findings : tuple of Finding
        In the order in which they were looked for.
    stated, computed : str or None
        The verdict of the page, and the one that its evidence gives now; None if there is none.
    """

    findings: tuple[Finding, ...]
    stated: str | None = None
    computed: str | None = None

    @property
    def outcome(self) -> str:
        """``same``, ``differs`` (from what it states, was or rests on), or ``gone`` (it cannot be known)."""
        outcomes = {finding.outcome for finding in self.findings}
        return "differs" if outcomes & _BAD else "gone" if outcomes & _GONE else "same"

    @property
    def exit_code(self) -> int:
        """0 the same, 1 something differs or was altered, 2 it cannot be known."""
        return {"same": EXIT_CODES["stable"], "differs": EXIT_CODES["regressed"], "gone": EXIT_CODES["error"]}[
            self.outcome
        ]

    def document(self) -> dict[str, Any]:
        """Return it in the contract of ``stabkit verify --format json``."""
        return {
            "schema": 1,
            "outcome": self.outcome,
            "stated": self.stated,
            "computed": self.computed,
            "findings": [asdict(finding) for finding in self.findings],
        }


def verify_page(
    path: Path,
    *,
    data: str | Path | None = None,
    config: str | Path | None = None,
    key: Ed25519PublicKey | None = None,
) -> Verification:
    """Return whether a page is as it was written, and whether its evidence still gives its verdict.

    Parameters
    ----------
    path : Path
        A page, the JSON beside it, or an executed notebook.
    data : str or Path, optional
        The store; else the one that the page names, if it lies in the working folder, else the project's.
    config : str or Path, optional
        A ``stabkit.toml``; else the nearest to the working folder if the page was made with it, as a report is; else
        the nearest to the store.
    key : Ed25519PublicKey, optional
        Who must have signed it.

    Raises
    ------
    EvidenceError
        The file is no page, or its statement has not the form that stabkit writes.
    """
    found = read_attested(path)
    if found.kind == "notebook":
        claim, findings = _of_notebook(path, signed=key is not None)
    elif found.statement is None or found.envelope is None:
        what = "It states nothing: its statement was taken off, or an older stabkit made it."
        return Verification((Finding("page", "unstated", what),))
    else:
        claim = claim_of(found.statement["predicate"], str(path))
        signature = _signature(found.envelope, key)
        findings = [_unaltered(found), signature, *_shown(found, claim)]
        if found.kind == "page":
            findings += _built(found.content, claim, trusted=signature.outcome == "signed")
    if claim.provenance is None:
        if claim.verdict is not None:
            findings.append(Finding("evidence", "gone", "It names no evidence for its verdict."))
        else:
            findings.append(Finding("verdict", "none", "It gives no verdict, so that none was computed anew."))
        return Verification(tuple(findings), claim.verdict)
    try:
        case, more = _again(claim, data, config)
    except StabkitError as error:
        return Verification((*findings, Finding("evidence", "gone", str(error))), claim.verdict)
    findings += more
    if case is None:
        return Verification(tuple(findings), claim.verdict)
    findings += [_configuration(case, claim), _verdict(case, claim)]
    return Verification(tuple(findings), claim.verdict, case.gate.verdict)


def _unaltered(found: Attested) -> Finding:
    assert found.statement is not None
    own = hashlib.sha256(found.content).hexdigest()
    if any(subject["digest"]["sha256"] == own for subject in found.statement["subject"]):
        return Finding("page", "same", "Every byte is as its statement says.")
    return Finding("page", "altered", "It was altered after it was written.")


def _signature(envelope: Mapping[str, Any], key: Ed25519PublicKey | None) -> Finding:
    named = [str(s.get("keyid"))[:16] for s in envelope["signatures"][:_NAMED] if isinstance(s, Mapping)]
    if key is None:
        if not envelope["signatures"]:
            text = "Nobody signed it: whoever alters it can make a new statement. Trust this verdict, not its looks."
            return Finding("signature", "not_asked", text)
        by = joined(named, most=_NAMED)
        return Finding("signature", "not_asked", f"It says that it is signed, by {by}; give --key to check that.")
    from stabkit.report.attestation.signatures import key_id, signature_state

    state = signature_state(envelope, key)
    texts = {
        "signed": ("signed", f"The key {key_id(key)[:16]} signed its statement."),
        "unsigned": ("missing", "Nobody signed it."),
        "another_key": ("another_key", f"Another key signed it: {joined(named, most=_NAMED)}."),
        "altered": ("altered", "This key signed something else: the statement was altered after it was signed."),
    }
    return Finding("signature", *texts[state])


def _shown(found: Attested, claim: Claim) -> Iterator[Finding]:
    """Yield a finding if the verdict that a reader sees is not the one that the statement holds."""
    if found.kind == "page":
        seen = _COMMENT.sub(b"", found.content)
        words = {word.decode().lower() for word in _WORD.findall(seen)}
        title = _TITLE.search(seen)
        begins = claim.verdict is None or (title is not None and title[1].lower().startswith(claim.verdict.encode()))
        same = words == ({claim.verdict} if claim.verdict else set()) and begins
    else:
        result = json.loads(found.content)
        same = result.get("verdict") == claim.verdict and result.get("exit_code") == claim.exit_code
    if not same:
        yield Finding("verdict", "altered", "The verdict that it shows is not the one that its statement holds.")


def _built(content: bytes, claim: Claim, *, trusted: bool) -> Iterator[Finding]:
    """Yield a finding if the page holds what stabkit does not write, which may hide the verdict or draw another one."""
    if claim.stabkit != package_version():  # of another version neither templates nor style are known
        if not trusted:
            text = (
                f"stabkit {plain(claim.stabkit)} made it: whether it shows its verdict as that one does is not known."
            )
            yield Finding("page", "gone", f"{text} Verify it with that version, or ask for a signed page.")
        return
    if parts := foreign_parts(content, claim.verdict):
        text = f"It holds what stabkit does not write: {joined(parts, most=len(parts))}."
        yield Finding("page", "altered", f"{text} That may hide the verdict, or show another one.")
    if not _styled_by_us(content):
        yield Finding("page", "altered", "Its style is not stabkit's: it may hide the verdict, or show another one.")


def _styled_by_us(content: bytes) -> bool:
    """Say whether a page has one style, that of all pages of this version."""
    from stabkit.report.page import page_css

    return _STYLE.findall(content) == [page_css().encode()]


def _of_notebook(path: Path, *, signed: bool) -> tuple[Claim, list[Finding]]:
    """Return what an executed notebook claims in its outputs; its cells are not run."""
    from stabkit.report.page import render

    rendered = render(path)
    summary = rendered.result["summary"] or {}
    claim = claim_of(
        {
            "stabkit": "",
            "verdict": rendered.result["verdict"],
            "exit_code": rendered.exit_code,
            "conditions": conditions_of(summary.get("gate")),
            "provenance": summary.get("provenance"),
        },
        str(path),
    )
    findings = [Finding("page", "none", "A notebook states no hash of itself; what its outputs show is compared.")]
    if signed:
        findings.append(Finding("signature", "missing", "Notebooks are not signed; ask for the page."))
    content = rendered.html.encode("utf-8", "backslashreplace")
    own = claim.model_copy(update={"stabkit": package_version()})  # its page was made just now
    return claim, [*findings, *_shown(Attested("page", content), claim), *_built(content, own, trusted=False)]


def _again(claim: Claim, data: str | Path | None, config: str | Path | None) -> tuple[Case | None, list[Finding]]:
    """Return the case that the page speaks of, judged anew, with what became of its evidence."""
    provenance = claim.provenance
    assert provenance is not None
    sides: dict[str, ClaimedSide] = {side.side: side for side in provenance.sides}
    if "candidate" not in sides:
        raise EvidenceError("It names no candidate.", hint="Do not trust it.")
    if provenance.store is None:
        return _of_files(claim, sides, config)
    place = provenance.store.place
    named = data or (place if place is not None and stays_here(place) and is_store(Path.cwd() / place) else None)
    store = open_runs(named)
    lost = [found for side in sides.values() for found in lost_since(side.model_dump(), store)]
    if lost:
        how = "differs" if any(one.how != "gone" for one in lost) else "gone"
        more = f", and {count(len(lost) - _NAMED, 'thing')} more" if len(lost) > _NAMED else ""
        text = f"In {store.place}, {'; '.join(str(one) for one in lost[:_NAMED])}{more}."
        if any(one.whole_run for one in lost):
            text += " Name the store with --data if it is another one."
        return None, [Finding("evidence", how, text)]
    newest = provenance.store.newest
    missing = store.lacks(newest) if newest is not None else []
    if missing:
        text = f"Of the store as it was, {missing[0]} is gone or changed: what was stored before cannot be told."
        return None, [Finding("evidence", "differs", text)]
    tables = count(sum(len(batch.tables) for side in sides.values() for batch in side.batches or ()), "table")
    text = f"{count(len(sides), 'run')} with {tables}, each as it was."
    findings = [Finding("evidence", "same", text)]
    case = load_case(
        sides["baseline"].run_id if "baseline" in sides else None,
        sides["candidate"].run_id,
        data=named or store.root or str(store.place),
        config=config or _of_that_time(provenance.configuration),
        as_of=newest,
        today=provenance.judged_on,
    )
    return case, findings


def _of_that_time(sha256: str) -> Path | None:
    """Return the nearest configuration if it is the one of the page: a report may have been told to take it."""
    try:
        nearest = find_config()
        return nearest if nearest is not None and load_config(nearest).sha256 == sha256 else None
    except StabkitError:  # one that cannot be read, or is another user's, is none of the page
        return None


def _of_files(
    claim: Claim, sides: Mapping[str, ClaimedSide], config: str | Path | None
) -> tuple[Case | None, list[Finding]]:
    assert claim.provenance is not None
    asked = claim.provenance.asked or [None, None]
    paths = [name for name in asked if name]
    if len(paths) < len(sides) or not all(stays_here(path) and existing(path) for path in paths):
        text = "It rests on files that do not lie in this folder; stand where the report was made."
        return None, [Finding("evidence", "gone", text)]
    case = load_case(asked[0] if len(sides) > 1 else None, paths[-1], config=config, today=claim.provenance.judged_on)
    now = {
        side["side"]: {file["sha256"] for file in side.get("files", ())} for side in (case.provenance or {})["sides"]
    }
    for name, side in sides.items():
        if now.get(name) != {file.sha256 for file in side.files or ()}:
            return None, [Finding("evidence", "differs", f"The files of the {name} are not those that it rests on.")]
    files = count(sum(len(side.files or ()) for side in sides.values()), "file")
    return case, [Finding("evidence", "same", f"{files}, each as it was.")]


def _configuration(case: Case, claim: Claim) -> Finding:
    assert claim.provenance is not None
    if case.config.sha256 == claim.provenance.configuration:
        return Finding("configuration", "same", "The resolved configuration is the same.")
    named = case.config_path or "no file"
    text = f"The resolved configuration is another one ({named}). Name the one of that time with --config."
    return Finding("configuration", "differs", text)


def _verdict(case: Case, claim: Claim) -> Finding:
    now = case.gate.verdict
    if now != claim.verdict:
        stated = (claim.verdict or "no verdict").upper()
        return Finding("verdict", "differs", f"The evidence gives {now.upper()}, the page says {stated}.")
    outcomes = [[one.name, one.outcome] for one in case.gate.conditions][: len(claim.conditions)]
    moved = [pair[0] for pair, was in zip(outcomes, claim.conditions, strict=False) if pair != was]
    if moved or len(outcomes) != len(claim.conditions):
        which = joined(moved, most=_NAMED) or "there are more or fewer"
        text = f"The verdict is {now.upper()} again, but not every condition: {which}."
        return Finding("verdict", "differs", text)
    return Finding("verdict", "same", f"Computed anew, it is {now.upper()} again, in every condition.")
