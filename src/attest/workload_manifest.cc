#include "attest/workload_manifest.h"

#include <algorithm>
#include <array>

#include "base/toml_fields.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kNone = "none";
constexpr std::string_view kDigestPrefix = "sha256:";
constexpr std::size_t kNameSizeMax = 64;
constexpr std::size_t kAddressSizeMax = 256;
constexpr std::array<std::string_view, 10> kKeys = {"version", "name", "role",  "image",  "configuration",
                                                    "model",   "logs", "cache", "egress", "seccomp"};
constexpr std::array<std::string_view, 4> kRoles = {"infer", "train", "aggregate", "kms"};

bool is_name(std::string_view text) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
  return !text.empty() && text.size() <= kNameSizeMax && std::ranges::all_of(text, plain);
}

bool is_address(std::string_view text) {
  const auto visible = [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; };
  const std::size_t colon = text.rfind(':');
  return text.size() <= kAddressSizeMax && colon != std::string_view::npos && colon > 0 && colon + 1 < text.size() &&
         std::ranges::all_of(text, visible);
}

Result<crypto::Sha256Digest> digest(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(const std::string text, fields.text(key));
  auto parsed = parse_digest_text(text);
  if (!parsed.ok()) return fields.error(fields.line_of(key), std::string(key) + " " + parsed.error().message());
  return parsed;
}

Result<std::optional<crypto::Sha256Digest>> digest_or_none(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(const std::string text, fields.text(key));
  if (text == kNone) return std::optional<crypto::Sha256Digest>();
  CLOISTER_TRY(const crypto::Sha256Digest value, digest(fields, key));
  return std::optional(value);
}

Status expect_none(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(const std::string text, fields.text(key));
  if (text == kNone) return {};
  return fields.error(fields.line_of(key), std::string(key) + " can only be \"none\"");
}

Result<std::vector<std::string>> egress(const TomlFields& fields) {
  CLOISTER_TRY(const auto words, fields.words("egress"));
  std::vector<std::string> addresses;
  if (words.size() == 1 && words.front().text == kNone) return addresses;
  for (const TomlFields::Word& word : words) {
    if (!is_address(word.text)) return fields.error(word.line, "egress is \"none\" or a list of \"host:port\"");
    addresses.push_back(word.text);
  }
  return addresses;
}

Result<WorkloadManifest> read(const TomlFields& fields) {
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_RETURN_IF_ERROR(fields.integer("version", 1, 1));
  WorkloadManifest manifest;
  CLOISTER_TRY(manifest.name, fields.text("name"));
  if (!is_name(manifest.name)) {
    return fields.error(fields.line_of("name"), "name is 1 to 64 lower-case letters, digits, dots and hyphens");
  }
  CLOISTER_TRY(manifest.role, fields.text("role"));
  if (std::ranges::find(kRoles, manifest.role) == kRoles.end()) {
    return fields.error(fields.line_of("role"), "there is no such role" + suggestion(manifest.role, kRoles));
  }
  CLOISTER_TRY(manifest.image, digest(fields, "image"));
  CLOISTER_TRY(manifest.configuration, digest(fields, "configuration"));
  CLOISTER_TRY(manifest.model, digest_or_none(fields, "model"));
  CLOISTER_RETURN_IF_ERROR(expect_none(fields, "logs"));
  CLOISTER_RETURN_IF_ERROR(expect_none(fields, "cache"));
  CLOISTER_TRY(manifest.egress, egress(fields));
  CLOISTER_TRY(manifest.seccomp, digest_or_none(fields, "seccomp"));
  return manifest;
}

}  // namespace

std::string digest_text(const crypto::Sha256Digest& digest) { return std::string(kDigestPrefix) + to_hex(digest); }

Result<crypto::Sha256Digest> parse_digest_text(std::string_view text) {
  const Error wrong(Code::kInvalid, "isn't \"sha256:\" and 64 lower-case hexadecimal digits");
  crypto::Sha256Digest digest{};
  if (!text.starts_with(kDigestPrefix)) return wrong;
  const auto bytes = from_hex(text.substr(kDigestPrefix.size()));
  if (!bytes.ok() || bytes->size() != digest.size()) return wrong;
  std::ranges::copy(*bytes, digest.begin());
  if (digest_text(digest) != text) return wrong;
  return digest;
}

Result<WorkloadManifest> parse_workload_manifest(std::string_view text) {
  constexpr std::string_view kReading = "read the workload manifest";
  if (text.size() > kWorkloadManifestSizeMax) {
    return Error(Code::kInvalid, "the text is too large").with_context(kReading);
  }
  auto document = parse_toml(text);
  if (!document.ok()) return document.error().with_context(kReading);
  if (!document->tables.empty()) {
    return Error(Code::kInvalid, "line " + std::to_string(document->tables.front().line) + ": it has no tables")
        .with_context(kReading);
  }
  return read(TomlFields(document->top, {})).with_context(kReading);
}

std::string write_workload_manifest(const WorkloadManifest& manifest) {
  const auto entry = [](std::string_view key, std::string_view value) {
    return std::string(key) + " = \"" + std::string(value) + "\"\n";
  };
  const auto or_none = [](const std::optional<crypto::Sha256Digest>& digest) {
    return digest ? digest_text(*digest) : std::string(kNone);
  };
  std::string text = "version = 1\n" + entry("name", manifest.name) + entry("role", manifest.role);
  text += entry("image", digest_text(manifest.image)) + entry("configuration", digest_text(manifest.configuration));
  text += entry("model", or_none(manifest.model)) + entry("logs", kNone) + entry("cache", kNone);
  if (manifest.egress.empty()) {
    text += entry("egress", kNone);
  } else {
    text += "egress = [";
    for (std::size_t i = 0; i < manifest.egress.size(); ++i) {
      text += (i == 0 ? "\"" : ", \"") + manifest.egress[i] + "\"";
    }
    text += "]\n";
  }
  return text + entry("seccomp", or_none(manifest.seccomp));
}

}  // namespace cloister::attest
