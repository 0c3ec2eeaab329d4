#!/usr/bin/env python3
"""The daemon killed at random moments under load, on SQLite and on PostgreSQL: what the oracle remembers is there."""
import random
import sys
import time

import oracle
import service_lib

KILLS = 6
CLIENTS = 4


def run(folder, name, store):
    service = service_lib.Service(folder, store)
    oracle.make_tenants(service)
    service.start()
    told = oracle.Oracle()
    try:
        load = oracle.Load([service.socket], CLIENTS, told)
        chance = random.Random(99)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.3, 1.2))
            service.kill()
            service.start()
        time.sleep(0.5)
        load.end()
        oracle.check(service, told)
    finally:
        service.kill()
    print(f"{name}: {KILLS} kills, {told.summary()}")


def main():
    with service_lib.place() as folder:
        (folder / "sqlite").mkdir(mode=0o700)
        run(folder / "sqlite", "SQLite", ())
        postgres = service_lib.Postgres.start(folder / "pg")
        if postgres is None:
            print("skipped with PostgreSQL, which isn't installed")
            return
        try:
            (folder / "postgres").mkdir(mode=0o700)
            connection = service_lib.connection_file(folder / "postgres" / "connection", postgres)
            run(folder / "postgres", "PostgreSQL", ("--store-postgres", str(connection)))
        finally:
            postgres.stop()


if __name__ == "__main__":
    sys.exit(main())
