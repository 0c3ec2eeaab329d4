#!/usr/bin/env python3
"""The clock is set back two hours, forward again, and eight days ahead, past the end of every certificate: nobody gets
what a right clock wouldn't give, nothing on record is lost, and the daemon goes on by itself."""
import json
import os
import sys
import time

import service_lib

KEYS = "/v1/tenants/t-0/datasets/set/generate"


def generate(client, purpose="train"):
    try:
        return client.ask("POST", KEYS, {"count": 1}, purpose=purpose)[0]
    except service_lib.Unreachable:
        return None
    finally:
        client.close()


def eventually(what, condition):
    for _ in range(200):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(f"not in 20 s: {what}")


def versions(operator):
    status, _, body = operator.ask("GET", "/v1/tenants/t-0/kek")
    assert status == 200, body
    return len(body["versions"])


def run(service, shift):
    operator = service.operator()
    file = service.enroll("workers/clock")
    worker = service.worker(file)
    assert generate(worker) == 200
    before = versions(operator)

    shift.write_text("-7200\n")
    assert generate(operator, "operate") == 200, "the operator isn't served on a clock that was set back"
    assert generate(worker) is None, "a certificate from the future was taken"
    assert versions(operator) == before, "a KEK was rotated because the clock was set back"

    shift.write_text("0\n")
    eventually("served as before, on the right clock", lambda: generate(worker) == 200)

    shift.write_text(f"{8 * 86400}\n")
    assert generate(worker) is None, "a certificate that has run out was taken"
    eventually("a new authority, and ready again", lambda: operator.ask("GET", "/readyz", purpose=None)[0] == 200)
    assert generate(operator, "operate") == 200


def main():
    with service_lib.place() as folder:
        work = folder / "work"
        work.mkdir(mode=0o700)
        shift = folder / "shift"
        shift.write_text("0\n")
        service = service_lib.Service(work, settings="[rotation]\ncheck_every_seconds = 1\njitter_seconds = 0\n")
        service.cloister("tenant", "create", "t-0", "--rotate-after", "30")
        service.cloister("dataset", "create", "t-0/set")
        os.environ["SHIFT_CLOCK"] = str(shift)
        service.start(preload=os.environ["BUILD_DIR"] + "/tests/libshift_clock.so")
        try:
            run(service, shift)
            service.stop()
            service.cloister("audit", "verify")
            rows = json.loads(service.cloister("audit", "list", "--limit", "0", "--json").stdout)["rows"]
            times = [row["time"] for row in rows]
            assert times != sorted(times), "the clock was never seen to go back"
        finally:
            service.kill()
    print("set back, forward and past every certificate: refused what had to be, and on record")


if __name__ == "__main__":
    sys.exit(main())
