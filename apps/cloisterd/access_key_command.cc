#include "cloisterd/access_key_command.h"

#include "cloisterd/local_client.h"

namespace cloister::daemon {
namespace {

Result<std::string> path_of(const std::string& tenant) {
  CLOISTER_TRY(const keys::TenantName name, keys::parse_tenant_name(tenant));
  std::string path = "/v1/tenants/" + name.tenant;
  if (!name.environment.empty()) path += "/environments/" + name.environment;
  return path + "/access-keys";
}

std::string text_of(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.find(name);
  return value == nullptr || value->string() == nullptr ? "-" : *value->string();
}

}  // namespace

Result<std::string> make_access_key(const Config& config, const AccessKeyOrder& order) {
  CLOISTER_TRY(const std::string path, path_of(order.tenant));
  CLOISTER_TRY(FileReplacement file, FileReplacement::begin(order.out, Overwrite::kRefuse, 0600));
  JsonValue::Object fields{{"caller", order.caller}, {"purpose", order.purpose}};
  if (order.lifetime_seconds != 0) fields.emplace_back("lifetime_seconds", order.lifetime_seconds);
  const JsonValue body(std::move(fields));
  CLOISTER_TRY(net::Response response, ask_daemon(config, "POST", path, &body, 201));
  CLOISTER_TRY(const crypto::Secret id, secret_member(response, "access_key_id"));
  CLOISTER_TRY(const crypto::Secret secret, secret_member(response, "secret_access_key"));
  const std::string id_text(as_text(id.expose()));
  CLOISTER_RETURN_IF_ERROR(
      file.file().write_all(as_bytes("[default]\naws_access_key_id = " + id_text + "\naws_secret_access_key = ")));
  CLOISTER_RETURN_IF_ERROR(file.file().write_all(secret.expose()));
  CLOISTER_RETURN_IF_ERROR(file.file().write_all(as_bytes("\n")));
  CLOISTER_RETURN_IF_ERROR(file.commit().with_context("access key " + id_text + " is made, but not kept: revoke it"));
  return id_text;
}

Result<std::string> list_access_keys(const Config& config, const std::string& tenant) {
  CLOISTER_TRY(const std::string path, path_of(tenant));
  CLOISTER_TRY(const net::Response response, ask_daemon(config, "GET", path, nullptr, 200));
  CLOISTER_TRY(const JsonValue root, parse_json(as_text(response.body)));
  const JsonValue* list = root.find("access_keys");
  if (list == nullptr || list->array() == nullptr) return Error(Code::kCorrupt, "the daemon's answer has no list");
  std::string lines;
  for (const JsonValue& key : *list->array()) {
    for (const char* name : {"access_key_id", "caller", "purpose", "created", "expires"}) {
      lines += text_of(key, name) + (std::string_view(name) == "expires" ? "\n" : "  ");
    }
  }
  return lines;
}

Status revoke_access_key(const Config& config, const std::string& tenant, const std::string& id) {
  CLOISTER_TRY(const std::string path, path_of(tenant));
  CLOISTER_TRY([[maybe_unused]] const auto answer, ask_daemon(config, "DELETE", path + "/" + id, nullptr, 200));
  return {};
}

}  // namespace cloister::daemon
