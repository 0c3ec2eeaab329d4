"""Certificates for servers under test and their clients, by the system's openssl: P-256, valid for a day."""
import os
import pathlib
import shutil
import subprocess

from .absent import Absent

EXTENSIONS = {"server": "serverAuth", "client": "clientAuth"}


class Authority:
    """FOLDER/NAME.pem is its certificate; what it issues lies beside it as FILE.pem and FILE-key.pem."""

    def __init__(self, folder, name):
        self.folder, self.name = pathlib.Path(folder), name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / f"{name}.pem"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                 "-keyout", self.folder / f"{name}-key.pem", "-out", self.path, "-subj", f"/CN={name}",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, file, common_name, use):
        """A certificate for a "server", which is localhost, or a "client". Returns the paths of it and of its key."""
        certificate, key = self.folder / f"{file}.pem", self.folder / f"{file}-key.pem"
        request, extensions = self.folder / f"{file}.csr", self.folder / f"{file}.ext"
        lines = ["basicConstraints=critical,CA:false", f"extendedKeyUsage={EXTENSIONS[use]}"]
        if use == "server":
            lines.append("subjectAltName=DNS:localhost,IP:127.0.0.1")
        extensions.write_text("\n".join(lines) + "\n", encoding="utf-8")
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                 "-out", request, "-subj", f"/CN={common_name}")
        _openssl("x509", "-req", "-in", request, "-CA", self.path, "-CAkey", self.folder / f"{self.name}-key.pem",
                 "-CAcreateserial", "-days", "1", "-sha256", "-extfile", extensions, "-out", certificate)
        key.chmod(0o600)
        return str(certificate), str(key)


def _openssl(*arguments):
    program = shutil.which("openssl", path="/usr/bin:/usr/local/bin")
    if program is None:
        raise Absent("openssl is not installed")
    # The system's program wants the system's libraries.
    environment = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    subprocess.run([program, *map(str, arguments)], check=True, capture_output=True, env=environment, timeout=60)
