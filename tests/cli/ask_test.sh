#!/usr/bin/env bash
# ask: what is refused before anything could be sent. Workers that answer are asked in tests/interop/inference_test.py
# and in the unit tests of home/inference_client.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"

cat >workers.toml <<'END'
version = 1
id = "workers"
not_after = "never"
END
printf 'token\n' >token
chmod 600 token
printf '{}' >question.json

ask() { "$CLOISTER" ask --policy workers.toml --dataset acme/prompts --model vad --token-file token "$@"; }

expect_status 9 ask --worker "unix:$PWD/nobody.sock" question.json
expect_status 9 ask --worker "unix:$PWD/nobody.sock" --check
expect_status 2 ask --worker "unix:$PWD/nobody.sock"                     # no question
expect_status 2 ask --worker http://192.0.2.1:80 question.json           # plain http to somewhere else
expect_status 2 ask --worker gateway.example question.json               # no address
expect_status 2 "$CLOISTER" ask --worker unix:nobody.sock question.json  # no policy
printf 'version = 1\n' >broken.toml
expect_status 2 "$CLOISTER" ask --policy broken.toml --dataset acme/prompts --worker unix:nobody.sock --check
expect_status 2 "$CLOISTER" ask --policy workers.toml --dataset prompts --worker unix:nobody.sock --check
expect_status 2 ask question.json            # neither --worker nor --kept
expect_status 5 ask --kept "$PWD/nowhere"    # nothing was kept there
chmod 644 token
expect_status 4 ask --worker "unix:$PWD/nobody.sock" question.json # a token that others may read

# Something that isn't a worker.
if command -v python3 >/dev/null; then
  python3 - <<'END' &
import http.server, socketserver
class Other(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")
    def log_message(self, *_): pass
    def address_string(self): return "unix"
class Server(socketserver.UnixStreamServer):
    def get_request(self):
        request, _ = super().get_request()
        return request, ("unix", 0)
with Server("other.sock", Other) as server:
    server.timeout = 30
    server.handle_request()
END
  for _ in $(seq 100); do
    [[ -S other.sock ]] && break
    sleep 0.05
  done
  expect_status 2 ask --worker "unix:$PWD/other.sock" --check
  wait
fi
