#include "worker/inference/inference_config.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "attest/workload_manifest.h"
#include "base/toml_fields.h"

namespace cloister::worker {
namespace {

constexpr std::array<std::string_view, 11> kKeys = {"listen",          "clients",       "model",       "library",
                                                    "library_threads", "engine_socket", "engine_user", "engine_path",
                                                    "tokens",          "threads",       "waiting"};

bool is_model_name(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

Result<Path> absolute_path(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(const std::string text, fields.text(key));
  if (!text.starts_with('/')) return fields.error(fields.line_of(key), std::string(key) + " isn't a whole path");
  return Path(text);
}

Result<std::optional<std::vector<uid_t>>> clients_of(const TomlFields& fields) {
  CLOISTER_TRY(const auto words, fields.words("clients"));
  if (words.size() == 1 && words.front().text == "any") return std::optional<std::vector<uid_t>>();
  std::vector<uid_t> users;
  for (const TomlFields::Word& word : words) {
    const char* const end = word.text.data() + word.text.size();
    uid_t user = 0;
    const auto [read, problem] = std::from_chars(word.text.data(), end, user);
    if (problem != std::errc() || read != end) {
      return fields.error(word.line, "clients is \"any\" or a list of user numbers, each in quotes");
    }
    users.push_back(user);
  }
  return std::optional(std::move(users));
}

Result<std::vector<TenantToken>> tokens_of(const TomlFields& fields) {
  CLOISTER_TRY(const auto words, fields.words("tokens"));
  std::vector<TenantToken> tokens;
  for (const TomlFields::Word& word : words) {
    const std::size_t space = word.text.find(' ');
    const auto digest = space == std::string::npos || space == 0
                            ? Result<crypto::Sha256Digest>(Error(Code::kInvalid, ""))
                            : attest::parse_digest_text(std::string_view(word.text).substr(space + 1));
    if (!digest.ok()) return fields.error(word.line, "a token is \"TENANT sha256:…\", the digest of the token");
    const auto same = [&digest](const TenantToken& other) { return other.digest == *digest; };
    if (std::ranges::any_of(tokens, same)) return fields.error(word.line, "one token is there twice");
    tokens.push_back({word.text.substr(0, space), *digest});
  }
  return tokens;
}

Status read_engine(const TomlFields& fields, InferenceConfig& config) {
  if (fields.has("library") == fields.has("engine_socket")) {
    return fields.error(fields.line(), "one of library and engine_socket is needed");
  }
  if (fields.has("library")) {
    for (const std::string_view key : {"engine_user", "engine_path"}) {
      if (fields.has(key)) return fields.error(fields.line_of(key), std::string(key) + " is for engine_socket");
    }
    CLOISTER_TRY(const Path library, absolute_path(fields, "library"));
    CLOISTER_TRY(const std::uint32_t threads, fields.integer_or("library_threads", 1, 256, 1));
    config.onnx = OnnxEngineConfig{library, threads};
    return {};
  }
  if (fields.has("library_threads")) {
    return fields.error(fields.line_of("library_threads"), "library_threads is for library");
  }
  CLOISTER_TRY(const Path socket, absolute_path(fields, "engine_socket"));
  CLOISTER_TRY(const std::uint32_t user, fields.integer("engine_user", 0, 0xfffffffe));
  CLOISTER_TRY(const Path path, absolute_path(fields, "engine_path"));
  config.engine_socket = SocketEngineConfig{socket, user, path.string()};
  return {};
}

}  // namespace

Result<InferenceConfig> parse_inference_config(const TomlTable& table) {
  const TomlFields fields(table, "[inference]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  InferenceConfig config;
  CLOISTER_TRY(config.listen, absolute_path(fields, "listen"));
  CLOISTER_TRY(config.clients, clients_of(fields));
  CLOISTER_TRY(config.model, fields.text("model"));
  if (!is_model_name(config.model)) {
    return fields.error(fields.line_of("model"), "model is a name of letters, digits, dots, dashes and underscores");
  }
  CLOISTER_RETURN_IF_ERROR(read_engine(fields, config));
  CLOISTER_TRY(config.tokens, tokens_of(fields));
  CLOISTER_TRY(config.threads, fields.integer_or("threads", 1, 256, 1));
  CLOISTER_TRY(config.waiting, fields.integer_or("waiting", 1, 100'000, 256));
  return config;
}

}  // namespace cloister::worker
