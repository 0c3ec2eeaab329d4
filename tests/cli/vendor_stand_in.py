#!/usr/bin/env python3
"""Stands in for the services of Intel, AMD and NVIDIA on loopback: their paths, headers and moods; what it signs is its own.

vendor_stand_in.py PORT_FILE CRL_FILE CHAIN_FILE MOOD_FILE LOG_FILE

The mood is read at each request: "good", "busy" (429 from AMD, with retry-after), "old" (an older TCB Info), "proxy" (a
page of HTML from everybody).
"""
import base64
import http.server
import json
import os
import sys
import urllib.parse

port_file, crl_file, chain_file, mood_file, log_file = sys.argv[1:]


def text(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def tcb_info(mood):
    number, issued = (17, "2026-01-01T00:00:00Z") if mood == "old" else (18, "2026-11-01T00:00:00Z")
    inner = {"id": "TDX", "issueDate": issued, "nextUpdate": "2099-01-01T00:00:00Z", "tcbEvaluationDataNumber": number}
    return json.dumps({"tcbInfo": inner, "signature": "00" * 64}).encode()


def identity():
    inner = {"id": "QE", "issueDate": "2026-11-01T00:00:00Z", "nextUpdate": "2099-01-01T00:00:00Z"}
    return json.dumps({"enclaveIdentity": inner, "signature": "00" * 64}).encode()


class Vendor(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        with open(log_file, "a", encoding="ascii") as log:
            log.write(self.path + "\n")
        mood = text(mood_file).strip()
        chain = {"chain": urllib.parse.quote(text(chain_file))}
        if mood == "proxy":
            return self.answer(200, b"<html>log in first</html>", TCB_Info_Issuer_Chain=chain["chain"])
        path, _, query = self.path.partition("?")
        if path == "/intel/tdx/certification/v4/tcb" and "fmspc=00806f050000" in query:
            return self.answer(200, tcb_info(mood), TCB_Info_Issuer_Chain=chain["chain"])
        if path == "/intel/tdx/certification/v4/qe/identity":
            return self.answer(200, identity(), SGX_Enclave_Identity_Issuer_Chain=chain["chain"])
        if path == "/intel/sgx/certification/v4/pckcrl" and "encoding=der" in query:
            return self.answer(200, self.crl(), SGX_PCK_CRL_Issuer_Chain=chain["chain"])
        if path == "/root":
            return self.answer(200, self.crl().hex().encode())
        if path.startswith("/amd/"):
            return self.amd(path, mood)
        if path.startswith("/rim/v1/rim/NV_"):
            rim = base64.b64encode(b"<SoftwareIdentity/>").decode()
            return self.answer(200, json.dumps({"id": path.rpartition("/")[2], "rim": rim, "sha256": ""}).encode())
        return self.answer(404)

    def amd(self, path, mood):
        if mood == "busy":
            return self.answer(429, retry_after="1")
        if path.endswith("/crl"):
            return self.answer(200, self.crl())
        if path.endswith("/cert_chain"):
            return self.answer(200, text(chain_file).encode())
        return self.answer(404)

    @staticmethod
    def crl():
        with open(crl_file, "rb") as file:
            return file.read()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
with open(port_file + ".new", "w", encoding="ascii") as file:
    file.write(str(server.server_port))
os.rename(port_file + ".new", port_file)
server.serve_forever()
