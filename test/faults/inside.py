"""Tries things from where it runs, a container, and tells which of them it could do: inside.py ATTEMPTS, a list in JSON."""

import concurrent.futures
import json
import os
import socket
import stat
import sys

SECONDS = 2


def tcp(host, port, router=None):
    with socket.socket() as one:
        one.settimeout(SECONDS)
        if router is not None:
            # Loose source routing (RFC 791): one who needs no right asks the router to pass it on.
            way = bytes([131, 7, 4]) + socket.inet_aton(router) + b"\0"
            one.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, way)
        one.connect((host, port))
    return "connected"


def name(host):
    return socket.gethostbyname(host)


def path(place):
    os.stat(place)
    return "is there"


def write(place):
    with open(os.path.join(place, ".written"), "w"):
        return "written"


def packet(kind):
    family, protocol = {"ethernet": (socket.AF_PACKET, 0), "ip": (socket.AF_INET, socket.IPPROTO_ICMP)}[kind]
    socket.socket(family, socket.SOCK_RAW, protocol).close()
    return "opened"


def right(line):
    """A line of /proc/self/status, as it is where nothing is restricted."""
    with open("/proc/self/status") as status:
        if line in status.read().replace("\t", " ").split("\n"):
            return line
    raise PermissionError("restricted")


def process(text):
    # Its own command line holds what is sought.
    for number in filter(str.isdigit, set(os.listdir("/proc")) - {str(os.getpid())}):
        with open(f"/proc/{number}/cmdline", "rb") as line:
            if text in line.read().replace(b"\0", b" ").decode():
                return number
    raise ProcessLookupError(text)


def files():
    for folder, folders, names in os.walk("/"):
        if folder == "/":
            folders[:] = [one for one in folders if one not in ("proc", "sys")]
        for each in names:
            yield os.path.join(folder, each)


def sockets():
    for one in files():
        try:
            if stat.S_ISSOCK(os.stat(one).st_mode):
                return one
        except OSError:
            pass
    raise FileNotFoundError("no socket")


def text(sought):
    for one in files():
        try:
            if os.path.isfile(one):
                with open(one, "rb") as file:
                    if sought.encode() in file.read():
                        return one
        except OSError:
            pass
    raise FileNotFoundError("in no file")


def route():
    with open("/proc/net/route") as routes:
        if any(line.split()[1] == "00000000" for line in routes.readlines()[1:]):
            return "there is a way out"
    raise OSError("no way out")


def attempt(what):
    try:
        return {"did": True, "words": globals()[what[0]](*what[1:])}
    except Exception as error:
        return {"did": False, "words": f"{type(error).__name__}: {error}"}


with concurrent.futures.ThreadPoolExecutor(64) as several:
    print(json.dumps(list(several.map(attempt, json.loads(sys.argv[1])))))
