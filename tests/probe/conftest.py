"""The servers that probes talk to."""

from tests.servers import (  # noqa: F401
    answering,
    authority,
    check_of,
    closed_port,
    http_answer,
    open_proxy,
    probe_http,
    serve,
    speak_http2,
)
