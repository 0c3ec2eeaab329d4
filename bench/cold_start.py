#!/usr/bin/env python3
"""How long cloisterd takes from its start until it says that it is ready, on a home with one tenant and after its first
start, which makes the authority. Beside it: a program that only starts and ends (cloisterd --version).
  CLOISTER=… bench/cold_start.py"""
import http.client
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import tempfile
import time

CLOISTER = os.environ["CLOISTER"]
CLOISTERD = os.path.join(os.path.dirname(CLOISTER), "cloisterd")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5")) * 2


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def is_ready(path):
    connection = Connection(path)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def time_start(config, path):
    started = time.monotonic()
    daemon = subprocess.Popen([CLOISTERD, "--config", config], stderr=subprocess.DEVNULL)
    while not is_ready(path):
        if daemon.poll() is not None:
            raise SystemExit(f"cold-start: cloisterd ended with {daemon.returncode}")
        time.sleep(0.001)
    took = time.monotonic() - started
    daemon.send_signal(signal.SIGTERM)
    daemon.wait()
    return took


def time_nothing():
    started = time.monotonic()
    subprocess.run([CLOISTERD, "--version"], stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - started


def main():
    with tempfile.TemporaryDirectory(prefix="cloister-bench.") as folder:
        work = pathlib.Path(folder)
        home, path, config = work / "home", str(work / "socket"), work / "cloisterd.toml"
        subprocess.run([CLOISTER, "--home", str(home), "init", "--quiet"], check=True)
        subprocess.run([CLOISTER, "--home", str(home), "tenant", "create", "acme", "--quiet"], check=True)
        (work / "policy.toml").write_text('version = 1\nid = "bench"\nnot_after = "never"\n')
        config.write_text(f'home = "{home}"\ntrust_domain = "bench.example"\n[listen]\ntls = "127.0.0.1:0"\n'
                          f'unix = "{path}"\n[policy]\nfile = "{work}/policy.toml"\n')
        for file in (config, work / "policy.toml"):
            file.chmod(0o600)
        first = time_start(config, path)
        starts = [time_start(config, path) for _ in range(ROUNDS)]
        nothing = statistics.median(time_nothing() for _ in range(ROUNDS))
    print("cloisterd, from its start until it is ready (limit: 300 ms)")
    print(f"  the very first, which makes the authority    {first * 1000:6.0f} ms")
    print(f"  any other, median of {ROUNDS:<3}                      {statistics.median(starts) * 1000:6.0f} ms, "
          f"worst {max(starts) * 1000:.0f}")
    print(f"  starting and ending a program                {nothing * 1000:6.0f} ms")


if __name__ == "__main__":
    main()
