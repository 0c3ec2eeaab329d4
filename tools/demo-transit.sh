# shellcheck shell=bash disable=SC2153,SC2154 # what demo.sh and demo-service.sh set
# The demonstration's part in transit, read by tools/demo.sh: three components that speak plain HTTP, a relay beside each,
# identities from the Workload API, and the proof of every pair.
RELAY=$(dirname "$CLOISTER")/cloister-relay
transit=$work/transit
mkdir -m 700 "$transit" "$transit/evidence" "$transit/receipts"
relays=()

# Of three machines on one: each component has an address of its own, on loopback.
gateway_at=127.0.0.2 model_at=127.0.0.3 features_at=127.0.0.4
model_port=$(free_port) features_port=$(free_port)             # where the components listen, for their own relay alone
model_tls=$(free_port) features_tls=$(free_port)               # where their relays do, for the others
to_model=$(free_port) to_features=$(free_port) shortcut=$(free_port)  # what a component calls in place of the other

write_components() {
  cat >"$transit/component.py" <<'PY'
"""A component of an inference path in plain HTTP, as it was before anybody thought of TLS: NAME PORT [URL-BEHIND-IT]."""
import http.server, json, sys, urllib.request
name, port, behind = sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None

class Component(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        said = {"component": name}
        if behind:
            with urllib.request.urlopen(behind, timeout=10) as answer:
                said["features"] = json.load(answer)
        else:
            said["rows"] = [3, 1, 4, 1, 5]
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", port), Component).serve_forever()
PY
  cat >"$transit/traffic.py" <<'PY'
"""The gateway: asks the model over and over, on a new connection each time and on one that stays. URL STOP-FILE; prints what came of it."""
import http.client, json, os, sys, time, urllib.parse
url, stop = urllib.parse.urlsplit(sys.argv[1]), sys.argv[2]
connect = lambda: http.client.HTTPConnection(url.hostname, url.port, timeout=10)
def ask(connection):
    connection.request("GET", "/")
    answer = connection.getresponse()
    said = json.loads(answer.read())
    assert answer.status == 200 and said["features"]["rows"] == [3, 1, 4, 1, 5], said
done, failed, kept = 0, [], connect()
while not os.path.exists(stop):
    for connection in (kept, connect()):
        try:
            ask(connection)
            done += 1
        except Exception as error:
            failed.append(repr(error))
        if connection is not kept:
            connection.close()
    time.sleep(0.005)
print(json.dumps({"requests": done, "failed": failed}))
PY
}

write_relay() {  # component, then its tables on standard input
  mkdir -m 700 "$transit/$1"
  # A program of its own for each, so that the kernel can tell them apart.
  cp "$RELAY" "$transit/$1/cloister-relay"
  {
    printf '[identity]\nworkload_api = "unix://%s/workload.sock"\nworkload_api_user = %s\n' "$transit" "$(id -u)"
    printf '[metrics]\nlisten = "unix:%s/%s/metrics.sock"\n[receipts]\nfolder = "%s/receipts"\n' "$transit" "$1" "$transit"
    cat
  } >"$transit/$1/relay.toml"
  chmod 600 "$transit/$1/relay.toml"
}

write_relays() {
  write_relay gateway <<TOML
[[outbound]]
name = "model"
listen = "127.0.0.1:$to_model"
target = "$model_at:$model_tls"
expect = "spiffe://demo.example/acme/model"
alpn = ["http/1.1"]

[[outbound]]
name = "shortcut"
listen = "127.0.0.1:$shortcut"
target = "$features_at:$features_tls"
expect = "spiffe://demo.example/acme/features"
alpn = ["http/1.1"]
TOML
  write_relay model <<TOML
[[inbound]]
name = "model"
listen = "$model_at:$model_tls"
workload = "127.0.0.1:$model_port"
allow = ["spiffe://demo.example/acme/gateway"]
alpn = ["http/1.1"]

[[outbound]]
name = "features"
listen = "127.0.0.1:$to_features"
target = "$features_at:$features_tls"
expect = "spiffe://demo.example/acme/features"
alpn = ["http/1.1"]
TOML
  write_relay features <<TOML
[[inbound]]
name = "features"
listen = "$features_at:$features_tls"
workload = "127.0.0.1:$features_port"
allow = ["spiffe://demo.example/acme/model"]
alpn = ["http/1.1"]
TOML
}

write_graph() {
  cat >"$transit/graph.toml" <<TOML
version = 1
id = "inference"

[[component]]
name = "gateway"
spiffe_id = "spiffe://demo.example/acme/gateway"
address = "$gateway_at"

[[component]]
name = "model"
spiffe_id = "spiffe://demo.example/acme/model"
address = "$model_at"

[[component]]
name = "features"
spiffe_id = "spiffe://demo.example/acme/features"
address = "$features_at"

[[edge]]
from = "gateway"
to = "model"
port = $model_tls
protocol = "http"

[[edge]]
from = "model"
to = "features"
port = $features_tls
protocol = "http"
TOML
}

# Asks URL once; prints the answer, or why there is none, with that status.
ask() {
  python3 - "$1" <<'PY'
import sys, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
PY
}

wait_for() {  # what it is, seconds, command...
  local what=$1 attempt
  for attempt in $(seq $(($2 * 10))); do
    if "${@:3}" >/dev/null 2>&1; then return; fi
    sleep 0.1
  done
  surprise "$what: not after $2 seconds (attempt $attempt): $(tail -n 2 "$service/log" "$transit"/*/log 2>/dev/null | cut -c1-400)"
}

# metric RELAY NAME: its number now.
metric() {
  python3 - "$transit/$1/metrics.sock" "$2" <<'PY'
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    s.sendall(b"GET /metrics HTTP/1.1\r\nhost: relay\r\nconnection: close\r\n\r\n")
    text = b"".join(iter(lambda: s.recv(65536), b"")).decode()
print(sum(int(float(line.split()[-1])) for line in text.splitlines() if line.startswith(sys.argv[2]) and "#" not in line))
PY
}
renewed_since() { (($(metric "$1" cloister_relay_identity_changes_total) > $2)); }

entry_of() {  # component, more options: an entry for the relay beside it
  local component=$1
  shift
  "$CLOISTER" --json entry create --spiffe-id "spiffe://demo.example/acme/$component" \
    --selector "unix:path:$transit/$component/cloister-relay" "$@" >"$transit/$component/entry.json" || surprise "no entry for $component"
}

step '12. In transit: three components that speak plain HTTP, and a relay beside each'
write_components
write_relays
write_graph
sed -i "/^\[policy\]/i [identity]\npoll_seconds = 1\n\n[workload_api]\nsocket = \"$transit/workload.sock\"\n" "$service/cloisterd.toml"
# Before the service starts: at its login SoftHSM2 writes the token anew, and who looks then finds none.
for component in gateway model features; do entry_of "$component"; done
cl entry list
"$CLOISTERD" --config "$service/cloisterd.toml" 2>"$service/log" &
daemon=$!
python3 "$transit/component.py" features "$features_port" & helpers+=($!)
python3 "$transit/component.py" model "$model_port" "http://127.0.0.1:$to_features/" & helpers+=($!)
for component in features model gateway; do
  printf '  %s$ cloister-relay --config transit/%s/relay.toml%s\n' "$dim" "$component" "$off"
  "$transit/$component/cloister-relay" --config "$transit/$component/relay.toml" 2>"$transit/$component/log" &
  relays+=($!)
  helpers+=($!)
done
wait_for 'the whole path' 30 ask "http://127.0.0.1:$to_model/"
say 'gateway -> model -> features, each hop mutual TLS 1.3 by SVIDs from the Workload API; the components know nothing of it:'
ask "http://127.0.0.1:$to_model/" | indent

step '13. Plaintext is refused, and so is who is not on the list'
printf '  %s$ curl http://%s:%s/%s\n' "$dim" "$model_at" "$model_tls" "$off"
if answer=$(ask "http://$model_at:$model_tls/" 2>&1); then surprise "plaintext was answered: $answer"; fi
printf '    %s\n    %srefused%s\n' "$answer" "$green" "$off"
wait_for 'the refusal in the metrics' 5 test "$(metric model 'cloister_relay_refused_total{reason="plaintext"}')" -ge 1
refused=$((refused + 1))
say 'the gateway is somebody, but features takes the model alone:'
if answer=$(ask "http://127.0.0.1:$shortcut/" 2>&1); then surprise "the gateway reached features: $answer"; fi
printf '    %s\n    %srefused%s\n' "$answer" "$green" "$off"
refused=$((refused + 1))

step '14. New certificates and keys under traffic'
python3 "$transit/traffic.py" "http://127.0.0.1:$to_model/" "$transit/stop" >"$transit/traffic.json" & traffic=$!
helpers+=("$traffic")
for component in gateway model features; do
  before=$(metric "$component" cloister_relay_identity_changes_total)
  old=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["created"][0]["id"])' "$transit/$component/entry.json")
  # The identity under another entry: a key of its own. What stands goes on; what comes uses the new one.
  entry_of "$component" --selector "unix:uid:$(id -u)"
  "$CLOISTER" entry delete "$old" >/dev/null || surprise "entry $old stays"
  wait_for "a new certificate of $component" 30 renewed_since "$component" "$before"
  say "$component has a new certificate, with a new key"
done
sleep 1
touch "$transit/stop"
wait "$traffic"
read -r requests failed < <(python3 -c 'import json, sys; said = json.load(open(sys.argv[1])); print(said["requests"], len(said["failed"]))' "$transit/traffic.json")
((failed == 0 && requests > 20)) || surprise "of $requests requests $failed failed: $(cut -c1-600 "$transit/traffic.json")"
say "$requests requests meanwhile, on connections that stood and on new ones; failed: $failed"
row 'requests during rotation' 0 '' "$requests, 0 failed"

step '15. What it is like from outside: the endpoints scanned'
python3 - "$service/bundle.json" >"$transit/bundle.pem" <<'PY'
import json, sys, textwrap
for key in json.load(open(sys.argv[1]))["keys"]:
    for certificate in key.get("x5c", [])[:1]:
        print("-----BEGIN CERTIFICATE-----", *textwrap.wrap(certificate, 64), "-----END CERTIFICATE-----", sep="\n")
PY
for endpoint in "model $model_at:$model_tls" "features $features_at:$features_tls"; do
  read -r component address <<<"$endpoint"
  printf '  %s$ cloister scan %s --profile mesh-workload --authorities bundle.pem%s\n' "$dim" "$address" "$off"
  "$CLOISTER" --json scan "$address" --profile mesh-workload --authorities "$transit/bundle.pem" >"$transit/evidence/scan-$component.json" ||
    surprise "the scan of $component failed"
  python3 - "$transit/evidence/scan-$component.json" <<'PY' | indent
import json, sys
target = json.load(open(sys.argv[1]))["targets"][0]
print(f'{target["target"]}: grade {target["grade"]}, {target["score"]} points, {target["connections"]} connections in {target["seconds"]:.1f} s')
for kind, what in (("lost", "{what}"), ("not_assessed", "not assessed: {what}")):
    for row in target[kind]:
        print(f'  -{row["points"]} {what.format(**row)}')
PY
done

step '16. Proof for every pair'
for relay in "${relays[@]}"; do kill -TERM "$relay"; done
for relay in "${relays[@]}"; do wait "$relay" || surprise "a relay ended with $?: $(tail -n 2 "$transit"/*/log)"; done
say 'both ends of each connection signed what it was; from these files and the public bundle alone:'
cl receipt check "$transit/receipts" --bundle "demo.example=$service/bundle.json"
cl paths check "$transit/graph.toml" --evidence "$transit/evidence" --evidence "$transit/receipts" --bundle "demo.example=$service/bundle.json" --html "$transit/matrix.html"
row 'pairs of components' 0 '' 'proven twice each'
kill -TERM "$daemon"
wait "$daemon" || surprise "cloisterd ended with $?: $(tail -n 3 "$service/log")"
