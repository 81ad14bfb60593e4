"""Plain HTTP on loopback in front of mutual TLS: what a user of a client without client certificates sets up (stunnel)."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.end_to_end.site import Site


@contextmanager
def sidecar(site: Site, name: str, port: int) -> Iterator[str]:
    """A forwarder with the papers of `name`; yields its `http://…` address."""
    context = site.context(name)
    target = ("127.0.0.1", int(site.url.rsplit(":", 1)[1]))
    listener = socket.create_server(("127.0.0.1", port))
    accepting = threading.Thread(target=_accept, args=(listener, context, target), daemon=True)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def _accept(listener: socket.socket, context: ssl.SSLContext, target: tuple[str, int]) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:  # the listener was closed: the test is over
            return
        secure = context.wrap_socket(socket.create_connection(target), server_hostname="localhost")
        threading.Thread(target=_carry, args=(plain, secure), daemon=True).start()


def _carry(plain: socket.socket, secure: ssl.SSLSocket) -> None:
    """Both ways at once. Closed when both have ended: OpenSSL may still write an alert to a number it reads from."""
    with plain, secure:
        back = threading.Thread(target=_copy, args=(secure, plain), daemon=True)
        back.start()
        _copy(plain, secure)
        back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            socket.socket.shutdown(end, socket.SHUT_RDWR)  # the plain one: an SSLSocket's forgets its keys first
