"""Real servers on 127.0.0.1, and a certificate authority of our own."""

import base64
import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stabkit.config import HttpTarget
from stabkit.probe.http.http_probe import HttpProbe
from stabkit.probe.rounds import run_rounds
from stabkit.schema import Evidence

NOW = datetime.datetime.now(datetime.UTC)


@dataclass
class Authority:
    """A certificate authority, whose certificates last 30 days from today unless they are expired."""

    folder: Path
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    count: int = 0

    def __post_init__(self) -> None:
        self.name = _name("stabkit test authority")
        certificate = self._build(self.name, self.name, self.key, self.key, days=30, ca=True)
        self.ca_file = self.folder / "ca.pem"
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def context(
        self,
        hosts: tuple[str, ...] = ("localhost", "127.0.0.1"),
        *,
        expired: bool = False,
        self_signed: bool = False,
    ) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(hosts[0])
        issuer, signer = (name, key) if self_signed else (self.name, self.key)
        certificate = self._build(name, issuer, key, signer, days=-1 if expired else 30, hosts=hosts)
        self.count += 1
        file = self.folder / f"server{self.count}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    @staticmethod
    def _build(subject, issuer, key, signer, *, days, ca=False, hosts=()):
        names = []
        for host in hosts:
            try:
                names.append(x509.IPAddress(ipaddress.ip_address(host)))
            except ValueError:
                names.append(x509.DNSName(host))
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - datetime.timedelta(days=10))
            .not_valid_after(NOW + datetime.timedelta(days=days, hours=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            # As Python 3.13 demands: who may sign, and whose key signed.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if ca:
            usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                                   "key_agreement", "encipher_only", "decipher_only"), False)  # fmt: skip
            builder = builder.add_extension(x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True), critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(signer, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


class TcpServer:
    """Hands each accepted connection, in a thread of its own, to ``talk(connection)``."""

    def __init__(self, talk: Callable[[socket.socket], None], context: ssl.SSLContext | None) -> None:
        self.talk = talk
        self.context = context
        self.accepted = 0
        self.open: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.scheme = "https" if context else "http"
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def url(self, host: str = "127.0.0.1", path: str = "/") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def stop(self) -> None:
        """Die: close the listener and every connection."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self.threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            thread = threading.Thread(target=self._talk, args=(connection,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _talk(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            self.open.append(connection)
            self.talk(connection)
        connection.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., TcpServer]]:
    """Start servers that end with the test."""
    servers: list[TcpServer] = []

    def start(talk: Callable[[socket.socket], None], context: ssl.SSLContext | None = None) -> TcpServer:
        servers.append(TcpServer(talk, context))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def answering() -> Callable[..., Callable[[socket.socket], None]]:
    """Make a keep-alive HTTP conversation: ``answer(number, request) -> bytes`` per request; None hangs up."""

    def make(answer: Callable[[int, bytes], bytes | None] | bytes) -> Callable[[socket.socket], None]:
        numbers = iter(range(1_000_000))

        def talk(connection: socket.socket) -> None:
            with connection.makefile("rb") as stream:
                while request := _read_request(stream):
                    reply = answer if isinstance(answer, bytes) else answer(next(numbers), request)
                    if reply is None:
                        return
                    connection.sendall(reply)

        return talk

    return make


def _read_request(stream) -> bytes:
    head = b""
    while (line := stream.readline()) not in (b"\r\n", b""):
        head += line
    length = next((int(row[15:]) for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:")), 0)
    return head + b"\r\n" + stream.read(length) if head else b""


@pytest.fixture
def http_answer() -> Callable[..., bytes]:
    def make(body: bytes = b"ok", status: str = "200 OK", headers: str = "") -> bytes:
        return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body

    return make


class Proxy:
    """A real forward and tunnelling proxy for the tests."""

    def __init__(self, serve, *, user: str | None = None) -> None:
        self.seen: list[bytes] = []
        self.user = user
        self.server = serve(self.talk)

    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def talk(self, connection: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            data = connection.recv(1)
            if not data:
                return
            head += data
        self.seen.append(head)
        if self.user is not None:
            expected = b"Proxy-Authorization: Basic " + base64.b64encode(self.user.encode())
            if expected not in head:
                connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
        method, target, _ = head.split(b" ", 2)
        host, _, port = (target if method == b"CONNECT" else target.split(b"/")[2]).partition(b":")
        with socket.create_connection((host.decode(), int(port))) as onward:
            if method == b"CONNECT":
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                onward.sendall(head)
            back = threading.Thread(target=pump, args=(onward, connection))
            back.start()
            pump(connection, onward)
            back.join()


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture
def open_proxy(serve) -> Callable[..., Proxy]:
    """Start a proxy, which asks for ``user:password`` if one is given."""
    return lambda user=None: Proxy(serve, user=user)


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def speak_http2() -> Callable[..., Callable[[socket.socket], None]]:
    """Make an HTTP/2 conversation: ``answer(headers, body) -> (status, headers, body)`` per request."""

    def make(answer: Callable[[dict, bytes], tuple[int, dict, bytes]]) -> Callable[[socket.socket], None]:
        def talk(connection: socket.socket) -> None:
            state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
            state.initiate_connection()
            connection.sendall(state.data_to_send())
            asked: dict[int, tuple[dict, bytes]] = {}
            while data := connection.recv(65_536):
                for event in state.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        asked[event.stream_id] = (dict(event.headers), b"")
                    elif isinstance(event, h2.events.DataReceived):
                        head, body = asked[event.stream_id]
                        asked[event.stream_id] = (head, body + event.data)
                        state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    elif isinstance(event, h2.events.StreamEnded):
                        status, headers, body = answer(*asked.pop(event.stream_id))
                        fields = [(":status", str(status)), ("content-length", str(len(body))), *headers.items()]
                        state.send_headers(event.stream_id, fields, end_stream=not body)
                        if body:
                            state.send_data(event.stream_id, body, end_stream=True)
                connection.sendall(state.data_to_send())

        return talk

    return make


@pytest.fixture
def probe_http() -> Callable[..., Evidence]:
    """Probe an address and return the evidence."""

    def measure(url: str, *, rounds: int = 1, root: Path = Path(), **settings: object) -> Evidence:
        # One connection, unless a test is about several: then each request waits for the one before.
        target = HttpTarget(url=url, **{"requests": 3, "rate": 200, "timeout_s": 5, "connections": 1, **settings})
        probe = HttpProbe("api", target, url=url, root=root)
        return run_rounds({"candidate": [probe]}, rounds=rounds, seed=1)["candidate"]

    return measure


@pytest.fixture
def check_of() -> Callable[[Evidence, str], dict]:
    """Return the one row of a check."""

    def find(evidence: Evidence, name: str) -> dict:
        (row,) = evidence["checks"].query("check == @name").to_dict("records")
        return row

    return find
