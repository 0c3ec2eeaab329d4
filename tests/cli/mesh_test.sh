#!/usr/bin/env bash
# mesh: an audit with and without findings, in three forms; what can't be read; writing, and auditing what was written.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

golden="$SOURCE_DIR/tests/unit/mesh/manifest/golden"

# Good manifests: status 0, and the modes are in the report.
cloister mesh audit "$golden/istio-good.yaml" >out
grep -q '0 high, 0 medium, 0 low' out || fail "findings in good manifests: $(cat out)"
grep -q 'Deployment inference/web  *istio  *strict' out || fail "no mode: $(cat out)"
[[ $(cloister --json mesh audit "$golden/istio-good.yaml" | json_get workloads.0.mode) == strict ]] || fail 'no mode in JSON'

# Findings: status 4, each with its file and line.
expect_error 4 'of severity low or higher' cloister mesh audit "$golden/istio-policies.yaml"
has 'istio-policies.yaml:12: high I2 PeerAuthentication istio-system/default: the mode is PERMISSIVE' <"$work/.out" ||
  fail "no line: $(cat "$work/.out")"
expect_status 4 cloister --json mesh audit "$golden"
python3 -c 'import json, sys
report = json.load(sys.stdin)
assert report["format"] == "cloister-mesh-audit/1"
assert report["counts"]["high"] > 20 and not report["unread"]
assert all(f["line"] > 0 and f["why"] and f["fix"] for f in report["findings"])' <"$work/.out" || fail 'the JSON report'
expect_status 4 cloister mesh audit --sarif "$golden/stores.yaml"
python3 -c 'import json, sys
run = json.load(sys.stdin)["runs"][0]
rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
assert run["results"] and all(result["ruleId"] in rules for result in run["results"])' <"$work/.out" || fail 'the SARIF report'

# --fail-on, standard input, a folder without manifests, and a path that isn't there.
cloister mesh audit --fail-on high - <"$golden/istio-good.yaml" >out
expect_error 2 'there is no\|fail-on' cloister mesh audit --fail-on worst "$golden"
mkdir empty
expect_error 5 'nothing to audit' cloister mesh audit empty
expect_error 5 'no such file' cloister mesh audit nowhere
expect_error 5 'nothing to audit' cloister mesh audit -

# What can't be read is refused in one line, and the rest is audited all the same.
mkdir mixed
cp "$golden/istio-policies.yaml" mixed/
printf 'a: {{ .Values.mode }}\n' >mixed/template.yaml
expect_error 2 'template.yaml: line 1: .*helm template' cloister mesh audit mixed
has 'high I2' <"$work/.out" || fail 'the rest was not audited'
printf 'mode: STRICT\nmode: DISABLE\n' >twice.yaml
expect_error 2 'twice.yaml: line 2: the same name twice' cloister mesh audit twice.yaml
head -c 5000000 /dev/zero | tr '\0' ' ' >large.yaml
expect_error 2 'large.yaml' cloister mesh audit large.yaml

# Proxies whose configuration isn't YAML.
printf 'frontend a\n  bind :80\n' >haproxy.cfg
expect_error 4 '1 finding' cloister mesh audit --as haproxy haproxy.cfg
has 'haproxy.cfg:2: high H1 frontend a' <"$work/.out" || fail "no line: $(cat "$work/.out")"
expect_error 2 'haproxy.cfg: line 1: a directive without' cloister mesh audit --as nginx haproxy.cfg
expect_error 5 'nowhere' cloister mesh audit --as stunnel nowhere

# The rules are all there.
cloister mesh rules >out
for id in I1 I14 L9 A1 C1 N1 K1 T17 M1; do grep -q "^$id (" out || fail "no rule $id"; done

# What is written has no finding.
cat >plan.toml <<'TOML'
[[service]]
name = "vllm"
namespace = "inference"
ports = [8000]
callers = ["edge/gateway"]
TOML
for kind in istio istio-ambient istio-values linkerd linkerd-values; do
  cloister mesh write "$kind" plan.toml >"$kind.yaml"
  cloister mesh audit "$kind.yaml" >out || fail "findings in $kind: $(cat out)"
done
grep -q 'cluster.local/ns/edge/sa/gateway' istio.yaml || fail 'the caller is not named'
expect_error 2 'NAMESPACE/SERVICE-ACCOUNT' cloister mesh write istio <(sed 's/edge.gateway/anybody/' plan.toml)
expect_error 2 'KIND\|kind' cloister mesh write nomesh plan.toml

# The same listener for other people's proxies, as they check it themselves.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=x -keyout svid.pem.key -out svid.pem 2>/dev/null
cat >relay.toml <<TOML
[identity]
certificate = "$PWD/svid.pem"
key = "$PWD/svid.pem.key"
bundle = "$PWD/svid.pem"
[[inbound]]
name = "model"
listen = "127.0.0.1:18443"
workload = "127.0.0.1:18000"
allow = ["spiffe://acme.example/*"]
TOML
chmod 600 relay.toml
for kind in haproxy nginx stunnel envoy ghostunnel; do
  cloister mesh write "$kind" relay.toml >"$kind.conf"
done
for kind in haproxy nginx; do
  expect_status 0 cloister mesh audit --as "$kind" "$kind.conf"
done
# Any name of the trust domain will do, which is what was asked for.
expect_status 4 cloister mesh audit --as stunnel stunnel.conf
if [[ -x $(command -v haproxy || echo /usr/sbin/haproxy) ]]; then
  PATH=$PATH:/usr/sbin haproxy -c -q -f haproxy.conf || fail 'HAProxy refuses what was written for it'
fi
stream_module=/usr/lib/nginx/modules/ngx_stream_module.so
if [[ -x /usr/sbin/nginx && -r $stream_module ]]; then
  { echo "load_module $stream_module;"; cat nginx.conf; } >nginx-whole.conf
  /usr/sbin/nginx -t -q -p "$PWD" -g 'pid nginx.pid; error_log stderr;' -c "$PWD/nginx-whole.conf" || fail 'nginx refuses what was written for it'
fi
sed -i 's|example/\*|example/gateway|' relay.toml
expect_error 2 'one SPIFFE ID' cloister mesh write nginx relay.toml
expect_status 0 cloister mesh write envoy relay.toml

# App Mesh: a finding, and a way out of it.
ca=arn:aws:acm-pca:eu-west-1:1:certificate-authority/a
cloister mesh migrate "$golden/app-mesh.yaml" --to service-connect --cloud-map prod --authority-arn $ca \
  --role-arn arn:aws:iam::1:role/ecs >out 2>err
[[ $(json_get services.0.serviceConnectConfiguration.services.0.tls.issuerCertificateAuthority.awsPcaAuthorityArn <out) == "$ca" ]] ||
  fail "no TLS: $(cat out)"
grep -q "^caveat: .*isn't mutual" err || fail "no caveat: $(cat err)"
expect_error 2 "isn't an ARN" cloister mesh migrate "$golden/app-mesh.yaml" --to service-connect --cloud-map prod
expect_error 5 'no virtual node' cloister mesh migrate "$golden/consul.yaml" --to lattice --network n --vpc vpc-1 \
  --certificate-arn arn:aws:acm:eu-west-1:1:certificate/a
