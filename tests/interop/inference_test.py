#!/usr/bin/env python3
"""Confidential inference with a real model: Silero's for voice activity, run by ONNX Runtime's library inside a worker.

The same questions go to the onnxruntime package for Python, and the answers must be equal. They are asked by
`cloister ask`, by a client that shares nothing with ours (pyhpke, and the standards' text), and through nginx, which
keeps everything that passes it and understands nothing of it.
"""
import json
import math
import os
import pathlib
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lib import interop  # noqa: E402

RUNTIME, SILERO, PYHPKE = "1.32.0", "6.2.3", "0.6.5"
NGINX = "1.22.1"  # of Debian 12
TOKEN, MODEL = "a-token-of-acme", "vad"
CLOISTER = os.environ["CLOISTER"]

run = interop.Run("inference")
if len(pathlib.Path("/proc/swaps").read_text().splitlines()) > 1:
    raise interop.Absent("this machine swaps, and a worker doesn't lock itself down where it may be swapped out")
plain_python = run.pip(f"onnxruntime=={RUNTIME}")
model_python = run.pip("--no-deps", f"silero-vad=={SILERO}")  # the model alone: what it depends on is a gigabyte
peer_python = run.pip(f"pyhpke=={PYHPKE}")


def in_site_packages(python, pattern):
    return str(next(pathlib.Path(python).parent.parent.glob(f"lib/python3*/site-packages/{pattern}")))


LIBRARY = in_site_packages(plain_python, "onnxruntime/capi/libonnxruntime.so.*")
MODEL_FILE = in_site_packages(model_python, "silero_vad/data/silero_vad.onnx")

# The same questions without anything between them and the library.
PLAIN = """
import json, sys
import numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
answers = []
for question in json.load(sys.stdin):
    feed = {}
    for tensor in question["inputs"]:
        kind = numpy.float32 if tensor["datatype"] == "FP32" else numpy.int64
        feed[tensor["name"]] = numpy.array(tensor["data"], dtype=kind).reshape(tensor["shape"])
    answers.append([output.reshape(-1).tolist() for output in session.run(None, feed)])
json.dump(answers, sys.stdout)
"""


def question(samples):
    return {"inputs": [{"name": "input", "datatype": "FP32", "shape": [1, 576], "data": samples},
                       {"name": "state", "datatype": "FP32", "shape": [2, 1, 128], "data": [0.0] * 256},
                       {"name": "sr", "datatype": "INT64", "shape": [], "data": [16000]}]}


def questions():
    noise = [((i * 1103515245 + 12345) % 65536) / 65536 - 0.5 for i in range(576)]
    tone = [0.4 * math.sin(2 * math.pi * 220 * i / 16000) for i in range(576)]
    return [question([0.0] * 576), question(tone), question(noise)]


def single(values):
    """Both sides hold 32-bit numbers; the shortest text for one is another than that of the same number in 64 bits."""
    return list(struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))


def outputs_of(answer):
    return [single(tensor["data"]) for tensor in json.loads(answer)["outputs"]]


def policy(folder, key=None, manifest=None):
    """A policy for this worker, or for one with another key or manifest."""
    path = run.folder / f"policy-{len(list(run.folder.glob('policy-*')))}.toml"
    key = key or (folder / "key").read_text()
    manifest = manifest or (folder / "manifest").read_text()
    path.write_text(f"""version = 1
id = "workers"
not_after = "never"
insecure_software_keys = ["{key}"]
[[release]]
name = "vad"
tenant = "acme"
environment = "none"
dataset = "prompts"
purpose = "infer"
role = "infer"
manifest = "{manifest}"
assurance = "insecure_software"
platform = "insecure_software"
product = "any"
chip = "any"
measurement = "{(folder / "measurement").read_text()}"
lease_seconds = 3600
""")
    return path


def ask(folder, policy_file, *more, token=TOKEN, text=None, worker=None):
    token_file = run.folder / "token"
    token_file.write_text(token + "\n")
    token_file.chmod(0o600)
    command = [CLOISTER, "ask", "--worker", worker or f"unix:{folder}/worker.sock", "--policy", policy_file, "--dataset", "acme/prompts",
               "--model", MODEL, "--token-file", token_file, *more]
    return subprocess.run([*map(str, command), "-"], input=text, capture_output=True, text=True, check=False, timeout=60,
                          env=run.environment(CLOISTER_HOME=run.folder / "no-home"))


def check_kept(policy_file, kept):
    command = [CLOISTER, "ask", "--policy", policy_file, "--dataset", "acme/prompts", "--kept", kept]
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=60,
                          env=run.environment(CLOISTER_HOME=run.folder / "no-home"))


def check_ours(row, folder, expected):
    good = policy(folder)
    for name, asked, want in zip(("silence", "a tone", "noise"), questions(), expected):
        got = ask(folder, good, text=json.dumps(asked))
        row.check(f"{name}: the same numbers as the package for Python", got.returncode == 0 and outputs_of(got.stdout) == want,
                  got.stdout[:500] + got.stderr)
    kept = run.folder / "kept-answer"
    got = ask(folder, good, "--keep", kept, "--json", text=json.dumps(questions()[0]))
    said = json.loads(got.stdout) if got.returncode == 0 else {}
    row.check("the receipt names the model", said.get("receipt", {}).get("model") == sha256(MODEL_FILE), got.stdout[:500] + got.stderr)
    got = check_kept(good, kept)
    row.check("what was kept proves the answer later", got.returncode == 0 and "signed this question" in got.stdout, got.stderr)
    got = check_kept(policy(folder, key="33" * 32), kept)
    row.check("not to somebody who trusts another attester", got.returncode == 4, got.stderr)
    response = (kept / "response").read_bytes()
    (kept / "response").write_bytes(response[:-1] + bytes([response[-1] ^ 1]))
    got = check_kept(good, kept)
    row.check("nor for another answer", got.returncode == 3, got.stderr)
    row.check("the worker is called what it is", said.get("worker", {}).get("assurance") == "insecure_software", got.stdout[:500])


def check_refusals(row, folder):
    text = json.dumps(questions()[0])
    got = ask(folder, policy(folder, key="11" * 32), text=text)
    row.check("an attester that the policy doesn't name is not asked", got.returncode == 4 and not got.stdout, got.stderr)
    got = ask(folder, policy(folder, manifest="22" * 32), text=text)
    row.check("another manifest is not asked", got.returncode == 4 and not got.stdout, got.stderr)
    got = ask(folder, policy(folder), token="somebody else's", text=text)
    row.check("a token of nobody is refused", got.returncode == 4 and "401" in got.stderr, got.stderr)
    got = ask(folder, policy(folder), text='{"inputs": [{"name": "input"}]}')
    row.check("a question that is none is refused", got.returncode == 2 and "400" in got.stderr, got.stderr)
    got = ask(folder, policy(folder), text=text.replace('"state"', '"other"'))
    row.check("inputs that the model doesn't have are refused", got.returncode == 2 and "400" in got.stderr, got.stderr)


def check_traces(row, folder, server):
    """A mark in a question comes back in the answer, and stands nowhere else that the worker writes."""
    mark = "canary-4f1b-of-acme"
    got = ask(folder, policy(folder), text=json.dumps({**questions()[0], "id": mark}))
    ask(folder, policy(folder), text=json.dumps({"id": mark, "inputs": [mark]}))
    row.check("the answer has the question's id", got.returncode == 0 and mark in got.stdout, got.stderr)
    files = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    left = [str(path) for path in (run.folder / "home").rglob("*")]
    row.check("the library keeps nothing in a home: its telemetry is off", not left, str(left))
    row.check("nothing of a question is logged or left in a file", mark not in server.output() and mark.encode() not in files)


def check_peer(row, folder, expected):
    got = subprocess.run([peer_python, pathlib.Path(__file__).parent / "inference_peer/client.py", folder / "worker.sock", MODEL, TOKEN],
                         input=json.dumps(questions()[1]), capture_output=True, text=True, check=False, timeout=60,
                         env=run.environment())
    said = json.loads(got.stdout) if got.returncode == 0 else {}
    row.check("its sealed question is answered with the same numbers",
              said.get("status") == 200 and outputs_of(said["answer"]) == expected[1], got.stdout[:500] + got.stderr)
    row.check("the answer ends with a receipt", said.get("receipt"), got.stdout[:500])
    row.check("the same bytes once more are refused", said.get("again") == 400, got.stdout[:500])


def gateway(folder, port):
    """nginx before the worker, writing down every request and every answer as it sees them."""
    config = run.folder / "nginx.conf"
    config.write_text(f"""user root;
daemon off; master_process off; pid {run.folder}/nginx.pid; error_log {run.folder}/nginx.log;
events {{}}
http {{
  access_log off; client_body_temp_path {run.folder}/bodies; proxy_temp_path {run.folder}/answers;
  client_body_in_file_only on;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://unix:{folder}/worker.sock; proxy_store {run.folder}/kept$uri; proxy_store_access user:rw; }}
  }}
}}
""")
    return ["nginx", "-p", run.folder, "-c", config]


def check_gateway(row, folder, expected):
    port = interop.free_port()
    with run.server(gateway(folder, port), ready=("127.0.0.1", port)):
        mark = "canary-9c27-of-acme"
        got = ask(folder, policy(folder), text=json.dumps({**questions()[1], "id": mark}), worker=f"http://127.0.0.1:{port}")
        row.check("a question through it is answered with the same numbers",
                  got.returncode == 0 and outputs_of(got.stdout) == expected[1] and mark in got.stdout, got.stderr)
    bodies = [path.read_bytes() for path in (run.folder / "bodies").rglob("*") if path.is_file()]
    row.check("it saw the question", len(bodies) == 1 and len(bodies[0]) > 1000, str(len(bodies)))
    kept = b"".join(bodies + [path.read_bytes() for path in (run.folder / "kept").rglob("*") if path.is_file()])
    row.check("it read neither question, answer nor token",
              not any(text in kept for text in (mark.encode(), TOKEN.encode(), b"datatype", b"outputs")))


def sha256(path):
    return subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]


def main():
    got = subprocess.run([plain_python, "-c", PLAIN, MODEL_FILE], input=json.dumps(questions()), capture_output=True, text=True,
                         check=False, timeout=60, env=run.environment(ORT_DISABLE_TELEMETRY="1"))
    if got.returncode:
        raise RuntimeError(got.stderr)
    expected = [[single(tensor) for tensor in answer] for answer in json.loads(got.stdout)]
    folder = run.folder / "worker"
    folder.mkdir()
    command = [run.build / "tests/inference_worker", folder, LIBRARY, MODEL_FILE, MODEL, TOKEN]
    with run.server(command, ready=folder / "worker.sock") as server:
        with run.row("client", "onnxruntime", against="confidential inference", version=RUNTIME) as row:
            check_ours(row, folder, expected)
            check_refusals(row, folder)
            check_traces(row, folder, server)
        with run.row("client", "pyhpke", against="confidential inference", version=PYHPKE) as row:
            check_peer(row, folder, expected)
        with run.row("client", "nginx as a gateway", against="confidential inference", version=NGINX) as row:
            run.debian("nginx", "nginx-light")
            check_gateway(row, folder, expected)
    run.finish()


main()
