#!/usr/bin/env python3
"""tools/interop-table: every pair is in the table or has its reason, and nothing is claimed that wasn't found."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parent.parent.parent / "tools/interop-table"
PLAN = """
[[provider]]
name = "aws-kms"
protocol = "AWS KMS"
[[server]]
name = "moto, as a root"
protocol = "AWS KMS"
[[server]]
name = "lowkey-vault"
protocol = "Azure Key Vault"
[[client]]
name = "AWS CLI"
protocol = "AWS KMS"
[[dialect]]
name = "aws-kms dialect"
protocol = "AWS KMS"
"""


def row(kind, subject, against, version, passed=("wrap", "unwrap"), failed=(), skipped=(), absent=None):
    return {"kind": kind, "subject": subject, "against": against, "version": version, "passed": list(passed), "failed": list(failed),
            "skipped": [{"name": name, "reason": reason} for name, reason in skipped], "absent": absent}


class Table(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="cloister-table-")
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name)
        for folder in ("docs", "tests/interop", "build/interop"):
            (self.root / folder).mkdir(parents=True)
        for name in ("servers", "clients"):
            (self.root / f"tests/interop/{name}_test.py").write_text("")
        self.page = self.root / "docs/interop.md"
        self.plan(PLAN)
        self.servers(row("provider", "aws-kms", "moto, as a root", "5.1.0", skipped=[("last usage: of a key", "moto doesn't have it")]))
        self.clients(row("client", "AWS CLI", "aws-kms dialect", "1.40.1"))

    def plan(self, text):
        (self.root / "tests/interop/table.toml").write_text(text)

    def results(self, name, rows, finished=True, absent=None):
        text = json.dumps({"name": name, "finished": finished, "absent": absent, "rows": rows})
        (self.root / f"build/interop/{name}.json").write_text(text)

    def servers(self, *rows, **more):
        self.results("servers", rows, **more)

    def clients(self, *rows, **more):
        self.results("clients", rows, **more)

    def run_tool(self, *arguments):
        environment = {**os.environ, "SOURCE_DIR": str(self.root), "BUILD_DIR": str(self.root / "build")}
        got = subprocess.run([TOOL, *arguments], capture_output=True, text=True, env=environment, check=False)
        return got.returncode, got.stdout + got.stderr

    def write(self):
        status, said = self.run_tool()
        self.assertEqual(status, 0, said)

    def assert_checks(self):
        status, said = self.run_tool("--check")
        self.assertEqual(status, 0, said)

    def assert_refused(self, why, check=True):
        status, said = self.run_tool(*(["--check"] if check else []))
        self.assertEqual(status, 1, said)
        self.assertIn(why, said)

    def test_written_table_is_what_was_found(self):
        self.write()
        text = self.page.read_text()
        self.assertIn("| aws-kms | AWS KMS | 2 passed, 1 skipped | n/a |", text)
        self.assertIn("| AWS CLI 1.40.1 | AWS KMS | 2 passed |", text)
        self.assertIn("moto, as a root 5.1.0", text)
        self.assertIn("- **last usage: of a key**: moto doesn't have it.", text)
        self.assert_checks()
        self.write()
        self.assertEqual(self.page.read_text(), text)

    def test_row_that_ran_and_is_missing_in_the_table(self):
        self.write()
        self.clients(row("client", "AWS CLI", "aws-kms dialect", "1.40.2"))
        self.assert_refused("lacks AWS CLI against aws-kms dialect 1.40.2")

    def test_claim_of_a_check_that_wasnt_made(self):
        self.write()
        self.page.write_text(self.page.read_text().replace("Passed: wrap; unwrap.", "Passed: wrap; unwrap; rotate."))
        self.assert_refused("something else of aws-kms against moto, as a root")

    def test_claim_in_the_matrix_alone(self):
        self.write()
        self.page.write_text(self.page.read_text().replace("2 passed, 1 skipped", "3 passed"))
        self.assert_refused("isn't what the tests found")

    def test_claim_of_a_pair_that_failed(self):
        self.write()
        self.servers(row("provider", "aws-kms", "moto, as a root", "5.1.0", passed=["wrap"], failed=["unwrap"]))
        self.assert_refused("failed: unwrap")
        self.assert_refused("failed: unwrap", check=False)

    def test_claim_of_a_pair_no_test_tries_any_more(self):
        self.write()
        self.servers(row("provider", "aws-kms", "moto, as a root", "5.2.0", skipped=[("last usage: of a key", "moto doesn't have it")]))
        self.assert_refused("claims aws-kms against moto, as a root 5.1.0")

    def test_pair_without_a_result(self):
        self.servers()
        self.assert_refused("aws-kms against moto, as a root was not tried", check=False)

    def test_pair_declared_not_applicable(self):
        self.servers()
        self.plan(PLAN + '[[not_applicable]]\nsubject = "aws-kms"\nagainst = "moto, as a root"\nreason = "moto is a cat"\n')
        self.write()
        self.assertIn("| n/a: moto is a cat |", self.page.read_text())

    def test_row_that_the_plan_doesnt_name(self):
        self.clients(row("client", "AWS CLI", "aws-kms dialect", "1.40.1"), row("client", "curl", "aws-kms dialect", "8"))
        self.assert_refused("doesn't name curl", check=False)

    def test_what_cant_be_tried_here_keeps_what_was_written(self):
        self.write()
        text = self.page.read_text()
        self.servers(absent="the registry is out of reach")
        self.clients(row("client", "AWS CLI", "aws-kms dialect", "1.40.1", passed=(), absent="python3-venv is not installed"))
        self.assert_checks()
        self.write()
        self.assertEqual(self.page.read_text(), text)

    def test_what_was_never_tried_says_so(self):
        self.clients(row("client", "AWS CLI", "aws-kms dialect", "1.40.1", passed=(), absent="Node.js 20 is needed"))
        self.write()
        self.assertIn("| not tried: Node.js 20 is needed |", self.page.read_text())
        self.assert_checks()
        self.clients(row("client", "AWS CLI", "aws-kms dialect", "1.40.1"))
        self.assert_refused("something else of AWS CLI")

    def test_test_that_didnt_end(self):
        self.write()
        self.servers(finished=False)
        self.assert_refused("didn't come to its end")

    def test_one_pair_from_two_tests(self):
        self.clients(row("client", "AWS CLI", "aws-kms dialect", "1.40.1"), row("provider", "aws-kms", "moto, as a root", "5.1.0"))
        self.assert_refused("is also a row of", check=False)

    def test_results_of_a_test_that_is_no_more(self):
        self.write()
        self.results("gone", [row("client", "curl", "aws-kms dialect", "8")])
        self.assert_checks()

    def test_without_results_it_is_skipped(self):
        for path in (self.root / "build/interop").iterdir():
            path.unlink()
        status, _ = self.run_tool("--check")
        self.assertEqual(status, 77)


if __name__ == "__main__":
    unittest.main()
