"""Run the service: python -m chat_service --port 8443 --certificate server.pem --key server.key."""

import argparse
import socket

import uvicorn

from chat_service.app import create_app


def main():
    """Serve until told to stop; print the port once it is bound."""
    parser = argparse.ArgumentParser(prog="chat_service")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port, printed")
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    options = parser.parse_args()
    # Named as TCP, or asyncio leaves Nagle's algorithm on and each answer waits 40 ms for an acknowledgement.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((options.host, options.port))
    bound.listen(256)
    config = uvicorn.Config(
        create_app(),
        ssl_certfile=options.certificate,
        ssl_keyfile=options.key,
        log_level="warning",
        ws="websockets-sansio",
        timeout_graceful_shutdown=2,
    )
    config.load()  # certificates that cannot be read end it here, before anyone is told to come
    print(f"port {bound.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[bound])


if __name__ == "__main__":
    main()
