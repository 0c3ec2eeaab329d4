#!/usr/bin/env python3
"""What the tests of interoperability stand on: a failing check fails, a skip is counted, what isn't there is 77, nothing stays."""
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
LISTENER = "import socket,sys,time\ns = socket.create_server(('127.0.0.1', int(sys.argv[1])))\nwhile True: s.accept()[0].sendall(b'hello')\n"

# What the installers say where there is no registry, or where it gives nothing; and where it has no such version.
UNREACHABLE = (
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<HTTPConnection>: Failed to establish a new "
    "connection: [Errno 111] Connection refused')': /simple/attrs/\nERROR: No matching distribution found for attrs==25.3.0",
    "npm error code ECONNREFUSED\nnpm error FetchError: request to https://registry.test/left-pad failed",
    "npm error code EAI_AGAIN",
    "go: example.org/x@v1.0.0: Get \"https://registry.test/x/@v/v1.0.0.info\": dial tcp 192.0.2.1:443: connect: connection refused",
    "go: example.org/x@v1.0.0: reading https://registry.test/x/@v/v1.0.0.info: 403 Forbidden",
    "[ERROR] transfer failed for https://registry.test/a.pom: Connect to registry.test:443 [/192.0.2.1] failed: Connection refused",
)
UNKNOWN = (
    "ERROR: Could not find a version that satisfies the requirement attrs==99 (from versions: 25.3.0)",
    "npm error code ETARGET\nnpm error notarget No matching version found for left-pad@99.3.0.",
    "go: example.org/x@v9.9.9: reading https://registry.test/x/@v/v9.9.9.info: 404 Not Found",
    "[ERROR] Unable to find/resolve artifact. Could not find artifact com.example:a:jar:99.0 in central (https://registry.test/maven2)",
)


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="cloister-lib-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def script(self, text, **environment):
        """Runs a test of interoperability; returns its status, what it said, and its results."""
        text = "from lib import interop\nimport os, sys, time, pathlib, socket\nrun = interop.Run('sample')\n" + textwrap.dedent(text)
        settings = {"PYTHONPATH": str(HERE), "BUILD_DIR": str(self.folder), "CLOISTER_INTEROP_CACHE": str(self.folder / "cache"),
                    "PYTHONDONTWRITEBYTECODE": "1", **environment}
        got = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, env={**os.environ, **settings},
                             check=False, timeout=120)
        return got.returncode, got.stdout + got.stderr, json.loads((self.folder / "interop/sample.json").read_text())


class Results(Case):
    def test_checks_that_pass_are_counted(self):
        status, said, results = self.script("""
            row = run.row("provider", "aws-kms", against="moto", version="5.1")
            row.check("wrap", True)
            row.skip("last usage", "moto doesn't have it")
            run.finish()""")
        self.assertEqual(status, 0, said)
        self.assertIn("1 passed, 0 failed, 1 skipped", said)
        self.assertTrue(results["finished"])
        self.assertEqual(results["rows"], [{"kind": "provider", "subject": "aws-kms", "against": "moto", "version": "5.1", "passed": ["wrap"],
                                            "failed": [], "skipped": [{"name": "last usage", "reason": "moto doesn't have it"}], "absent": None}])

    def test_a_failed_check_fails(self):
        status, said, results = self.script("""
            row = run.row("client", "boto3", against="aws-kms dialect", version=1)
            row.check("encrypt", True)
            row.check("decrypt", False, "what came instead")
            run.finish()""")
        self.assertEqual(status, 1)
        self.assertIn("what came instead", said)
        self.assertEqual(results["rows"][0]["failed"], ["decrypt"])

    def test_an_exception_in_a_row_fails_that_row_alone(self):
        status, said, results = self.script("""
            with run.row("client", "one", against="x", version=1) as row:
                row.check("starts", True)
                raise KeyError("lost")
            with run.row("client", "two", against="x", version=1) as row:
                row.check("starts", True)
            run.finish()""")
        self.assertEqual(status, 1)
        self.assertIn("lost", said)
        self.assertEqual([row["failed"] for row in results["rows"]], [["runs to its end"], []])

    def test_an_exception_outside_leaves_results_unfinished(self):
        status, _, results = self.script("raise KeyError('lost')")
        self.assertEqual(status, 1)
        self.assertFalse(results["finished"])

    def test_a_test_without_a_check_is_skipped(self):
        status, _, _ = self.script("run.row('client', 'x', against='y', version=1).skip('all of it', 'not there')\nrun.finish()")
        self.assertEqual(status, 77)

    def test_a_row_without_a_check_fails(self):
        status, _, _ = self.script("run.row('client', 'x', against='y', version=1)\nrun.finish()")
        self.assertEqual(status, 1)

    def test_the_same_name_twice_fails(self):
        status, _, _ = self.script("""
            with run.row("client", "x", against="y", version=1) as row:
                row.check("a", True)
                row.check("a", True)
            run.finish()""")
        self.assertEqual(status, 1)


class Absence(Case):
    def test_what_is_absent_outside_of_rows_ends_the_test_with_77(self):
        status, said, results = self.script("run.debian('no-such-program', 'no-such-package')\nrun.finish()")
        self.assertEqual(status, 77, said)
        self.assertEqual(results["absent"], "no-such-package is not installed")

    def test_and_doesnt_hide_a_failure(self):
        status, _, _ = self.script("""
            run.row("client", "x", against="y", version=1).check("a", False)
            run.debian("no-such-program", "no-such-package")""")
        self.assertEqual(status, 1)

    def test_inside_a_row_it_ends_the_row(self):
        status, said, results = self.script("""
            with run.row("client", "x", against="y", version=1) as row:
                run.debian("no-such-program", "no-such-package")
                row.check("never", True)
            run.row("client", "z", against="y", version=1).check("a", True)
            run.finish()""")
        self.assertEqual(status, 0, said)
        self.assertIn("1 passed, 0 failed, 1 skipped", said)
        self.assertEqual(results["rows"][0]["absent"], "no-such-package is not installed")
        self.assertIsNone(results["absent"])

    def test_unreachable_registry_is_absent(self):
        for said_there in UNREACHABLE:
            status, said, results = self.script(f"""
                from lib import install
                run._install(install.call, "x", ["sh", "-c", 'echo "$0" >&2; exit 1', {said_there!r}])""")
            self.assertEqual(status, 77, said)
            self.assertEqual(results["absent"], "x: its registry is out of reach")
            self.assertNotIn("registry.test", said)

    def test_a_version_that_doesnt_exist_is_a_failure(self):
        for said_there in UNKNOWN:
            status, said, results = self.script(f"""
                from lib import install
                run._install(install.call, "x", ["sh", "-c", 'echo "$0" >&2; exit 1', {said_there!r}])""")
            self.assertEqual(status, 1, said)
            self.assertIn("install x:", said)
            self.assertFalse(results["finished"])

    def test_too_old_a_runtime_is_absent(self):
        programs = self.folder / "programs"
        programs.mkdir()
        (programs / "go").write_text("#!/bin/sh\necho go version go1.19.8 linux/amd64\n")
        (programs / "go").chmod(0o755)
        status, _, results = self.script("run.go_install('example.org/x@v1.0.0', go='1.24')", PATH=f"{programs}:{os.environ['PATH']}")
        self.assertEqual(status, 77)
        self.assertEqual(results["absent"], "Go 1.24 is needed, and 1.19.8 is here")


class Installation(Case):
    def test_two_at_once_install_once_and_a_half_one_is_begun_anew(self):
        program = """
            from lib import install
            with install.folder_for("sample", "x==1") as (folder, whole):
                if not whole:
                    assert not (folder / "half").exists()
                    (folder / "half").write_text("")
                    if os.environ.get("DIES"): os._exit(9)
                    time.sleep(0.3)
                    with open(os.environ["COUNT"], "a") as count: count.write("i")
            run.row("client", "x", against="y", version=1).check("a", True)
            run.finish()"""
        count = self.folder / "count"
        status, _, _ = self.script(program, COUNT=str(count), DIES="1")
        self.assertEqual(status, 9)
        text = "from lib import interop\nimport os, time\nrun = interop.Run('sample')\n" + textwrap.dedent(program)
        settings = {**os.environ, "PYTHONPATH": str(HERE), "BUILD_DIR": str(self.folder), "COUNT": str(count),
                    "CLOISTER_INTEROP_CACHE": str(self.folder / "cache")}
        both = [subprocess.Popen([sys.executable, "-c", text], env=settings, stdout=subprocess.DEVNULL) for _ in range(2)]
        self.assertEqual([process.wait(60) for process in both], [0, 0])
        self.assertEqual(count.read_text(), "i")


class Prefetch(unittest.TestCase):
    def test_finds_what_is_written_out_and_leaves_the_rest(self):
        loader = importlib.machinery.SourceFileLoader("prefetch", str(HERE / "prefetch"))
        prefetch = importlib.util.module_from_spec(importlib.util.spec_from_loader("prefetch", loader))
        loader.exec_module(prefetch)
        found = list(prefetch.asked_for(textwrap.dedent("""
            VERSION = "5.1.0"
            SPECS = ("a==1", f"moto[server]=={VERSION}")
            def main():
                run.pip(*SPECS)
                with run.row("client", "x", against="y", version=VERSION): run.go_install(f"example.org/x@v{VERSION}", go="1.24")
                run.npm(chosen_later)
                run.server(["pip"])""")))
        self.assertEqual(found, [("pip", ["a==1", "moto[server]==5.1.0"], {}),
                                 ("go_install", ["example.org/x@v5.1.0"], {"go": "1.24", "tags": ""})])


class Servers(Case):
    SERVE = f"argv = [sys.executable, '-c', {LISTENER!r}]\nport = interop.free_port()\nready = ('127.0.0.1', port)\n"

    def gone(self, pid):
        for _ in range(100):
            if not pathlib.Path(f"/proc/{pid}").exists():
                return True
            time.sleep(0.05)
        return False

    def test_a_server_is_waited_for_and_killed_with_its_children(self):
        status, said, _ = self.script(self.SERVE + textwrap.dedent("""
            argv = ["sh", "-c", 'sleep 600 & echo $! > child; sleep 0.3; exec "$@"', "sh", *argv, port]
            row = run.row("client", "x", against="y", version=1)
            with run.server(argv, ready, folder=os.environ["BUILD_DIR"]) as process:
                with socket.create_connection(ready) as client: row.check("answers", client.recv(5) == b"hello")
                pathlib.Path(os.environ["BUILD_DIR"], "pid").write_text(str(process.pid))
            run.finish()"""))
        self.assertEqual(status, 0, said)
        for name in ("pid", "child"):
            self.assertTrue(self.gone((self.folder / name).read_text().strip()), name)

    def test_a_server_dies_with_a_test_that_is_killed(self):
        self.script(self.SERVE + textwrap.dedent("""
            with run.server([*argv, port], ready) as process:
                pathlib.Path(os.environ["BUILD_DIR"], "pid").write_text(str(process.pid))
                os.kill(os.getpid(), 9)"""))
        self.assertTrue(self.gone((self.folder / "pid").read_text()))

    def test_a_server_that_ends_early_says_why(self):
        status, said, results = self.script(self.SERVE + textwrap.dedent("""
            with run.row("client", "x", against="y", version=1):
                with run.server(["sh", "-c", "echo no configuration; exit 3"], ready): pass
            run.finish()"""))
        self.assertEqual(status, 1)
        self.assertIn("no configuration", said)
        self.assertEqual(results["rows"][0]["failed"], ["runs to its end"])

    def test_in_a_namespace_it_is_reached_through_loopback_alone(self):
        everywhere = LISTENER.replace("127.0.0.1", "0.0.0.0")
        status, said, results = self.script(f"everywhere = {everywhere!r}\n" + self.SERVE + textwrap.dedent("""
            with run.row("client", "x", against="y", version=1) as row:
                with run.server([sys.executable, "-c", everywhere, port], ready, in_namespace=True) as process:
                    pathlib.Path(os.environ["BUILD_DIR"], "pid").write_text(str(process.pid))
                    with socket.create_connection(ready) as client: row.check("answers", client.recv(5) == b"hello")
                    listening = [line.split()[1] for line in open("/proc/net/tcp") if line.split()[1].endswith(":%04X" % port)]
                    row.check("on loopback", set(listening) == {"0100007F:%04X" % port}, listening)
            run.finish()"""))
        if results["rows"][0]["absent"]:
            self.skipTest(results["rows"][0]["absent"])
        self.assertEqual(status, 0, said)
        self.assertTrue(self.gone((self.folder / "pid").read_text()))

    def test_nothing_of_the_user_reaches_a_server(self):
        _, said, _ = self.script("print(sorted(run.environment(X=1).items()))", AWS_SECRET_ACCESS_KEY="private", HTTPS_PROXY="http://p:1",
                                 LD_LIBRARY_PATH="/x")
        for word in ("private", "http://p:1", "LD_LIBRARY_PATH"):
            self.assertNotIn(word, said)
        self.assertIn("('X', '1')", said)

    def test_ports_are_given_once(self):
        _, said, _ = self.script("print(len({interop.free_port() for _ in range(200)}))")
        self.assertIn("200", said)

    def test_a_port_that_is_taken_isnt_given(self):
        _, said, _ = self.script("""
            from lib import processes
            with socket.create_server(("127.0.0.1", 0)) as taken:
                processes.PORTS = (taken.getsockname()[1], taken.getsockname()[1] + 1)
                try: interop.free_port()
                except RuntimeError as error: print(error)""")
        self.assertIn("no free port", said)


if __name__ == "__main__":
    unittest.main()
