#!/usr/bin/env python3
"""Runs a server in the network namespace that this was started in, and leads connections from a Unix socket to its port.

namespace.py SOCKET PORT COMMAND...
"""
import fcntl
import socket
import struct
import subprocess
import sys
import threading

import relay

SIOCSIFFLAGS = 0x8914
IFF_UP = 1


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def lead(listener, port):
    while True:
        near, _ = listener.accept()
        try:
            far = socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:
            near.close()
            continue
        far.settimeout(None)
        relay.join(near, far)


def main():
    path, port, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    raise_loopback()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    threading.Thread(target=lead, args=(listener, port), daemon=True).start()
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
