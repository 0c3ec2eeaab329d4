"""Asks an inference worker with nothing of Cloister: HPKE by pyhpke, and the rest from the standards' text.

    client.py SOCKET MODEL TOKEN < question.json     prints the answer; or says why not, and ends with 1

Reads the bundle for its key alone: what the evidence is worth is somebody else's test.
"""
import email.utils
import hashlib
import hmac
import http.client
import json
import socket
import struct
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pyhpke import AEADId, CipherSuite, KDFId, KEMId


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("worker")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def fetch(path, method, target, body=None, headers=None):
    connection = Connection(path)
    connection.request(method, target, body=body, headers=headers or {})
    response = connection.getresponse()
    return response.status, response.read()


def varint(value):
    for size, form in ((1, 0x00), (2, 0x40), (4, 0x80), (8, 0xc0)):
        if value < 1 << (8 * size - 2):
            text = value.to_bytes(size, "big")
            return bytes([text[0] | form]) + text[1:]
    raise ValueError("too large")


def read_varint(data, at):
    size = 1 << (data[at] >> 6)
    value = int.from_bytes(data[at:at + size], "big") & ((1 << (8 * size - 2)) - 1)
    return value, at + size


def string(text):
    return varint(len(text)) + text


def binary_request(model, token, content):
    """RFC 9292, of indeterminate length, its content in two pieces."""
    fields = {"authorization": f"Bearer {token}", "date": email.utils.formatdate(usegmt=True), "content-type": "application/json"}
    out = varint(2) + string(b"POST") + string(b"https") + string(b"") + string(f"/v2/models/{model}/infer".encode())
    for name, value in fields.items():
        out += string(name.encode()) + string(value.encode())
    out += varint(0)
    half = len(content) // 2
    return out + string(content[:half]) + string(content[half:]) + varint(0) + varint(0)


def read_fields(data):
    fields, at = {}, 0
    while at < len(data):
        pair = []
        for _ in range(2):
            size, at = read_varint(data, at)
            pair.append(data[at:at + size].decode())
            at += size
        fields[pair[0]] = pair[1]
    return fields


def binary_response(data):
    """RFC 9292, of known length."""
    kind, at = read_varint(data, 0)
    status, at = read_varint(data, at)
    parts = []
    for _ in range(3):
        size, at = read_varint(data, at)
        parts.append(data[at:at + size])
        at += size
    if kind != 1 or any(data[at:]):
        raise ValueError("no response of known length with padding")
    return status, read_fields(parts[0]), parts[1], read_fields(parts[2])


def key_configuration(bundle):
    at = len("CLOISTER-WORKER-BUNDLE-1")
    role_size = struct.unpack_from("<H", bundle, at)[0]
    at += 2 + role_size + 16
    size = struct.unpack_from("<H", bundle, at)[0]
    return bundle[at + 2:at + 2 + size]


def seal(configuration, plaintext):
    """draft-ietf-ohai-chunked-ohttp: three chunks; the context, and what is to be sent."""
    public_key = configuration[3:35]
    header = configuration[:3] + configuration[37:41]  # the first suite
    if header[1:] != bytes.fromhex("002000010001"):
        raise ValueError("the first suite isn't X25519, HKDF-SHA256, AES-128-GCM")
    suite = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES128_GCM)
    key = suite.kem.deserialize_public_key(public_key)
    encapsulated, context = suite.create_sender_context(key, info=b"message/bhttp chunked request\0" + header)
    out = header + encapsulated
    for piece in (plaintext[:20], plaintext[20:]):
        out += string(context.seal(piece, aad=b""))
    return context, encapsulated, out + varint(0) + context.seal(b"", aad=b"final")


def expand(secret, label, size):
    return hmac.new(secret, label + b"\x01", hashlib.sha256).digest()[:size]


def open_response(context, encapsulated, data):
    nonce, at = data[:16], 16
    secret = hmac.new(encapsulated + nonce, context.export(b"message/bhttp chunked response", 16), hashlib.sha256).digest()
    cipher, base = AESGCM(expand(secret, b"key", 16)), int.from_bytes(expand(secret, b"nonce", 12), "big")
    plaintext, count = b"", 0
    while True:
        size, at = read_varint(data, at)
        chunk = data[at:at + size] if size else data[at:]
        plaintext += cipher.decrypt((base ^ count).to_bytes(12, "big"), chunk, b"" if size else b"final")
        if not size:
            return plaintext
        at, count = at + size, count + 1


def main():
    path, model, token = sys.argv[1:]
    status, bundle = fetch(path, "GET", "/v1/bundle")
    if status != 200:
        sys.exit(f"bundle: {status}")
    content = sys.stdin.buffer.read()
    context, encapsulated, sealed = seal(key_configuration(bundle), binary_request(model, token, content))
    headers = {"content-type": "message/ohttp-chunked-req"}
    status, body = fetch(path, "POST", "/v1/inference", sealed, headers)
    if status != 200:
        sys.exit(f"outer: {status}")
    inner, _, answer, trailers = binary_response(open_response(context, encapsulated, body))
    again = fetch(path, "POST", "/v1/inference", sealed, headers)[0]
    json.dump({"status": inner, "answer": answer.decode(), "receipt": "cloister-receipt" in trailers, "again": again}, sys.stdout)


main()
