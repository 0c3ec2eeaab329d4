// The table [inference] of a worker's configuration, of any text: read or refused.
#include <vector>

#include "worker/inference/inference_config.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto document = parse_toml(as_text({data, size}), TomlSubset::kSettings);
  if (!document.ok()) return 0;
  for (const TomlTable& table : document->tables) {
    const auto config = worker::parse_inference_config(table);
    if (!config.ok()) continue;
    CLOISTER_CHECK(config->onnx.has_value() != config->engine_socket.has_value());
    CLOISTER_CHECK(config->listen.is_absolute() && !config->model.empty() && !config->tokens.empty());
    CLOISTER_CHECK(config->threads > 0 && config->waiting > 0);
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const std::string token = "tokens = [\"acme sha256:" + std::string(64, 'a') + "\"]\n";
  const std::string common = "[inference]\nlisten = \"/run/w\"\nmodel = \"vad\"\n" + token;
  for (const std::string& text :
       {common + "clients = \"any\"\nlibrary = \"/lib/o.so\"\nlibrary_threads = 2\n",
        common +
            "clients = [\"33\"]\nengine_socket = \"/run/e\"\nengine_user = 7\nengine_path = \"/v1\"\nthreads = 2\n"}) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}
