// T1 to T6, T8, T9, T15 and T16: the links of engines for training and inference.
#include <algorithm>

#include "mesh/manifest/audit_state.h"

namespace cloister::mesh {
namespace {

struct Engine {
  std::string_view name;
  std::string_view image;       // part of its image's path
  std::string_view command;     // part of a word that starts its server
  std::string_view tls_option;  // empty: it knows no TLS
};
constexpr Engine kEngines[] = {
    {"vLLM", "vllm", "vllm", "--ssl-certfile"},
    {"SGLang", "sglang", "sglang", "--ssl-certfile"},
    {"llama.cpp", "llama.cpp", "llama-server", "--ssl-cert-file"},
    {"TensorFlow Serving", "tensorflow/serving", "tensorflow_model_server", "--ssl_config_file"},
    {"Text Generation Inference", "text-generation-inference", "text-generation-launcher", ""},
    {"Text Embeddings Inference", "text-embeddings-inference", "text-embeddings-router", ""},
    {"Ollama", "ollama", "ollama", ""},
};

struct Place {
  AuditState& state;
  std::size_t index;
  const Container& container;
  std::string image;

  const Workload& workload() const { return state.workloads[index]; }
  const std::string& kind() const { return workload().resource->kind; }
  bool is(const Engine& engine) const {
    return image.find(engine.image) != std::string::npos || container.any_word_has(engine.command);
  }
  void add(std::string_view id, std::string what) const {
    add_unless_covered(state, id, index, container.line, std::move(what));
  }
};

bool is_switched_on(const Container& container, std::string_view option) {
  const std::string* value = container.option(option);
  return value != nullptr && *value != "false" && *value != "0";
}

bool is_more_than_one(const Container& container, std::string_view option) {
  const std::string* value = container.option(option);
  return value != nullptr && *value != "1";
}

// An image of the engine that was given another command doesn't serve.
bool serves(const Container& container, const Engine& engine) {
  if (container.value->at("command").items.empty()) return true;
  return container.any_word_has(engine.command);
}

void audit_server(const Place& place, const Engine& engine) {
  const Container& container = place.container;
  if (!serves(container, engine)) return;
  if (engine.tls_option.empty()) {
    place.add("T1", std::string(engine.name) + " knows no TLS");
  } else if (container.option(engine.tls_option) == nullptr) {
    place.add("T1", std::string(engine.name) + " without " + std::string(engine.tls_option));
  } else if (engine.name == "vLLM" &&
             (container.option("--ssl-cert-reqs") == nullptr || *container.option("--ssl-cert-reqs") != "2")) {
    place.state.add_as(Severity::kLow, "T1", place.workload(), container.line,
                       "vLLM with TLS doesn't ask for a client's certificate: --ssl-cert-reqs 2 and --ssl-ca-certs");
  }
}

void audit_vllm_nodes(const Place& place) {
  const Container& container = place.container;
  if (!place.is(kEngines[0])) return;
  const std::string* backend = container.option("--distributed-executor-backend");
  const bool several = is_more_than_one(container, "--pipeline-parallel-size") || is_more_than_one(container, "-pp") ||
                       is_more_than_one(container, "--nnodes") || is_more_than_one(container, "--data-parallel-size") ||
                       container.option("--data-parallel-address") != nullptr ||
                       container.option("--kv-ip") != nullptr || (backend != nullptr && *backend == "ray") ||
                       container.has_env("VLLM_HOST_IP") || place.kind() == "LeaderWorkerSet";
  if (several) place.add("T2", "vLLM over several nodes or servers");
}

void audit_sglang_nodes(const Place& place) {
  const Container& container = place.container;
  if (!place.is(kEngines[1])) return;
  if (is_more_than_one(container, "--nnodes") || container.option("--dist-init-addr") != nullptr ||
      container.option("--disaggregation-mode") != nullptr) {
    place.add("T3", "SGLang over several nodes or servers");
  }
}

void audit_ray(const Place& place) {
  const Container& container = place.container;
  const auto& list = place.workload().pod->at("containers").items;
  const bool of_operator =
      place.workload().resource->group == "ray.io" && !list.empty() && container.value == &list.front();
  const bool starts = container.has_word("ray") && container.has_word("start");
  if (!of_operator && !starts) return;
  const YamlValue& on = container.env("RAY_USE_TLS");
  if (on.text != "1" && on.truth() != true) {
    place.add("T4", container.has_env("RAY_USE_TLS") && on.is_null() ? "RAY_USE_TLS comes from elsewhere: not known"
                                                                     : "Ray without RAY_USE_TLS=1");
    return;
  }
  for (const std::string_view name : {"RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY", "RAY_TLS_CA_CERT"}) {
    if (!container.has_env(name)) place.add("T4", "RAY_USE_TLS without " + std::string(name));
  }
}

// RDMA devices by their resource names: rdma/hca, nvidia.com/mlnxnics, vpc.amazonaws.com/efa.
std::string rdma_resource(const Container& container) {
  for (const std::string_view side : {"limits", "requests"}) {
    for (const YamlMember& resource : container.value->at("resources").at(side).members) {
      for (const std::string_view part : {"rdma", "/efa", "mlnx", "infiniband", "roce"}) {
        if (resource.name.find(part) != std::string::npos) return resource.name;
      }
    }
  }
  return "";
}

void audit_collectives(const Place& place) {
  const Container& container = place.container;
  const std::string device = rdma_resource(container);
  if (!device.empty()) {
    place.state.add("T5", place.workload(), container.line, shown(device) + ": no proxy sees this traffic");
  } else if (container.has_env_prefix("NCCL_IB_") || container.has_env("FI_PROVIDER")) {
    place.state.add("T5", place.workload(), container.line, "NCCL or libfabric is set up for RDMA");
  } else if (container.has_env_prefix("NCCL_SOCKET_")) {
    place.add("T5", "NCCL over sockets");
  }
}

bool is_local(std::string_view address) {
  return address.starts_with("localhost") || address.starts_with("127.") || address.starts_with("[::1]") ||
         address.starts_with("::1");
}

void audit_rendezvous(const Place& place) {
  const Container& container = place.container;
  const bool launches = container.any_word_has("torchrun") || container.any_word_has("torch.distributed.") ||
                        (container.has_word("accelerate") && container.has_word("launch")) ||
                        container.has_word("deepspeed");
  const bool alone = container.has_word("--standalone");
  const YamlValue& master = container.env("MASTER_ADDR");
  const bool several = is_more_than_one(container, "--nnodes") || container.option("--rdzv-endpoint") != nullptr ||
                       container.option("--rdzv_endpoint") != nullptr || container.option("--master-addr") != nullptr ||
                       container.option("--master_addr") != nullptr;
  if (place.kind() == "PyTorchJob" || (launches && several && !alone) || (master.is_text() && !is_local(master.text))) {
    place.add("T6", place.kind() == "PyTorchJob" ? "a PyTorchJob's ranks" : "ranks on several nodes");
  }
}

void audit_mpi(const Place& place) {
  if (place.kind() == "MPIJob" || place.container.has_word("mpirun") || place.container.has_word("mpiexec")) {
    place.add("T15", "ranks of MPI");
  }
}

void audit_cache_transfer(const Place& place) {
  const Container& container = place.container;
  for (const std::string_view word : {"NixlConnector", "MooncakeConnector", "LMCacheConnector", "P2pNcclConnector",
                                      "--disaggregation-transfer-backend", "--kv-transfer-config"}) {
    if (!container.any_word_has(word)) continue;
    place.state.add("T16", place.workload(), container.line, std::string(word));
    return;
  }
  for (const std::string_view prefix : {"VLLM_NIXL_", "UCX_", "LMCACHE_", "MOONCAKE_"}) {
    if (!container.has_env_prefix(prefix)) continue;
    place.state.add("T16", place.workload(), container.line, "set up by " + std::string(prefix) + "…");
    return;
  }
}

void audit_triton(const Place& place) {
  const Container& container = place.container;
  if (place.image.find("tritonserver") == std::string::npos && !container.any_word_has("tritonserver")) return;
  const bool mutual = is_switched_on(container, "--grpc-use-ssl-mutual");
  if (!mutual && !is_switched_on(container, "--grpc-use-ssl")) place.add("T8", "gRPC (8001) without --grpc-use-ssl");
  const std::string* http = container.option("--allow-http");
  if (http == nullptr || (*http != "false" && *http != "0")) place.add("T8", "HTTP (8000) knows no TLS");
}

void audit_kserve(AuditState& state) {
  for (const Resource& document : state.settings) {
    const YamlValue& scheme = document.root.at("urlScheme");
    if (document.name == "inferenceservice-config/ingress" && scheme.text == "http") {
      state.add("T9", document, scheme.line, "ingress.urlScheme is http");
    }
  }
  for (const Resource& resource : state.manifests.resources) {
    if (!resource.is("", "ConfigMap") || resource.name != "config-network") continue;
    const YamlValue& internal = resource.root.under("data").at("system-internal-tls");
    if (!equals_ignoring_case(internal.text, "Enabled")) {
      state.add("T9", resource, internal.line, "system-internal-tls isn't Enabled");
    }
  }
}

}  // namespace

void audit_inference(AuditState& state) {
  for (std::size_t i = 0; i < state.workloads.size(); ++i) {
    for (const Container& container : containers_of(state.workloads[i])) {
      const Place place{state, i, container, image_path(container.image)};
      const auto engine = std::ranges::find_if(kEngines, [&place](const Engine& one) { return place.is(one); });
      if (engine != std::end(kEngines)) audit_server(place, *engine);
      for (const auto audit : {audit_vllm_nodes, audit_sglang_nodes, audit_ray, audit_collectives, audit_rendezvous,
                               audit_mpi, audit_cache_transfer, audit_triton}) {
        audit(place);
      }
    }
  }
  audit_kserve(state);
}

}  // namespace cloister::mesh
