#include "cloisterd/config_dialects.h"

#include <algorithm>
#include <array>

#include "cloisterd/config_tables.h"

namespace cloister::daemon {
namespace {

Result<policy::Purpose> read_purpose(const TomlFields& fields, policy::Purpose otherwise) {
  CLOISTER_TRY(const auto word, fields.optional_text("purpose"));
  if (!word) return otherwise;
  const auto purpose = policy::parse_purpose(*word);
  if (!purpose.ok()) return fields.error(fields.line_of("purpose"), purpose.error().message());
  return *purpose;
}

bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= 63 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

}  // namespace

Status read_dialect_aws(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 4> kKeys = {"listen", "region", "certificate", "key"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  AwsFace face;
  CLOISTER_TRY(face.listen, read_addresses(fields, "listen"));
  if (face.listen.empty()) return fields.error(fields.line(), "[dialect_aws] needs listen: addresses");
  CLOISTER_TRY(face.region, fields.text("region"));
  if (!is_region(face.region)) return fields.error(fields.line_of("region"), "region is of a-z 0-9 and -");
  for (const auto& [name, path] : {std::pair{"certificate", &face.certificate}, {"key", &face.key}}) {
    CLOISTER_TRY(*path, fields.text(name));
    CLOISTER_RETURN_IF_ERROR(check_absolute(fields, name, *path));
  }
  config.aws = std::move(face);
  return check_apart(fields, config);
}

Status read_dialect_kbs(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 7> kKeys = {
      "listen", "certificate", "key", "resources", "purpose", "session_lifetime_seconds", "fetches_per_minute"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  KbsFace face;
  CLOISTER_TRY(face.listen, read_addresses(fields, "listen"));
  if (face.listen.empty()) return fields.error(fields.line(), "[dialect_kbs] needs listen: addresses");
  for (const auto& [name, path] :
       {std::pair{"certificate", &face.certificate}, {"key", &face.key}, {"resources", &face.resources}}) {
    CLOISTER_TRY(*path, fields.text(name));
    CLOISTER_RETURN_IF_ERROR(check_absolute(fields, name, *path));
  }
  CLOISTER_TRY(face.purpose, read_purpose(fields, policy::Purpose::kInfer));
  CLOISTER_TRY(const std::uint32_t lifetime, fields.integer_or("session_lifetime_seconds", 10, 3600, 300));
  face.session_lifetime = seconds(lifetime);
  CLOISTER_TRY(face.fetches_per_minute, fields.integer_or("fetches_per_minute", 0, 600, 0));
  config.kbs = std::move(face);
  return check_apart(fields, config);
}

Status read_dialect_kubernetes(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 3> kKeys = {"unix", "dataset", "purpose"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  KubernetesFace face;
  CLOISTER_TRY(face.socket, read_socket_path(fields, "unix"));
  CLOISTER_TRY(const std::string dataset, fields.text("dataset"));
  auto name = keys::parse_dataset_name(dataset);
  if (!name.ok()) return fields.error(fields.line_of("dataset"), "dataset: " + name.error().message());
  face.dataset = std::move(*name);
  CLOISTER_TRY(face.purpose, read_purpose(fields, policy::Purpose::kOperate));
  config.kubernetes = std::move(face);
  return {};
}

Status read_dialect_vault(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 5> kKeys = {"tls", "mutual_tls", "certificate", "key",
                                                     "token_lifetime_seconds"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  VaultFace face;
  CLOISTER_TRY(face.tls, read_addresses(fields, "tls"));
  CLOISTER_TRY(face.mutual_tls, read_addresses(fields, "mutual_tls"));
  if (face.tls.empty() && face.mutual_tls.empty()) {
    return fields.error(fields.line(), "there is neither tls nor mutual_tls: nobody could reach it");
  }
  CLOISTER_TRY(face.certificate, fields.text("certificate"));
  CLOISTER_RETURN_IF_ERROR(check_absolute(fields, "certificate", face.certificate));
  CLOISTER_TRY(face.key, fields.text("key"));
  CLOISTER_RETURN_IF_ERROR(check_absolute(fields, "key", face.key));
  CLOISTER_TRY(const std::uint32_t lifetime, fields.integer_or("token_lifetime_seconds", 60, 86'400, 3600));
  face.token_lifetime = seconds(lifetime);
  config.vault = std::move(face);
  return check_apart(fields, config);
}

}  // namespace cloister::daemon
