#!/usr/bin/env python3
"""Two daemons on one PostgreSQL under load; the primary is lost, the standby promoted: both go on by themselves, and what
the oracle remembers is there."""
import signal
import subprocess
import sys
import time

import oracle
import service_lib


class Second:
    """Another daemon on the home of the first: another machine, as far as the store can tell."""

    def __init__(self, first):
        self.socket = str(first.work / "second.sock")
        first.configure(name="second.toml", ports=(service_lib.free_port(), service_lib.free_port()), unix=self.socket)
        self.process = subprocess.Popen([service_lib.CLOISTERD, "--config", str(first.work / "second.toml")],
                                        stderr=open(first.log, "ab"))
        first.await_ready(self.socket)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, f"the second daemon ended with {self.process.returncode}"


def answers(told):
    with told.lock:
        return told.answers


def run(folder, primary):
    standby = primary.start_standby(folder.parent / "standby")
    service = second = None
    try:
        connection = service_lib.connection_file(folder / "connection", primary, standby)
        service = service_lib.Service(folder, ("--store-postgres", str(connection)))
        oracle.make_tenants(service)
        service.start()
        second = Second(service)
        told = oracle.Oracle()
        load = oracle.Load([service.socket, second.socket], 2, told)
        time.sleep(1.5)
        primary.stop()
        time.sleep(1)
        standby.promote()
        lost = time.monotonic()
        before = answers(told)
        while answers(told) < before + 50:
            assert time.monotonic() - lost < 60, f"nobody is served after the failover: {service.tail()}"
            time.sleep(0.05)
        served = time.monotonic() - lost
        time.sleep(1)
        load.end()
        second.stop()
        oracle.check(service, told)
        print(f"failover: served again {served:.1f} s after the promotion, {told.summary()}")
    finally:
        for process in (second, service):
            if process is not None and process.process.poll() is None:
                process.process.kill()
        standby.stop()


def main():
    with service_lib.place() as folder:
        primary = service_lib.Postgres.start(folder / "primary")
        if primary is None:
            print("skipped: PostgreSQL isn't installed")
            return 77
        try:
            (folder / "home").mkdir(mode=0o700)
            run(folder / "home", primary)
        finally:
            primary.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
