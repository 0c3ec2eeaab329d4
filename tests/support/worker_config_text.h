// A worker's configuration, whole and as short as it may be.
#pragma once

#include <string>

namespace cloister::testing {

inline const std::string kWorkerConfigText = R"(name = "scorer"
role = "infer"
manifest = "/etc/cloister/worker.manifest.toml"

[service]
socket = "/run/cloister/keys.sock"
user = 990

[release]
tenant = "acme"
environment = "production"
dataset = "models"
purpose = "infer"

[model]
path = "/srv/models/vad.onnx.sealed"
sha256 = "sha256:1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"

[attester]
kind = "insecure_software"
key = "/etc/cloister/attester.pem"

[engine]
command = ["/usr/bin/engine", "--model", "{model}"]

[lockdown]
egress = ["10.0.0.7:9000"]
readable = ["/etc/engine"]
executable_memory = true
)";

}  // namespace cloister::testing
