"""What sealed objects and append logs share: preamble, key slots, derived keys, META. docs/formats/sealed-object.md."""
import hmac
import struct
from types import SimpleNamespace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from sealed_object_primitives import (Cbor, Refused, align, crc32c, crc_fits, hkdf_expand_sha512, hpke_open, is_text,
                                      key_at_zero, little, lp, need, sha256, x25519_public, xaes_open, zero)
try:
    from argon2 import low_level as argon2
except ImportError:  # passphrase slots are then not assessed
    argon2 = None

PAGE, UNKNOWN, MAGIC = 4096, 2**64 - 1, b"\x89CLSR1\r\n"
WRAP_SIZES = {1: (0, 72), 2: (0, 72), 3: (12, 48), 4: (28, 72), 5: (32, 48), 6: (1120, 48)}  # parameters, ciphertext
PREAMBLE = ("version suite chunk_log2 group_log2 flags object_id salt commitment slots_off slots_cap copies meta_off "
            "meta_len data_off plaintext_len meta_hash run_id run_number crc").split()


def parse_context(area):
    fields, at, previous = {}, 0, 0
    while True:
        need(at + 4 <= len(area), "SO-2", "public context has no end")
        kind, size = struct.unpack_from("<HH", area, at)
        value, at = area[at + 4:at + 4 + size], at + 4 + size
        if kind == 0:
            need(size == 0 and zero(area[at:]), "SO-2", "bytes after the public context")
            need(1 in fields, "SO-2", "no tenant")
            return fields
        need(kind > previous, "SO-2", "public context out of order")
        need(at <= len(area), "SO-2", "public context record too long")
        need(kind in (1, 2, 3, 16) or kind >= 0x8000, "SO-2", f"public context type {kind}", "unsupported")
        if kind in (1, 2):
            need(1 <= size <= 128 and is_text(value), "SO-2", "tenant or dataset")
        need(size == {3: 16, 16: 24}.get(kind, size), "SO-2", "length of a public context record")
        fields[kind], previous = value, kind


def parse_preamble(page):
    need(len(page) == PAGE or page[:8] != MAGIC[:len(page)], "SO-2", "shorter than a preamble")
    damaged = page[:6] in (MAGIC[:6], b"\x09CLSR1")
    need(page[:8] == MAGIC, "SO-1", "text-mode damage" if damaged else "not a sealed object", "invalid")
    p = SimpleNamespace(**dict(zip(PREAMBLE, struct.unpack_from("<HHBBH16s32s32sQIIQQQQ32s16sII", page, 8))), page=page)
    need(p.version == 1, "SO-1", f"version {p.version}", "unsupported")
    need(p.suite in (1, 2), "SO-1", f"suite {p.suite}", "unsupported")
    need(p.flags in (0, 1), "SO-1", f"flags {p.flags:#x}", "unsupported")
    p.covered = page[:196] + bytes(4) + page[200:4064]  # by the mac
    need(p.crc == crc32c(p.covered + page[4064:]), "SO-2", "crc of the preamble")
    need(14 <= p.chunk_log2 <= 22 and p.group_log2 <= 32, "SO-2", "chunk or group size")
    p.log, p.chunk, p.group = p.flags == 1, 1 << p.chunk_log2, 1 << p.group_log2
    need(p.slots_off == PAGE and p.copies == 2, "SO-3", "place or number of slot copies")
    need(p.slots_cap % PAGE == 0 and PAGE <= p.slots_cap <= 2**20, "SO-2", "slots_cap")
    need(p.meta_off == PAGE + 2 * p.slots_cap, "SO-3", "meta_off")
    later = p.log and p.run_number > 0
    need(p.meta_len == 0 if later else 17 <= p.meta_len <= 2**20, "AL-2" if later else "SO-2", "meta_len")
    need(p.meta_len or zero(p.meta_hash), "SO-2", "meta_hash without META")
    need(p.data_off == align(p.meta_off + p.meta_len), "SO-3", "data_off")
    need(p.plaintext_len <= 2**50 or p.plaintext_len == UNKNOWN, "SO-2", "plaintext_len")
    p.context = parse_context(page[200:4064])
    if p.log:
        need(p.group_log2 == 0 and p.plaintext_len == UNKNOWN, "AL-1", "S or plaintext_len of a log")
    need(p.log or p.run_number == 0, "SO-2", "run number of an object")
    need((16 in p.context) == later, "AL-3", "previous run")
    return p


def parse_table(copy):
    magic, seq, count, zeros, used = struct.unpack_from("<8sQHHI", copy)
    need(magic == b"CLSRSLT1" and zeros == 0, "SO-4", "slot table")
    need(seq < 2**63, "SO-6", "seq above the bound")
    need(count <= 64, "SO-6", "more than 64 slots")
    need(24 + used <= len(copy) - 4 and zero(copy[24 + used:-4]), "SO-4", "slot records don't fit, or bytes after them")
    slots, at, end = [], 24, 24 + used
    for _ in range(count):
        need(at + 8 <= end, "SO-5", "slot record cut off")
        kind, zeros, size = struct.unpack_from("<HHI", copy, at)
        need(zeros == 0 and at + 8 + size <= end, "SO-5", "slot record")
        slots += [parse_slot(kind, copy[at + 8:at + 8 + size])] if kind in WRAP_SIZES else []
        at += 8 + size
    need(at == end, "SO-5", "bytes after the slot records")
    return [slot for slot in slots if slot]


def parse_slot(kind, body):
    def prefixed(at, bound):
        need(at + 2 <= len(body), "SO-5", "slot cut off")
        end = at + 2 + struct.unpack_from("<H", body, at)[0]
        need(end - at - 2 <= bound, "SO-6", "slot field too long")
        need(end <= len(body), "SO-5", "slot cut off")
        return body[at + 2:end], end
    tenant, at = prefixed(0, 128)
    key_id, at = prefixed(at, 512)
    need(tenant and is_text(tenant) and is_text(key_id), "SO-5", "slot's tenant or key id")
    need(at + 8 <= len(body), "SO-5", "slot cut off")
    version, index, threshold = struct.unpack_from("<IHH", body, at)
    parameters, at = prefixed(at + 8, 4096)
    ciphertext, at = prefixed(at, 8192)
    need(at == len(body), "SO-5", "bytes after a slot")
    slot = SimpleNamespace(kind=kind, tenant=tenant, key_id=key_id, version=version, parameters=parameters,
                           ciphertext=ciphertext, share=(index, threshold) if index or threshold else None)
    sizes_fit = (len(parameters), len(ciphertext)) == WRAP_SIZES[kind]
    if slot.share and not (1 <= index <= 255 and 2 <= threshold <= 255 and sizes_fit):
        return None  # of a later version
    need(sizes_fit, "SO-5", "slot's parameters or ciphertext")
    if kind == 4:
        memory, passes, lanes = slot.cost = struct.unpack("<III", parameters[16:])
        if slot.share and not (passes >= 1 and lanes >= 1 and memory >= 8 * lanes):
            return None
        need(passes >= 1 and lanes >= 1 and memory >= 8 * lanes, "SO-5", "Argon2id cost too small")
    return slot


def choose_table(copies, verify, warnings):
    whole = [copy for copy in copies if crc_fits(copy)]
    need(whole, "SO-4", "both slot copies are damaged")
    need(len(whole) == 2 or not verify, "SO-4", "one slot copy is damaged")
    warnings += [] if len(whole) == 2 else ["one slot copy is damaged"]
    whole.sort(key=lambda copy: -struct.unpack_from("<Q", copy, 8)[0])  # of equals the first stays first: A
    slots = parse_table(whole[0])
    try:
        parse_table(whole[-1])
    except Refused:
        need(not verify, "SO-5", "the slot copy that isn't used is malformed")
        warnings += ["one slot copy is damaged"]
    return slots


def try_slot(slot, info, keys):
    """The DEK; None when the slot is another key's. InvalidTag when key and context don't fit."""
    if slot.kind in (1, 2):
        key = keys.local.get((slot.kind, slot.key_id, slot.version))
        return key and xaes_open(key, slot.ciphertext, info)
    if slot.kind == 4 and keys.passphrase and (slot.key_id, slot.version) == (b"passphrase", 0):
        memory, passes, lanes = slot.cost
        need(memory <= 2**20 and passes <= 16 and lanes <= 16, "SO-8", "Argon2id cost above the bound", "unsupported")
        need(argon2, "SO-8", "passphrase slot: there is no Argon2 module", "skipped")
        salt = slot.parameters[:16]
        key = argon2.hash_secret_raw(keys.passphrase, salt, passes, memory, lanes, 32, argon2.Type.ID, version=0x13)
        return xaes_open(key, slot.ciphertext, info)
    for seed in keys.hpke_seeds if (slot.kind, slot.version) == (5, 0) else []:
        if slot.key_id == b"x25519:" + sha256(x25519_public(seed)).hex()[:16].encode():
            return hpke_open(seed, slot.parameters, info, slot.ciphertext)
    need(slot.kind not in (3, 6), "SO-5", f"slot of type {slot.kind}: not in this reader", "skipped")


def argon2_work(slot):
    memory, passes, lanes = slot.cost if slot.kind == 4 else (0, 0, 0)
    return memory * passes if memory <= 2**20 and passes <= 16 and lanes <= 16 else 0  # not tried at all


def check_shares(slots):
    shares = [slot.share for slot in slots if slot.share]
    need(len({threshold for _, threshold in shares}) < 2, "SO-20", "shares that disagree on how many are needed")
    need(len({index for index, _ in shares}) == len(shares), "SO-20", "a share is there twice")


def unwrap(p, slots, keys):
    unsupported, skipped, work_left, shares = None, [], 2**24, {}
    for slot in sorted(slots, key=lambda slot: (bool(slot.share), argon2_work(slot))):
        if slot.share:
            check_shares(slots)
        if argon2_work(slot) > work_left:
            unsupported = Refused("unsupported", "SO-8", "the passphrase slots together cost too much")
            continue
        work_left -= argon2_work(slot) if keys.passphrase else 0
        commitment = p.commitment
        if slot.share:
            numbers = (little(16, number) for number in slot.share)
            commitment = sha256(b"".join(map(lp, (b"CLSR1 share", p.commitment, *numbers))))
        fields = (b"CLSR1 wrap", little(16, slot.kind), slot.key_id, little(32, slot.version), slot.tenant,
                  p.context.get(2, b""), p.object_id, b"dek", commitment)
        try:
            dek = try_slot(slot, b"".join(map(lp, fields)), keys)
        except (InvalidTag, ValueError):
            continue
        except Refused as refusal:
            unsupported = refusal if refusal.code == "unsupported" else unsupported
            skipped += [str(refusal)] if refusal.code == "skipped" else []
            continue
        if dek and not slot.share:
            return dek
        if dek:
            shares[slot.share[0]] = dek
            if len(shares) == slot.share[1]:
                return key_at_zero(shares)
    rule = "SO-20" if any(slot.share for slot in slots) else "SO-5"
    raise unsupported or Refused("denied", rule, "no slot opens with these keys", skipped)


class Keys:
    """Everything derived from a DEK."""

    def __init__(self, dek, p):
        self.dek, self.run_id, self.aead = dek, p.run_id, {1: AESGCM, 2: ChaCha20Poly1305}[p.suite]
        self.common = lp(little(16, p.suite)) + lp(p.object_id) + lp(p.salt)
        self.context_hash = sha256(p.covered[176:])
        self.epoch = None

    def derive(self, name, size=32):
        label = lp(b"CLSR1 " + name.encode())
        return hkdf_expand_sha512(self.dek, label + self.common + lp(self.context_hash), size)

    def payload_key(self, epoch):
        info = lp(b"CLSR1 payload") + self.common + lp(self.run_id) + lp(little(64, epoch))
        return hkdf_expand_sha512(self.dek, info, 44)

    def check_mac(self, name, covered, mac, rule):
        expected = hmac.new(self.derive(name), covered, "sha256").digest()
        need(hmac.compare_digest(expected, mac), rule, f"mac of the {name}")

    def open_once(self, name, sealed, rule):
        key = self.derive(name, 44)
        try:
            return self.aead(key[:32]).decrypt(key[32:], sealed, None)
        except InvalidTag:
            raise Refused("corrupt", rule, f"{name} doesn't open") from None

    def open_chunk(self, index, last, sealed):
        if self.epoch != index >> 16:
            key, self.epoch = self.payload_key(index >> 16), index >> 16
            self.cipher, self.base = self.aead(key[:32]), key[32:]
        try:
            return self.cipher.decrypt(chunk_nonce(self.base, index, last), sealed, None)
        except InvalidTag:
            raise Refused("corrupt", "SO-13", f"chunk {index} doesn't open") from None


def chunk_nonce(base, index, last):
    return bytes(a ^ b for a, b in zip(base, bytes([last, 0, 0, 0]) + index.to_bytes(8, "big")))


def open_head(p, data, wrapping_keys, verify, warnings):
    """Slots, unwrap, commitment, mac, META, in the order of SO-19. `data` starts at the preamble."""
    need(p.data_off <= len(data), "SO-2", "regions don't fit the file")
    copies = [data[start:start + p.slots_cap] for start in (PAGE, PAGE + p.slots_cap)]
    keys = Keys(unwrap(p, choose_table(copies, verify, warnings), wrapping_keys), p)
    need(hmac.compare_digest(keys.derive("commitment"), p.commitment), "SO-7", "commitment")
    keys.check_mac("header", p.covered, p.page[4064:], "SO-19")
    keys.meta = None
    if p.meta_len:
        end = p.meta_off + p.meta_len
        need(sha256(data[p.meta_off:end]) == p.meta_hash, "SO-12", "meta_hash")
        keys.meta = parse_meta(keys.open_once("meta", data[p.meta_off:end], "SO-12"))
        need(zero(data[end:p.data_off]), "SO-14", "bytes after META")
    return keys


def parse_meta(text):
    reader = Cbor(text)
    pairs = reader.value()
    need(isinstance(pairs, tuple) and reader.at == len(text), "SO-11", "META is not one map")
    for key, value in pairs:
        need(isinstance(key, int) and key >= 0, "SO-11", "key is no unsigned integer")
        need(1 <= key <= 5 or key >= 64, "SO-11", f"META key {key}", "unsupported")
        fits = isinstance(value, str) if key <= 2 else isinstance(value, int) and value >= 0
        need(key >= 64 or fits and (key < 3 or value <= (0o7777 if key == 5 else 2**62)), "SO-11", f"value of META key {key}")
    return dict((key, value) for key, value in pairs if key < 64)
