"""A fleet of TLS servers on loopback, good and bad on purpose: how each is started, and what a scanner must say of it.

    yard = fleet.Yard(folder)
    for ship in fleet.ships(yard):
        port, server = ship.sail(folder)
        with server: ...

`expects` names checks of docs/scan-checks.md: {"P3": "yes", "C2/NULL": "no"}. Who scans with something else translates.
"""
import base64
import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys

from lib import processes

HERE = pathlib.Path(__file__).resolve().parent
NSS_PASSWORD = "fleet"
RFC2409_GROUP2 = bytes.fromhex(
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd"
    "ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"
    "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff")
# The suites that NSS has and leaves off: RC4 and 3DES among them.
NSS_OLD_SUITES = ":0005:0004:000A:002F:0035:C013:C014"


@dataclasses.dataclass
class Ship:
    """A server: `argv` with PORT where its port goes."""
    name: str
    program: str
    argv: list
    expects: dict
    files: dict = dataclasses.field(default_factory=dict)  # written first, PORT replaced
    not_tls: bool = False

    def sail(self, scratch):
        """Its port, and the server to be entered; what it says goes into the folder `scratch`."""
        port = processes.free_port()
        for path, text in self.files.items():
            pathlib.Path(path).write_text(text.replace("PORT", str(port)))
        argv = [part.replace("PORT", str(port)) for part in self.argv]
        return port, processes.Server(scratch, argv, ("127.0.0.1", port), dict(os.environ), False, 60, None)

    def missing(self):
        return shutil.which(self.program, path="/usr/bin:/usr/sbin:/usr/local/bin:/bin") is None


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=120)


def dh_parameters(prime):
    """PKCS #3: the prime and the generator 2."""
    number = b"\0" + prime
    body = b"\x02\x81" + bytes([len(number)]) + number + b"\x02\x01\x02"
    der = b"\x30\x81" + bytes([len(body)]) + body
    return "-----BEGIN DH PARAMETERS-----\n" + base64.encodebytes(der).decode() + "-----END DH PARAMETERS-----\n"


class Yard:
    """Keys, certificates and databases that the ships need, in a folder of their own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, kind in {"ec": ("ec", "ec_paramgen_curve:P-256"), "rsa": ("rsa", "rsa_keygen_bits:2048"),
                           "other": ("ec", "ec_paramgen_curve:P-256")}.items():
            openssl("req", "-x509", "-newkey", kind[0], "-pkeyopt", kind[1], "-nodes", "-days", "30", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", self / f"{name}-key.pem", "-out", self / f"{name}.pem")
        openssl("x509", "-in", self / "rsa.pem", "-outform", "DER", "-out", self / "rsa.der")
        for name in ("ec", "rsa"):
            both = (self / f"{name}.pem").read_text() + (self / f"{name}-key.pem").read_text()
            (self / f"{name}-both.pem").write_text(both)
        (self / "dh1024.pem").write_text(dh_parameters(RFC2409_GROUP2))
        self.nss()

    def __truediv__(self, name):
        return self.folder / name

    def nss(self):
        """A database of NSS with the RSA certificate."""
        if not shutil.which("certutil"):
            return
        database = self / "nss"
        database.mkdir(exist_ok=True)
        (self / "nss-password").write_text(NSS_PASSWORD)
        openssl("pkcs12", "-export", "-in", self / "rsa-both.pem", "-out", self / "rsa.p12", "-name", "fleet", "-passout", "pass:fleet")
        subprocess.run(["certutil", "-N", "-d", f"sql:{database}", "-f", self / "nss-password"], check=True, capture_output=True, timeout=60)
        subprocess.run(["pk12util", "-i", self / "rsa.p12", "-d", f"sql:{database}", "-k", self / "nss-password", "-W", "fleet"],
                       check=True, capture_output=True, timeout=60)


def s_server(yard, name, expects, *options, key="ec", weak=False):
    level = ["-cipher", "ALL:@SECLEVEL=0"] if weak and "-cipher" not in options else []
    argv = ["openssl", "s_server", "-accept", "127.0.0.1:PORT", "-cert", str(yard / f"{key}.pem"), "-key", str(yard / f"{key}-key.pem"),
            "-quiet", "-naccept", "100000", *level, *map(str, options)]
    return Ship(f"openssl-{name}", "openssl", argv, expects)


def with_stdin(ship):
    """s_server refuses to renegotiate once its standard input has ended."""
    return dataclasses.replace(ship, argv=["sh", "-c", "sleep 600 | " + " ".join(ship.argv)])


def openssl_ships(yard):
    weak = "@SECLEVEL=0"
    return [
        s_server(yard, "default", {"P5": "yes", "P6": "yes", "P4": "no", "P8": "yes", "P9/TLS 1.2": "yes", "G2": "no", "H5": "no", "H2": "no"}),
        s_server(yard, "rsa", {"P5": "yes", "P6": "yes", "H6": "no", "C3/static RSA": "yes"}, key="rsa"),
        s_server(yard, "tls13", {"P5": "no", "P6": "yes", "H6": "not-applicable", "C2/RC4": "no"}, "-tls1_3"),
        s_server(yard, "tls12", {"P5": "yes", "P6": "no", "P8": "not-applicable"}, "-tls1_2"),
        s_server(yard, "tls11", {"P4": "yes", "P5": "no", "P3": "no"}, "-tls1_1", weak=True),
        s_server(yard, "tls10", {"P3": "yes", "P4": "no", "H19/BEAST": "yes"}, "-tls1", weak=True),
        s_server(yard, "null", {"C2/NULL": "yes", "C5": "no"}, "-tls1_2", "-cipher", f"NULL:{weak}", key="rsa"),
        s_server(yard, "anonymous", {"C2/anonymous": "yes"}, "-tls1_2", "-cipher", f"aNULL:{weak}"),
        s_server(yard, "small-dh", {"C6/bits": "yes", "H19/LOGJAM": "yes"}, "-tls1_2", "-cipher", f"DHE:{weak}", "-dhparam", yard / "dh1024.pem",
                 key="rsa"),
        s_server(yard, "static-rsa", {"C3/no forward secrecy": "yes", "C5": "yes", "H6": "no"}, "-tls1_2", "-cipher", f"AES128-GCM-SHA256:{weak}",
                 key="rsa"),
        s_server(yard, "cbc", {"C3/CBC": "yes", "H8/encrypt-then-MAC": "yes"}, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"),
        s_server(yard, "server-order", {"C4/TLS 1.2": "yes"}, "-serverpref"),
        s_server(yard, "client-order", {"C4/TLS 1.2": "no"}),
        s_server(yard, "chacha", {"C7/TLS 1.2": "yes", "C4/TLS 1.2": "yes"}, "-serverpref", "-prioritize_chacha", "-tls1_2", "-cipher",
                 "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305"),
        with_stdin(s_server(yard, "renegotiation", {"H2": "yes", "H1": "yes"}, "-tls1_2", "-client_renegotiation")),
        s_server(yard, "no-tickets", {"H9/TLS 1.2 ticket": "no"}, "-tls1_2", "-no_ticket"),
        s_server(yard, "early-data", {"H12": "yes"}, "-tls1_3", "-early_data", "-max_early_data", "4096"),
        s_server(yard, "client-certificate", {"P6": "yes", "H9/session id": "unknown"}, "-Verify", "1"),
        s_server(yard, "protocols", {"H14/h2": "yes", "H14/http/1.1": "no"}, "-alpn", "h2"),
        s_server(yard, "names", {"H15/unknown name refused": "yes"}, "-servername", "localhost", "-servername_fatal", "-cert2", yard / "other.pem",
                 "-key2", yard / "other-key.pem"),
    ]


def gnutls(yard, name, priority, expects):
    argv = ["gnutls-serv", "--http", "--quiet", "--port", "PORT", "--x509certfile", str(yard / "rsa.pem"), "--x509keyfile",
            str(yard / "rsa-key.pem"), "--priority", priority]
    return Ship(f"gnutls-{name}", "gnutls-serv", argv, expects)


def gnutls_ships(yard):
    return [
        gnutls(yard, "default", "NORMAL", {"P5": "yes", "P6": "yes", "P9/TLS 1.2": "yes"}),
        gnutls(yard, "tls13", "NORMAL:-VERS-ALL:+VERS-TLS1.3", {"P5": "no", "P6": "yes"}),
        gnutls(yard, "legacy", "NORMAL:+VERS-TLS1.0:+VERS-TLS1.1:+3DES-CBC:%VERIFY_ALLOW_SIGN_WITH_SHA1", {"P5": "yes", "C2/3DES": "yes"}),
    ]


def nss(yard, name, versions, expects, *options):
    argv = ["selfserv", "-d", f"sql:{yard / 'nss'}", "-n", "fleet", "-p", "PORT", "-w", NSS_PASSWORD, "-V", versions, *options]
    return Ship(f"nss-{name}", "selfserv", argv, expects)


def nss_ships(yard):
    return [
        nss(yard, "ssl3", "ssl3:ssl3", {"P2": "yes", "P3": "no", "H19/POODLE": "yes"}, "-c", NSS_OLD_SUITES),
        nss(yard, "all", "tls1.0:tls1.3", {"P3": "yes", "P4": "yes", "P5": "yes", "P6": "yes", "P2": "no"}),
        nss(yard, "tls13", "tls1.3:tls1.3", {"P5": "no", "P6": "yes"}),
    ]


def front_ships(yard):
    """The front ends that people have."""
    pair = f"ssl_certificate {yard / 'ec.pem'}; ssl_certificate_key {yard / 'ec-key.pem'};"

    def nginx(name, lines, expects):
        text = (f"daemon off; pid {yard / name}.pid; error_log stderr; events {{}} http {{ access_log off; "
                f"client_body_temp_path {yard / 'nginx-body'}; proxy_temp_path {yard / 'nginx-proxy'}; fastcgi_temp_path {yard / 'nginx-fastcgi'}; "
                f"uwsgi_temp_path {yard / 'nginx-uwsgi'}; scgi_temp_path {yard / 'nginx-scgi'}; "
                f"server {{ listen 127.0.0.1:PORT ssl; {pair} {lines} }} }}")
        path = yard / f"{name}.conf"
        return Ship(name, "nginx", ["nginx", "-c", str(path), "-e", "stderr"], expects, {path: text})

    def haproxy(name, options, expects):
        text = (f"global\n maxconn 200\ndefaults\n mode http\n timeout client 10s\n timeout server 10s\n timeout connect 10s\n"
                f"frontend f\n bind 127.0.0.1:PORT ssl crt {yard / 'ec-both.pem'} {options}\n http-request return status 200\n")
        path = yard / f"{name}.cfg"
        return Ship(name, "haproxy", ["haproxy", "-f", str(path)], expects, {path: text})

    def stunnel(name, options, expects):
        text = (f"foreground = yes\npid =\nsyslog = no\n[s]\naccept = 127.0.0.1:PORT\nconnect = 127.0.0.1:9\ncert = {yard / 'ec-both.pem'}\n{options}\n")
        path = yard / f"{name}.stunnel"
        return Ship(name, "stunnel4", ["stunnel4", str(path)], expects, {path: text})

    return [
        nginx("nginx-default", "", {"P5": "yes", "H2": "no", "H9/TLS 1.2 ticket": "yes"}),
        nginx("nginx-modern", "ssl_protocols TLSv1.3; ssl_session_tickets off;", {"P5": "no", "P6": "yes"}),
        nginx("nginx-legacy", "ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0; ssl_prefer_server_ciphers on;",
              {"P3": "yes", "P4": "yes", "P5": "yes", "P6": "no", "C4/TLS 1.2": "yes"}),
        haproxy("haproxy-default", "", {"P5": "yes", "P6": "yes"}),
        haproxy("haproxy-alpn", "alpn h2,http/1.1 ssl-min-ver TLSv1.2", {"P5": "yes", "H14/h2": "yes"}),
        stunnel("stunnel-default", "", {"P5": "yes", "P6": "yes"}),
        stunnel("stunnel-tls12", "sslVersion = TLSv1.2\nrenegotiation = no", {"P5": "yes", "P6": "no", "H2": "no"}),
    ]


NODE = """
const tls = require('tls'), fs = require('fs');
tls.createServer({cert: fs.readFileSync('CERTIFICATE'), key: fs.readFileSync('KEY'), ALPNProtocols: ['h2', 'http/1.1']},
                 s => { s.on('error', () => {}); s.resume(); }).on('tlsClientError', () => {}).listen(PORT, '127.0.0.1');
"""
JAVA = """
import javax.net.ssl.*; import java.security.KeyStore; import java.io.*; import java.net.InetAddress;
public class Server {
  public static void main(String[] a) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = new FileInputStream("STORE")) { store.load(in, "fleet".toCharArray()); }
    KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509"); keys.init(store, "fleet".toCharArray());
    SSLContext context = SSLContext.getInstance("TLS"); context.init(keys.getKeyManagers(), null, null);
    SSLServerSocket listener = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(PORT, 64, InetAddress.getByName("127.0.0.1"));
    while (true) { SSLSocket s = (SSLSocket) listener.accept(); new Thread(() -> { try { s.setSoTimeout(10000); s.getInputStream().read(); s.close(); } catch (IOException e) { } }).start(); }
  }
}
"""


def runtime_ships(yard):
    script = yard / "server.js"
    node = NODE.replace("CERTIFICATE", str(yard / "ec.pem")).replace("KEY'", str(yard / "ec-key.pem") + "'")
    source = yard / "Server.java"
    return [
        Ship("node", "node", ["node", str(script)], {"P5": "yes", "P6": "yes", "H14/h2": "yes", "H2": "yes"}, {script: node}),
        Ship("java", "java", ["java", str(source)], {"P5": "yes", "P6": "yes", "P4": "no"}, {source: JAVA.replace("STORE", str(yard / "rsa.p12"))}),
    ]


def raw(yard, kind, expects, not_tls=False):
    argv = [sys.executable, str(HERE / "raw.py"), kind, "PORT", str(yard / "rsa.der"), str(yard / "rsa-key.pem")]
    return Ship(f"raw-{kind}", "openssl", argv, expects, not_tls=not_tls)


def raw_ships(yard):
    return [
        raw(yard, "sslv2", {"P1": "yes", "H19/DROWN": "yes", "P5": "no"}),
        raw(yard, "export", {"P2": "yes", "P3": "yes", "P5": "no", "C2/EXPORT": "yes", "H19/FREAK": "yes"}),
        raw(yard, "null", {"C2/NULL": "yes", "P5": "yes"}),
        raw(yard, "heartbleed", {"H4/extension": "yes", "H4/Heartbleed": "yes"}),
        raw(yard, "heartbeat", {"H4/extension": "yes", "H4/Heartbleed": "no"}),
        raw(yard, "early-ccs", {"H5": "yes"}),
        raw(yard, "padding-oracle", {"H6": "yes"}),
        raw(yard, "compression", {"H3": "yes", "H19/CRIME": "yes"}),
        raw(yard, "banner", {}, not_tls=True),
        raw(yard, "endless", {"P5": "unknown"}),
    ]


def ships(yard):
    return [*openssl_ships(yard), *gnutls_ships(yard), *nss_ships(yard), *front_ships(yard), *runtime_ships(yard), *raw_ships(yard)]
