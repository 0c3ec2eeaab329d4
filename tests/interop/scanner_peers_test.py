#!/usr/bin/env python3
"""Other people's scanners beside ours over the fleet of tls_fleet: where they differ, somebody has to say why.

    scanner_peers_test.py                a few ships: what the tests run
    scanner_peers_test.py --all [--table docs/scan-comparison.md]      all ships and every scanner, in about ten minutes

Each scanner first looks at a server that is known to be good; one that finds nothing there is broken, and is left out.
"""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

from lib import absent, install
from tls_fleet import fleet

CLOISTER = os.environ["CLOISTER"]
CHECKS = {"P1": "SSLv2", "P2": "SSLv3", "P3": "TLS 1.0", "P4": "TLS 1.1", "P5": "TLS 1.2", "P6": "TLS 1.3", "C2/NULL": "NULL", "C2/anonymous": "anonymous",
          "C2/EXPORT": "EXPORT", "C2/RC4": "RC4", "C2/3DES": "3DES", "H3": "compression", "H4/Heartbleed": "Heartbleed", "G2": "post-quantum"}
SAMPLE = ["openssl-default", "openssl-tls10", "openssl-null", "openssl-tls13", "nss-ssl3", "nginx-legacy", "raw-sslv2", "raw-export"]
CONTROL = "openssl-default"
# What testssl.sh, which takes half a minute and more for each, looks at with --all.
SLOW = ["openssl-default", "openssl-null", "nss-ssl3", "nginx-legacy", "raw-sslv2", "raw-export"]

# (scanner, ship as a pattern, check as a pattern): why it says something else, and who is right by a third witness.
EXPLAINED = [
    ("sslscan", "raw-endless", r"P[1-6]",
     "the server sends without end and never finishes a handshake, which is no answer; sslscan writes down that a version is off where it gave up"),
]


def ran(argv, patience=300):
    return subprocess.run([str(part) for part in argv], capture_output=True, text=True, timeout=patience, check=False, stdin=subprocess.DEVNULL)


def yes_no(value):
    return "yes" if value else "no"


def weak(names):
    """What a list of accepted suites says of C2."""
    return {"C2/NULL": yes_no(any("NULL" in name for name in names)),
            "C2/anonymous": yes_no(any(re.search(r"anon|^ADH|^AECDH", name) for name in names)),
            "C2/EXPORT": yes_no(any(re.search(r"EXP", name) for name in names)),
            "C2/RC4": yes_no(any("RC4" in name for name in names)),
            "C2/3DES": yes_no(any(re.search(r"3DES|DES-CBC3", name) for name in names))}


def cloister(port, _):
    done = ran([CLOISTER, "--json", "scan", f"127.0.0.1:{port}", "--profile", "legacy-internal", "--server-name", "localhost"])
    target = json.loads(done.stdout)["targets"][0]
    if "error" in target:
        return {}
    facts = {}
    for fact in target["facts"]:
        name = f"{fact['check']}/{fact['subject']}" if fact["subject"] else fact["check"]
        facts.setdefault(name, fact["seen"])
    return {check: facts.get(check, "unknown") for check in CHECKS}


def sslscan(port, folder):
    file = folder / "sslscan.xml"
    ran(["sslscan", "--no-colour", f"--xml={file}", "--sni-name=localhost", f"127.0.0.1:{port}"])
    root = xml.parse(file).getroot()
    names = {("ssl", "2"): "P1", ("ssl", "3"): "P2", ("tls", "1.0"): "P3", ("tls", "1.1"): "P4", ("tls", "1.2"): "P5", ("tls", "1.3"): "P6"}
    said = {}
    for protocol in root.iter("protocol"):
        if (protocol.get("type"), protocol.get("version")) in names:
            said[names[protocol.get("type"), protocol.get("version")]] = yes_no(protocol.get("enabled") == "1")
    # Of SSLv2 and SSLv3 it says that they are there, and lists no suites: then it has said nothing of them.
    ciphers = [cipher.get("cipher") for cipher in root.iter("cipher")]
    if ciphers:
        said |= weak(ciphers)
    for compression in root.iter("compression"):
        said["H3"] = yes_no(compression.get("supported") == "1")
    bleeding = [one.get("vulnerable") == "1" for one in root.iter("heartbleed")]
    if bleeding:
        said["H4/Heartbleed"] = yes_no(any(bleeding))
    return said


def nmap(port, folder):
    file = folder / "nmap.xml"
    ran(["nmap", "-n", "-Pn", "-sT", "-p", port, "--script", "+ssl-enum-ciphers,+sslv2,+ssl-heartbleed", "-oX", file, "127.0.0.1"])
    root = xml.parse(file).getroot()
    scripts = {script.get("id"): script for script in root.iter("script")}
    said = {"P1": yes_no("sslv2" in scripts), "H4/Heartbleed": yes_no("ssl-heartbleed" in scripts)}
    versions = {"SSLv3": "P2", "TLSv1.0": "P3", "TLSv1.1": "P4", "TLSv1.2": "P5", "TLSv1.3": "P6"}
    tables = {table.get("key"): table for table in scripts["ssl-enum-ciphers"].findall("table")} if "ssl-enum-ciphers" in scripts else {}
    said |= {check: yes_no(version in tables) for version, check in versions.items()}
    said |= weak([element.text for table in tables.values() for element in table.iter("elem") if element.get("key") == "name"])
    compressors = [element.text for table in tables.values() for inner in table.findall("table") if inner.get("key") == "compressors" for element in inner]
    said["H3"] = yes_no(any(name != "NULL" for name in compressors))
    return said


def sslyze(port, folder, program):
    file = folder / "sslyze.json"
    ran([program, "--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--compression", "--heartbleed", "--json_out", file,
         "--sni", "localhost", f"127.0.0.1:{port}"])
    results = json.loads(file.read_text())["server_scan_results"]
    scan = results[0].get("scan_result") if results else None
    if not scan:
        return {}
    said, accepted = {}, []
    for name, check in {"ssl_2_0": "P1", "ssl_3_0": "P2", "tls_1_0": "P3", "tls_1_1": "P4", "tls_1_2": "P5", "tls_1_3": "P6"}.items():
        result = scan[f"{name}_cipher_suites"]["result"]
        if result is not None:
            suites = [suite["cipher_suite"]["name"] for suite in result["accepted_cipher_suites"]]
            said[check] = yes_no(suites)
            accepted += suites
    said |= weak(accepted)
    for name, field, check in (("tls_compression", "supports_compression", "H3"), ("heartbleed", "is_vulnerable_to_heartbleed", "H4/Heartbleed")):
        result = scan[name]["result"]
        if result is not None:
            said[check] = yes_no(result[field])
    return said


def testssl(port, folder):
    file = folder / "testssl.json"
    file.unlink(missing_ok=True)
    ran(["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none", "-p", "-s", "-H", "-C", "-4", "--jsonfile", file, f"127.0.0.1:{port}"])
    said = {}
    protocols = {"SSLv2": "P1", "SSLv3": "P2", "TLS1": "P3", "TLS1_1": "P4", "TLS1_2": "P5", "TLS1_3": "P6"}
    lists = {"cipherlist_NULL": "C2/NULL", "cipherlist_aNULL": "C2/anonymous", "cipherlist_EXPORT": "C2/EXPORT"}
    for row in json.loads(file.read_text()):
        name, finding = row["id"], row["finding"]
        if name in protocols or name in lists:
            said[{**protocols, **lists}[name]] = yes_no(finding.startswith("offered") or "supported but" in finding)
        elif name in ("heartbleed", "CRIME_TLS", "RC4"):
            check = {"heartbleed": "H4/Heartbleed", "CRIME_TLS": "H3", "RC4": "C2/RC4"}[name]
            said[check] = yes_no(finding.upper().startswith("VULNERABLE") or finding.startswith("supported"))
    return said


def explained(scanner, ship, check):
    for who, where, what, why in EXPLAINED:
        if who == scanner and re.fullmatch(where, ship) and re.fullmatch(what, check):
            return why
    return None


def scanners():
    found = {name: run for name, run, program in (("sslscan", sslscan, "sslscan"), ("nmap", nmap, "nmap"), ("testssl.sh", testssl, "testssl"))
             if shutil.which(program)}
    try:
        program = pathlib.Path(install.pip("sslyze==6.3.1")).parent / "sslyze"
        found["sslyze"] = lambda port, folder: sslyze(port, folder, program)
    except (absent.Absent, install.Failure) as error:
        print(f"without sslyze: {error}", flush=True)
    return found


class Comparison:
    def __init__(self, folder, peers):
        self.folder, self.peers = folder, peers
        self.agreed, self.seconds = collections.Counter(), collections.defaultdict(list)
        self.differences, self.scanned = [], []

    def timed(self, name, run, port):
        begun = time.monotonic()
        try:
            return run(port, self.folder)
        except (KeyError, ValueError, xml.ParseError, OSError, subprocess.TimeoutExpired) as error:
            print(f"   {name} said nothing that can be read: {type(error).__name__} {error}", flush=True)
            return {}
        finally:
            self.seconds[name].append(time.monotonic() - begun)

    def look_at(self, ship, port):
        ours = self.timed("cloister", cloister, port)
        self.scanned.append(ship.name)
        for name, run in self.peers.items():
            if name == "testssl.sh" and ship.name not in SLOW:
                continue
            theirs = self.timed(name, run, port)
            for check in CHECKS:
                a, b = ours.get(check, "unknown"), theirs.get(check)
                # Where we say that the question doesn't arise, a "no" is the same.
                if b is None:
                    continue
                if a == b or (a == "not-applicable" and b == "no"):
                    self.agreed[name] += 1
                    continue
                why = explained(name, ship.name, check)
                self.differences.append((name, ship.name, check, a, b, why))
                if why is None:
                    print(f"   {ship.name} {check} ({CHECKS[check]}): cloister {a}, {name} {b}", flush=True)


def table(comparison):
    lines = ["# Beside other scanners", "",
             f"`cloister scan` and four scanners of other people over {len(comparison.scanned)} servers on loopback that are good and bad on purpose ([the fleet](../tests/interop/tls_fleet/fleet.py)): "
             "versions, weak ciphers, compression and Heartbleed, as far as each of them says something. Made by `tests/interop/scanner_peers_test.py --all --table docs/scan-comparison.md`.", "",
             "| scanner | verdicts that agree | that differ | median seconds a server |", "|---|---|---|---|"]
    for name in ["cloister", *comparison.peers]:
        times = sorted(comparison.seconds[name])
        different = sum(1 for row in comparison.differences if row[0] == name)
        lines.append(f"| {name} | {comparison.agreed[name] if name != 'cloister' else ''} | {different if name != 'cloister' else ''} | {times[len(times) // 2]:.2f} |")
    lines += ["", f"testssl.sh was asked about {len([name for name in comparison.scanned if name in SLOW])} of them, for what is compared alone (`-p -s -H -C -4`); whole scans are compared by `bench/run.sh scan`.", "", "## Every difference", "",
              "| scanner | server | check | cloister | it | why |", "|---|---|---|---|---|---|"]
    for name, ship, check, ours, theirs, why in sorted(comparison.differences):
        lines.append(f"| {name} | {ship} | {CHECKS[check]} | {ours} | {theirs} | {why or 'not explained'} |")
    return "\n".join(lines) + "\n"


def main():
    everything = "--all" in sys.argv
    peers = scanners()
    if not everything:
        peers.pop("testssl.sh", None)  # seconds for each server; it is in the whole comparison
    if not peers:
        print("skipped: none of sslscan, nmap, testssl.sh and sslyze is here")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="cloister-scanners-") as name:
        folder = pathlib.Path(name)
        yard = fleet.Yard(folder / "yard")
        ships = {ship.name: ship for ship in fleet.ships(yard)}
        port, server = ships[CONTROL].sail(folder)
        with server:
            for peer, run in list(peers.items()):
                said = Comparison(folder, {}).timed(peer, run, port)
                if said.get("P5") != "yes":
                    print(f"{peer} finds no TLS 1.2 at a server that has it: left out ({said})", flush=True)
                    del peers[peer]
        comparison = Comparison(folder, peers)
        for ship in ships.values():
            if ship.missing() or ship.not_tls or not (everything or ship.name in SAMPLE):
                continue
            port, server = ship.sail(folder)
            with server:
                comparison.look_at(ship, port)
            print(f"looked at {ship.name}", flush=True)
    if "--table" in sys.argv:
        pathlib.Path(sys.argv[sys.argv.index("--table") + 1]).write_text(table(comparison))
    unexplained = sum(1 for row in comparison.differences if row[5] is None)
    for peer in peers:
        print(f"{peer}: {comparison.agreed[peer]} verdicts agree")
    print(f"{sum(comparison.agreed.values())} passed, {unexplained} failed", flush=True)
    sys.exit(1 if unexplained else 0)


if __name__ == "__main__":
    main()
