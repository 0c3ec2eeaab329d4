#!/usr/bin/env python3
"""What `cloister mesh write` writes for Istio and Linkerd, read by another reader of YAML and held against the schemas that
others publish of Istio's, the Gateway API's and Kubernetes' resources. Linkerd's own resources have no such schema.
"""
import json
import os
import subprocess

from lib import interop

ISTIO = "3.0.1"
PLAN = """
trust_domain = "prod.example"
[[service]]
name = "vllm"
namespace = "inference"
service_account = "engine"
labels = ["app.kubernetes.io/name=vllm", "tier=gpu"]
ports = [8000, 29500]
callers = ["edge/gateway", "spiffe://partner.example/team/a"]
[[service]]
name = "qdrant"
namespace = "stores"
ports = [6333]
[[external]]
host = "models.example.com"
port = 8443
"""


class Programs:
    def __init__(self, run):
        self.run = run
        self.node = run.node(least=20)
        self.modules = run.npm(f"@kubernetes-models/istio@{ISTIO}", "@kubernetes-models/gateway-api@2.0.0",
                               "kubernetes-models@5.1.0", "js-yaml@5.5.0", node=20) + "/node_modules"
        self.plan = run.folder / "plan.toml"
        self.plan.write_text(PLAN)

    def written(self, kind):
        return subprocess.run([os.environ["CLOISTER"], "mesh", "write", kind, self.plan], check=True, capture_output=True,
                              text=True).stdout

    def judged(self, text):
        script = interop.SOURCE / "tests/interop/mesh_schema.mjs"
        answer = subprocess.run([self.node, script, self.modules], input=text, check=True, capture_output=True, text=True,
                                env=self.run.environment())
        return json.loads(answer.stdout)


def compare(row, programs, kind, known):
    """All of it is valid, and of `known` kinds a schema has said so."""
    judged = programs.judged(programs.written(kind))
    faults = [one for one in judged if one["wrong"]]
    row.check(f"{kind}: valid by the schemas", judged and not faults, str(faults))
    with_schema = {one["kind"] for one in judged if one["wrong"] is not None}
    row.check(f"{kind}: the kinds it has", with_schema == set(known), str(with_schema))


def main():
    run = interop.Run("mesh_schema")
    with run.row("provider", "mesh-configuration", against="@kubernetes-models/istio", version=ISTIO) as row:
        programs = Programs(run)
        istio = ["Namespace", "PeerAuthentication", "AuthorizationPolicy", "ServiceEntry"]
        compare(row, programs, "istio", istio)
        compare(row, programs, "istio-ambient", istio)
        compare(row, programs, "linkerd", ["Namespace", "TLSRoute"])
        row.check("a mode that isn't one is refused by the schema",
                  any(one["wrong"] for one in programs.judged(programs.written("istio").replace("STRICT", "STRICTER"))))
        principals = programs.written("istio")
        row.check("callers as Istio names them", '"prod.example/ns/edge/sa/gateway"' in principals
                  and '"partner.example/team/a"' in principals, principals)
    run.finish()


if __name__ == "__main__":
    main()
