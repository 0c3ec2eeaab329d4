"""Writes sealed objects and append logs for the test vectors, sound ones and ones that break a rule.

Everything is a function of the vector's name: two runs give the same bytes. Apart from the reader on purpose: a mistake
made once must not cancel itself out. The doors (`public`, `header`, ...) let a vector damage the object at one point
and have everything after that point done right, so that a reader which forgets the rule in question would open it.
"""
import hashlib
import hmac as hmac_module
from dataclasses import dataclass, field
from typing import Callable, Optional

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sealed_object_xwing import xwing_encapsulate, xwing_public_key

LENGTH_UNKNOWN = 0xFFFFFFFFFFFFFFFF
TENANT, DATASET = b"acme", b"corpus-7"
KEYRING_ID = bytes.fromhex("5a0d1e0c3b7f4e6c9a2b8d7c6e5f4a3b")
CRC_ROWS = []
for row in range(256):
    for _ in range(8):
        row = (row >> 1) ^ 0x82F63B78 if row & 1 else row >> 1
    CRC_ROWS.append(row)


def le(value, size):
    return value.to_bytes(size, "little")


def prefixed(data):
    return le(len(data), 2) + data


def pages(size):
    return -(-size // 4096) * 4096


def padded(data):
    return data + bytes(pages(len(data)) - len(data))


def crc(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = (value >> 8) ^ CRC_ROWS[(value & 0xFF) ^ byte]
    return le(value ^ 0xFFFFFFFF, 4)


def sha256(data):
    return hashlib.sha256(data).digest()


def hmac256(key, data):
    return hmac_module.new(key, data, hashlib.sha256).digest()


def random(name, label, size):
    """The only randomness there is."""
    return hashlib.shake_256(f"cloister sealed object vectors/{name}/{label}".encode()).digest(size)


DATASET_KEY = random("all", "dataset key 3", 32)
SOFTWARE_KEY = random("all", "software key", 32)
HPKE_SEED = random("all", "hpke x25519 seed", 32)
XWING_SEED = random("all", "hpke x-wing seed", 32)


# --- Shares ---

# Powers of 3, which generates the field, and which power each element is.
POWERS = [1]
for _ in range(254):
    POWERS.append(POWERS[-1] ^ (POWERS[-1] << 1) ^ (0x11B if POWERS[-1] & 0x80 else 0))
LOGARITHMS = {power: exponent for exponent, power in enumerate(POWERS)}


def field_product(a, b):
    return POWERS[(LOGARITHMS[a] + LOGARITHMS[b]) % 255] if a and b else 0


def share_of(key, coefficients, index):
    """One share of a key: `coefficients` has 32 bytes for each power of the index from the first up."""
    share, power = key, 1
    for start in range(0, len(coefficients), 32):
        power = field_product(power, index)
        share = bytes(a ^ field_product(b, power) for a, b in zip(share, coefficients[start:start + 32]))
    return share


# --- Wraps ---

def xaes_seal(key, nonce, plaintext, aad):
    block = lambda text: Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(text)
    bits = int.from_bytes(block(b"\0" * 16), "big")
    subkey = ((bits << 1) & (2**128 - 1)) ^ (0x87 if bits >> 127 else 0)
    message = lambda n: int.from_bytes(b"\0" + bytes([n]) + b"X\0" + nonce[:12], "big") ^ subkey
    return AESGCM(block(message(1).to_bytes(16, "big")) + block(message(2).to_bytes(16, "big"))).encrypt(
        nonce[12:], plaintext, aad)


def hkdf_sha256(salt, ikm, info, size):
    """Extract when `info` is None, otherwise expand `ikm`."""
    if info is None:
        return hmac256(salt if salt else bytes(32), ikm)
    return HKDFExpand(hashes.SHA256(), size, info).derive(ikm)


def hpke_seal(ephemeral_seed, public, info, plaintext):
    """RFC 9180 5.1.1 and 4.1, with the ephemeral key given. (encapsulated key, ciphertext)."""
    labeled = lambda suite, label, ikm: b"HPKE-v1" + suite + label + ikm
    ephemeral = x25519.X25519PrivateKey.from_private_bytes(ephemeral_seed)
    encapsulated = ephemeral.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    dh = ephemeral.exchange(x25519.X25519PublicKey.from_public_bytes(public))
    kem = b"KEM" + b"\x00\x20"
    prk = hkdf_sha256(b"", labeled(kem, b"eae_prk", dh), None, 32)
    shared = hkdf_sha256(b"", prk, b"\x00\x20" + labeled(kem, b"shared_secret", encapsulated + public), 32)
    return encapsulated, hpke_encrypt(0x0020, shared, info, plaintext)


def hpke_encrypt(kem_id, shared, info, plaintext):
    labeled = lambda label, ikm: b"HPKE-v1" + suite + label + ikm
    suite = b"HPKE" + kem_id.to_bytes(2, "big") + b"\x00\x01\x00\x02"
    psk_id_hash = hkdf_sha256(b"", labeled(b"psk_id_hash", b""), None, 32)
    info_hash = hkdf_sha256(b"", labeled(b"info_hash", info), None, 32)
    secret = hkdf_sha256(shared, labeled(b"secret", b""), None, 32)
    key = hkdf_sha256(b"", secret, b"\x00\x20" + labeled(b"key", b"\0" + psk_id_hash + info_hash), 32)
    nonce = hkdf_sha256(b"", secret, b"\x00\x0c" + labeled(b"base_nonce", b"\0" + psk_id_hash + info_hash), 12)
    return AESGCM(key).encrypt(nonce, plaintext, None)


def x25519_public(seed):
    return x25519.X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


@dataclass
class Slot:
    """What a record says, and what it was really wrapped for where that differs."""
    kind: int = 1
    tenant: bytes = TENANT
    key_id: bytes = KEYRING_ID.hex().encode()
    version: int = 3
    key: bytes = DATASET_KEY                    # local key, passphrase, or the recipient's public key
    cost: tuple = (64, 1, 1)                    # Argon2id: KiB, passes, lanes
    share: tuple = (0, 0)
    shared: bool = False                        # it wraps that share of the DEK, not the DEK
    true_context: dict = field(default_factory=dict)  # fields of the wrap's context that differ from the record's
    dek: Optional[bytes] = None
    parameters: Optional[bytes] = None
    ciphertext: Optional[bytes] = None
    body: Callable = staticmethod(lambda body: body)
    zero: int = 0

    def record(self, sealed, number):
        parameters, ciphertext = self.wrap(sealed, f"slot {number}")
        parameters = parameters if self.parameters is None else self.parameters
        ciphertext = ciphertext if self.ciphertext is None else self.ciphertext
        body = self.body(prefixed(self.tenant) + prefixed(self.key_id) + le(self.version, 4) + le(self.share[0], 2) +
                         le(self.share[1], 2) + prefixed(parameters) + prefixed(ciphertext))
        return le(self.kind, 2) + le(self.zero, 2) + le(len(body), 4) + body

    def wrap(self, sealed, label):
        values = dict(kind=le(self.kind, 2), key_id=self.key_id, version=le(self.version, 4), tenant=self.tenant,
                      dataset=sealed.dataset, object_id=sealed.object_id, purpose=b"dek", commitment=sealed.commitment)
        true_share = self.true_context.get("share", self.share)
        if self.shared:
            fields = (b"CLSR1 share", sealed.commitment, le(true_share[0], 2), le(true_share[1], 2))
            values["commitment"] = sha256(b"".join(prefixed(value) for value in fields))
        values.update({key: value for key, value in self.true_context.items() if key != "share"})
        context = prefixed(b"CLSR1 wrap") + b"".join(prefixed(value) for value in values.values())
        label = f"{sealed.label}{label} {sha256(context).hex()}"  # two wraps never share randomness
        dek, nonce = self.dek or sealed.dek, random(sealed.name, label + " nonce", 24)
        if self.shared and not self.dek:
            coefficients = random(sealed.name, f"{sealed.label}shares", 32 * (true_share[1] - 1))
            dek = share_of(sealed.dek, coefficients, true_share[0])
        if self.kind in (1, 2):
            return b"", nonce + xaes_seal(self.key, nonce, dek, context)
        if self.kind == 4:
            salt = random(sealed.name, label + " salt", 16)
            parameters = salt + b"".join(le(cost, 4) for cost in self.cost)
            return parameters, nonce + xaes_seal(stretch(self.key, salt, self.cost), nonce, dek, context)
        if self.kind == 5:
            return hpke_seal(random(sealed.name, label + " ephemeral", 32), self.key, context, dek)
        if self.kind == 6:
            shared, encapsulated = xwing_encapsulate(self.key, random(sealed.name, label + " ephemeral", 64))
            return encapsulated, hpke_encrypt(0x647A, shared, context, dek)
        return b"", random(sealed.name, label + " body", 48)


def stretch(passphrase, salt, cost):
    memory, passes, lanes = cost
    if memory > 2**16 or passes not in range(1, 5) or lanes not in range(1, 5) or memory < 8 * lanes:
        return bytes(32)  # nobody may do that work
    from argon2.low_level import Type, hash_secret_raw
    return hash_secret_raw(passphrase, salt, passes, memory, lanes, hash_len=32, type=Type.ID, version=19)


def passphrase_slot(**changes):
    return Slot(**{**dict(kind=4, key_id=b"passphrase", version=0, key=b"correct horse battery"), **changes})


def hpke_slot(**changes):
    public = x25519_public(HPKE_SEED)
    key_id = b"x25519:" + sha256(public).hex()[:16].encode()
    return Slot(**{**dict(kind=5, key_id=key_id, version=0, key=public), **changes})


def xwing_slot(**changes):
    public = xwing_public_key(XWING_SEED)
    return Slot(kind=6, key_id=b"xwing:" + sha256(public).hex()[:16].encode(), version=0, key=public, **changes)


def software_slot(**changes):
    return Slot(**{**dict(kind=2, key_id=b"file:00112233aabbccdd", version=0, key=SOFTWARE_KEY), **changes})


# --- Objects ---

def same(data):
    return data


@dataclass
class Sealed:
    """One object, or one run of a log."""
    name: str
    payload: bytes = b"hello"
    suite: int = 1
    chunk_log2: int = 14
    group_log2: int = 0
    flags: int = 0
    slots_cap: int = 4096
    known_length: bool = True
    digest: bool = False
    meta: bytes = b"\xa0"
    tlvs: list = field(default_factory=lambda: [(1, TENANT), (2, DATASET), (3, KEYRING_ID)])
    slots: list = field(default_factory=lambda: [Slot()])
    slots_b: Optional[list] = None
    seq: tuple = (1, 1)
    label: str = ""                  # tells the runs of a log apart
    object_id: bytes = b""
    run_number: int = 0
    context_area: Optional[bytes] = None
    # Doors, in the order in which they are passed. Each takes bytes and returns bytes.
    public: Callable = same          # the preamble, before anything is derived from it
    meta_sealed: Callable = same     # META's ciphertext and tag, before it is hashed
    header: Callable = same          # the preamble, before its mac
    header_mac: Callable = same      # before its crc
    page: Callable = same            # done
    records: Callable = same         # a slot copy's records
    table: Callable = same           # a slot copy without its crc
    copy_a: Callable = same          # done
    copy_b: Callable = same
    last: Callable = staticmethod(lambda index, count: int(index == count - 1))
    position: Callable = same        # the number a chunk is encrypted under
    data: Callable = same            # all groups
    footer: Callable = same          # before its mac
    footer_page: Callable = same     # done
    file: Callable = same            # all of it

    def __post_init__(self):
        fresh = lambda what, size: random(self.name, self.label + what, size)
        self.object_id = self.object_id or random(self.name, "object id", 16)
        self.dek, self.salt, self.run_id = fresh("dek", 32), fresh("salt", 32), fresh("run id", 16)
        self.dataset = dict(self.tlvs).get(2, b"")
        self.chunk, self.group = 1 << self.chunk_log2, 1 << self.group_log2
        self.aead = {1: AESGCM, 2: ChaCha20Poly1305}.get(self.suite, AESGCM)
        self.frames = 0

    def expand(self, label, size=32, fields=None):
        fields = [self.context_hash] if fields is None else fields
        info = [b"CLSR1 " + label, le(self.suite, 2), self.object_id, self.salt, *fields]
        return HKDFExpand(hashes.SHA512(), size, b"".join(map(prefixed, info))).derive(self.dek)

    def payload_key(self, epoch=0):
        return self.expand(b"payload", 44, [self.run_id, le(epoch, 8)])

    def seal_once(self, label, plaintext):
        secret = self.expand(label, 44)
        return self.aead(secret[:32]).encrypt(secret[32:], plaintext, None)

    def seal_chunk(self, index, last, plaintext):
        secret, counter = self.payload_key(index >> 16), bytes([last]) + bytes(3) + index.to_bytes(8, "big")
        nonce = (int.from_bytes(secret[32:], "big") ^ int.from_bytes(counter, "big")).to_bytes(12, "big")
        return self.aead(secret[:32]).encrypt(nonce, plaintext, None)

    def head(self):
        """Preamble, slot copies, META."""
        meta_size = len(self.meta) + 16 if self.meta else 0
        meta_off = 4096 + 2 * self.slots_cap
        length = len(self.payload) if self.known_length and not self.flags & 1 else LENGTH_UNKNOWN
        area = self.context_area
        if area is None:
            area = b"".join(le(kind, 2) + prefixed(value) for kind, value in self.tlvs) + bytes(4)
        page = b"".join([
            b"\x89CLSR1\x0d\x0a", le(1, 2), le(self.suite, 2), bytes([self.chunk_log2, self.group_log2]),
            le(self.flags, 2), self.object_id, self.salt, bytes(32), le(4096, 8), le(self.slots_cap, 4), le(2, 4),
            le(meta_off, 8), le(meta_size, 8), le(pages(meta_off + meta_size), 8), le(length, 8), bytes(32),
            self.run_id, le(self.run_number, 4), bytes(4), area.ljust(3864, b"\0")])
        page = self.public(page)
        assert len(page) == 4064
        self.context_hash = sha256(page[176:])
        self.commitment = self.expand(b"commitment")
        meta = self.meta_sealed(self.seal_once(b"meta", self.meta)) if self.meta else b""
        page = page[:64] + self.commitment + page[96:144] + (sha256(meta) if meta else bytes(32)) + page[176:]
        page = self.header(page)
        page = self.header_mac(page + hmac256(self.expand(b"header"), page))
        page = self.page(page[:196] + crc(page) + page[200:])
        tables = self.slots, self.slots if self.slots_b is None else self.slots_b
        copies = [self.copy(slots, seq) for slots, seq in zip(tables, self.seq)]
        return page + self.copy_a(copies[0]) + self.copy_b(copies[1]) + padded(meta)

    def copy(self, slots, seq):
        records = self.records(b"".join(slot.record(self, number) for number, slot in enumerate(slots)))
        table = b"CLSRSLT1" + le(seq, 8) + le(len(slots), 2) + bytes(2) + le(len(records), 4) + records
        assert len(table) <= self.slots_cap - 4, f"{self.name}: slots don't fit"
        table = self.table(table.ljust(self.slots_cap - 4, b"\0"))
        return table + crc(table)

    def build(self):
        head = self.head()
        pieces = [self.payload[at:at + self.chunk] for at in range(0, len(self.payload), self.chunk)] or [b""]
        sealed = [self.seal_chunk(self.position(i), self.last(i, len(pieces)), piece) for i, piece in enumerate(pieces)]
        groups = [sealed[at:at + self.group] for at in range(0, len(sealed), self.group)]
        data = b"".join(padded(b"".join(c[:-16] for c in group)) + padded(b"".join(c[-16:] for c in group))
                        for group in groups)
        digest = self.seal_once(b"digest", sha256(self.payload)) if self.digest else bytes(48)
        footer = b"".join([b"CLSRFTR1", self.object_id, self.run_id, le(len(self.payload), 8), le(len(pieces), 8),
                           sha256(b"".join(c[-16:] for c in sealed)), le(int(self.digest), 2), bytes(6), digest])
        footer = self.footer(footer.ljust(4064, b"\0"))
        footer = self.footer_page(footer + hmac256(self.expand(b"footer"), footer))
        return self.file(head + self.data(data) + footer)


def frame(run, index, kind, plaintext, sealed_kind=None):
    sealed = run.seal_chunk(index, kind if sealed_kind is None else sealed_kind, plaintext)
    start = b"CLSRFRM1" + bytes([kind, 0, 0, 0]) + le(len(plaintext), 4)
    return padded(start + crc(start + sealed) + bytes(12) + sealed)
