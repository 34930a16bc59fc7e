"""A backend that keeps every byte it is sent, answers what is framed as a request, and tells at another port what it has got since it was asked last."""

import base64
import hashlib
import json
import socket
import sys
import threading

name = sys.argv[1]
lock = threading.Lock()
requests = []
# What is no whole head yet, by its connection.
strays = {}


class Wire:
    """A connection's bytes, taken by marks and lengths."""

    def __init__(self, connection, number):
        self.connection = connection
        self.number = number
        self.pending = b""

    def more(self):
        got = self.connection.recv(65536)
        if not got:
            raise EOFError
        self.pending += got

    def until(self, mark, is_head=False):
        while mark not in self.pending:
            self.more()
            if is_head:
                with lock:
                    strays[self.number] = self.pending.decode("latin1")
        end = self.pending.index(mark) + len(mark)
        return self.take(end)

    def take(self, count):
        while len(self.pending) < count:
            self.more()
        taken, self.pending = self.pending[:count], self.pending[count:]
        return taken


def body_of(wire, fields):
    if "chunked" in fields.get(b"transfer-encoding", b"").decode("latin1"):
        body = b""
        while size := int(wire.until(b"\r\n").split(b";")[0], 16):
            body += wire.take(size)
            wire.take(2)
        while wire.until(b"\r\n") != b"\r\n":
            pass
        return body
    return wire.take(int(fields.get(b"content-length") or 0))


def answer(wire):
    head = wire.until(b"\r\n\r\n", is_head=True)
    request = {"connection": wire.number, "head": head.decode("latin1"), "body": None, "tunnel": ""}
    with lock:
        strays.pop(wire.number, None)
        requests.append(request)
    line, *lines = head[:-4].split(b"\r\n")
    fields = {key.lower(): value.strip() for key, _, value in (one.partition(b":") for one in lines)}
    request["body"] = body_of(wire, fields).decode("latin1")
    status, more = b"200 OK", b""
    if fields.get(b"upgrade") == b"websocket":
        if fields.get(b"sec-websocket-version") == b"13":
            key = fields.get(b"sec-websocket-key", b"") + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            more = b"Sec-WebSocket-Accept: " + base64.b64encode(hashlib.sha1(key).digest()) + b"\r\n"
            wire.connection.sendall(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" + more + b"\r\n")
            while True:
                wire.more()
                request["tunnel"] = wire.pending.decode("latin1")
        status, more = b"426 Upgrade Required", b"Sec-WebSocket-Version: 13\r\n"
    body = b"" if line.startswith(b"HEAD ") else b" ".join(line.split(b" ")[:2])
    more += b"X-Backend: " + name.encode() + b"\r\nX-Mark: " + fields.get(b"x-mark", b"none") + b"\r\n"
    wire.connection.sendall(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n%b" % (status, len(body), more, body))


def serve(connection, number):
    wire = Wire(connection, number)
    try:
        while True:
            answer(wire)
    except (EOFError, OSError, ValueError):
        connection.close()


def tell(connection, _):
    with lock:
        told = json.dumps({"requests": requests, "strays": list(strays.values())})
        requests.clear()
        strays.clear()
    connection.sendall(told.encode())
    connection.close()


def listen(port, work):
    server = socket.create_server(("0.0.0.0", port), backlog=1024)
    number = 0
    while True:
        connection, _ = server.accept()
        number += 1
        threading.Thread(target=work, args=(connection, number), daemon=True).start()


threading.Thread(target=listen, args=(5001, tell), daemon=True).start()
listen(5000, serve)
