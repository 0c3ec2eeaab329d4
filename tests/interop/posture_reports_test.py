#!/usr/bin/env python3
"""Reports of a posture, read by other people's programs: OSCAL and CycloneDX by their schemas, SARIF by Microsoft's
validator, OCSF by its schema, CSV by Python's reader, and the HTML page in Chromium.

The postures are tests/support/sample_posture.cc's, with names in them that try to be markup, commands and formulas.
"""
import csv
import gzip
import json
import os
import pathlib
import subprocess

from lib import interop

CYCLONEDX = "10.3.0"
SARIF = "5.7.0"
OCSF = "1.2.0"
PLAYWRIGHT = "1.65.1"
RUNS = ("before", "after")
SCHEMA = "oscal/oscal_ar_schema-1.2.1.json.gz"

OCSF_SCRIPT = """
import json, sys
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
check = Draft202012Validator(OcsfJsonSchemaEmbedded(get_ocsf_schema("1.5.0")).get_class_schema("compliance_finding", []))
wrong = [f"{error.json_path}: {error.message}" for line in open(sys.argv[1]) for error in check.iter_errors(json.loads(line))]
print(json.dumps(wrong[:20]))
"""


def reports(run):
    folder = run.folder / "reports"
    folder.mkdir()
    subprocess.run([run.build / "tests/posture_report_tool", folder], check=True)
    return folder


def answer(run, argv):
    got = subprocess.run([str(part) for part in argv], capture_output=True, text=True, check=False, env=run.environment())
    if got.returncode != 0:
        raise RuntimeError(got.stdout + got.stderr)
    return json.loads(got.stdout)


def try_oscal(run, folder):
    with run.row("provider", "posture reports", against="OSCAL schema (ajv)", version="1.2.1") as row:
        modules = run.npm("ajv@8.20.0", "ajv-formats@3.0.1", node=18) + "/node_modules"
        schema = run.folder / "oscal.json"
        schema.write_bytes(gzip.decompress((interop.SOURCE / "tests/interop" / SCHEMA).read_bytes()))
        script = interop.SOURCE / "tests/interop/posture_schemas.mjs"

        def wrong(document):
            return answer(run, [run.node(), script, modules, "oscal", document, schema])

        for name in RUNS:
            document = folder / f"{name}.oscal.json"
            found = wrong(document)
            row.check(f"{name}: valid", found == [], found)
            results = json.loads(document.read_text())["assessment-results"]["results"][0]
            uuids = [one["uuid"] for one in results["observations"]]
            row.check(f"{name}: observations have uuids of their own", len(uuids) == len(set(uuids)))
            named = {one["observation-uuid"] for kind in ("findings", "risks") for item in results[kind]
                     for one in item["related-observations"]}
            row.check(f"{name}: what findings and risks name is there", named <= set(uuids))
            states = {one["target"]["target-id"]: one["target"]["status"]["state"] for one in results["findings"]}
            silent = {prop["value"] for one in results["observations"] for prop in one["props"] if prop["name"] == "check-id"}
            row.check(f"{name}: every control is an observation", len(silent) == 60, len(silent))
            row.check(f"{name}: what could not be assessed is no finding", "TRN-03" not in states and "TRN-03" in silent, states)
        broken = run.folder / "broken.json"
        broken.write_text((folder / "after.oscal.json").read_text().replace('"satisfied"', '"fine"'))
        row.check("a state that isn't one is refused", wrong(broken) != [])


def try_cyclonedx(run, folder):
    with run.row("provider", "posture reports", against="@cyclonedx/cyclonedx-library", version=CYCLONEDX) as row:
        modules = run.npm("@cyclonedx/cyclonedx-library@10.3.0", "ajv@8.20.0", "ajv-formats@3.0.1", "ajv-formats-draft2019@1.6.1",
                          node=20) + "/node_modules"
        script = interop.SOURCE / "tests/interop/posture_schemas.mjs"
        for name in RUNS:
            document = folder / f"{name}.cdx.json"
            found = answer(run, [run.node(), script, modules, "cyclonedx", document])
            row.check(f"{name}: valid as 1.7", found == [], found)
            bom = json.loads(document.read_text())
            refs = [one["bom-ref"] for one in bom["components"]]
            row.check(f"{name}: refs are unique", len(refs) == len(set(refs)))
            named = {ref for one in bom["dependencies"] for ref in [one["ref"], *one["dependsOn"]]}
            row.check(f"{name}: what depends is there", named <= set(refs), named - set(refs))
        broken = run.folder / "broken.cdx.json"
        broken.write_text((folder / "after.cdx.json").read_text().replace('"primitive":"ae"', '"primitive":"aead"'))
        row.check("a primitive that isn't one is refused", answer(run, [run.node(), script, modules, "cyclonedx", broken]) != [])


def try_sarif(run, folder):
    with run.row("provider", "posture reports", against="sarif-multitool", version=SARIF) as row:
        program = run.npm("@microsoft/sarif-multitool-linux@5.7.0", node=18) + "/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"
        os.chmod(program, 0o755)

        def judged(document):
            """What the validator found: errors, and remarks. Of a document that it can't read it says nothing at all."""
            out = run.folder / "sarif-check.sarif"
            got = subprocess.run([program, "validate", document, "--output", out, "--log", "ForceOverwrite"], capture_output=True, text=True,
                                 check=False, env=run.environment(DOTNET_SYSTEM_GLOBALIZATION_INVARIANT="1"))
            if not out.exists():
                raise RuntimeError(got.stdout + got.stderr)
            results = json.loads(out.read_text(encoding="utf-8-sig"))["runs"][0].get("results", [])
            errors = [one["ruleId"] + ": " + json.dumps(one["message"]) for one in results if one.get("level") == "error"]
            return errors, len(results) - len(errors)

        for name in RUNS:
            errors, remarks = judged(folder / f"{name}.sarif")
            row.check(f"{name}: valid", errors == [], errors[:5])
            row.check(f"{name}: was read, as remarks about it show", remarks > 0)
        results = json.loads((folder / "before.sarif").read_text())["runs"][0]["results"]
        suppressed = [one for one in results if one.get("suppressions")]
        row.check("exceptions are suppressions with an expiry",
                  suppressed and all(one["kind"] == "fail" and one["suppressions"][0]["properties"]["expires"] for one in suppressed))
        row.check("what could not be assessed is open", any(one["kind"] == "open" and one["level"] == "none" for one in results))
        broken = run.folder / "broken.sarif"
        good = (folder / "after.sarif").read_text()
        broken.write_text(good.replace('"ruleIndex":3,', '"ruleIndex":999,'))
        row.check("a rule that isn't there is refused", judged(broken)[0] != [])
        broken.write_text(good.replace('"kind":"open"', '"kind":"opened"', 1))
        row.check("a kind that isn't one can't be read", judged(broken) == ([], 0))


def try_ocsf(run, folder):
    with run.row("provider", "posture reports", against="ocsf-json-schema", version=OCSF) as row:
        python = run.pip("ocsf-json-schema==1.2.0", "jsonschema==4.26.0")
        script = run.folder / "ocsf.py"
        script.write_text(OCSF_SCRIPT)
        for name in RUNS:
            found = answer(run, [python, script, folder / f"{name}.ocsf.jsonl"])
            row.check(f"{name}: every line is a Compliance Finding of 1.5.0", found == [], found)
        lines = [json.loads(line) for line in (folder / "before.ocsf.jsonl").read_text().splitlines()]
        row.check("a line for every verdict", len(lines) >= 60, len(lines))
        broken = run.folder / "broken.jsonl"
        broken.write_text(json.dumps({**lines[0], "severity_id": 42}) + "\n")
        row.check("a severity that isn't one is refused", answer(run, [python, script, broken]) != [])


def try_csv(run, folder):
    with run.row("provider", "posture reports", against="Python csv", version="3") as row:
        for name in ("verdicts", "controls", "facts", "exceptions", "mappings"):
            with open(folder / f"before.{name}.csv", newline="", encoding="utf-8") as file:
                rows = list(csv.reader(file, strict=True))
            row.check(f"{name}: as many cells in every row", len(rows) > 1 and len({len(one) for one in rows}) == 1)
            row.check(f"{name}: no formula", not [cell for one in rows for cell in one if cell[:1] in "=+-@" and cell])


def chromium_version(program):
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.split()
    return said[1] if len(said) > 1 else "unknown"


def try_page(run, folder):
    with run.row("provider", "posture reports", against="Chromium", version="Debian") as row:
        program = run.debian("chromium", "chromium")
        print(f"Chromium {chromium_version(program)}")
        modules = run.npm("playwright-core@1.65.1", node=18) + "/node_modules"
        for name in ("before", "both"):
            pictures = run.folder / f"{name}-pictures"
            pictures.mkdir()
            seen = answer(run, [run.node(), interop.SOURCE / "tests/interop/posture_page.mjs", modules, program, folder / f"{name}.html",
                                pictures])
            row.check(f"{name}: nothing said on the console", seen["said"] == [], seen["said"])
            row.check(f"{name}: nothing asked of the network", seen["asked"] == [] and seen["outside"] == 0, seen)
            row.check(f"{name}: hostile names stay text",
                      seen["dialogs"] == 0 and seen["images"] == 0 and seen["scripts"] == 1 and seen["handlers"] == 0, seen)
            row.check(f"{name}: every link leads somewhere", seen["dangling"] == [], seen["dangling"][:5])
            row.check(f"{name}: no anchor twice", seen["twice"] == [], seen["twice"][:5])
            row.check(f"{name}: verdicts lead to evidence", seen["evidence"] > 10 and seen["controls"] >= 60, seen)
            row.check(f"{name}: pictures have words", seen["unnamed"] == 0)
            row.check(f"{name}: as wide as the screen, a small one too", not seen["wide"] and not seen["wide_on_small"], seen)
            row.check(f"{name}: another page at night", seen["background"] != seen["background_at_night"])
            row.check(f"{name}: the filter finds", 0 < seen["filtered"] < seen["controls"], seen)
            row.check(f"{name}: prints", seen["pages"] > 3 and pathlib.Path(pictures / "report.pdf").stat().st_size > 10000, seen)


def main():
    run = interop.Run("posture_reports")
    folder = reports(run)
    for attempt in (try_oscal, try_cyclonedx, try_sarif, try_ocsf, try_csv, try_page):
        attempt(run, folder)
    run.finish()


if __name__ == "__main__":
    main()
