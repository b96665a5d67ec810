"""report --sign, batch --sign and verify: words, exit codes and streams."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "tests" / "data" / "demo_history"


@pytest.fixture
def project(folder):
    shutil.copytree(SAMPLE, folder / "sample")
    make_keys(folder, "own")
    make_keys(folder, "other")
    return folder


def make_keys(folder, name):
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key, pem = Ed25519PrivateKey.generate(), s.Encoding.PEM
    (folder / f"{name}.pem").write_bytes(key.private_bytes(pem, s.PrivateFormat.PKCS8, s.NoEncryption()))
    (folder / f"{name}.pub").write_bytes(key.public_key().public_bytes(pem, s.PublicFormat.SubjectPublicKeyInfo))


def outcomes(out):
    return {one["about"]: one["outcome"] for one in json.loads(out)["findings"]}


def test_a_signed_report_is_verified(stabkit, project):
    code, _, err = stabkit("report", "v1.4", "v1.5", "--data", "sample", "--sign", "own.pem")
    said = re.sub(r"^reports: \d+ (s|min) so far\n", "", err, flags=re.MULTILINE)  # on a slow machine
    assert (code, said) == (0, "")
    page = "reports/stability_report.html"
    code, out, err = stabkit("verify", page, "--key", "own.pub")
    assert (code, err) == (0, f"configuration: {project / 'sample' / 'stabkit.toml'}\n")  # it was found, not named
    assert out.startswith("The page holds")
    code, out, _ = stabkit("verify", "reports/stability_report.json", "--key", "other.pub", "--format", "json")
    assert (code, outcomes(out)["signature"]) == (1, "another_key")
    text = (project / page).read_text(encoding="utf-8")
    (project / page).write_text(text.replace("<strong>Stable", "<strong>Better"), encoding="utf-8")
    code, out, _ = stabkit("verify", page, "--key", "own.pub", "--format", "json")
    assert (code, outcomes(out)["page"], json.loads(out)["outcome"]) == (1, "altered", "differs")
    shutil.rmtree(project / "sample")
    assert stabkit("verify", "reports/stability_report.json")[0] == 2


def test_a_batch_signs_what_it_makes_and_what_lies_there(stabkit, project):
    jobs = project / "jobs.csv"
    jobs.write_text("name,baseline,candidate\none,v1.4,v1.5\n")
    words = ("batch", "jobs.csv", "--data", "sample", "--output", "pages")
    assert stabkit(*words)[0] == 0
    assert outcomes(stabkit("verify", "pages/one.html", "--format", "json")[1])["signature"] == "not_asked"
    assert stabkit(*words, "--sign", "own.pem")[0] == 0
    code, out, _ = stabkit("verify", "pages/one.html", "--key", "own.pub", "--format", "json")
    assert (code, outcomes(out)["signature"]) == (0, "signed")
    assert stabkit(*words)[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "--sign", "own.pub"), "no Ed25519 private key"),
        (("report", "--sign", "missing.pem"), "there is no such file"),
        (("report", "--sign", "own.pem", "--output", "s3://bucket/pages"), "signed in a folder"),
        (("verify", "missing.html"), "cannot be read"),
        (("verify", "good.xml"), "no page, result or notebook"),
        (("verify", "."), "no ordinary file"),
        (("verify", "good.xml", "--key", "own.pem"), "no Ed25519 public key"),
    ],
)
def test_what_cannot_be_signed_or_verified_is_said(stabkit, project, words, said):
    code, out, err = stabkit(*words)
    assert (code, out) == (2, "")
    assert said in " ".join(err.split())


def test_openssl_makes_keys_that_are_taken(stabkit, project):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    for words in (
        ["genpkey", "-algorithm", "ed25519", "-out", "key.pem"],
        ["pkey", "-in", "key.pem", "-pubout", "-out", "key.pub"],
    ):
        subprocess.run(["openssl", *words], cwd=project, check=True, capture_output=True)
    from stabkit.report.attestation import private_key, public_key

    own = private_key(project / "key.pem").public_key()
    assert own.public_bytes_raw() == public_key(project / "key.pub").public_bytes_raw()
