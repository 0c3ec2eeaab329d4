"""One test of interoperability: what it installed, which servers it started, and what came of each pair it tried.

    run = interop.Run("aws_kms_servers")
    python = run.pip("moto[server]==5.1.0")
    port = interop.free_port()
    with run.server([python, "-m", "moto.server", "-p", str(port)], ready=("127.0.0.1", port)):
        with run.row("provider", "aws-kms", against="moto", version="5.1.0") as row:
            row.check("wrap and unwrap", ok, detail)
            row.skip("GetKeyLastUsage", "moto doesn't have it")
    run.finish()

A check that fails fails the test. What can't be tried on this machine (no such runtime, registry out of reach) is an
Absent: inside a row it ends that row, which counts as skipped; outside of all rows it ends the test with status 77.
"""
import atexit
import json
import os
import pathlib
import shutil
import sys
import tempfile
import traceback

from . import install, processes
from .absent import Absent
from .processes import free_port

__all__ = ["Absent", "Run", "free_port"]

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent.parent
KINDS = ("provider", "client")
# Nothing of whoever runs the tests reaches the software under test.
PRIVATE = ("AWS_", "AZURE_", "GOOGLE_", "GCLOUD_", "CLOUDSDK_", "VAULT_", "BAO_", "KUBE", "PYKMIP_")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Row:
    """One pair: a provider of ours against a server of theirs, or a client of theirs against a dialect of ours.

    As a context: an Absent inside makes the whole row skipped, any other exception makes it failed, and the test goes on.
    """

    def __init__(self, run, kind, subject, against, version):
        if kind not in KINDS:
            raise ValueError(f"a row is one of {KINDS}")
        self.run = run
        self.kind, self.subject, self.against, self.version = kind, subject, against, version
        self.passed, self.failed, self.skipped, self.absent = [], [], [], None

    def check(self, name, good, detail=""):
        """Counts a check, and says whether it was good. The detail is shown where it wasn't."""
        self._name_once(name)
        if good:
            self.passed.append(name)
        else:
            self.failed.append(name)
        shown = f"\n  {detail}" if detail and not good else ""
        print(f"{'ok' if good else 'FAILED'}: {self._title()}: {name}{shown}", flush=True)
        return bool(good)

    def skip(self, name, reason):
        """What the other side can't do, on any machine. It stands in the table with its reason."""
        self._name_once(name)
        if not reason:
            raise ValueError("a skip needs its reason")
        self.skipped.append({"name": name, "reason": reason})
        print(f"skipped: {self._title()}: {name}: {reason}", flush=True)

    def __enter__(self):
        self.run.inside = self
        return self

    def __exit__(self, kind, error, trace):
        self.run.inside = None
        if isinstance(error, Absent):
            self.absent = str(error.reason)
            print(f"skipped: {self._title()}: {self.absent}", flush=True)
            return True
        if error is not None and isinstance(error, Exception):
            self.check("runs to its end", False, "".join(traceback.format_exception(kind, error, trace)))
            return True
        return False

    def _name_once(self, name):
        if name in self.passed or name in self.failed or name in [skip["name"] for skip in self.skipped]:
            raise ValueError(f"two checks of one row are named {name}")

    def _title(self):
        return f"{self.subject} against {self.against}"


class Run:
    """A test. Its results are in BUILD_DIR/interop/NAME.json after finish(); until then the file says it isn't finished."""

    def __init__(self, name):
        self.name = name
        self.rows = []
        self.inside = None  # the row whose context this is
        self.absent = None
        self.build = pathlib.Path(os.environ.get("BUILD_DIR", SOURCE / "build/dev"))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"cloister-{name}-"))
        (self.folder / "home").mkdir()
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self._write(finished=False)

    # Other people's software. Each is pinned by its caller, installed once per machine, and raises Absent where that
    # can't be done here; a version that doesn't exist is a failure.

    def pip(self, *specs):
        """The python of a virtual environment that has these packages."""
        return self._install(install.pip, *specs)

    def npm(self, *specs, node=18):
        """A folder with node_modules of these packages, installed without their scripts. Needs that Node.js or newer."""
        return self._install(install.npm, *specs, node=node)

    def node(self, least=18):
        """The path of Node.js."""
        return self._install(install.node, least)

    def go_install(self, spec, go="1.19", tags=""):
        """The program of a Go package, `module/package@version`. Needs that Go or newer."""
        return self._install(install.go_install, spec, go=go, tags=tags)

    def go_build(self, folder, go="1.19", tags=""):
        """The program of a Go module that lies in tests/interop/FOLDER, with its go.mod and go.sum."""
        return self._install(install.go_build, SOURCE / "tests/interop" / folder, go=go, tags=tags)

    def cargo_build(self, folder, least="1.85"):
        """The program of a Rust package of that name that lies in tests/interop/FOLDER."""
        return self._install(install.cargo_build, SOURCE / "tests/interop" / folder, least=least)

    def maven(self, spec, java=17):
        """The file of an artifact, `group:artifact:version[:packaging[:classifier]]`. Needs that Java or newer."""
        return self._install(install.maven, spec, java=java)

    def debian(self, program, package):
        """The path of a program of a Debian package; Absent where it isn't there."""
        path = shutil.which(program)
        if path is None:
            self._absent(Absent(f"{package} is not installed"))
        return path

    def environment(self, **more):
        """For a program of theirs: nothing of the user's accounts, proxies or libraries, and an empty home."""
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(PRIVATE) and name.lower() not in PROXIES and name != "LD_LIBRARY_PATH"}
        kept.update(HOME=str(self.folder / "home"), PYTHONDONTWRITEBYTECODE="1")
        kept.update({name: str(value) for name, value in more.items()})
        return kept

    def server(self, argv, ready, environment=None, in_namespace=False, patience=60, folder=None):
        """Starts a server and waits until it is ready: an address to connect to, a path that appears, or a function.

        A context; inside, it is the process (`.output()` is what it said). At the end it is killed with all its children.
        in_namespace: it runs in a network namespace of its own, and the loopback port of `ready` leads there; for
        servers that would listen on all interfaces. Absent where the system allows no namespaces.
        """
        try:
            return processes.Server(self.folder, [str(part) for part in argv], ready, environment or self.environment(),
                                    in_namespace, patience, folder)
        except Absent as absent:
            self._absent(absent)

    def row(self, kind, subject, against, version):
        """The row of this pair. `version` is the other side's: the server's for a provider, the client's for a client."""
        for row in self.rows:
            if (row.kind, row.subject, row.against, row.version) == (kind, subject, against, version):
                return row
        self.rows.append(Row(self, kind, subject, against, str(version)))
        return self.rows[-1]

    def counts(self):
        passed = sum(len(row.passed) for row in self.rows)
        failed = sum(len(row.failed) for row in self.rows)
        skipped = sum(len(row.skipped) + bool(row.absent) for row in self.rows)
        return passed, failed, skipped

    def finish(self):
        """Writes the results, says how many there are, and ends the process: 0, 1 where a check failed, 77 without any."""
        for row in self.rows:
            if not (row.passed or row.failed or row.skipped or row.absent):
                row.check("has a check", False)
        passed, failed, skipped = self.counts()
        self._write(finished=True)
        print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
        sys.exit(1 if failed else 0 if passed else 77)

    def _install(self, how, *arguments, **options):
        try:
            return how(*arguments, **options)
        except Absent as absent:
            self._absent(absent)

    def _absent(self, absent):
        if self.inside is None:
            self.absent = absent.reason
            self._write(finished=True)
            print(f"skipped: {absent.reason}", flush=True)
            if self.counts()[1]:
                sys.exit(1)
        raise absent

    def _write(self, finished):
        folder = self.build / "interop"
        folder.mkdir(parents=True, exist_ok=True)
        fields = ("kind", "subject", "against", "version", "passed", "failed", "skipped", "absent")
        text = json.dumps({"name": self.name, "finished": finished, "absent": self.absent,
                           "rows": [{field: getattr(row, field) for field in fields} for row in self.rows]}, indent=1)
        aside = folder / f"{self.name}.json.{os.getpid()}"
        aside.write_text(text + "\n")
        aside.replace(folder / f"{self.name}.json")
