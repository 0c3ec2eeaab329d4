"""A server on loopback that answers by a function and remembers who asked what: what a provider of ours and the vendor's
own client are both pointed at, so that one can be held against the other."""
import http.server
import json
import threading
import urllib.parse


class Request:
    def __init__(self, method, target, headers, body):
        self.method, self.headers, self.body = method, headers, body
        path, _, query = target.partition("?")
        self.path = urllib.parse.unquote(path)
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    def json(self):
        return json.loads(self.body) if self.body else None

    def form(self):
        return dict(urllib.parse.parse_qsl(self.body.decode()))

    def __repr__(self):
        return f"{self.method} {self.path} {self.query} {self.body[:300]}"


class StandIn:
    """`answer(request)` gives a status, a JSON value and, if need be, headers."""

    def __init__(self, answer):
        self.seen = []
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, body)
                stand_in.seen.append(request)
                status, value, *more = answer(request)
                text = json.dumps(value).encode()
                self.send_response(status)
                for name, header in (more[0] if more else {}).items():
                    self.send_header(name, header)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self):
        """The requests since the last call."""
        seen, self.seen = self.seen, []
        return seen
