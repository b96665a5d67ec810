import ssl
import stat
import subprocess
import sys

import httpx
import psutil
import pytest

from stabkit.demo.certificates import write_certificates
from stabkit.demo.processes import busy_machine, running_service
from stabkit.demo.scenarios import write_service
from stabkit.errors import EvidenceError


@pytest.fixture
def certificates(tmp_path):
    return write_certificates(tmp_path / "tls")


def test_service_answers_over_verified_tls_and_ends_with_its_block(tmp_path, certificates):
    write_service(tmp_path / "service")
    trust = ssl.create_default_context(cafile=str(certificates.authority))
    with running_service(tmp_path / "service", certificates) as service:
        answer = httpx.get(service.url("/health"), verify=trust, trust_env=False)
        assert answer.json()["status"] == "healthy"
        process = psutil.Process(service.pid)
    assert not process.is_running()


def test_its_certificate_is_not_trusted_by_everyone(tmp_path, certificates):
    write_service(tmp_path / "service")
    with (
        running_service(tmp_path / "service", certificates) as service,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        httpx.get(service.url("/health"), trust_env=False)


def test_service_that_cannot_start_says_why(tmp_path, certificates):
    write_service(tmp_path / "service")
    (tmp_path / "service" / "chat_service" / "app.py").write_text("import no_such_module\n")
    with pytest.raises(EvidenceError, match="no_such_module"), running_service(tmp_path / "service", certificates):
        pass


def test_nothing_outlives_a_demo_that_is_killed(tmp_path):
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from stabkit.demo.certificates import write_certificates\n"
        "from stabkit.demo.processes import busy_machine, running_service\n"
        "from stabkit.demo.scenarios import write_service\n"
        "place = Path(sys.argv[1])\n"
        "write_service(place / 'service')\n"
        "with running_service(place / 'service', write_certificates(place / 'tls')), busy_machine(1):\n"
        "    print('up', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    demo = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert demo.stdout.readline() == "up\n"
    children = psutil.Process(demo.pid).children()
    assert len(children) == 2
    demo.kill()
    demo.communicate()
    assert psutil.wait_procs(children, timeout=10)[1] == []


def test_key_is_readable_by_its_owner_alone(certificates):
    assert stat.S_IMODE(certificates.key.stat().st_mode) == 0o600


def test_busy_processes_end_with_their_block():
    before = set(psutil.Process().children())
    with busy_machine(2):
        started = set(psutil.Process().children()) - before
        assert len(started) == 2
    assert not any(process.is_running() for process in started)
