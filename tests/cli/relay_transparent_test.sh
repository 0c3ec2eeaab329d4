#!/usr/bin/env bash
# Transparent relays: client, workload and addresses as they were, and yet mutual TLS between the machines. Two network
# namespaces stand for two machines; nothing leaves them.
# shellcheck source=tests/cli/lib
source "$(dirname "$0")/lib"
# shellcheck source=tests/cli/relay_lib
source "$(dirname "${BASH_SOURCE[0]}")/relay_lib"

if [[ -z ${INSIDE:-} ]]; then
  for program in iptables ip unshare; do
    command -v $program >/dev/null || {
      echo "skipped: $program isn't installed"
      exit 77
    }
  done
  unshare --user --map-root-user --net iptables -t nat -A OUTPUT -p tcp -j REDIRECT --to-ports 1 2>/dev/null || {
    echo 'skipped: no network namespaces with iptables here'
    exit 77
  }
  INSIDE=1 exec unshare --user --map-root-user --net --pid --fork --kill-child --mount-proc "$0"
fi

# Here is the client's machine, 10.9.1.1; "there" the workload's, 10.9.1.2.
unshare --net sleep 600 &
there_pid=$!
pids+=($there_pid)
there() { nsenter --net --target $there_pid "$@"; }
wait_until test "$(readlink /proc/self/ns/net)" != "$(readlink /proc/$there_pid/ns/net)"
ip link set lo up
ip link add here type veth peer name there netns $there_pid
ip address add 10.9.1.1/24 dev here
ip link set here up
there ip link set lo up
there ip address add 10.9.1.2/24 dev there
there ip link set there up

make_authority
for name in server client; do make_svid $name; done
mkdir site
echo 'from the workload' >site/page
there python3 -m http.server 8000 --bind 127.0.0.1 --directory site >/dev/null 2>&1 &
pids+=($!)

{
  identity_of client
  printf '[relay]\nmark = 7\n[[outbound]]\nname = "out"\nlisten = "127.0.0.1:15001"\ntransparent = "redirect"\n'
  printf 'target = "10.9.1.2:8000"\nexpect = "spiffe://acme.test/server"\n'
} >out.toml
{
  identity_of server
  printf '[[inbound]]\nname = "in"\nlisten = "10.9.1.2:15006"\ntransparent = "redirect"\nworkload = "127.0.0.1:8000"\nallow = "spiffe://acme.test/client"\n'
  printf '[[inbound]]\nname = "in-tproxy"\nlisten = "10.9.1.2:15007"\ntransparent = "tproxy"\nworkload = "127.0.0.1:8000"\nallow = "spiffe://acme.test/client"\n'
} >in.toml
start_relay in there
start_relay out

# What goes to port 8000 and 8001 of the other machine is caught here, unless the relay itself sends it.
iptables -t nat -A OUTPUT -p tcp -d 10.9.1.2 --dport 8000:8001 -m mark ! --mark 7 -j REDIRECT --to-ports 15001
there iptables -t nat -A PREROUTING -p tcp --dport 8000 -j REDIRECT --to-ports 15006

fetch() { curl -sS --max-time 10 --noproxy '*' "http://10.9.1.2:8000/page"; }
wait_until fetch
[[ $(fetch) == 'from the workload' ]] || fail 'through both'
grep -q '"ended":"finished","listener":"in"' in.log || wait_until grep -q '"ended":"finished","listener":"in"' in.log
grep -q '"peer":"spiffe://acme.test/server"' out.log || wait_until grep -q '"peer":"spiffe://acme.test/server"' out.log

# Somewhere that isn't configured; the relay's own address; plaintext that goes around the first relay.
curl -s --max-time 10 --noproxy '*' http://10.9.1.2:8001/page && fail 'a port that nobody configured'
wait_until grep -q "10.9.1.2:8001 isn't configured" out.log
curl -s --max-time 10 --noproxy '*' http://127.0.0.1:15001/page && fail 'the relay as a destination'
wait_until grep -q 'it meant the relay itself' out.log
python3 - <<'PYTHON' || fail 'plaintext passed'
import socket
around = socket.socket()
around.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 7)
around.settimeout(10)
around.connect(("10.9.1.2", 8000))
around.sendall(b"GET /page HTTP/1.0\r\n\r\n")
try:
    assert around.recv(1) == b""
except ConnectionResetError:
    pass
PYTHON
wait_until grep -q '"reason":"plaintext"' in.log

# The same by TPROXY.
there iptables -t nat -F PREROUTING
there iptables -t mangle -A PREROUTING -p tcp --dport 8000 -j TPROXY --on-port 15007
[[ $(fetch) == 'from the workload' ]] || fail 'by TPROXY'
wait_until grep -q '"ended":"finished","listener":"in-tproxy"' in.log
