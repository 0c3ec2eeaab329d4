"""Opens append logs: docs/formats/append-log.md."""
import struct

from sealed_object_head import MAGIC, PAGE, open_head, parse_preamble
from sealed_object_primitives import align, crc32c, crc_fits, little, need, zero


def whole_frame(data, at, chunk):
    """(kind, ciphertext || tag, end) of the frame that starts at `at`; None when no whole frame does."""
    if data[at:at + 8] != b"CLSRFRM1" or at + 32 > len(data):
        return None
    kind, length, crc = data[at + 8], *struct.unpack_from("<II", data, at + 12)
    end, sealed = at + align(48 + length), data[at + 32:at + 48 + length]
    if length > chunk or end > len(data) or crc != crc32c(data[at:at + 16] + sealed):
        return None
    need(kind <= 2, "AL-5", "kind of a frame")
    need(zero(data[at + 9:at + 12] + data[at + 20:at + 32] + data[at + 48 + length:end]), "AL-5", "zeros of a frame")
    return kind, sealed, end


def whole_preamble(data, at):
    page = data[at:at + PAGE]
    if len(page) < PAGE or page[:8] != MAGIC:
        return False
    return struct.unpack_from("<I", page, 196)[0] == crc32c(page[:196] + bytes(4) + page[200:])


def whole_header(data, at):
    if not whole_preamble(data, at):
        return False
    cap = struct.unpack_from("<I", data, at + 104)[0]
    starts = at + PAGE, at + PAGE + cap
    return PAGE <= cap <= 2**20 and starts[1] + cap <= len(data) and any(crc_fits(data[s:s + cap]) for s in starts)


def walk(data):
    """Needs no key: [(preamble, start, frames)] and the length of the torn tail. AL-5."""
    runs, at = [], 0
    while True:
        p, start, frames = parse_preamble(data[at:at + PAGE]), at, []
        need(p.log and p.run_number == len(runs), "AL-2", "number of a run")
        at += p.data_off
        need(at <= len(data), "SO-2", "regions don't fit the file")
        while not (frames and frames[-1][0]) and (frame := whole_frame(data, at, p.chunk)):
            frames.append(frame)
            at = frame[2]
        runs.append((p, start, frames))
        if at == len(data):
            return runs, 0
        need(not frames or frames[-1][0] != 2, "AL-5", "bytes after the end of the log")
        if not whole_header(data, at):
            break
    cap = struct.unpack_from("<I", data, at + 104)[0] if whole_preamble(data, at) else p.slots_cap
    need(len(data) - at <= max(align(48 + p.chunk), PAGE + 2 * min(cap, 2**20)), "AL-5", "torn tail too long")
    for page in range(at, len(data), PAGE):
        starts_whole = whole_frame(data, page, p.chunk) or whole_header(data, page)
        need(not starts_whole, "AL-5", "damage before a whole frame or run")
    return runs, len(data) - at


def same_log(p):
    return p.object_id, p.suite, p.chunk, [p.context.get(kind) for kind in (1, 2, 3)]


def open_log(_, data, wrapping_keys, verify, warnings):
    runs, torn = walk(data)
    payload = []
    for number, (p, start, frames) in enumerate(runs):
        need(same_log(p) == same_log(runs[0][0]), "AL-1", "a run of another log")
        if number > 0:
            before, _, frames_before = runs[number - 1]
            need(p.context[16] == before.run_id + little(64, len(frames_before)), "AL-3", "previous run")
        keys = open_head(p, data[start:], wrapping_keys, verify, warnings)
        payload += [keys.open_chunk(j, kind, sealed) for j, (kind, sealed, _) in enumerate(frames)]
        warnings += [] if frames and frames[-1][0] else [f"run {number} was interrupted"]
    warnings += [f"torn tail of {torn} bytes"] if torn else []
    warnings += [] if frames and frames[-1][0] == 2 else ["the log is open: frames may be missing at its end"]
    return b"".join(payload)
