#!/usr/bin/env python3
"""cloister attest over others' evidence: what a person is told of it, with collateral as loose files and as a bundle that is carried to a site."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

VECTORS = pathlib.Path(os.environ["SOURCE_DIR"]) / "../shared/vectors"
CLOISTER = os.environ["CLOISTER"]


def run(*arguments, home):
    return subprocess.run([CLOISTER, "--home", str(home), "--json", *map(str, arguments)], capture_output=True, text=True, check=False)


def expect(told, what):
    if not told:
        sys.exit(f"FAILED: {what}")


def put(folder, name, body, chain=None):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)
    if chain is not None:
        stem = name[: name.rindex(".")]
        (folder / f"{stem}.chain.pem").write_bytes(chain)


def intel_folder(vector, tee, fmspc, authority, folder):
    """As PCS would have given it: the inner objects as they were signed, with their signatures around them."""
    of = VECTORS / vector / "collateral"
    for name, inner, file, key in (("tcb_info", "tcbInfo", f"intel-tcb-info/{tee}/{fmspc}.json", None),
                                   ("qe_identity", "enclaveIdentity", f"intel-qe-identity/{tee}.json", None)):
        signature = (of / f"{name}.sig.hex").read_text().strip()
        body = b'{"' + inner.encode() + b'":' + (of / f"{name}.json").read_bytes() + b',"signature":"' + signature.encode() + b'"}'
        put(folder, file, body, (of / f"{name}_issuer_chain.pem").read_bytes())
    put(folder, f"intel-crl/{authority}.der", (of / "pck.crl.der").read_bytes(), (of / "pck_crl_issuer_chain.pem").read_bytes())
    put(folder, "intel-crl/root.der", (of / "root_ca.crl.der").read_bytes())


def verify(evidence, at, *more, home):
    done = run("attest", "verify", evidence, "--nonce", "any", "--at", at, *more, home=home)
    return done.returncode, json.loads(done.stdout), done.stderr


def checks(verdict):
    return {check["name"]: check for check in verdict["primary"]["checks"]}


def main():
    if not VECTORS.exists():
        print("skipped: there are no vectors")
        return 77
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        lab, site = work / "lab", work / "site"
        tdx = VECTORS / "tdx/prod-v4-uptodate/quote.bin"
        at = "2025-06-20T00:00:00Z"

        # Nothing at hand: incomplete, and what is missing has a name.
        status, verdict, _ = verify(tdx, at, home=lab)
        expect(status == 4 and verdict["verdict"] == "incomplete", "a quote without collateral is incomplete")
        shown = json.loads(run("attest", "show", tdx, "--at", at, home=lab).stdout)
        needs = {item["name"] for item in shown["collateral"]}
        fmspc = "b0c06f000000"
        expect(needs == {f"intel-tcb-info/tdx/{fmspc}", "intel-qe-identity/tdx", "intel-crl/root", "intel-crl/platform"}, f"what it needs: {needs}")

        # With all of it: verified, by hardware; a month later the same is expired.
        loose = work / "loose"
        intel_folder("tdx/prod-v4-uptodate", "tdx", fmspc, "platform", loose)
        status, verdict, errors = verify(tdx, at, "--collateral", loose, home=lab)
        expect(status == 0 and verdict["verdict"] == "verified" and verdict["assurance"] == "hardware", f"a production quote verifies: {errors}")
        expect(verdict["primary"]["claims"]["tcb_status"] == "UpToDate", "its TCB is up to date")
        status, verdict, _ = verify(tdx, "2025-09-20T00:00:00Z", "--collateral", loose, home=lab)
        expect(status == 4 and any(check.get("reason") == "expired" for check in checks(verdict).values()), "old collateral is expired")

        # Carried to a site in a signed bundle, it comes to the same.
        for home, server in ((lab, "lab.example"), (site, "site.example")):
            expect(run("init", "--log-server", server, home=home).returncode == 0, "init")
        expect(run("attest", "collateral", "import", loose, home=lab).returncode == 0, "import of loose files")
        expect(run("attest", "collateral", "export", "-o", work / "bundle", home=lab).returncode == 0, "export")
        key = json.loads(run("audit", "key", "-", home=lab).stdout)
        (work / "lab.vkey").write_text(key.get("key") or key.get("verifier_key") or next(iter(key.values())))
        done = run("attest", "collateral", "import", work / "bundle", "--key", work / "lab.vkey", home=site)
        expect(done.returncode == 0, f"import of the bundle: {done.stderr}")
        status, verdict, errors = verify(tdx, at, home=site)
        expect(status == 0 and verdict["verdict"] == "verified", f"a site without a network verifies: {errors}")

        # One byte of the quote changed; an enclave for debugging; a chip's report with nothing beside it.
        changed = bytearray(tdx.read_bytes())
        changed[200] ^= 1
        (work / "changed.bin").write_bytes(changed)
        status, verdict, _ = verify(work / "changed.bin", at, home=site)
        expect(status == 4 and checks(verdict)["quote-signature"]["reason"] == "bad-signature", "a changed quote is refused")
        expect(verdict["primary"]["claims"] == {}, "what isn't signed isn't claimed")
        status, verdict, _ = verify(VECTORS / "tdx/debug-v4/quote.bin", "2023-06-01T00:00:00Z", home=site)
        expect(status == 4 and verdict["verdict"] == "refused" and checks(verdict)["debug"]["reason"] == "debug", "debugging is refused")
        status, verdict, _ = verify(VECTORS / "snp/milan-v3-oak/report.bin", "2025-06-01T00:00:00Z", home=site)
        expect(status == 4 and verdict["assurance"] == "none", "a report without its chip's certificate proves nothing")
    return 0


sys.exit(main())
