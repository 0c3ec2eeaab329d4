"""Load on a key service, and an oracle that remembers what was acknowledged: none of it may be lost, every record must
be where the answer said it is, and nobody may have got a key that the policy refuses."""
import json
import random
import secrets
import threading
import time

import service_lib

TENANTS = [f"t-{number}" for number in range(3)]


def make_tenants(service):
    service.cloister("tenant", "create", "initech")
    service.cloister("dataset", "create", "initech/mail")
    for tenant in TENANTS:
        service.cloister("tenant", "create", tenant)


class Oracle:
    def __init__(self):
        self.lock = threading.Lock()
        self.datasets = set()  # acknowledged
        self.keys = []  # (dataset's path, the element of keys as generated)
        self.records = []  # (origin, index, request id)
        self.trouble = []
        self.answers = 0
        self.lost_answers = 0

    def summary(self):
        return (f"{self.answers} answers, {self.lost_answers} requests without one: {len(self.datasets)} datasets, "
                f"{len(self.keys)} keys and {len(self.records)} records, all there")

    def acknowledged(self, headers):
        self.answers += 1
        if "audit-index" in headers:
            origin, _, index = headers["audit-index"].rpartition("#")
            self.records.append((origin, int(index), headers["request-id"]))


def one_step(client, chance, oracle, unsure):
    """One request. What got no answer is in `unsure`: sent again with its idempotency key until there is one."""
    if unsure and chance.random() < 0.7:
        method, path, body, key = unsure[0]
        status, headers, _ = client.ask(method, path, body, key=key)
        if status == 503:  # busy: it may be asked again as often as needed
            return
        unsure.pop(0)
        with oracle.lock:
            oracle.acknowledged(headers)
            if status >= 300:
                oracle.trouble.append(f"{method} {path}, sent again: {status}")
            elif path.endswith("/datasets"):
                oracle.datasets.add(f"{path}/{body['name']}")
        return
    tenant = chance.choice(TENANTS)
    kind = chance.random()
    with oracle.lock:
        datasets = sorted(name for name in oracle.datasets if f"/{tenant}/" in name)
        keys = list(oracle.keys[-200:])
    if kind < 0.1 or not datasets:
        change(client, oracle, unsure, "POST", f"/v1/tenants/{tenant}/datasets", {"name": f"d-{secrets.token_hex(6)}"})
    elif kind < 0.13:
        change(client, oracle, unsure, "POST", f"/v1/tenants/{tenant}/kek/rotate", {"reason": "scheduled"})
    elif kind < 0.16:
        change(client, oracle, unsure, "POST", f"{chance.choice(datasets)}/rotate-key", {})
    elif kind < 0.2:
        status, headers, body = client.ask("POST", "/v1/tenants/initech/datasets/mail/unwrap",
                                           {"keys": [{"object": "AAAA", "version": 1, "wrapped": "AAAA"}]})
        with oracle.lock:
            oracle.acknowledged(headers)
            if status != 403 or "keys" in body:
                oracle.trouble.append(f"a refused tenant's key: {status} {body}")
    elif kind < 0.6 or not keys:
        dataset = chance.choice(datasets)
        status, headers, body = client.ask("POST", f"{dataset}/generate", {"count": chance.choice([1, 1, 5])})
        with oracle.lock:
            oracle.acknowledged(headers)
            if status == 200:
                oracle.keys += [(dataset, key) for key in body["keys"]]
            else:
                oracle.trouble.append(f"generate in {dataset}: {status} {body}")
    else:
        dataset, key = chance.choice(keys)
        status, headers, body = client.ask("POST", f"{dataset}/unwrap", {"keys": [slot(key)]})
        with oracle.lock:
            oracle.acknowledged(headers)
            if status != 200 or body["keys"][0].get("key") != key["key"]:
                oracle.trouble.append(f"unwrap in {dataset}: {status}")


def change(client, oracle, unsure, method, path, body):
    key = secrets.token_hex(16)
    try:
        status, headers, _ = client.ask(method, path, body, key=key)
    except service_lib.Unreachable:
        unsure.append((method, path, body, key))
        raise
    if status == 503:
        unsure.append((method, path, body, key))
        return
    with oracle.lock:
        oracle.acknowledged(headers)
        if status >= 300:
            oracle.trouble.append(f"{method} {path}: {status}")
        elif path.endswith("/datasets"):
            oracle.datasets.add(f"{path}/{body['name']}")


def slot(key):
    return {name: key[name] for name in ("object", "version", "wrapped")}


def work(socket, seed, oracle, stop):
    chance = random.Random(seed)
    client = service_lib.unix_client(socket)
    unsure = []
    while not stop.is_set() or unsure:
        try:
            one_step(client, chance, oracle, unsure)
        except service_lib.Unreachable:
            oracle.lost_answers += 1
            time.sleep(0.02)
        except Exception as error:  # told by the main thread
            with oracle.lock:
                oracle.trouble.append(repr(error))
            return
    client.close()


class Load:
    """Clients of each of the sockets, until end()."""

    def __init__(self, sockets, each, oracle):
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=work, args=(socket, seed, oracle, self.stop))
                        for seed, socket in enumerate(sockets * each)]
        for thread in self.threads:
            thread.start()

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(120)
            assert not thread.is_alive(), "a client still waits"


def check(service, oracle):
    assert not oracle.trouble, oracle.trouble[:5]
    client = service.operator()
    for dataset in sorted(oracle.datasets):
        assert client.ask("GET", dataset)[0] == 200, f"{dataset} was acknowledged and is gone"
    for dataset, key in oracle.keys:
        status, _, body = client.ask("POST", f"{dataset}/unwrap", {"keys": [slot(key)]})
        assert status == 200 and body["keys"][0]["key"] == key["key"], f"a key of {dataset} doesn't open: {status}"
    client.close()
    service.stop()
    service.cloister("audit", "verify")
    logs = {}
    for origin in {origin for origin, _, _ in oracle.records}:
        tenant = origin.rpartition("/")[2]
        exported = service.work / f"{tenant}.jsonl"
        vkey = service.work / f"{tenant}.vkey"
        vkey.write_text(service.cloister("audit", "key", tenant).stdout)
        service.cloister("audit", "export", tenant, exported)
        service.cloister("audit", "verify", exported, "--key", vkey, home=False)
        text = exported.read_text()
        logs[origin] = [line for line in text.splitlines() if '"index"' in line]
    for origin, index, request in oracle.records:
        line = logs[origin][index]
        assert request in line, f"{origin}#{index} isn't the record of request {request}: {line}"
        assert json.loads(line)["index"] == index
