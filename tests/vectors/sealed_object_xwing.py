"""X-Wing encapsulation (draft-connolly-cfrg-xwing-kem) over ML-KEM-768 (FIPS 203), for test vectors only.

As the standard's pseudocode has it: slow, and not constant time.
"""
import hashlib

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Q, K, DU, DV = 3329, 3, 10, 4
ZETAS = [pow(17, int(f"{i:07b}"[::-1], 2), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * int(f"{i:07b}"[::-1], 2) + 1, Q) for i in range(128)]


def ntt(f):
    f, i, length = list(f), 1, 128
    while length >= 2:
        for start in range(0, 256, 2 * length):
            for j in range(start, start + length):
                t = ZETAS[i] * f[j + length] % Q
                f[j], f[j + length] = (f[j] + t) % Q, (f[j] - t) % Q
            i += 1
        length //= 2
    return f


def inverse_ntt(f):
    f, i, length = list(f), 127, 2
    while length <= 128:
        for start in range(0, 256, 2 * length):
            for j in range(start, start + length):
                t = f[j]
                f[j], f[j + length] = (t + f[j + length]) % Q, ZETAS[i] * (f[j + length] - t) % Q
            i -= 1
        length *= 2
    return [x * 3303 % Q for x in f]


def multiply(f, g):
    h = [0] * 256
    for i in range(128):
        a, b, c, d = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
        h[2 * i], h[2 * i + 1] = (a * c + b * d * GAMMAS[i]) % Q, (a * d + b * c) % Q
    return h


def add(*polynomials):
    return [sum(terms) % Q for terms in zip(*polynomials)]


def dot(row, vector):
    return add(*(multiply(a, b) for a, b in zip(row, vector)))


def sample_ntt(seed):
    stream, out, at = hashlib.shake_128(seed).digest(1680), [], 0
    while len(out) < 256:
        a, b, c = stream[at:at + 3]
        out += [d for d in (a + 256 * (b % 16), b // 16 + 16 * c) if d < Q]
        at += 3
    return out[:256]


def sample_noise(seed, n):
    bits = int.from_bytes(hashlib.shake_256(seed + bytes([n])).digest(128), "little")
    pick = lambda i: bits >> i & 1
    return [(pick(4 * i) + pick(4 * i + 1) - pick(4 * i + 2) - pick(4 * i + 3)) % Q for i in range(256)]


def pack(f, bits):
    return sum(x << bits * i for i, x in enumerate(f)).to_bytes(32 * bits, "little")


def unpack(data, bits):
    value = int.from_bytes(data, "little")
    return [value >> bits * i & ((1 << bits) - 1) for i in range(256)]


def compress(f, bits):
    return [((x << bits) * 2 + Q) // (2 * Q) % (1 << bits) for x in f]


def matrix(rho):
    return [[sample_ntt(rho + bytes([column, row])) for column in range(K)] for row in range(K)]


def ml_kem_public_key(d):
    """FIPS 203 algorithm 13, the public half."""
    seeds = hashlib.sha3_512(d + bytes([K])).digest()
    rho, sigma = seeds[:32], seeds[32:]
    s = [ntt(sample_noise(sigma, n)) for n in range(K)]
    e = [ntt(sample_noise(sigma, K + n)) for n in range(K)]
    return b"".join(pack(add(dot(row, s), e[i]), 12) for i, row in enumerate(matrix(rho))) + rho


def ml_kem_encapsulate(public, m):
    """FIPS 203 algorithms 14 and 17: (shared secret, ciphertext)."""
    seeds = hashlib.sha3_512(m + hashlib.sha3_256(public).digest()).digest()
    shared, r = seeds[:32], seeds[32:]
    t, a = [unpack(public[384 * i:384 * (i + 1)], 12) for i in range(K)], matrix(public[384 * K:])
    y = [ntt(sample_noise(r, n)) for n in range(K)]
    u = [add(inverse_ntt(dot([a[j][i] for j in range(K)], y)), sample_noise(r, K + i)) for i in range(K)]
    message = [(1665 * bit) for bit in unpack(m, 1)]
    v = add(inverse_ntt(dot(t, y)), sample_noise(r, 2 * K), message)
    return shared, b"".join(pack(compress(f, DU), DU) for f in u) + pack(compress(v, DV), DV)


def xwing_public_key(seed):
    expanded = hashlib.shake_256(seed).digest(96)
    return ml_kem_public_key(expanded[:32]) + x25519_base(expanded[64:])


def x25519_base(seed):
    return X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def xwing_encapsulate(public, randomness):
    """(shared secret, encapsulated key) from 64 bytes of randomness."""
    shared_m, ciphertext = ml_kem_encapsulate(public[:1184], randomness[:32])
    ephemeral = randomness[32:]
    shared_x = X25519PrivateKey.from_private_bytes(ephemeral).exchange(X25519PublicKey.from_public_bytes(public[1184:]))
    encapsulated_x = x25519_base(ephemeral)
    shared = hashlib.sha3_256(shared_m + shared_x + encapsulated_x + public[1184:] + rb"\.//^" + b"\\").digest()
    return shared, ciphertext + encapsulated_x
