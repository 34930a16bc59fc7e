"""A backend that can be told to misbehave: it logs each request as soon as it has its head, and may then answer it, or not."""

import functools
import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


# As gunicorn's gthread workers do: what comes while all are at work waits.
free = threading.Semaphore(int(os.environ.get("THREADS", "1000")))


@functools.lru_cache(maxsize=8)
def filler(length):
    """One for all: hundreds may be under way at a time."""
    return b"x" * length


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else the last part of an answer waits 40 ms for what the first one is acknowledged with.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self):
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        print(f"{self.command} {self.path}", flush=True)
        if url.path == "/drop":
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if url.path == "/die":
            os._exit(1)
        if url.path == "/deaf":
            # The container stays, nobody listens in it.
            # At once, whatever is waiting at it.
            server.socket.shutdown(socket.SHUT_RDWR)
            server.socket.close()
        if "seconds" in asked:
            time.sleep(float(asked["seconds"]))
        if url.path.endswith("/upgrade"):
            # As an app that takes any protocol it is asked for, and then talks past HTTP.
            protocol = self.headers.get("Upgrade")
            self.wfile.write(f"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: {protocol}\r\n\r\ntunnel".encode())
            if "stays" in asked:
                self.connection.recv(1)
            self.close_connection = True
            return
        body = filler(int(asked["bytes"])) if "bytes" in asked else str(len(body)).encode()
        if url.path.endswith("/echo"):
            body = "".join(f"{name}: {value}\n" for name, value in self.headers.items()).encode("latin1")
        if url.path.endswith("/gate"):
            # As an app that is asked whom to let in: the client itself says what it answers.
            asked["status"] = self.headers.get("X-Say", "200")
        self.send_response(int(asked.get("status", "200")))
        if url.path.endswith("/gate"):
            got = [self.headers.get(name, "-") for name in ("X-Original-Method", "X-Original-URI", "Content-Length", "Cookie", "If-None-Match")]
            self.send_header("X-Saw", " ".join([self.command, *got]))
            self.send_header("X-User", "someone")
            self.send_header("Set-Cookie", "session=1; Path=/")
            self.send_header("WWW-Authenticate", "Bearer")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Backend", sys.argv[1])
        self.send_header("X-Target", self.path)
        self.send_header("X-Host", self.headers.get("Host", ""))
        if "sets" in asked:
            # As name:value, again and again.
            for pair in parse_qs(url.query)["sets"]:
                self.send_header(*pair.split(":", 1))
        if "header" in asked:
            self.send_header("X-Large", "x" * int(asked["header"]))
        self.end_headers()
        try:
            if self.command != "HEAD":
                self.wfile.write(body)
        except ConnectionError:
            pass

    def do_GET(self):
        with free:
            self.answer()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_GET


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, *_):
        pass


server = Server(("0.0.0.0", 5000), Handler)
try:
    server.serve_forever()
except (OSError, ValueError):
    time.sleep(3600)
