"""Verifies one of Intel's quotes with dcap-qvl: QUOTE COLLATERAL-FOLDER UNIX-SECONDS [SECONDS]. Prints its verdict as JSON,
or, with SECONDS, how often it verifies in a second of processor time."""
import json
import pathlib
import sys
import time

import dcap_qvl


def collateral(folder):
    def text(name):
        return (folder / name).read_text(encoding="utf-8")

    return dcap_qvl.QuoteCollateralV3(
        text("pck_crl_issuer_chain.pem"), (folder / "root_ca.crl.der").read_bytes(), (folder / "pck.crl.der").read_bytes(),
        text("tcb_info_issuer_chain.pem"), text("tcb_info.json"), bytes.fromhex(text("tcb_info.sig.hex")),
        text("qe_identity_issuer_chain.pem"), text("qe_identity.json"), bytes.fromhex(text("qe_identity.sig.hex")))


def rate(call, seconds):
    start, count = time.process_time(), 0
    while time.process_time() - start < seconds:
        call()
        count += 1
    return count / (time.process_time() - start)


def main():
    quote, given, now = pathlib.Path(sys.argv[1]).read_bytes(), collateral(pathlib.Path(sys.argv[2])), int(sys.argv[3])
    if len(sys.argv) == 5:
        print(round(rate(lambda: dcap_qvl.verify(quote, given, now), float(sys.argv[4]))))
        return
    try:
        report = dcap_qvl.verify(quote, given, now)
        print(json.dumps({"tcb_status": report.status, "advisories": sorted(report.advisory_ids)}))
    except ValueError as refused:
        print(json.dumps({"refused": str(refused)}))


main()
