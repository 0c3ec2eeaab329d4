#!/usr/bin/env python3
"""How NVIDIA's local GPU verifier judges a report and its chain, without its network: nvidia_peer.py REPORT CHAIN ARCHITECTURE [ROUNDS].

Prints one JSON object: what it says of signature, chain and firmware id, and with ROUNDS the processor time of one verdict."""
import json
import logging
import pathlib
import sys
import time

from OpenSSL import crypto
from verifier.attestation import AttestationReport
from verifier.cc_admin_utils import CcAdminUtils
from verifier.config import BlackwellSettings, HopperSettings

logging.disable(logging.CRITICAL)
report_file, chain_file, architecture = sys.argv[1:4]
rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 1
report, pem = pathlib.Path(report_file).read_bytes(), pathlib.Path(chain_file).read_text()
END = "-----END CERTIFICATE-----"


def verdict():
    settings = {"HOPPER": HopperSettings, "BLACKWELL": BlackwellSettings}[architecture]()
    chain = [crypto.load_certificate(crypto.FILETYPE_PEM, (one + END + "\n").encode()) for one in pem.split(END) if one.strip()]
    parsed = AttestationReport(report, settings)
    said = {"signature": bool(parsed.verify_signature(chain[0].to_cryptography(), settings.signature_length, settings.HashFunction))}
    fwid = parsed.get_response_message().get_opaque_data().get_data("OPAQUE_FIELD_ID_FWID")
    stated = fwid.hex() if fwid else ""
    found = CcAdminUtils.verify_gpu_certificate_chain(chain, settings, stated)
    said["chain"] = bool(found[0] if isinstance(found, tuple) else found)
    return said


def judged():
    try:
        return verdict()
    except Exception as error:  # whatever it raises is a refusal
        return {"signature": False, "chain": False, "error": repr(error)}


said = judged()
started = time.process_time()
for _ in range(rounds):
    judged()
said["seconds"] = (time.process_time() - started) / rounds
print(json.dumps(said))
