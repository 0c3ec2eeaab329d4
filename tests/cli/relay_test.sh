#!/usr/bin/env bash
# The relay as a program: plaintext in front of it and behind it, mutual TLS between; refused, renewed under traffic,
# reloaded, drained, and on record.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
# shellcheck source=tests/cli/relay_lib
source "$(dirname "${BASH_SOURCE[0]}")/relay_lib"

make_authority
for name in server client other; do make_svid $name; done
mkdir site receipts
echo 'from the workload' >site/page

python3 -u -c '
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="site")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print(server.server_address[1], flush=True)
server.serve_forever()' >workload.port 2>/dev/null &
pids+=($!)
wait_until test -s workload.port

{
  identity_of server
  printf '[relay]\ndrain_seconds = 5\n[receipts]\nfolder = "%s"\n[metrics]\nlisten = "unix:%s"\n' "$work/receipts" "$work/metrics.sock"
  printf '[[inbound]]\nname = "in"\nlisten = "127.0.0.1:0"\nworkload = "127.0.0.1:%s"\nallow = "spiffe://acme.test/client"\n' "$(cat workload.port)"
} >in.toml

# What is wrong is said before anything is started.
"$RELAY" --config in.toml check | has 'for spiffe://acme.test/client'
expect_status 5 "$RELAY" --config absent.toml check
sed 's/^allow/alow/' in.toml >wrong.toml
expect_status 2 "$RELAY" --config wrong.toml
grep -q 'there is no key alow: did you mean allow?' .err || fail "$(cat .err)"
sed 's|server.key|client.key|' in.toml >wrong.toml
expect_status 2 "$RELAY" --config wrong.toml check
chmod 666 wrong.toml
expect_status 4 "$RELAY" --config wrong.toml check
expect_status 2 "$RELAY"

start_relay in
in_port=$(port_of in.log in)
{
  identity_of client
  printf '[receipts]\nfolder = "%s"\n' "$work/receipts"
  printf '[[outbound]]\nname = "out"\nlisten = "127.0.0.1:0"\ntarget = "127.0.0.1:%s"\nexpect = "spiffe://acme.test/server"\n' "$in_port"
} >out.toml
start_relay out
out=127.0.0.1:$(port_of out.log out)

[[ $(curl -sS "http://$out/page") == 'from the workload' ]] || fail 'through both relays'

# Plaintext, and TLS without a certificate, with one of nobody, or of somebody who isn't on the list.
curl -s --max-time 10 "http://127.0.0.1:$in_port/page" >answer && fail 'plaintext was served'
[[ ! -s answer ]] || fail 'plaintext was answered'
wait_until grep -q '"reason":"plaintext"' in.log
as() { openssl s_client -quiet -connect "127.0.0.1:$in_port" -CAfile bundle.pem "$@" </dev/null 2>&1 || true; }
as | has 'alert certificate required'
as -cert other.pem -key other.key | has 'alert'
wait_until grep -q "other isn't allowed here" in.log
as -tls1_2 -cert client.pem -key client.key | has 'alert protocol version'

# Renewed under traffic: no request fails, and the new certificates are used.
(for _ in $(seq 60); do curl -sS --max-time 10 "http://$out/page" || echo failed; sleep 0.05; done) >requests &
traffic=$!
for _ in 1 2; do
  make_svid server
  make_svid client
  sleep 1.2
done
wait $traffic
[[ $(sort requests | uniq -c | awk '{$1 = $1; print}') == '60 from the workload' ]] || fail "requests failed: $(sort requests | uniq -c)"
wait_until grep -q '"event":"identity-replaced"' in.log
wait_until grep -q '"event":"identity-replaced"' out.log

# A renewal that can't be used leaves the last one in use.
cp client.pem kept.pem
cp other.pem client.pem
wait_until grep -q '"event":"identity-not-renewed"' out.log
[[ $(curl -sS "http://$out/page") == 'from the workload' ]] || fail 'the last identity is in use'
cp kept.pem client.pem

# Numbers.
curl -sS --unix-socket metrics.sock http://localhost/metrics >metrics
grep -q '^cloister_relay_refused_total{reason="plaintext"} 1$' metrics || fail "$(grep refused_total metrics)"
grep -qE '^cloister_relay_handshakes_total [1-9]' metrics || fail 'handshakes'

# A reload that is wrong changes nothing; one that isn't takes effect at the same port.
cp in.toml good.toml
sed -i 's/^allow/alow/' in.toml
kill -HUP "${pids[1]}"
wait_until grep -q '"event":"not-reloaded"' in.log
[[ $(curl -sS "http://$out/page") == 'from the workload' ]] || fail 'after a wrong reload'
sed 's|test/client|test/other|' good.toml >in.toml
kill -HUP "${pids[1]}"
wait_until grep -q '"event":"reloaded"' in.log
curl -s --max-time 10 "http://$out/page" >answer && fail 'not allowed any more'
cp good.toml in.toml
kill -HUP "${pids[1]}"
wait_until test "$(grep -c . in.log)" -gt 0
wait_until curl -sSf "http://$out/page"

# The end: what was begun is finished, and both ends' receipts make proofs.
kill -TERM "${pids[1]}" "${pids[2]}"
wait "${pids[1]}" || fail 'the inbound relay ended otherwise'
wait "${pids[2]}" || fail 'the outbound relay ended otherwise'
openssl x509 -in bundle.pem -outform DER -out bundle.der
openssl x509 -in bundle.pem -noout -pubkey | openssl pkey -pubin -outform DER -out bundle.key
python3 - >bundle.json <<'PYTHON'
import base64, json
point = open("bundle.key", "rb").read()[-64:]
text = lambda part: base64.urlsafe_b64encode(part).rstrip(b"=").decode()
print(json.dumps({"keys": [{"use": "x509-svid", "kty": "EC", "crv": "P-256", "x": text(point[:32]), "y": text(point[32:]),
                            "x5c": [base64.b64encode(open("bundle.der", "rb").read()).decode()]}]}))
PYTHON
cloister receipt check receipts --bundle acme.test=bundle.json --json >proofs || true
python3 - <<'PYTHON' || fail "$(head -c 2000 proofs)"
import collections, json
verdicts = collections.Counter(one["verdict"] for one in json.load(open("proofs"))["connections"])
assert verdicts["proven"] >= 60 and set(verdicts) == {"proven"}, verdicts
PYTHON
