#!/usr/bin/env python3
"""Stands for a server of language models: events, one by one, over HTTP on a Unix socket.

event_engine.py MODEL FOLDER. The question's "do" says how: "count" sends three, the second once FOLDER/go is there;
"break" ends after one without the last chunk; "endless" goes on until nobody takes it, and then leaves FOLDER/gone;
"whole" has a length.
"""
import hashlib
import http.server
import json
import pathlib
import socketserver
import sys
import time

model, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
digest = hashlib.sha256(model.read_bytes()).hexdigest()


class Engine(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass

    def event(self, text):
        data = f"data: {text}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        kind = asked["do"]
        self.send_response(200)
        if kind == "whole":
            body = json.dumps({"model": digest, "prompt": asked.get("prompt")}).encode()
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.event(f"one {asked.get('prompt', '')}")
        if kind == "break":
            self.close_connection = True
            return
        if kind == "endless":
            try:
                while True:
                    self.event("x" * 1000)
            except OSError:
                (folder / "gone").touch()
            self.close_connection = True
            return
        while not (folder / "go").exists():
            time.sleep(0.02)
        self.event("two")
        self.event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


Server(str(folder / "engine.sock"), Engine).serve_forever()
