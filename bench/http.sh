# shellcheck shell=bash
# The HTTP server beside nginx, and its memory with idle connections; read by bench/run.sh.

# A certificate for both ends, nginx's configuration and the request, in the folder $1.
http_files() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost \
    -keyout "$1/key.pem" -out "$1/cert.pem" 2>/dev/null
  local answer body
  answer="{\"ciphertext\":\"$(printf 'b%.0s' $(seq 383))\"}"
  body="{\"plaintext\":\"$(printf 'a%.0s' $(seq 384))\"}"
  printf '%s' "$body" >"$1/body.json"
  printf 'wrk.method = "POST"\nwrk.body = [[%s]]\nwrk.headers["Content-Type"] = "application/json"\n' "$body" >"$1/post.lua"
  cat >"$1/nginx.conf" <<CONF
daemon off; worker_processes 1; pid $1/pid; error_log $1/error.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 300; http2_max_requests 1000000000;
  client_body_temp_path $1/t1; proxy_temp_path $1/t2; fastcgi_temp_path $1/t3; uwsgi_temp_path $1/t4; scgi_temp_path $1/t5;
  server {
    listen 127.0.0.1:18443 ssl http2;
    ssl_certificate $1/cert.pem; ssl_certificate_key $1/key.pem; ssl_protocols TLSv1.3; ssl_session_tickets off;
    location / { default_type application/json; return 200 '$answer'; }
  }
}
CONF
}

# Ticks of processor time of the process $1.
ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }

# Runs one server on the first processor and the client on the others. Adds a line to the results: name, requests a
# second of the server's processor time, requests a second by the clock, the client's p50 and p99.
http_round() {  # name, folder, client (wrk or h2load), port, server command...
  local name=$1 folder=$2 client=$3 port=$4 server counted before after
  shift 4
  taskset -c 0 "$@" >/dev/null 2>&1 &
  server=$!
  for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
    kill -0 "$server" || { echo "http: $name doesn't start" >&2; return 1; }
    sleep 0.05
  done
  counted=$(pgrep -P "$server" | head -n 1 || true)  # nginx's worker
  [ -n "$counted" ] || counted=$server
  before=$(ticks "$counted")
  if [ "$client" = wrk ]; then
    taskset -c "1-$(($(nproc) - 1))" wrk -t1 -c32 -d"${BENCH_SECONDS:-5}s" --latency -s "$folder/post.lua" \
      "https://127.0.0.1:$port/" >"$folder/report"
  else
    taskset -c "1-$(($(nproc) - 1))" h2load -t1 -c32 -m1 -D"${BENCH_SECONDS:-5}" -d "$folder/body.json" \
      "https://127.0.0.1:$port/" >"$folder/report"
  fi
  after=$(ticks "$counted")
  kill "$server"
  wait "$server" 2>/dev/null || true
  awk -v name="$name" -v seconds="$(awk "BEGIN {print ($after - $before) / $(getconf CLK_TCK)}")" '
    /requests in/ {n = $1}  # wrk
    /^Requests\/sec/ {rate = $2}
    /^ *50%/ {p50 = $2}
    /^ *99%/ {p99 = $2}
    /Non-2xx|Socket errors/ {bad = 1}
    /^finished in/ {rate = $4}  # h2load
    /^requests:/ {n = $8; bad = $10 + $12}
    /^time for request:/ {p50 = $6; p99 = "-"}
    END {if (bad || n == 0) exit 1; print name, n / seconds, rate, p50, p99}' "$folder/report" >>"$folder/results"
}

# Against nginx answering statically, in turn on the same core. nginx runs once with its own OpenSSL and once with ours.
http() {
  local work ours_library=${OPENSSL_LIBRARY:-}
  if ! command -v nginx >/dev/null || ! command -v wrk >/dev/null || ! command -v h2load >/dev/null; then
    echo "http: nginx-light, wrk or nghttp2-client is missing, skipped"
    return
  fi
  work=$(mktemp -d /dev/shm/cloister-bench-XXXXXX)
  # shellcheck disable=SC2064 # the folder's name is known now
  trap "rm -rf '$work'" RETURN
  http_files "$work"
  for client in wrk h2load; do
    : >"$work/results"
    for _ in $(seq "${BENCH_ROUNDS:-5}"); do
      http_round nginx "$work" "$client" 18443 nginx -p "$work" -c "$work/nginx.conf"
      [ -z "$ours_library" ] || http_round nginx-with-our-openssl "$work" "$client" 18443 \
        env LD_LIBRARY_PATH="$ours_library" nginx -p "$work" -c "$work/nginx.conf"
      http_round cloister "$work" "$client" 18444 \
        "$build/bench_http_server" 18444 "$work/cert.pem" "$work/key.pem" server-only
    done
    case "$client" in
      wrk) echo "POST of 400 bytes, TLS 1.3, HTTP/1.1, 32 keep-alive connections, one core (wrk)" ;;
      *) echo "POST of 400 bytes, TLS 1.3, HTTP/2, 32 connections of one stream, one core (h2load)" ;;
    esac
    awk '{n[$1]++; cpu[$1, n[$1]] = $2; clock[$1, n[$1]] = $3; p50[$1] = $4; p99[$1] = $5; if (n[$1] == 1) order[++names] = $1}
      function median(of, name, copy, i, j, t) {
        for (i = 1; i <= n[name]; i++) copy[i] = of[name, i]
        for (i = 1; i <= n[name]; i++) for (j = i + 1; j <= n[name]; j++) if (copy[j] < copy[i]) {t = copy[i]; copy[i] = copy[j]; copy[j] = t}
        return copy[int((n[name] + 1) / 2)]
      }
      END {
        for (i = 1; i <= names; i++)
          printf "  %-26s %8.0f a CPU second, %8.0f a second, last p50 %s p99 %s; against nginx: %.2f by CPU, %.2f by the clock\n",
            order[i], median(cpu, order[i]), median(clock, order[i]), p50[order[i]], p99[order[i]],
            median(cpu, order[i]) / median(cpu, "nginx"), median(clock, order[i]) / median(clock, "nginx")
      }' "$work/results"
  done
}

http_idle() {
  local work count=${BENCH_CONNECTIONS:-10000} server
  work=$(mktemp -d /dev/shm/cloister-bench-XXXXXX)
  # shellcheck disable=SC2064 # the folder's name is known now
  trap "rm -rf '$work'" RETURN
  http_files "$work"
  ulimit -n "$(ulimit -H -n)"
  echo "memory of a server with $count idle connections, mutual TLS (limit: 200 MiB)"
  for buffers in release keep; do
    "$build/bench_http_server" 18444 "$work/cert.pem" "$work/key.pem" mutual "$buffers" &
    server=$!
    sleep 0.5
    printf '  TLS buffers %-8s' "$buffers"
    "$build/bench_http_idle" 18444 "$work/cert.pem" "$work/key.pem" "$count" "$server"
    kill "$server"
    wait "$server" 2>/dev/null || true
  done
}
