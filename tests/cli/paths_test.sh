#!/usr/bin/env bash
# paths: the matrix from a graph and evidence, the picture, a signed bundle and what is refused of one.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

cat >graph.toml <<'TOML'
version = 1
id = "inference"

[[component]]
name = "gateway"
address = "10.0.1.1"

[[component]]
name = "serving"
address = "10.0.3.7"
workload = "prod/serving"

[[edge]]
from = "gateway"
to = "serving"
port = 8443
TOML
mkdir evidence
cat >evidence/scan.json <<'JSON'
{"format":"cloister-scan/1","targets":[{"address":"10.0.3.7:8443","time":"2027-01-10T11:00:00Z","facts":[
{"check":"P6","subject":"","seen":"yes"},{"check":"M1","subject":"required","seen":"yes"},
{"check":"W2","subject":"plaintext answers","seen":"no"},{"check":"W6","subject":"h2c","seen":"no"}]}]}
JSON
at=(--at 2027-01-10T12:00:00Z)

# Nothing known: unknown, which is no pass.
expect_status 4 cloister paths check graph.toml "${at[@]}"
has '^1   gateway  *\.  *??$' <"$work/.out" || fail "no unknown cell: $(cat "$work/.out")"
# One class: no pass.
expect_status 4 cloister paths check graph.toml --evidence evidence "${at[@]}"
has 'one class of evidence, active-probe' <"$work/.out" || fail "$(cat "$work/.out")"
cat >evidence/mesh.json <<'JSON'
{"format":"cloister-mesh-audit/1","time":"2027-01-10T11:00:00Z","workloads":[{"namespace":"prod","name":"serving","mode":"strict","ports":{}}]}
JSON
# Two: a pass.
expect_status 0 cloister paths check graph.toml --evidence evidence "${at[@]}" --html m.html --svg m.svg
has '^1   gateway  *\.  *E+$' <"$work/.out" || fail "$(cat "$work/.out")"
grep -q '<svg' m.html || fail 'no picture'
expect_error 6 m.html cloister paths check graph.toml --evidence evidence "${at[@]}" --html m.html
[[ $(cloister --json paths check graph.toml --evidence evidence "${at[@]}" | json_get edges.0.verdict) == enforced ]]
# A week later it is too old.
expect_status 4 cloister paths check graph.toml --evidence evidence --at 2027-01-18T12:00:00Z
# What isn't evidence isn't passed over.
echo hello >evidence/README
expect_error 8 README cloister paths check graph.toml --evidence evidence "${at[@]}"
rm evidence/README
expect_error 2 'line 3' cloister paths check <(printf 'version = 1\nid = "a"\nx = 1\n') "${at[@]}"

expect_status 0 cloister init --log-server audit.example.com
expect_status 0 cloister paths bundle graph.toml --evidence evidence "${at[@]}" -o b.json
cloister audit key - >own.vkey
expect_status 0 cloister paths verify b.json --key own.vkey
has 'E+  gateway -> serving 8443' <"$work/.out" || fail "$(cat "$work/.out")"
sed 's/port = 8443/port = 8444/' b.json >other.json
expect_error 3 'what was signed' cloister paths verify other.json --key own.vkey
cloister audit list | has 'paths.bundle' || fail 'the bundle has no audit row'

# Evidence about this machine, and of no capture.
[[ $(cloister paths sockets | json_get format) == cloister-paths-sockets/1 ]]
expect_error 2 'no capture' cloister paths capture graph.toml
