"""Servers that no package speaks any more, as bytes: SSLv2, export ciphers, Heartbleed, early ChangeCipherSpec, a padding
oracle, compression, and hosts that aren't TLS. Each answers a ClientHello with a recorded flight and no cryptography.

    raw.py KIND PORT CERTIFICATE.der [KEY.pem]
"""
import socket
import struct
import subprocess
import sys
import threading

TLS12, TLS10, SSL3 = 0x0303, 0x0301, 0x0300
RSA_AES128_SHA, EXPORT_RC4, NULL_MD5 = 0x002F, 0x0003, 0x0001


def record(kind, version, body):
    return struct.pack(">BHH", kind, version, len(body)) + body


def alert(version, description):
    return record(21, version, bytes([2, description]))


def message(kind, body):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def exactly(connection, size):
    out = b""
    while len(out) < size:
        part = connection.recv(size - len(out))
        if not part:
            raise ConnectionError
        out += part
    return out


def read_record(connection):
    header = exactly(connection, 5)
    return header[0], exactly(connection, struct.unpack(">H", header[3:])[0])


class Hello:
    """A ClientHello, as far as these servers care."""

    def __init__(self, body):
        self.version = struct.unpack(">H", body[4:6])[0]
        at = 38
        self.session_id = body[at + 1:at + 1 + body[at]]
        at += 1 + body[at]
        size = struct.unpack(">H", body[at:at + 2])[0]
        self.suites = [struct.unpack(">H", body[at + 2 + i:at + 4 + i])[0] for i in range(0, size, 2)]
        at += 2 + size
        self.compression = body[at + 1:at + 1 + body[at]]
        at += 1 + body[at]
        self.extensions = set()
        at += 2
        while at + 4 <= len(body):
            kind, size = struct.unpack(">HH", body[at:at + 4])
            self.extensions.add(kind)
            at += 4 + size


class Server:
    """TLS up to a version, with one suite; a kind overrides what is wrong with it."""
    newest, oldest, suite, compression, extensions = TLS12, TLS10, RSA_AES128_SHA, 0, b""

    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key

    def serve(self, connection):
        kind, body = read_record(connection)
        if kind != 22 or body[0] != 1:
            return
        hello = Hello(body)
        version = min(hello.version, self.newest)
        if version < self.oldest:
            return connection.sendall(alert(version, 70))
        if self.suite not in hello.suites:
            return connection.sendall(alert(version, 40))
        compression = self.compression if self.compression in hello.compression else 0
        extensions = struct.pack(">H", len(self.extensions)) + self.extensions if self.extensions else b""
        server_hello = struct.pack(">H", version) + b"\x11" * 32 + b"\x20" + b"\x22" * 32 + struct.pack(">HB", self.suite, compression)
        chain = len(self.certificate).to_bytes(3, "big") + self.certificate
        flight = message(2, server_hello + extensions) + message(11, len(chain).to_bytes(3, "big") + chain)
        connection.sendall(record(22, version, flight + self.key_exchange() + message(14, b"")))
        self.after_flight(connection, version)

    def key_exchange(self):
        return b""

    def after_flight(self, connection, version):
        read_record(connection)
        connection.sendall(alert(version, 10))


class Export(Server):
    oldest, newest, suite = SSL3, TLS10, EXPORT_RC4

    def key_exchange(self):
        # A 512-bit RSA key that is only for this; nobody checks its signature before refusing it.
        return message(12, struct.pack(">H", 64) + b"\xc1" * 64 + struct.pack(">H", 3) + b"\x01\x00\x01" + struct.pack(">H", 256) + b"\x5a" * 256)


class Null(Server):
    suite = NULL_MD5


class Heartbleed(Server):
    extensions = bytes.fromhex("000f000101")

    def after_flight(self, connection, version):
        kind, body = read_record(connection)
        if kind == 24 and body[0] == 1:
            claimed = struct.unpack(">H", body[1:3])[0]
            connection.sendall(record(24, version, b"\x02" + body[1:3] + (b"leaked memory " * 5000)[:claimed] + b"\0" * 16))
        else:
            connection.sendall(alert(version, 10))


class Heartbeat(Server):
    """RFC 6520 as it should be: what claims too much is passed over."""
    extensions = bytes.fromhex("000f000101")

    def after_flight(self, connection, version):
        kind, _ = read_record(connection)
        if kind != 24:
            connection.sendall(alert(version, 10))
        else:
            connection.settimeout(5)
            read_record(connection)


class EarlyCcs(Server):
    def after_flight(self, connection, version):
        kind, _ = read_record(connection)
        if kind != 20:
            return connection.sendall(alert(version, 10))
        read_record(connection)
        connection.sendall(alert(version, 20))


class PaddingOracle(Server):
    """Tells a block that isn't padded right (51) from one that is (20), as ROBOT's servers did."""

    def after_flight(self, connection, version):
        kind, body = read_record(connection)
        if kind != 22 or body[0] != 16:
            return connection.sendall(alert(version, 10))
        for _ in range(2):
            read_record(connection)
        block = subprocess.run(["openssl", "pkeyutl", "-decrypt", "-inkey", self.key, "-pkeyopt", "rsa_padding_mode:none"],
                               input=body[6:], capture_output=True, check=True).stdout
        good = block[:2] == b"\0\x02" and 0 not in block[2:10] and block.find(b"\0", 10) == len(block) - 49
        connection.sendall(alert(version, 20 if good else 51))


class Compressing(Server):
    compression = 1


class Sslv2:
    """SSLv2 alone: RC4-128 and its export variant."""

    def __init__(self, certificate, key):
        self.certificate = certificate

    def serve(self, connection):
        header = exactly(connection, 2)
        size = struct.unpack(">H", header)[0] & 0x7FFF
        if not header[0] & 0x80:
            return
        body = exactly(connection, size)
        if body[0] != 1 or body[1:3] != b"\0\x02":
            return
        suites = bytes.fromhex("010080020080")
        hello = b"\x04\x00\x01\x00\x02" + struct.pack(">HHH", len(self.certificate), len(suites), 16)
        hello += self.certificate + suites + b"\x33" * 16
        connection.sendall(struct.pack(">H", 0x8000 | len(hello)) + hello)
        connection.settimeout(2)
        connection.recv(1)


class Banner:
    """Something else altogether."""
    greeting = b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n"

    def __init__(self, certificate, key):
        pass

    def serve(self, connection):
        connection.sendall(self.greeting)
        connection.settimeout(2)
        connection.recv(4096)


class Endless(Banner):
    """Records without end and without sense."""

    def serve(self, connection):
        connection.recv(4096)
        while True:
            connection.sendall(record(22, TLS12, b"\x02\xff\xff\xff" + b"\0" * 16000))


KINDS = {"sslv2": Sslv2, "export": Export, "null": Null, "heartbleed": Heartbleed, "heartbeat": Heartbeat, "early-ccs": EarlyCcs,
         "padding-oracle": PaddingOracle, "compression": Compressing, "banner": Banner, "endless": Endless}


def main():
    kind, port, certificate = sys.argv[1:4]
    with open(certificate, "rb") as file:
        server = KINDS[kind](file.read(), sys.argv[4] if len(sys.argv) > 4 else None)
    listener = socket.create_server(("127.0.0.1", int(port)), backlog=64)

    def serve(connection):
        with connection:
            try:
                connection.settimeout(20)
                server.serve(connection)
            except (OSError, IndexError, struct.error):
                pass

    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


if __name__ == "__main__":
    main()
