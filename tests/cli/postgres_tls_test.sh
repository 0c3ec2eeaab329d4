#!/usr/bin/env bash
# TLS to PostgreSQL: verified in full or not at all.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
# shellcheck source=tests/cli/postgres_lib
source "$(dirname "${BASH_SOURCE[0]}")/postgres_lib"
python3 -c 'import cryptography' 2>/dev/null || {
  echo "skipped: python3-cryptography isn't installed"
  exit 77
}

server=$(mktemp -d /tmp/cloister-pg.XXXXXX)
# Two authorities, and a certificate for localhost alone from the first.
python3 - "$server" <<'PY'
import datetime, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

folder = sys.argv[1]
now = datetime.datetime.utcnow()

def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

def make(subject, issuer, issuer_key, key, extension):
    builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1)).add_extension(extension, critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

ca_key, other_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
authority = x509.BasicConstraints(ca=True, path_length=None)
open("ca.pem", "wb").write(make("ca", "ca", ca_key, ca_key, authority))
open("other.pem", "wb").write(make("other", "other", other_key, other_key, authority))
names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
open(folder + "/server.pem", "wb").write(make("localhost", "ca", ca_key, key, names))
open(folder + "/server.key", "wb").write(key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
open(folder + "/hba.conf", "w").write("hostssl all all 127.0.0.1/32 trust\nhostssl all all ::1/128 trust\nlocal all all trust\n")
PY
chmod 600 "$server/server.key"
[[ $(id -u) != 0 ]] || chown postgres "$server"/* 2>/dev/null || true
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
status=0
start_postgres "$server" "listen_addresses = 'localhost'" "port = $port" "ssl = on" "ssl_cert_file = '$server/server.pem'" \
  "ssl_key_file = '$server/server.key'" "hba_file = '$server/hba.conf'" || status=$?
trap 'status=$?; stop_postgres; rm -rf "$work" "$server" "$server.out"; exit $status' EXIT
[[ $status == 0 ]] || exit $status
unset PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGSSLMODE PGSSLROOTCERT

umask 077
connection() {  # host sslmode certificate
  printf 'host=%s port=%s user=postgres dbname=postgres sslmode=%s sslrootcert=%s\n' "$1" "$port" "$2" "$work/$3" >connection
}
connection localhost verify-full ca.pem
expect_status 0 cloister init --store-postgres connection
expect_status 0 cloister tenant create acme
connection localhost verify-full other.pem
expect_error 9 'certificate' cloister tenant list
connection 127.0.0.1 verify-full ca.pem
expect_error 9 '127.0.0.1' cloister tenant list
connection localhost verify-full absent.pem
expect_error 9 'absent.pem' cloister tenant list
# The server takes no connection without TLS, and the program none with less than all of it to another machine.
connection localhost disable ca.pem
expect_error 9 'no encryption' cloister tenant list
for mode in disable allow prefer require verify-ca; do
  connection db.example.com $mode ca.pem
  expect_error 4 'verify-full' cloister tenant list
done
