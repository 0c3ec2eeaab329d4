"""Builds a disk again as it was at any moment of a recorded run, killed or with the power cut, for tests to look at.

A *kill* keeps every change the program made up to a moment, the last write perhaps cut short. A *power cut* keeps only what
was synced: unsynced bytes may be there or not, page by page, and names of files may be lost from the newest backwards
until their folder was synced. record_writes.cc writes the trace.
"""
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile

PAGE = 4096
CREATE, WRITE, TRUNCATE, SYNC, SYNC_ALL, RENAME, LINK, UNLINK, MKDIR, OUTPUT = range(1, 11)

CLOISTER = os.environ["CLOISTER"]
SHIM = os.environ["BUILD_DIR"] + "/tests/librecord_writes.so"


def cloister(*arguments, home, stdin=None, check=True):
    result = subprocess.run([CLOISTER, "--home", str(home), *map(str, arguments)], input=stdin, capture_output=True)
    if check and result.returncode != 0:
        raise AssertionError(f"cloister {' '.join(map(str, arguments))}: {result.returncode}: {result.stderr.decode()}")
    return result


class Operation:
    def __init__(self, kind, path, second, offset, data, size):
        self.kind, self.path, self.second, self.offset, self.data, self.size = kind, path, second, offset, data, size


def read_trace(path):
    raw = pathlib.Path(path).read_bytes()
    operations, at = [], 0
    while at < len(raw):
        kind, length = struct.unpack_from("<BH", raw, at)
        at += 3
        name = raw[at:at + length].decode()
        at += length
        (length,) = struct.unpack_from("<H", raw, at)
        at += 2
        second = raw[at:at + length].decode()
        at += length
        offset, size = struct.unpack_from("<QQ", raw, at)
        at += 16
        data = raw[at:at + size] if kind in (WRITE, OUTPUT) else b""
        at += len(data)
        operations.append(Operation(kind, name, second, offset, data, size))
    return operations


class Inode:
    def __init__(self, data=b""):
        self.data = bytearray(data)
        self.durable = bytearray(data)


def put(buffer, offset, data):
    if len(buffer) < offset:
        buffer.extend(bytes(offset - len(buffer)))
    buffer[offset:offset + len(data)] = data


def resize(buffer, size):
    if len(buffer) > size:
        del buffer[size:]
    else:
        buffer.extend(bytes(size - len(buffer)))


class Disk:
    """Names and inodes of one folder, with what of them is durable."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.names, self.folders = {}, {self.folder}
        for path in pathlib.Path(folder).rglob("*"):
            if path.is_dir():
                self.folders.add(str(path))
            elif not path.name.endswith("-shm"):
                self.names[str(path)] = Inode(path.read_bytes())
        self.durable_names, self.durable_folders = dict(self.names), set(self.folders)
        self.waiting = []  # changes of names since their folder was last synced, oldest first

    def name_change(self, change):
        change(self.names, self.folders)
        self.waiting.append(change)

    def apply(self, operation, cut=None):
        kind, path = operation.kind, operation.path
        if kind == CREATE:
            inode = Inode()
            self.name_change(lambda names, folders: names.__setitem__(path, inode))
        elif kind == WRITE:
            data = operation.data if cut is None else operation.data[:cut]
            if path in self.names:
                put(self.names[path].data, operation.offset, data)
        elif kind == TRUNCATE:
            resize(self.names[path].data, operation.offset)
        elif kind == SYNC and path in self.names:
            self.names[path].durable = bytearray(self.names[path].data)
        elif kind == SYNC_ALL:
            for inode in self.names.values():
                inode.durable = bytearray(inode.data)
            self.settle_names()
        elif kind == SYNC:
            self.settle_names()
        elif kind == RENAME:
            second = operation.second
            self.name_change(lambda names, folders: names.__setitem__(second, names.pop(path)) if path in names else None)
        elif kind == LINK:
            second = operation.second
            self.name_change(lambda names, folders: names.__setitem__(second, names[path]) if path in names else None)
        elif kind == UNLINK:
            self.name_change(lambda names, folders: names.pop(path, None))
        elif kind == MKDIR:
            self.name_change(lambda names, folders: folders.add(path))

    def settle_names(self):
        # A file system's journal keeps names in order: syncing one folder settles all changes before.
        for change in self.waiting:
            change(self.durable_names, self.durable_folders)
        self.waiting.clear()

    def write_out(self, names, folders, content, target):
        shutil.rmtree(target, ignore_errors=True)
        os.makedirs(target)
        for folder in sorted(folders):
            os.makedirs(self.moved(folder, target), exist_ok=True)
        for path, inode in names.items():
            place = self.moved(path, target)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            pathlib.Path(place).write_bytes(bytes(content(inode)))
            os.chmod(place, 0o600)

    def moved(self, path, target):
        return str(target) + path[len(self.folder):]

    def killed(self, target):
        self.write_out(self.names, self.folders, lambda inode: inode.data, target)

    def power_cut(self, target, chance):
        names, folders = dict(self.durable_names), set(self.durable_folders)
        for change in self.waiting[:chance.randint(0, len(self.waiting))]:
            change(names, folders)
        self.write_out(names, folders, lambda inode: self.torn(inode, chance), target)

    @staticmethod
    def torn(inode, chance):
        if inode.data == inode.durable:
            return inode.durable
        kind = chance.randint(0, 4)
        if kind == 0:
            return inode.durable
        result = bytearray(inode.durable)
        resize(result, len(inode.data) if kind == 4 else chance.choice([len(inode.data), len(inode.durable)]))
        first = 0
        if kind == 4 and len(result) > len(inode.durable):  # the newest pages of a file that grew, and none before them
            first = chance.randint(len(inode.durable) // PAGE, (len(result) - 1) // PAGE)
        for at in range(first * PAGE, len(result), PAGE):
            fresh = inode.data[at:at + PAGE]
            if fresh and (kind in (1, 4) or chance.random() < 0.5):
                result[at:at + PAGE] = (fresh + bytes(PAGE))[:min(PAGE, len(result) - at)]
        return result


def rewound(folder):
    """What makes the disk again as it is now, however it changed since."""
    now = Disk(folder)
    content = {path: bytes(inode.data) for path, inode in now.names.items()}

    def before():
        disk = Disk.__new__(Disk)
        disk.folder, disk.folders = str(folder), set(now.folders)
        disk.names = {path: Inode(data) for path, data in content.items()}
        disk.durable_names, disk.durable_folders, disk.waiting = dict(disk.names), set(disk.folders), []
        return disk

    return before


def record(folder, work, arguments, home, stdin=None, feed=None):
    """Runs cloister under the shim; returns the disk before and the operations. `feed` writes standard input by hand."""
    before = Disk(folder)
    trace = str(work / "trace")
    if os.path.exists(trace):
        os.unlink(trace)
    environment = dict(os.environ, CLOISTER_TRACE=trace, CLOISTER_TRACE_DIR=str(folder) + "/", LD_PRELOAD=SHIM)
    command = [CLOISTER, "--home", str(home), *map(str, arguments)]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if feed:
        feed(process.stdin)
        stdin = None
    _, errors = process.communicate(stdin)
    if process.returncode != 0:
        raise AssertionError(f"cloister {' '.join(map(str, arguments))}: {process.returncode}: {errors.decode()}")
    operations = read_trace(trace)
    assert any(operation.kind == WRITE for operation in operations), "the shim saw no write"
    assert any(operation.kind == OUTPUT for operation in operations), "the shim saw no output"
    return before, operations


def states(folder, before_of, operations, work, power_cuts=60, kills=80):
    """Yields (description, state folder, output so far) for moments of the run, all of them while they are few."""
    chance = random.Random(7)
    moments = []
    for k, operation in enumerate(operations):
        if operation.kind == OUTPUT:
            continue
        moments.append((k, None))
        if operation.kind == WRITE and len(operation.data) > 1:
            cuts = {1, len(operation.data) // 2, len(operation.data) // PAGE * PAGE or 1}
            moments += [(k, cut) for cut in sorted(cuts) if cut < len(operation.data)]
    moments.append((len(operations), None))
    if len(moments) > kills:
        moments = sorted(chance.sample(moments[1:-1], kills - 2) + [moments[0], moments[-1]], key=lambda m: (m[0], m[1] or 0))
    target = work / "state"
    disk, done = before_of(), 0
    for k, cut in moments:
        while done < k:
            disk.apply(operations[done])
            done += 1
        output = b"".join(o.data for o in operations[:k] if o.kind == OUTPUT)
        if cut is None:
            disk.killed(target)
            yield f"killed before change {k}", target, output
        else:
            again = before_of()
            for operation in operations[:k]:
                again.apply(operation)
            again.apply(operations[k], cut)
            again.killed(target)
            yield f"killed {cut} bytes into change {k}", target, output
    cuts = sorted(chance.choice(range(len(operations) + 1)) for _ in range(power_cuts)) + [len(operations)] * 5
    disk, done = before_of(), 0
    for k in cuts:
        while done < k:
            disk.apply(operations[done])
            done += 1
        output = b"".join(o.data for o in operations[:k] if o.kind == OUTPUT)
        disk.power_cut(target, chance)
        yield f"power cut before change {k}", target, output


def kill_after_every_change(folder, arguments, home, check, limit=400, step=1):
    """Really kills the program, in place of its first change, its second, ..., each time on a fresh copy of the folder."""
    original = str(folder) + ".original"
    shutil.copytree(folder, original)
    n, runs = 1, 0
    while n < limit:
        shutil.rmtree(folder)
        shutil.copytree(original, folder)
        environment = dict(os.environ, CLOISTER_TRACE_DIR=str(folder) + "/", CLOISTER_KILL_AFTER=str(n), LD_PRELOAD=SHIM)
        result = subprocess.run([CLOISTER, "--home", str(home), *map(str, arguments)], env=environment, capture_output=True)
        runs += 1
        check(f"killed at change {n}")
        if result.returncode == 0:
            break
        assert result.returncode == -9, f"exit status {result.returncode}: {result.stderr.decode()}"
        n += step
    shutil.rmtree(original)
    return runs


class Workplace:
    """A home with one tenant and dataset, in a folder that is removed at the end."""

    def __enter__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="cloister-crash-"))
        self.home = self.root / "home"
        self.work = self.root / "work"
        self.work.mkdir()
        cloister("init", home=self.home)
        cloister("tenant", "create", "acme", home=self.home)
        cloister("dataset", "create", "acme/set", home=self.home)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root, ignore_errors=True)

    def cloister(self, *arguments, **named):
        return cloister(*arguments, home=named.pop("home", self.home), **named)


def main(test):
    if not os.path.exists(SHIM):
        print(f"skipped: {SHIM} was not built")
        sys.exit(77)
    with Workplace() as place:
        print(test(place))
