#!/usr/bin/env python3
"""Quotes and credentials between us and tpm2-tools, over a TPM in software: theirs verified by us, ours by theirs, and
credentials that one side seals and the other opens; and our enrolment of a key, with a certificate that their tools
left in the TPM."""
import hashlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lib import install, interop

REGISTERS = "sha256:0,1,2,3,4,5,6,7,11,16"
REPORT_DATA = "5a" * 64
SECRET = "00112233445566778899aabbccddeeff"


def two_ports():
    """tpm2-tss looks for the control channel at the port after the one it is given."""
    for _ in range(100):
        port = interop.free_port()
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        return port
    raise RuntimeError("no two free ports in a row")


def serialized(values):
    """Register values as tpm2_checkquote reads them: its structures as they lie in memory."""
    numbers = [int(number) for number in REGISTERS.split(":")[1].split(",")]
    bits = bytearray(4)
    for number in numbers:
        bits[number // 8] |= 1 << number % 8
    out = struct.pack("<IHB4sx", 1, 0x0B, 3, bytes(bits)) + bytes(15 * 8)
    digests = [values[at:at + 32] for at in range(0, len(values), 32)]
    lists = [digests[at:at + 8] for at in range(0, len(digests), 8)]
    out += struct.pack("<I", len(lists))
    for one in lists:
        out += struct.pack("<I", len(one)) + b"".join(struct.pack("<H64s", 32, digest) for digest in one) + bytes((8 - len(one)) * 66)
    return out


# As swtpm's own authority and the manufacturers' write it: no subject, the TPM named in a critical alternative name.
CERTIFICATE = """
subjectAltName = critical,dirName:tpm
extendedKeyUsage = 2.23.133.8.1
keyUsage = critical,keyEncipherment
basicConstraints = critical,CA:FALSE
[tpm]
1.2.23.133.2.1 = id:00001014
2.2.23.133.2.2 = swtpm
3.2.23.133.2.3 = id:20191023
"""
CERTIFICATE_INDEX = "0x01c00002"
CERTIFICATE_ATTRIBUTES = "ppwrite|writedefine|ppread|ownerread|authread|no_da|platformcreate"


class Sides:
    """tpm_tool and tpm2-tools on one TPM; each call gives what it printed, or fails."""

    def __init__(self, run, port):
        self.folder = run.folder
        self.transport = f"swtpm:host=127.0.0.1,port={port}"
        self.environment = run.environment(TPM2TOOLS_TCTI=self.transport, TSS2_LOG="all+none")
        self.tool = run.build / "tests/tpm_tool"

    def _ran(self, argv):
        return subprocess.run([str(part) for part in argv], cwd=self.folder, env=self.environment, check=False,
                              capture_output=True, text=True, errors="replace", timeout=60)

    def can(self, *argv):
        return self._ran(argv).returncode == 0

    def must(self, *argv):
        done = self._ran(argv)
        if done.returncode != 0:
            raise RuntimeError(f"{argv}: {done.stdout} {done.stderr}")
        return done.stdout

    def theirs(self, *argv):
        """One of tpm2-tools. It leaves its keys in the TPM, which has room for three."""
        said = self.must(*argv)
        for what in ("-t", "-l", "-s"):
            self.must("tpm2_flushcontext", what)
        return said

    def checks(self, folder, report_data, *endorsed):
        said = self.must(self.tool, "verify", folder, report_data, *endorsed)
        return dict(line.split(" ") for line in said.splitlines())


def their_quote(sides, folder, kind, scheme):
    folder.mkdir()
    sides.theirs("tpm2_createek", "-c", folder / "ek.ctx", "-G", kind, "-u", folder / "ek")
    sides.theirs("tpm2_createak", "-C", folder / "ek.ctx", "-c", folder / "ak.ctx", "-G", kind, "-g", "sha256", "-s", scheme,
                 "-u", folder / "ak", "-n", folder / "ak.name")
    sides.theirs("tpm2_quote", "-c", folder / "ak.ctx", "-l", REGISTERS, "-q", REPORT_DATA, "-m", folder / "quote",
                 "-s", folder / "signature", "-o", folder / "pcrs", "-F", "values", "-g", "sha256")


def verify_theirs(row, sides, folder, name):
    said = sides.checks(folder, REPORT_DATA, "endorsed")
    row.check(f"{name}: their quote is sound here", set(said.values()) == {"passed", "insecure_software"}, said)
    row.check(f"{name}: a key that nobody vouches for isn't", sides.checks(folder, REPORT_DATA)["endorsement"] == "not-evaluated")
    row.check(f"{name}: nor an answer to another question",
              sides.checks(folder, "5b" * 64, "endorsed")["report-data"] == "failed")
    pcrs = bytearray((folder / "pcrs").read_bytes())
    pcrs[33] ^= 1
    (folder / "pcrs").write_bytes(pcrs)
    row.check(f"{name}: nor registers that weren't quoted",
              sides.checks(folder, REPORT_DATA, "endorsed")["pcr-digest"] == "failed")


def activate_theirs(sides, folder, sealed, opened):
    # The session stays in the TPM from one command to the next: no flushing in between.
    sides.must("tpm2_startauthsession", "--policy-session", "-S", folder / "session")
    try:
        sides.must("tpm2_policysecret", "-S", folder / "session", "-c", "e")
        sides.must("tpm2_activatecredential", "-c", folder / "ak.ctx", "-C", folder / "ek.ctx", "-i", sealed, "-o", opened,
                   "-P", f"session:{folder / 'session'}")
    finally:
        sides.can("tpm2_flushcontext", folder / "session")
        for what in ("-t", "-l", "-s"):
            sides.must("tpm2_flushcontext", what)
    return opened.read_bytes().hex()


def our_quote(row, sides, folder):
    folder.mkdir()
    sides.must(sides.tool, "collect", sides.transport, REPORT_DATA, folder)
    accept = ["tpm2_checkquote", "-u", folder / "ak.pem", "-m", folder / "quote", "-s", folder / "signature", "-g", "sha256"]
    row.check("ours: tpm2_checkquote takes it", sides.can(*accept, "-q", REPORT_DATA))
    values = (folder / "pcrs").read_bytes()
    (folder / "serialized").write_bytes(serialized(values))
    row.check("ours: and the registers beside it", sides.can(*accept, "-q", REPORT_DATA, "-f", folder / "serialized"))
    (folder / "serialized").write_bytes(serialized(values[:-1] + b"?"))
    row.check("ours: and refuses others", not sides.can(*accept, "-q", REPORT_DATA, "-f", folder / "serialized"))
    row.check("ours: and refuses it for another question", not sides.can(*accept, "-q", "5b" * 64))
    said = sides.checks(folder, REPORT_DATA, "endorsed")
    row.check("ours: sound here, and insecure_software", set(said.values()) == {"passed", "insecure_software"}, said)


def their_credential(row, sides, folder):
    """A credential that their tool seals to our two keys, opened through TpmDevice."""
    name = hashlib.sha256((folder / "ak").read_bytes()[2:]).hexdigest()
    (folder / "secret").write_bytes(bytes.fromhex(SECRET))
    seal = ["tpm2_makecredential", "-T", "none", "-u", folder / "ek", "-s", folder / "secret", "-o", folder / "credential"]
    sides.must(*seal, "-n", "000b" + name)
    opened = sides.must(sides.tool, "activate", sides.transport, folder / "credential").strip()
    row.check("their credential is opened beside our keys", opened == SECRET, opened)
    sides.must(*seal[:-1], folder / "other", "-n", "000b" + "11" * 32)
    row.check("one for a key of another name isn't", not sides.can(sides.tool, "activate", sides.transport, folder / "other"))


def certify(sides, folder):
    """An authority of the test's certifies the endorsement key, and tpm2-tools leave the certificate in the TPM."""
    (folder / "ek.pem").write_text(sides.must("tpm2_print", "-t", "TPM2B_PUBLIC", "-f", "pem", folder / "ek"))
    (folder / "extensions").write_text(CERTIFICATE)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name in ("vendor", "other-vendor"):
        sides.must("openssl", "req", "-x509", *key, "-subj", f"/CN={name}", "-days", "30", "-keyout", folder / f"{name}.key",
                   "-out", folder / f"{name}.pem")
    sides.must("openssl", "req", "-new", *key, "-subj", "/", "-keyout", folder / "unused.key", "-out", folder / "request")
    sides.must("openssl", "x509", "-req", "-in", folder / "request", "-force_pubkey", folder / "ek.pem", "-CA", folder / "vendor.pem",
               "-CAkey", folder / "vendor.key", "-set_serial", "7", "-days", "30", "-extfile", folder / "extensions", "-outform", "der",
               "-out", folder / "ek.der")
    size = (folder / "ek.der").stat().st_size
    # An index is often larger than what lies in it.
    sides.must("tpm2_nvdefine", CERTIFICATE_INDEX, "-C", "p", "-s", str(size + 40), "-a", CERTIFICATE_ATTRIBUTES)
    sides.must("tpm2_nvwrite", CERTIFICATE_INDEX, "-C", "p", "-i", folder / "ek.der")


def enrolment(row, sides, folder):
    cloister = [os.environ["CLOISTER"], "--home", folder / "keys"]
    worker = pathlib.Path(os.environ["CLOISTER"]).with_name("cloister-worker")
    sides.must(*cloister, "init")
    bare = json.loads(sides.must(worker, "tpm", "identity", "--tpm", sides.transport))
    row.check("a TPM without a certificate shows none", "endorsement_certificate" not in bare, bare)
    certify(sides, folder)
    identity, challenge, answer = folder / "identity", folder / "challenge", folder / "answer"
    sides.must(worker, "tpm", "identity", "--tpm", sides.transport, "--out", identity)
    make = [*cloister, "attest", "tpm", "challenge", identity, "-o", challenge, "--ek-authorities"]
    row.check("a certificate by somebody else isn't taken", not sides.can(*make, folder / "other-vendor.pem"))
    made = sides.must(*make, folder / "vendor.pem")
    row.check("the certificate that is in the TPM is", "certified" in made, made)
    sides.must(worker, "tpm", "activate", challenge, "--tpm", sides.transport, "--out", answer)
    endorsed = json.loads(sides.must(*cloister, "--json", "attest", "tpm", "endorse", answer))
    row.check("the key is endorsed, as insecure_software", endorsed["assurance"] == "insecure_software", endorsed)
    known = "000b" + hashlib.sha256((folder / "ak").read_bytes()[2:]).hexdigest()
    row.check("under the name that tpm2-tools know it by", endorsed["attestation_name"] == known, endorsed)


def main():
    run = interop.Run("swtpm")
    with run.row("provider", "TPM quotes", against="tpm2-tools", version=install.version_of(["dpkg-query", "-W", "-f", "${Version}", "tpm2-tools"], "tpm2-tools")) as row:
        swtpm = run.debian("swtpm", "swtpm")
        state = run.folder / "state"
        state.mkdir()
        port = two_ports()
        server = [swtpm, "socket", "--tpm2", "--tpmstate", f"dir={state}", "--server", f"type=tcp,port={port},bindaddr=127.0.0.1",
                  "--ctrl", f"type=tcp,port={port + 1},bindaddr=127.0.0.1", "--flags", "not-need-init,startup-clear"]
        sides = Sides(run, port)
        with run.server(server, ready=lambda: sides.can("tpm2_getrandom", "--hex", "1")):
            sides.must("tpm2_pcrextend", "11:sha256=" + "22" * 32)
            for kind, scheme in (("ecc", "ecdsa"), ("rsa", "rsassa")):
                folder = run.folder / kind
                their_quote(sides, folder, kind, scheme)
                sides.must(sides.tool, "seal", folder / "ek", folder / "ak", SECRET, folder / "sealed")
                opened = activate_theirs(sides, folder, folder / "sealed", folder / "opened")
                row.check(f"{scheme}: tpm2_activatecredential opens ours", opened == SECRET, opened)
                verify_theirs(row, sides, folder, scheme)
            our_quote(row, sides, run.folder / "ours")
            their_credential(row, sides, run.folder / "ours")
            enrolment(row, sides, run.folder / "ours")
    run.finish()


if __name__ == "__main__":
    main()
