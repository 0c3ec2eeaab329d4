#!/usr/bin/env python3
"""Vault's API by two of its clients, hvac and node-vault, each logging in as workloads do: by certificate, by JWT-SVID,
by access key."""
import json
import subprocess

from key_service import DOMAIN, KeyService
from lib import interop

HVAC = "hvac==2.4.0"
NODE_VAULT = "node-vault@0.12.0"
WORKLOAD = f"spiffe://{DOMAIN}/acme/trainer"
RIVAL = f"spiffe://{DOMAIN}/rival/trainer"

# Runs where hvac is: prints one line of JSON for each check.
CHECKS = r'''
import base64, json, sys
import hvac
from hvac import exceptions

told = json.load(open(sys.argv[1]))
b64 = lambda text: base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()

def check(name, good, detail=""):
    print(json.dumps({"name": name, "good": bool(good), "detail": repr(detail)}), flush=True)

def refused(name, kind, act):
    try:
        check(name, False, act())
    except exceptions.VaultError as error:
        check(name, isinstance(error, kind), error)

def client_of(workload, namespace, mutual=True):
    cert = (told[workload] + ".pem", told[workload] + ".key") if mutual else None
    url = told["mutual"] if mutual else told["plain"]
    return hvac.Client(url=url, namespace=namespace, verify=told["ca"], cert=cert)

health = client_of("trainer", "acme", False).sys.read_health_status(method="GET")
check("health", health.get("initialized") and not health.get("sealed"), health)

client = client_of("trainer", "acme")
client.auth.cert.login(name="train")
check("login by certificate", client.is_authenticated())
transit = client.secrets.transit
transit.create_key(name="orders")
check("create and read a key", transit.read_key("orders")["data"]["latest_version"] == 1)
check("list keys", "orders" in transit.list_keys()["data"]["keys"], transit.list_keys())
sealed = transit.encrypt_data(name="orders", plaintext=b64("a secret"))["data"]["ciphertext"]
check("encrypt", sealed.startswith("vault:v1:"), sealed)
check("decrypt", transit.decrypt_data(name="orders", ciphertext=sealed)["data"]["plaintext"] == b64("a secret"))
bound = transit.encrypt_data(name="orders", plaintext=b64("a secret"), associated_data=b64("row 7"))["data"]["ciphertext"]
check("associated data", transit.decrypt_data(name="orders", ciphertext=bound, associated_data=b64("row 7"))["data"]["plaintext"] == b64("a secret"))
refused("other associated data is refused", exceptions.InvalidRequest, lambda: transit.decrypt_data(name="orders", ciphertext=bound, associated_data=b64("row 8")))
batch = transit.encrypt_data(name="orders", batch_input=[{"plaintext": b64("one")}, {"plaintext": b64("two")}])["data"]["batch_results"]
opened = transit.decrypt_data(name="orders", batch_input=batch)["data"]["batch_results"]
check("batches", [one["plaintext"] for one in opened] == [b64("one"), b64("two")], opened)
transit.rotate_key(name="orders")
renewed = transit.rewrap_data(name="orders", ciphertext=sealed)["data"]["ciphertext"]
check("rotate and rewrap", renewed.startswith("vault:v2:") and transit.decrypt_data(name="orders", ciphertext=renewed)["data"]["plaintext"] == b64("a secret"), renewed)
key = transit.generate_data_key(name="orders", key_type="plaintext")["data"]
check("data key", len(base64.b64decode(key["plaintext"])) == 32 and transit.decrypt_data(name="orders", ciphertext=key["ciphertext"])["data"]["plaintext"] == key["plaintext"])
check("wrapped data key", "plaintext" not in transit.generate_data_key(name="orders", key_type="wrapped", bits=128)["data"])
check("random bytes", len(base64.b64decode(transit.generate_random_bytes(n_bytes=24)["data"]["random_bytes"])) == 24)
transit.update_key_configuration(name="orders", min_decryption_version=2)
check("key configuration", transit.read_key("orders")["data"]["min_decryption_version"] == 2)
refused("an older version is refused", exceptions.InvalidRequest, lambda: transit.decrypt_data(name="orders", ciphertext=sealed))
client.write_data("transit/keys/mac", data={"type": "hmac"})
mac = transit.generate_hmac(name="mac", hash_input=b64("text"), algorithm="sha2-256")["data"]["hmac"]
check("hmac", transit.verify_signed_data(name="mac", hash_input=b64("text"), hmac=mac, hash_algorithm="sha2-256")["data"]["valid"])
check("hmac of another text", not transit.verify_signed_data(name="mac", hash_input=b64("other"), hmac=mac, hash_algorithm="sha2-256")["data"]["valid"])
for kind in ("ed25519", "ecdsa-p256", "rsa-2048"):
    transit.create_key(name="sign-" + kind, key_type=kind)
    options = {"hash_algorithm": "sha2-256"} if kind != "ed25519" else {}
    signature = transit.sign_data(name="sign-" + kind, hash_input=b64("text"), **options)["data"]["signature"]
    good = transit.verify_signed_data(name="sign-" + kind, hash_input=b64("text"), signature=signature, **options)["data"]["valid"]
    bad = transit.verify_signed_data(name="sign-" + kind, hash_input=b64("other"), signature=signature, **options)["data"]["valid"]
    check("sign by " + kind, good and not bad, signature)
client.auth.token.renew_self()
check("renewed token", client.is_authenticated())

stranger = client_of("rival", "rival")
stranger.auth.cert.login(name="train")
stranger.secrets.transit.create_key(name="orders")
refused("a ciphertext of another tenant", exceptions.InvalidRequest, lambda: stranger.secrets.transit.decrypt_data(name="orders", ciphertext=renewed))
stranger_in_acme = client_of("rival", "acme")
stranger_in_acme.token = stranger.token
refused("another namespace", exceptions.Forbidden, lambda: stranger_in_acme.secrets.transit.decrypt_data(name="orders", ciphertext=renewed))
refused("a truncated ciphertext", exceptions.InvalidRequest, lambda: transit.decrypt_data(name="orders", ciphertext=renewed[:80]))
refused("malformed base64", exceptions.InvalidRequest, lambda: transit.encrypt_data(name="orders", plaintext="%%%"))
refused("a context", exceptions.InvalidRequest, lambda: transit.encrypt_data(name="orders", plaintext=b64("x"), context=b64("y")))
refused("an oversized plaintext", exceptions.InvalidRequest, lambda: transit.encrypt_data(name="orders", plaintext=b64(b"x" * 70000)))
refused("a key that isn't there", exceptions.InvalidRequest, lambda: transit.encrypt_data(name="absent", plaintext=b64("x")))
refused("an unknown path", exceptions.InvalidPath, lambda: client.secrets.kv.v1.read_secret(path="x"))

plain = client_of("trainer", "acme", False)
plain.auth.jwt.jwt_login(role="train", jwt=told["jwt"])
check("login by JWT-SVID", plain.secrets.transit.decrypt_data(name="orders", ciphertext=renewed)["data"]["plaintext"] == b64("a secret"))
pod = client_of("trainer", "acme", False)
pod.auth.kubernetes.login(role="train", jwt=told["jwt"])
check("login as Kubernetes does", pod.is_authenticated())
refused("a forged JWT", exceptions.Forbidden, lambda: client_of("trainer", "acme", False).auth.jwt.jwt_login(role="train", jwt=told["jwt"][:-8] + "AAAAAAAA"))
role = client_of("trainer", "acme", False)
role.auth.approle.login(role_id=told["role_id"], secret_id=told["secret_id"])
check("login by access key", role.secrets.transit.decrypt_data(name="orders", ciphertext=renewed)["data"]["plaintext"] == b64("a secret"))
refused("a wrong secret", exceptions.Forbidden, lambda: client_of("trainer", "acme", False).auth.approle.login(role_id=told["role_id"], secret_id="x"))
role.auth.token.revoke_self()
refused("a revoked token", exceptions.Forbidden, lambda: role.secrets.transit.decrypt_data(name="orders", ciphertext=renewed))
plain.token = None
refused("no token", exceptions.Forbidden, lambda: plain.secrets.transit.decrypt_data(name="orders", ciphertext=renewed))
'''

NODE_CHECKS = r'''
const fs = require("fs");
const told = JSON.parse(fs.readFileSync(process.argv[2]));
const b64 = (text) => Buffer.from(text).toString("base64");
const check = (name, good, detail) => console.log(JSON.stringify({ name, good: Boolean(good), detail: String(detail) }));
const refused = async (name, status, act) => {
  try {
    check(name, false, JSON.stringify(await act()));
  } catch (error) {
    const got = error.response && error.response.statusCode;
    check(name, got === status, `${got}: ${error.message}`);
  }
};

(async () => {
  const vault = require("node-vault")({
    apiVersion: "v1",
    endpoint: told.plain,
    namespace: "acme",
    requestOptions: { ca: fs.readFileSync(told.ca) },
  });
  const health = await vault.health();
  check("health", health.initialized && !health.sealed, JSON.stringify(health));
  const login = await vault.approleLogin({ role_id: told.role_id, secret_id: told.secret_id });
  vault.token = login.auth.client_token;
  check("login by access key", (await vault.tokenLookupSelf()).data.meta.spiffe_id === told.workload);
  await vault.write("transit/keys/node", {});
  check("list keys", (await vault.list("transit/keys")).data.keys.includes("node"));
  const sealed = (await vault.encryptData({ name: "node", plaintext: b64("a secret") })).data.ciphertext;
  check("encrypt", sealed.startsWith("vault:v1:"), sealed);
  check("decrypt", (await vault.decryptData({ name: "node", ciphertext: sealed })).data.plaintext === b64("a secret"));
  await vault.write("transit/keys/node/rotate", {});
  const renewed = (await vault.write("transit/rewrap/node", { ciphertext: sealed })).data.ciphertext;
  check("rotate and rewrap", renewed.startsWith("vault:v2:"), renewed);
  const key = (await vault.write("transit/datakey/plaintext/node", {})).data;
  check("data key", Buffer.from(key.plaintext, "base64").length === 32);
  await refused("a truncated ciphertext", 400, () => vault.decryptData({ name: "node", ciphertext: sealed.slice(0, 80) }));
  await refused("an unknown path", 404, () => vault.read("secret/x"));
  await vault.tokenRenewSelf();
  await vault.tokenRevokeSelf();
  await refused("a revoked token", 403, () => vault.decryptData({ name: "node", ciphertext: sealed }));
})().catch((error) => check("runs to its end", false, error.stack));
'''


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def server_certificate(folder):
    """A certificate authority, and a certificate of it for localhost: what clients of Vault know servers by."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=interop", "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-keyout",
            folder / "server.key", "-out", folder / "server.csr")
    (folder / "extensions").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
    openssl("x509", "-req", "-in", folder / "server.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-days", "2",
            "-extfile", folder / "extensions", "-out", folder / "server.pem")
    (folder / "server.key").chmod(0o600)


def enroll(service, name, spiffe_id):
    """A certificate of the service's own trust domain: NAME.pem and NAME.key. Returns their path without the ending."""
    path = service.folder / name
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/", "-keyout", f"{path}.key",
            "-out", f"{path}.csr")
    token = service.curl("POST", "/v1/identity/join-tokens", {"id": spiffe_id, "lifetime_seconds": 600})["join_token"]
    request = open(f"{path}.csr", encoding="utf-8").read()
    answer = service.curl("POST", "/v1/identity/enroll", {"join_token": token, "request": request})
    service.write(f"{name}.pem", answer["svid"])
    return str(path)


def report(row, argv, environment):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment, timeout=120)
    for line in done.stdout.splitlines():
        said = json.loads(line)
        row.check(said["name"], said["good"], said["detail"])
    row.check("runs to its end", done.returncode == 0, done.stderr[-2000:])


def main():
    run = interop.Run("vault_dialect")
    run.debian("openssl", "openssl")
    run.debian("curl", "curl")
    plain, mutual = interop.free_port(), interop.free_port()
    server_certificate(run.folder)
    service = KeyService(run, f"""[dialect_vault]
tls = "127.0.0.1:{plain}"
mutual_tls = "127.0.0.1:{mutual}"
certificate = "{run.folder}/server.pem"
key = "{run.folder}/server.key"
""")
    with service:
        told = {"plain": f"https://localhost:{plain}", "mutual": f"https://localhost:{mutual}", "ca": f"{run.folder}/ca.pem",
                "trainer": enroll(service, "trainer", WORKLOAD), "rival": enroll(service, "rival", RIVAL), "workload": WORKLOAD}
        key = service.curl("POST", "/v1/tenants/acme/access-keys", {"caller": WORKLOAD, "purpose": "train"})
        told.update(role_id=key["access_key_id"], secret_id=key["secret_access_key"])
        order = {"audience": [f"spiffe://{DOMAIN}/cloister/keys"]}
        told["jwt"] = service.curl("POST", "/v1/identity/jwt", order)["token"]
        path = service.write("told.json", json.dumps(told))
        with run.row("client", "hvac", against="vault dialect", version=HVAC.split("==")[1]) as row:
            report(row, [run.pip(HVAC), "-c", CHECKS, path], run.environment())
            refused = [record for record in service.records() if record.get("outcome") == "refused"]
            row.check("refusals are on record", len(refused) >= 5, refused)
        with run.row("client", "node-vault", against="vault dialect", version=NODE_VAULT.split("@")[1]) as row:
            folder = run.npm(NODE_VAULT)
            script = service.write("checks.js", NODE_CHECKS)
            report(row, [run.node(), script, path], run.environment(NODE_PATH=f"{folder}/node_modules"))
    run.finish()


if __name__ == "__main__":
    main()
