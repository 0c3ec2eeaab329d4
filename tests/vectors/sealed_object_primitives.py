"""What the reader takes from other standards: CRC-32C, HKDF, XAES-256-GCM, HPKE over X25519, deterministic CBOR."""
import hashlib
import hmac
import struct
import unicodedata

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Refused(Exception):
    def __init__(self, code, rule, what, not_assessed=()):
        super().__init__(f"{code}: {rule}: {what}")
        self.code, self.rule, self.not_assessed = code, rule, list(not_assessed)


def need(condition, rule, what, code="corrupt"):
    if not condition:
        raise Refused(code, rule, what)


def sha256(data):
    return hashlib.sha256(data).digest()


def align(x):
    return (x + 4095) & ~4095


def zero(data):
    return not any(data)


def little(bits, value):
    return value.to_bytes(bits // 8, "little")


def lp(data):
    return little(16, len(data)) + data


def is_text(data):
    try:
        return not any(unicodedata.category(character) == "Cc" for character in data.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def crc_table():
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        yield n


CRC_TABLE = list(crc_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def crc_fits(copy):
    return struct.unpack("<I", copy[-4:])[0] == crc32c(copy[:-4])


def hkdf_expand_sha512(key, info, size):
    """RFC 5869 2.3 for at most one block: no key of the format is longer than 44 bytes."""
    assert size <= 64
    return hmac.new(key, info + b"\x01", "sha512").digest()[:size]


def xaes_open(key, wrapped, aad):
    """c2sp.org/XAES-256-GCM; `wrapped` is nonce (24), ciphertext and tag."""
    aes = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    doubled = int.from_bytes(aes.update(bytes(16)), "big") << 1
    k1 = (doubled ^ (doubled >> 128) * ((1 << 128) | 0x87)).to_bytes(16, "big")
    blocks = [bytes([0, n, 0x58, 0]) + wrapped[:12] for n in (1, 2)]
    derived = b"".join(aes.update(bytes(a ^ b for a, b in zip(block, k1))) for block in blocks)
    return AESGCM(derived).decrypt(wrapped[12:24], wrapped[24:], aad)


def x25519_public(seed):
    raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
    return X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(*raw)


def labeled_extract(suite, salt, label, ikm):
    return hmac.new(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256").digest()


def labeled_expand(suite, key, label, info, size):
    text = struct.pack(">H", size) + b"HPKE-v1" + suite + label + info + b"\x01"
    return hmac.new(key, text, "sha256").digest()[:size]


def hpke_open(seed, encapsulated, info, ciphertext):
    """RFC 9180 base mode, one message, empty aad: KEM 0x0020, KDF 0x0001, AEAD 0x0002.

    ValueError for a low-order point."""
    kem, suite = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"
    shared = X25519PrivateKey.from_private_bytes(seed).exchange(X25519PublicKey.from_public_bytes(encapsulated))
    extracted = labeled_extract(kem, b"", b"eae_prk", shared)
    shared = labeled_expand(kem, extracted, b"shared_secret", encapsulated + x25519_public(seed), 32)
    hashes = labeled_extract(suite, b"", b"psk_id_hash", b""), labeled_extract(suite, b"", b"info_hash", info)
    context = b"\x00" + b"".join(hashes)
    secret = labeled_extract(suite, shared, b"secret", b"")
    key = labeled_expand(suite, secret, b"key", context, 32)
    return AESGCM(key).decrypt(labeled_expand(suite, secret, b"base_nonce", context, 12), ciphertext, None)


class Cbor:
    """Reads deterministic CBOR (RFC 8949 4.2.1) within the limits of SO-11: integers, strings, arrays and maps only."""

    def __init__(self, data):
        self.data, self.at, self.items = data, 0, 0

    def head(self):
        need(self.at < len(self.data), "SO-11", "CBOR cut off")
        major, short = self.data[self.at] >> 5, self.data[self.at] & 31
        need(major < 6 and short < 28, "SO-11", "tag, float, simple value or indefinite length")
        size = {24: 1, 25: 2, 26: 4, 27: 8}.get(short, 0)
        end = self.at + 1 + size
        need(end <= len(self.data), "SO-11", "CBOR cut off")
        value = int.from_bytes(self.data[self.at + 1:end], "big") if size else short
        need(value >= {0: 0, 1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}[size], "SO-11", "integer is not shortest")
        self.at, self.items = end, self.items + 1
        need(self.items <= 1024, "SO-11", "more than 1024 items")
        return major, value

    def value(self, depth=1):
        major, n = self.head()
        if major < 2:
            return n if major == 0 else -1 - n
        if major < 4:
            need(n <= 65536 and self.at + n <= len(self.data), "SO-11", "string too long")
            string, self.at = self.data[self.at:self.at + n], self.at + n
            need(major == 2 or is_text(string), "SO-11", "not text")
            return string if major == 2 else string.decode()
        need(depth <= 4, "SO-11", "nested too deep")
        return [self.value(depth + 1) for _ in range(n)] if major == 4 else self.pairs(n, depth)

    def pairs(self, n, depth):
        pairs, previous = [], b""
        for _ in range(n):
            start = self.at
            key = self.value(depth + 1)
            need(self.data[start:self.at] > previous, "SO-11", "keys repeated or out of order")
            previous = self.data[start:self.at]
            pairs.append((key, self.value(depth + 1)))
        return tuple(pairs)  # a map is a tuple of pairs: its keys may be anything


def field_product(a, b):
    """In GF(2^8) with x^8 + x^4 + x^3 + x + 1."""
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def field_inverse(a):
    return next(b for b in range(1, 256) if field_product(a, b) == 1)


def key_at_zero(shares):
    """Lagrange interpolation, byte by byte, of {index: share}."""
    key = bytes(32)
    for x, share in shares.items():
        weight = 1
        for other in shares:
            if other != x:
                weight = field_product(weight, field_product(other, field_inverse(other ^ x)))
        key = bytes(a ^ field_product(b, weight) for a, b in zip(key, share))
    return key
