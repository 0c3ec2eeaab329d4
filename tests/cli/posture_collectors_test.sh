#!/usr/bin/env bash
# posture: the collectors of this machine, and of files: Kubernetes, plans and states, results of scans; models.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

mkdir -p models
cat >estate.yaml <<YAML
version: 1
id: acme
own_account: ["111122223333"]
location:
  - {name: models, address: "file:$PWD/models", kind: model, owner: ml, environment: production, sensitivity: internal}
  - {name: gone, address: "file:$PWD/gone", kind: model, owner: ml, environment: production, sensitivity: internal}
  - {name: etcd, address: "k8s-secrets:prod", kind: secrets, owner: ops, environment: production, sensitivity: internal}
  - {name: corpus, address: "s3://corpus", kind: training-data, owner: ml, environment: production, sensitivity: internal}
component:
  - {name: serving, workload: inference/web}
workload:
  - {name: serving, use: inference, owner: ml, environment: production, sensitivity: internal}
endpoint:
  - {name: api, address: "127.0.0.1:1", owner: ops, environment: production, sensitivity: internal}
YAML

# fact KIND SUBJECT VALUE: of the last audit's report; "not assessed" where it says so, "none" where there is no such fact.
fact() {
  python3 -c '
import json, sys
kind, subject, name = sys.argv[1:]
found = [f for f in json.load(open("report.json"))["facts"] if f["kind"] == kind and f["subject"] == subject]
print("none" if not found else "not assessed" if "not_assessed" in found[-1] else found[-1]["values"].get(name, "left out"))' "$@"
}
audit() { rm -f report.json && expect_status 0 cloister posture audit --estate estate.yaml --no-store --report report.json "$@"; }

# This machine: what the location lies on, and that another isn't there.
audit --only local-storage --only local-host --only sockets
[[ $(fact inventory.entry models observed) == True ]] || fail 'models was not seen'
[[ $(fact inventory.entry gone observed) == False ]] || fail 'gone was seen'
[[ $(fact storage.encryption gone encrypted) == 'not assessed' ]] || fail 'gone was assessed'
[[ $(fact storage.encryption models encrypted) != none ]] || fail 'nobody looked at models'
[[ $(fact inventory.scope '' read) == *mounts* ]] || fail 'no mounts'

# Kubernetes: identity first is plaintext; a file that is none is said.
cat >encryption.yaml <<'YAML'
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - identity: {}
      - kms: {apiVersion: v2, name: vault, endpoint: unix:///run/kms.sock}
YAML
audit --only kubernetes --kubernetes encryption.yaml
[[ $(fact storage.encryption etcd encrypted) == no ]] || fail 'identity first'
audit --only kubernetes --kubernetes estate.yaml
[[ $(fact inventory.scope '' unread) == *estate.yaml* ]] || fail 'a file that is none was passed over'
expect_error 5 nowhere cloister posture audit --estate estate.yaml --no-store --kubernetes nowhere.yaml

# A key that is known after apply is unknown, and a plan proves nothing good.
cat >plan.json <<'JSON'
{"format_version": "1.2", "planned_values": {"root_module": {"resources": [
  {"address": "aws_s3_bucket_server_side_encryption_configuration.c", "mode": "managed",
   "type": "aws_s3_bucket_server_side_encryption_configuration", "values": {"bucket": "corpus", "rule":
     [{"apply_server_side_encryption_by_default": [{"sse_algorithm": "aws:kms"}]}]}}]}},
 "resource_changes": [{"address": "aws_s3_bucket_server_side_encryption_configuration.c", "change": {"after_unknown":
   {"rule": [{"apply_server_side_encryption_by_default": [{"kms_master_key_id": true}]}]}}}]}
JSON
audit --only iac --iac plan.json
[[ $(fact iac.resource 'file:plan.json#s3://corpus' key_manager) == unknown ]] || fail 'a key that nobody knows yet'
[[ $(fact storage.encryption corpus encrypted) == none ]] || fail 'a plan was taken for proof'
sed -i 's/"kms_master_key_id": true/"kms_master_key_id": false/' plan.json
audit --only iac --iac plan.json
[[ $(fact storage.encryption corpus key_manager) == platform_default ]] || fail 'no key is the platform'"'"'s'

# A scan that couldn't be made is not assessed.
cat >scan.json <<JSON
{"format": "cloister-scan/1", "version": "0", "targets": [{"target": "127.0.0.1:1", "time": "$(date -u +%Y-%m-%dT%H:%M:%SZ)",
 "error": {"code": "unavailable", "message": "connection refused"}}]}
JSON
audit --only scan --scan scan.json
[[ $(fact tls.endpoint api tls13) == 'not assessed' ]] || fail 'an endpoint that nobody reached was assessed'

# What manifests come to for a workload; what no scan showed is left out.
cloister --json mesh audit --fail-on high "$SOURCE_DIR/tests/unit/mesh/manifest/golden/istio-good.yaml" >mesh.json
audit --only mesh --mesh mesh.json
[[ $(fact mesh.policy serving strict) == True ]] || fail 'strict manifests'
[[ $(fact mesh.policy serving shared_identities) == 0 ]] || fail 'an identity that nobody shares'
[[ $(fact mesh.policy serving plaintext_refused) == 'left out' ]] || fail 'nobody asked a port'

# Certificates that logs have seen, and that nobody knows.
cat >ct.json <<'JSON'
[{"issuer_name": "CN=X", "common_name": "127.0.0.1", "name_value": "127.0.0.1", "not_before": "2026-01-01T00:00:00",
  "not_after": "2099-01-01T00:00:00", "serial_number": "0a"}]
JSON
audit --only ct --ct ct.json
[[ $(fact ct.monitor api unmatched) == 1 ]] || fail 'a certificate that nobody knows'

# A report of S3 Inventory proves what is bad.
printf '"corpus","a","SSE-KMS"\n"corpus","b","SSE-S3"\n' >part.csv
cat >manifest.json <<JSON
{"sourceBucket": "corpus", "creationTimestamp": "$(date +%s)000", "fileFormat": "CSV",
 "fileSchema": "Bucket, Key, EncryptionStatus", "files": [{"key": "x/data/part.csv", "size": $(stat -c %s part.csv)}]}
JSON
audit --only s3-inventory --s3-inventory manifest.json
[[ $(fact storage.encryption corpus key_manager) == platform_default ]] || fail 'an object under AWS own key'
rm part.csv
audit --only s3-inventory --s3-inventory manifest.json
[[ $(fact storage.encryption corpus key_manager) == none ]] || fail 'a report without its part was read'
[[ $(fact inventory.scope '' unread) == *part.csv* ]] || fail 'a part that is missing was passed over'

# An inventory of cryptography that another tool made.
cat >bom.json <<JSON
{"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"timestamp": "$(date -u +%Y-%m-%dT%H:%M:%SZ)"}, "components": [
  {"type": "cryptographic-asset", "name": "SHA1withRSA", "cryptoProperties": {"assetType": "algorithm"}}]}
JSON
audit --only cbom --crypto-inventory bom.json
[[ $(fact cbom '' withdrawn) == 1 ]] || fail 'an algorithm that was withdrawn'

# How callers of a key service prove who they are, and what its detectors notice.
cat >policy.toml <<'TOML'
version = 1
id = "p"
not_after = "never"
TOML
cat >cloisterd.toml <<TOML
home = "$PWD/home"
trust_domain = "acme.example"
[listen]
tls = "127.0.0.1:8443"
[policy]
file = "$PWD/policy.toml"
TOML
chmod 600 policy.toml cloisterd.toml
audit --only service --service-config cloisterd.toml
[[ $(fact key.authentication '' static_credentials) == 0 ]] || fail 'no caller can bring a static credential'
[[ $(fact detection.run '' detected) == *unwrap-volume* ]] || fail 'nobody noticed a mass of unwraps'

# Models: one without a manifest isn't signed; one whose manifest can't be looked at isn't assessed.
mkdir models/plain models/odd
ln -s manifest.sealed models/odd/manifest.sealed
expect_status 0 cloister init
audit --only models
[[ $(fact model.signature 'models#plain' signed) == False ]] || fail 'a model without a manifest'
[[ $(fact model.signature 'models#odd' signed) == 'not assessed' ]] || fail 'a manifest that cannot be looked at'

# Heads of the log that somebody else keeps.
cloister audit new-witness witness.example.org/w1 w1.key >w1.vkey
cloister audit key - >log.vkey
cloister audit checkpoint - --request ask >log.checkpoint
cloister audit cosign ask --log-key log.vkey --witness-key w1.key --state seen --first >>log.checkpoint
audit --only home
[[ $(fact audit.log '' anchored) == 'left out' ]] || fail 'nobody looked elsewhere'
audit --only home --log-checkpoint log.checkpoint --log-witness w1.vkey
[[ $(fact audit.log '' anchored) == True ]] || fail 'a cosigned head was not believed'
grep -q -- '--log-checkpoint log.checkpoint --log-witness w1.vkey' report.json || fail 'the report leaves out what was looked at'
grep -q 'log witness w1.vkey' report.json || fail 'the report leaves out whose word was taken'
# Models that are signed where they lie: by somebody who counts, or not, whole, or with a file too much.
(umask 077 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out release.key 2>/dev/null)
openssl pkey -in release.key -pubout -out release.pub
printf '[[signer]]\nname = "release@acme"\nkey = "release.pub"\n' >signers.toml
echo weights >models/plain/weights
expect_status 0 cloister model sign models/plain --key release.key
audit --only models
[[ $(fact model.signature 'models#plain' signed) == 'not assessed' ]] || fail 'nobody was named whose signature counts'
audit --only models --model-signers signers.toml
[[ $(fact model.signature 'models#plain' signed) == True ]] || fail 'a model that is signed'
[[ $(fact model.signature 'models#plain' signer) == release@acme ]] || fail 'who signed it'
has 'the signers of signers.toml' <report.json || fail 'what was looked at'
echo more >models/plain/tokenizer.py
audit --only models --model-signers signers.toml
[[ $(fact model.signature 'models#plain' covered) == False ]] || fail 'a file that the signature leaves out'
rm models/plain/tokenizer.py
touch 'models/plain/a\b'
audit --only models --model-signers signers.toml
[[ $(fact model.signature 'models#plain' covered) == False ]] || fail 'a name that no signature can list'
rm 'models/plain/a\b'
# A folder is a model, however it is called.
mkdir models/plain.sig
echo weights >models/plain.sig/weights
audit --only models --model-signers signers.toml
[[ $(fact model.signature 'models#plain.sig' signed) == False ]] || fail 'a folder called like a signature'
rm -r models/plain.sig
echo other >models/plain/weights
audit --only models --model-signers signers.toml
[[ $(fact model.signature 'models#plain' signed) == False ]] || fail 'a file that was changed'
(umask 077 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.key 2>/dev/null)
# What the signer left out is signed by nobody.
mkdir models/plain/adapter
echo adapter >models/plain/adapter/weights
expect_status 0 cloister model sign models/plain --key release.key --ignore adapter --force
audit --only models --model-signers signers.toml
[[ $(fact model.signature 'models#plain' signed) == True ]] || fail 'a model of which something is left out'
[[ $(fact model.signature 'models#plain' covered) == False ]] || fail 'a file that the signer left out'
rm -r models/plain/adapter
audit --only models --model-signers signers.toml
[[ $(fact model.signature 'models#plain' covered) == True ]] || fail 'nothing that was left out is there'
expect_status 0 cloister model sign models/plain --key other.key --force
audit --only models --model-signers signers.toml
[[ $(fact model.signature 'models#plain' signer_allowed) == False ]] || fail 'a signer who does not count'
