"""Servers of other people: started, waited for, and killed with everything they started."""
import ctypes
import fcntl
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time

from . import install, relay
from .absent import Absent

NAMESPACE = pathlib.Path(__file__).resolve().parent / "namespace.py"
# Below those that the kernel gives to outgoing connections.
PORTS = (20000, 32000)
PR_SET_PDEATHSIG = 1
held = []  # locks of the ports given out, kept until the process ends


def free_port():
    """A loopback port that nobody listens on, and that no other test of this user is given while this one lives."""
    folder = install.cache() / "ports"
    folder.mkdir(parents=True, exist_ok=True)
    for _ in range(1000):
        port = random.randrange(*PORTS)
        lock = open(folder / str(port), "w", encoding="utf-8")  # pylint: disable=consider-using-with
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        held.append(lock)
        return port
    raise RuntimeError("no free port")


LIBC = ctypes.CDLL(None)


def dies_with_its_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def namespaces_allowed():
    try:
        return subprocess.run(["unshare", "--user", "--map-root-user", "--net", "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


class Relay:
    """A loopback port that leads to a Unix socket, behind which the server of another network namespace listens."""

    def __init__(self, port, path):
        self.path = str(path)
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(self.path)
            except OSError:
                near.close()
                continue
            relay.join(near, far)


class Server:
    def __init__(self, scratch, argv, ready, environment, in_namespace, patience, folder):
        self.argv, self.ready, self.patience = argv, ready, patience
        self.environment, self.folder = environment, folder or scratch
        self.output_path = scratch / f"server-{random.randrange(1 << 48):012x}.log"
        self.relay = self.process = None
        if in_namespace:
            if not namespaces_allowed():
                raise Absent("this system allows no network namespaces")
            path = self.output_path.with_suffix(".socket")
            self.argv = ["unshare", "--user", "--map-root-user", "--net", "--fork", "--kill-child", sys.executable,
                         str(NAMESPACE), str(path), str(ready[1]), *argv]
            self.relay = Relay(ready[1], path)

    def output(self):
        return self.output_path.read_text(errors="replace")

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        with open(self.output_path, "wb") as output:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                            env=self.environment, cwd=self.folder, start_new_session=True,
                                            preexec_fn=dies_with_its_parent)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind, error, trace):
        self.stop()
        if error is not None and not isinstance(error, Absent):
            print(f"{self.argv[0]} said:\n{self.output()[-3000:]}", flush=True)

    def stop(self):
        """Kills it and its children, if it is still there."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        if self.relay:
            self.relay.close()

    def _wait(self):
        deadline = time.monotonic() + self.patience
        while not self._is_ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.argv[0]} ended with {self.process.returncode}: {self.output()[-3000:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.argv[0]} wasn't ready after {self.patience} s: {self.output()[-3000:]}")
            time.sleep(0.05)

    def _is_ready(self):
        if callable(self.ready):
            return self.ready()
        if not isinstance(self.ready, tuple):
            return pathlib.Path(self.ready).exists()
        try:
            with socket.create_connection(self.ready, timeout=1) as probe:
                if not self.relay:
                    return True
                # The relay always answers; what is behind it hangs up where the server doesn't listen yet.
                probe.settimeout(0.3)
                return probe.recv(1) != b""
        except TimeoutError:
            return True
        except OSError:
            return False
