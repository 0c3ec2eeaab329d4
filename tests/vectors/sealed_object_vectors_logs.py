"""Append logs: sound, interrupted, torn, and broken."""
from sealed_object_vectors_valid import Vector, bytes_for, flip, put
from sealed_object_writer import DATASET, KEYRING_ID, TENANT, Sealed, Slot, crc, frame, hpke_slot, le, same

DATA_KIND, END_OF_RUN, END_OF_LOG = 0, 1, 2
CONTEXT = [(1, TENANT), (2, DATASET), (3, KEYRING_ID)]


class Log:
    """Runs and frames as pieces, so that a vector can leave some out or change them."""

    def __init__(self, name, suite=1):
        self.name, self.suite, self.pieces, self.payload, self.run = name, suite, [], b"", None

    def start(self, previous=None, **changes):
        number = 0 if self.run is None else self.run.run_number + 1
        tlvs = CONTEXT + ([(16, self.run.run_id + le(self.run.frames, 8))] if number else [])
        spec = dict(suite=self.suite, flags=1, run_number=number, label=f"run {number} ", tlvs=tlvs,
                    meta=b"" if number else b"\xa0")
        if previous is not None:
            changes["tlvs"] = CONTEXT + [(16, previous)]
        self.run = Sealed(self.name, **{**spec, **changes})
        self.pieces.append(self.run.head())
        return self

    def put(self, size, kind=DATA_KIND, door=same, **changes):
        plaintext = bytes_for(f"{self.name} {len(self.pieces)}", size)
        self.pieces.append(door(frame(self.run, self.run.frames, kind, plaintext, **changes)))
        self.payload += plaintext
        self.run.frames += 1
        return self

    def end_run(self, size=0, **changes):
        return self.put(size, END_OF_RUN, **changes)

    def end_log(self, size=0, **changes):
        return self.put(size, END_OF_LOG, **changes)

    def valid(self, comment, state="open", tail=b"", rule="", keys=("dataset",)):
        runs = str(sum(piece.startswith(b"\x89CLSR1") for piece in self.pieces))
        more = {"log": state, "runs": runs, "torn_bytes": str(len(tail))}
        data = b"".join(self.pieces) + tail
        return Vector(self.name, comment, data, rule=rule, payload=self.payload, keys=keys, more=more)

    def bad(self, comment, rule, expect="corrupt", pieces=same, tail=b""):
        return Vector(self.name, comment, b"".join(pieces(self.pieces)) + tail, expect, rule)


def log(name, suite=1):
    return Log("log-" + name, suite)


def sound():
    yield log("one-run").start().put(100).put(16384).end_log().valid("two frames and the end of the log", "ended")
    yield log("one-run-chacha20", 2).start().put(100).put(5000).end_log().valid("ChaCha20-Poly1305", "ended")
    yield log("ended-with-bytes").start().put(100).end_log(200).valid("the end of log frame holds bytes", "ended")
    yield log("ended-at-once").start().end_log().valid("an end of log and nothing else", "ended")
    yield log("no-frame").start().valid("a run that was begun")
    yield log("run-ended").start().put(100).end_run().valid("the run ended, the log is open", rule="AL-7")
    yield log("two-runs").start().put(10).end_run(20).start().put(30).put(40).end_log().valid(
        "two runs, ended", "ended")
    yield log("interrupted-then-another").start().put(10).put(20).start().put(30).end_run().valid(
        "run 0 has no end frame", rule="AL-7")
    yield log("run-without-frames").start().start().put(5).end_log().valid(
        "run 0 has no frame at all", "ended", rule="AL-7")
    yield log("empty-frames").start().put(0).put(0).put(1).put(0).end_log().valid("frames of no bytes", "ended")
    yield log("larger-slots-later").start().put(1).end_run().start(slots_cap=8192).put(2).end_log().valid(
        "run 1 has larger slot copies", "ended", rule="AL-1")
    yield log("two-kinds-of-keys").start(slots=[hpke_slot()]).put(3).end_run().start().put(4).end_log().valid(
        "run 0 to a recipient, run 1 to the dataset key", "ended", keys=("dataset", "hpke"))


def torn():
    def begun():
        return name.start().put(100)

    for size in (1, 31, 47, 4095, 4096, 12000):
        name = log(f"torn-{size}")
        cut = torn_frame(begun(), 12000)[:size]
        yield name.valid(f"the last frame has only {size} bytes in the file", tail=cut, rule="AL-5")
    name = log("torn-zeros")
    yield begun().valid("the file grew, no byte arrived", tail=bytes(20480), rule="AL-5")
    name = log("torn-middle-page-lost")
    yield name.valid("one page of the last frame never arrived", rule="AL-5",
                     tail=put(4096, bytes(4096))(torn_frame(begun(), 12000)))
    name = log("torn-first-page-lost")
    yield name.valid("the first page of the last frame never arrived", rule="AL-5",
                     tail=put(0, bytes(4096))(torn_frame(begun(), 12000)))
    name = log("torn-preamble")
    yield name.valid("half a preamble of the next run", rule="AL-6", tail=next_header(begun())[:2048])
    name = log("torn-slots")
    yield name.valid("a preamble without its slots", rule="AL-6", tail=next_header(begun())[:4096])
    name = log("torn-slot-copy-B")
    yield name.valid("a preamble and slot copy A", rule="AL-6", tail=next_header(begun())[:8192])
    name = log("torn-slots-zeros")
    yield name.valid("a preamble, and zeros for slots", rule="AL-6", tail=next_header(begun())[:4096] + bytes(8192))
    name = log("torn-after-end-of-run")
    yield name.valid("the run ended, the next one's preamble is torn", rule="AL-6",
                     tail=next_header(begun().end_run())[:100])


def torn_frame(log_, size):
    log_.put(size)
    log_.run.frames -= 1
    log_.payload = log_.payload[:-size]
    return log_.pieces.pop()


def next_header(log_):
    before = log_.run
    log_.start()
    log_.run = before
    return log_.pieces.pop()


def frames_broken():
    three = lambda name, suite=1: log(name, suite).start().put(100).put(200).put(300)
    without = lambda at: lambda pieces: pieces[:at] + pieces[at + 1:]
    changed = lambda at, door: lambda pieces: pieces[:at] + [door(pieces[at])] + pieces[at + 1:]
    yield three("frame-crc").end_log().bad("a frame's crc is wrong, whole frames follow", "AL-5",
                                            pieces=changed(2, flip(16)))
    yield three("frame-bit-rot").end_log().bad("a bit of a frame's ciphertext", "AL-5", pieces=changed(2, flip(40)))
    yield three("frame-tag").put(10, door=resealed(flip(35))).end_log().bad(
        "a bit of the ciphertext, the crc right", "SO-13")
    yield three("frame-length-above-C").put(10, door=resealed(put(12, le(16385, 4)))).end_log().bad(
        "a length above C, whole frames follow", "AL-5")
    yield three("frame-length-2-to-32-minus-1").put(10, door=resealed(put(12, b"\xff" * 4))).end_log().bad(
        "a length beyond everything, whole frames follow", "AL-5")
    yield three("frame-removed").end_log().bad("the second of three frames is gone", "SO-13", pieces=without(2))
    yield three("frames-swapped").end_log().bad("two frames changed places", "SO-13",
                                                pieces=lambda p: p[:1] + [p[2], p[1]] + p[3:])
    yield three("frame-twice").end_log().bad("a frame once more", "SO-13", pieces=lambda p: p[:2] + p[1:])
    yield three("frame-removed-at-run-end").end_run().start().put(1).end_log().bad(
        "the end of run 0 is gone: run 1 counts one frame more", "AL-3", pieces=without(4))
    yield three("kind-changed").end_run(door=resealed(put(8, b"\x02"))).bad("an end of run made an end of log", "SO-13")
    yield three("kind-end-made-data").end_log(door=resealed(put(8, b"\x00"))).bad("an end of log made data", "SO-13")
    yield three("kind-data-made-end").put(7, door=resealed(put(8, b"\x02"))).bad("data made an end of log", "SO-13")
    yield three("kind-3").put(5, kind=3).bad("a kind that isn't known, sealed as such", "AL-5")
    yield three("frame-zeros").put(5, door=resealed(put(9, b"x"))).bad("a byte in the zeros under the crc", "AL-5")
    yield three("frame-zeros-after-crc").put(5, door=put(31, b"x")).bad("a byte in the zeros after the crc", "AL-5")
    yield three("frame-padding").put(5, door=put(4095, b"x")).bad("a byte in the padding", "AL-5")
    yield three("after-end-of-log").end_log().put(5).bad("a frame after the end of the log", "AL-5")
    yield three("byte-after-end-of-log").end_log().bad("a byte after the end of the log", "AL-5", tail=b"\0")
    yield three("run-after-end-of-log").end_log().start().put(5).end_log().bad("a run after the end of the log", "AL-5")
    yield three("after-end-of-run").end_run().put(5).bad("a frame after the end of its run", "AL-5")
    yield three("tail-before-a-run").start().put(5).end_log().bad("a torn frame that nobody cut, and a run", "AL-5",
                                                                   pieces=changed(3, flip(60)))
    yield three("tail-too-long").bad("three mebibytes of zeros at the end", "AL-5", tail=bytes(3 << 20))


def resealed(door):
    """A change to a frame with its crc put right for the length it had."""
    def change(piece):
        size = int.from_bytes(piece[12:16], "little")
        piece = door(piece)
        return put(16, crc(piece[:16] + piece[32:48 + size]))(piece)
    return change


def runs_broken():
    base = lambda name, **first: log(name).start(**first).put(100).end_run()
    yield base("run-number-gap").start(run_number=2).end_log().bad("run 0, then run 2", "AL-2")
    yield base("run-number-again").start(run_number=0, meta=b"\xa0", tlvs=CONTEXT).end_log().bad("run 0 twice", "AL-2")
    yield log("run-number-from-1").start(run_number=1, meta=b"", tlvs=CONTEXT + [(16, bytes(24))]).end_log().bad(
        "the first run is number 1", "AL-2")
    yield base("run-removed").start().put(1).end_run().start().put(2).end_log().bad(
        "run 1 of three is gone", "AL-2", pieces=lambda p: p[:3] + p[6:])
    yield base("previous-run-id").start(previous=bytes(16) + le(2, 8)).end_log().bad(
        "another run is named as the one before", "AL-3")
    counted = base("previous-run-frames")
    yield counted.start(previous=counted.run.run_id + le(3, 8)).end_log().bad(
        "one frame more is counted than there is", "AL-3")
    yield base("previous-run-missing").start(tlvs=CONTEXT).end_log().bad("run 1 names no run before", "AL-3")
    yield base("previous-run-in-run-0", tlvs=CONTEXT + [(16, bytes(24))]).bad("run 0 names a run before", "AL-3")
    yield base("previous-run-23-bytes").start(previous=bytes(23)).end_log().bad("a record of another length", "SO-2")
    yield base("meta-in-run-1").start(meta=b"\xa0").end_log().bad("META in a later run", "AL-2")
    yield base("group-log2-1", group_log2=1).bad("S is not 1", "AL-1")
    yield base("plaintext-len", header=put(136, le(100, 8))).bad("a plaintext_len in a log", "AL-1")
    for name, comment, changes in (
            ("object-id", "run 1 has another object id", dict(object_id=bytes(range(16)))),
            ("suite", "run 1 has another suite", dict(suite=2)), ("chunk", "run 1 has another C", dict(chunk_log2=15))):
        yield base(f"run-1-{name}").start(**changes).end_log().bad(comment, "AL-1")
    for name, comment, kind, value in (
            ("tenant", "another tenant", 1, b"umbrella"), ("dataset", "another dataset", 2, b"d"),
            ("keyring", "another keyring", 3, bytes(16))):
        mixed = base(f"run-1-{name}")
        tlvs = [(k, value if k == kind else v) for k, v in CONTEXT] + [(16, mixed.run.run_id + le(mixed.run.frames, 8))]
        yield mixed.start(tlvs=tlvs).end_log().bad(f"run 1 has {comment}", "AL-1")
    yield base("run-1-mac").start(header_mac=flip(4064)).end_log().bad("the mac of run 1's preamble", "SO-19")
    yield base("run-1-slots").start(slots=[Slot(version=9)]).end_log().bad("no slot of run 1 opens", "SO-5", "denied")
    yield base("run-1-both-slots-damaged").start(copy_a=flip(60), copy_b=flip(60)).put(5).bad(
        "both slot copies of run 1, and a whole frame behind them", "AL-5")
    yield log("run-0-cut").start().bad("the file ends in the slots of run 0", "SO-2", pieces=lambda p: [p[0][:9000]])
    yield log("padding-after-meta").start().put(5).end_log().bad(
        "a byte between META and the first frame", "SO-14", pieces=lambda p: [put(16383, b"x")(p[0])] + p[1:])
    yield log("meta-hash-in-run-1").start().end_run().start(header=put(144, b"x")).end_log().bad(
        "a meta_hash where there is no META", "SO-2")


def logs():
    for part in (sound, torn, frames_broken, runs_broken):
        yield from part()
