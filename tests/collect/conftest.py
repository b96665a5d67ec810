"""The servers that collections talk to."""

from tests.servers import answering, authority, closed_port, http_answer, serve  # noqa: F401
