#!/usr/bin/env python3
"""NVIDIA's manifests and reports beside other readers: our canonical XML against libxml2's, byte for byte; our verdict on the
signatures of real, made and forged manifests against xmlsec1's; our verdict on reports and chains against NVIDIA's own verifier.

Real manifests and reports are in CLOISTER_VECTORS, or ../shared/vectors beside the source; without them only made ones are judged.
"""
import json
import os
import pathlib
import random
import re
import subprocess

from lib import install, interop

TOOL = pathlib.Path(os.environ["BUILD_DIR"]) / "tests/nvidia_tool"
MADE_AT = "2026-11-24T13:23:09Z"
# When the manifest's signer and all above it are valid, or when they aren't.
REAL = [("rim-signature-cases/valid_driver_GH100_550.144.03.xml", "2025-03-15T00:00:00Z"),
        ("rim-signature-cases/test_no_gpu_driver.swidtag", "2025-03-15T00:00:00Z"),
        ("rim-signature-cases/bad_signature_driver.xml", "2025-03-15T00:00:00Z"),
        ("rim-signature-cases/bad_signature_switch.xml", "2025-03-15T00:00:00Z"),
        ("rim-signature-cases/bad_cert_chain_driver.xml", "2025-03-15T00:00:00Z"),
        ("rim-signature-cases/expired_signer_driver_570.124.03.xml", "2025-03-15T00:00:00Z"),
        ("rim-signature-cases/expired_signer_driver_570.124.03.xml", "2025-01-01T12:00:00Z"),
        ("h100-535-vbios-rim-match/rim_vbios_1010_0200_882_96005E0001.swidtag", "2025-06-01T00:00:00Z"),
        ("h100-535-vbios-rim-match/negative_rim_vbios_measurement_mismatch.xml", "2025-06-01T00:00:00Z"),
        ("h100-535-vbios-rim-match/negative_rim_driver_measurement_mismatch.xml", "2025-06-01T00:00:00Z"),
        ("h100-580-vbios-rim-mismatch/rim_vbios_1010_0205_862_9600740020.swidtag", "2025-06-01T00:00:00Z"),
        ("nvswitch-ls10/rim_switch_bios.xml", "2026-11-23T00:00:00Z"),
        ("nvswitch-ls10/rim_switch_bios.xml", "2025-06-01T00:00:00Z")]
# Report, chain, architecture.
REPORTS = [("h100-535-vbios-rim-match", "cert_chain.pem", "HOPPER"),
           ("h100-580-vbios-rim-mismatch", "cert_chain.pem", "HOPPER"),
           ("h100-cert-hold", "cert_chain.pem", "HOPPER"),
           ("h100-coco-trailing-byte", "cert_chain.pem", "HOPPER"),
           ("blackwell-gb100-590", "cert_chain.pem", "BLACKWELL"),
           ("h100-550-chain-cases", "cert_chain.pem", "HOPPER"),
           ("h100-550-chain-cases", "cert_chain_case2.pem", "HOPPER"),
           ("h100-550-chain-cases", "cert_chain_case3.pem", "HOPPER"),
           ("h100-550-chain-cases", "cert_chain_case4.pem", "HOPPER")]
REPORTS_AT = "2025-06-01T00:00:00Z"
LOCAL_VERIFIER = "2.7.3"
# Documents of every rule of the canonical form that is ours.
DOCUMENTS = [
    "<a/>",
    '<?xml version="1.0" encoding="UTF-8"?>\n<a  b = "1"\n c=\'2\' ></a>\n',
    '<a xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:q"><p:b q:y="1" p:x="2" z="3" xmlns:p="urn:p"/><q:c xmlns:q="urn:r" q:w=""/></a>',
    '<e5 a:attr="out" b:attr="sorted" attr2="all" attr="I\'m" xmlns:b="http://www.ietf.org" xmlns:a="http://www.w3.org" xmlns="http://example.org"/>',
    '<a b="&quot;&lt;&amp;&#x9;&#10;&#xD;>\t\n">&lt;&amp;&gt;&#xD;"\'&apos;\t</a>',
    "<a>one\r\ntwo\rthree\n</a>",
    "<a>&#233;\u20ac&#x1F512;</a>",
    '<a xmlns="urn:d"><b xmlns="urn:e"><c xmlns="urn:d"/></b> <d/></a>',
]

# Then the row isn't whole, and docs/interop.md keeps what was found where they are.
WITHOUT_VECTORS = interop.Absent("the vectors aren't beside the source")


def vectors():
    chosen = os.environ.get("CLOISTER_VECTORS")
    folder = pathlib.Path(chosen).resolve() if chosen else interop.SOURCE.parent / "shared/vectors"
    return folder / "nvidia" if (folder / "nvidia").is_dir() else None


def ran(*argv, folder=None):
    return subprocess.run([str(part) for part in argv], capture_output=True, check=False, timeout=60, cwd=folder)


def made_manifest(run):
    ran(TOOL, "make", run.folder)
    return (run.folder / "made.xml").read_bytes(), run.folder / "root.pem"


def compare_canonical(row, run):
    files = sorted({vectors() / name for name, _ in REAL}) if vectors() else []
    for number, text in enumerate(DOCUMENTS):
        file = run.folder / f"document-{number}.xml"
        file.write_bytes(text.encode())
        files.append(file)
    files.append(run.folder / "made.xml")
    for file in files:
        ours, theirs = ran(TOOL, "canonical", file), ran("xmllint", "--nonet", "--c14n11", file)
        # The document without the line feed behind it, which no canonical form has.
        row.check(f"canonical form of {file.parent.name if vectors() and vectors() in file.parents else ''}/{file.name}",
                  ours.returncode == 0 and ours.stdout == theirs.stdout, f"{ours.stdout[:300]} {theirs.stdout[:300]}")


def theirs_of(file, root, at):
    time = at.replace("T", " ").replace("Z", "")
    done = ran("xmlsec1", "--verify", "--verification-time", time, "--trusted-pem", root, "--enabled-key-data", "x509", file)
    return done.returncode == 0


def ours_of(file, root, at):
    return ran(TOOL, "manifest", file, root, at).stdout.decode().strip()


def compare_real(row):
    if vectors() is None:
        raise WITHOUT_VECTORS
    root = vectors() / "rim-signature-cases/rim_root.pem"
    for name, at in REAL:
        ours, theirs = ours_of(vectors() / name, root, at), theirs_of(vectors() / name, root, at)
        row.check(f"{name} at {at}", (ours == "good") == theirs, f"{ours}, xmlsec1 {theirs}")


def forged(text):
    """Manifests that say something else than was signed, or say it elsewhere."""
    yield "a measurement changed", re.sub(b'(Hash0=")(.)', lambda match: match[1] + (b"1" if match[2] == b"0" else b"0"), text, count=1)
    yield "a blank more", text.replace(b"<ns0:Payload>", b"<ns0:Payload> ", 1)
    yield "an attribute more", text.replace(b"<ns0:Payload>", b'<ns0:Payload x="1">', 1)
    yield "attributes in another order", text.replace(b'edition="GPU" product="GH100"', b'product="GH100" edition="GPU"', 1)
    yield "other quotes", text.replace(b'edition="GPU"', b"edition='GPU'", 1)
    yield "a tag written out", re.sub(rb'(<ns0:Entity [^>]*)/>', rb"\1></ns0:Entity>", text, count=1)
    yield "an object in the signature", text.replace(b"</ds:KeyInfo>", b"</ds:KeyInfo><ds:Object>x</ds:Object>", 1)
    yield "a comment", text.replace(b"<ns0:Payload>", b"<ns0:Payload><!-- x -->", 1)
    yield "a document type", b"<!DOCTYPE SoftwareIdentity>" + text
    yield "a reference to a part", text.replace(b'URI=""', b'URI="#x"', 1)
    yield "a namespace more", text.replace(b"<ns0:Payload>", b'<ns0:Payload xmlns:more="urn:more">', 1)
    yield "the signature twice", text.replace(b"</SoftwareIdentity>", text[text.index(b"<ds:Signature "):])
    chance = random.Random(20261126)
    for number in range(30):
        at = chance.randrange(len(text))
        yield f"bit {number}: byte {at}", text[:at] + bytes([text[at] ^ 1 << chance.randrange(7)]) + text[at + 1:]


# Where xmlsec1 goes along and we don't, and why.
STRICTER = {"a comment": "the canonical form drops comments; manifests have none",
            "an object in the signature": "nothing that isn't signed may be in the document",
            "a document type": "no document type is read"}


def compare_forged(row, run, text, root):
    file = run.folder / "forged.xml"
    agreed = stricter = 0
    for name, changed in forged(text):
        file.write_bytes(changed)
        ours, theirs = ours_of(file, root, MADE_AT), theirs_of(file, root, MADE_AT)
        if name in STRICTER and theirs and ours != "good":
            stricter += 1
            continue
        # A bit in white space of a certificate, or in a blank, may change nothing that either reads.
        same = (ours == "good") == theirs or (name.startswith("bit") and theirs and ours != "good")
        agreed += 1
        if not same:
            row.check(name, False, f"{ours}, xmlsec1 {theirs}")
    row.check("forged manifests, each judged as xmlsec1 does or more strictly", agreed >= 39, f"{agreed} and {stricter}")


def checks_of(folder, chain):
    lines = ran(TOOL, "report", folder / "report.bin", folder / chain, "nvidia-gpu", REPORTS_AT).stdout.decode().splitlines()
    return dict(line.split() for line in lines)


def compare_reports(row, run):
    python = run.pip(f"nv-local-gpu-verifier=={LOCAL_VERIFIER}")
    if vectors() is None:
        raise WITHOUT_VECTORS
    for name, chain, architecture in REPORTS:
        folder = vectors() / name
        # It writes a log into the folder it is started in.
        said = ran(python, interop.SOURCE / "tests/interop/nvidia_peer.py", folder / "report.bin", folder / chain, architecture,
                   folder=run.folder)
        theirs, ours = json.loads(said.stdout), checks_of(folder, chain)
        good = {check: ours.get(check) == "passed" for check in ("report-signature", "chain", "fwid")}
        detail = f"{ours}, theirs {theirs}"
        if name == "h100-coco-trailing-byte":
            # It takes the last 96 bytes for the signature; one zero byte follows it here.
            row.check(f"{name}: only we find the signature", all(good.values()) and not theirs["signature"], detail)
            continue
        same = (good["chain"] and good["fwid"]) == theirs["chain"]
        # A chain that it refuses it looks no further at.
        row.check(f"{name}, {chain}", same and (not theirs["chain"] or good["report-signature"] == theirs["signature"]), detail)


def main():
    run = interop.Run("nvidia_verifiers")
    with run.row("provider", "NVIDIA manifests", against="xmlsec1", version=install.version_of(["xmlsec1", "--version"], "xmlsec1")) as row:
        text, root = made_manifest(run)
        made = run.folder / "made.xml"
        row.check("a manifest that we signed", ours_of(made, root, MADE_AT) == "good" and theirs_of(made, root, MADE_AT))
        compare_forged(row, run, text, root)
        compare_real(row)
    with run.row("provider", "NVIDIA manifests", against="libxml2", version=install.version_of(["xmllint", "--version"], "xmllint")) as row:
        made_manifest(run)
        compare_canonical(row, run)
        if vectors() is None:
            raise WITHOUT_VECTORS
    with run.row("provider", "NVIDIA reports", against="nv-local-gpu-verifier", version=LOCAL_VERIFIER) as row:
        compare_reports(row, run)
    run.finish()


if __name__ == "__main__":
    main()
