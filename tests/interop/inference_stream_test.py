#!/usr/bin/env python3
"""Answers that stream from the stack under most servers of language models: uvicorn and Starlette on a Unix socket.

A worker of ours asks it, and `cloister ask --stream` prints what it says: each event before the next is made, however
the events are cut into writes, in full when there are many, and refused as incomplete when it breaks off.
"""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lib import interop  # noqa: E402

UVICORN, STARLETTE = "0.54.0", "1.10.0"
TOKEN, MODEL = "a-token-of-acme", "llm"
CLOISTER = os.environ["CLOISTER"]

run = interop.Run("inference_stream")
if len(pathlib.Path("/proc/swaps").read_text().splitlines()) > 1:
    raise interop.Absent("this machine swaps, and a worker doesn't lock itself down where it may be swapped out")
peer_python = run.pip(f"uvicorn=={UVICORN}", f"starlette=={STARLETTE}")

SERVER = """
import asyncio, json, pathlib, sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

folder = pathlib.Path(sys.argv[1])


async def events(asked):
    if asked["do"] == "many":
        for i in range(2000):
            yield f"data: {json.dumps({'delta': 'tok' + str(i)})}\\n\\n"
    elif asked["do"] == "letters":
        for letter in "data: one letter at a time \\u00e4\\u00f6\\u00fc\\n\\n":
            yield letter
    elif asked["do"] == "break":
        yield "data: one\\n\\n"
        raise RuntimeError("out of memory")
    else:
        yield "data: one\\n\\n"
        while not (folder / "go").exists():
            await asyncio.sleep(0.02)
        yield "data: [DONE]\\n\\n"


async def completions(request):
    asked = await request.json()
    if not asked.get("stream"):
        return JSONResponse({"said": asked["do"]})
    if asked["do"] == "refuse":
        return JSONResponse({"error": "too many tokens"}, status_code=400)
    return StreamingResponse(events(asked), media_type="text/event-stream")


uvicorn.run(Starlette(routes=[Route("/v1/chat/completions", completions, methods=["POST"])]), uds=str(folder / "engine.sock"),
            log_level="critical")
"""


def policy(folder):
    path = run.folder / "policy.toml"
    path.write_text(f"""version = 1
id = "workers"
not_after = "never"
insecure_software_keys = ["{(folder / "key").read_text()}"]
[[release]]
name = "llm"
tenant = "acme"
environment = "none"
dataset = "prompts"
purpose = "infer"
role = "infer"
manifest = "{(folder / "manifest").read_text()}"
assurance = "insecure_software"
platform = "insecure_software"
product = "any"
chip = "any"
measurement = "{(folder / "measurement").read_text()}"
lease_seconds = 3600
""")
    return path


def command(folder, *more):
    token_file = run.folder / "token"
    token_file.write_text(TOKEN + "\n")
    token_file.chmod(0o600)
    return [str(word) for word in (CLOISTER, "ask", "--worker", f"unix:{folder}/worker.sock", "--policy", policy(folder), "--dataset",
                                   "acme/prompts", "--model", MODEL, "--token-file", token_file, *more, "-")]


def environment():
    return run.environment(CLOISTER_HOME=run.folder / "no-home")


def ask(folder, text, *more):
    return subprocess.run(command(folder, *more), input=text, capture_output=True, text=True, check=False, timeout=60, env=environment())


def check_in_time(row, folder, engine):
    with subprocess.Popen(command(folder, "--stream"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment()) as asking:
        asking.stdin.write('{"do": "wait", "stream": true}')
        asking.stdin.close()
        first = asking.stdout.readline()
        (engine / "go").touch()
        rest = asking.stdout.read()
        row.check("an event is there before the next is made", first == "data: one\n" and rest == "\ndata: [DONE]\n\n", first + rest)
        row.check("and the end is signed for", asking.wait(60) == 0, asking.stderr.read())


def check(row, folder, engine):
    check_in_time(row, folder, engine)
    got = ask(folder, '{"do": "letters", "stream": true}', "--stream")
    row.check("letters that come one by one", got.returncode == 0 and got.stdout == "data: one letter at a time äöü\n\n", got.stdout + got.stderr)
    got = ask(folder, '{"do": "many", "stream": true}', "--stream")
    row.check("two thousand events, in order and all of them",
              got.returncode == 0 and got.stdout == "".join(f'data: {{"delta": "tok{i}"}}\n\n' for i in range(2000)), got.stderr)
    got = ask(folder, '{"do": "many", "stream": true}')
    row.check("the same without --stream", got.returncode == 0 and got.stdout.count("data: ") == 2000, got.stderr)
    got = ask(folder, '{"do": "hello"}', "--stream")
    row.check("an answer with a length", got.returncode == 0 and got.stdout == '{"said":"hello"}', got.stdout + got.stderr)
    got = ask(folder, '{"do": "break", "stream": true}', "--stream")
    row.check("what breaks off is incomplete", got.returncode == 11 and "data: one" in got.stdout and "incomplete" in got.stderr,
              got.stdout + got.stderr)
    got = ask(folder, '{"do": "refuse", "stream": true}', "--stream")
    row.check("its refusal is told, and isn't a success", got.returncode == 2 and "400" in got.stderr, got.stdout + got.stderr)


def main():
    folder, engine = run.folder / "worker", run.folder / "engine"
    folder.mkdir()
    engine.mkdir()
    model = run.folder / "model"
    model.write_bytes(b"weights")
    socket = engine / "engine.sock"
    worker = [run.build / "tests/inference_worker", folder, f"unix:{socket}", model, MODEL, TOKEN]
    with run.row("client", "uvicorn", against="confidential inference", version=UVICORN) as row:
        with run.server([peer_python, "-c", SERVER, engine], ready=socket), run.server(worker, ready=folder / "worker.sock"):
            check(row, folder, engine)
    run.finish()


main()
