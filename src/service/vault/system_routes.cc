#include "service/vault/system_routes.h"

#include "service/vault/vault_answer.h"

namespace cloister::service {
namespace {

using Write = std::function<void(const Call& call, JsonWriter& json)>;

Route telling(std::string path, Access access, Write write) {
  Route route{"GET", std::move(path), access, {}, Recording::kNone, Work::kInline, {}, Malformed::kAnswered};
  route.parse = [write = std::move(write)](Call&) -> Result<Parsed> {
    Parsed parsed;
    parsed.act = [write](Call& call, keys::Hierarchy*) -> Result<Reply> {
      Reply reply;
      reply.response.headers.add("content-type", "application/json");
      JsonWriter json(reply.response.body);
      write(call, json);
      return reply;
    };
    return parsed;
  };
  return route;
}

void write_health(const Call& call, JsonWriter& json, const std::string& version) {
  json.begin_object().member("initialized", true).member("sealed", false).member("standby", false);
  json.member("performance_standby", false).member("replication_performance_mode", "disabled");
  json.member("replication_dr_mode", "disabled");
  json.member("server_time_utc", static_cast<std::uint64_t>(call.now.unix_ms / 1000));
  json.member("version", version).member("cluster_name", "cloister").end_object();
}

void write_seal_status(JsonWriter& json, const std::string& version) {
  json.begin_object().member("type", "cloister").member("initialized", true).member("sealed", false);
  json.member("t", std::uint64_t{0}).member("n", std::uint64_t{0}).member("progress", std::uint64_t{0});
  json.member("nonce", "").member("version", version).member("migration", false).member("recovery_seal", false);
  json.member("cluster_name", "cloister").member("storage_type", "cloister").end_object();
}

void write_mount(JsonWriter& json, std::string_view type) {
  json.begin_object().member("type", type).member("description", "").name("options").null();
  json.name("config").begin_object().member("default_lease_ttl", std::uint64_t{0});
  json.member("max_lease_ttl", std::uint64_t{0}).end_object().end_object();
}

void write_mounts(const Call& call, JsonWriter& json) {
  json.begin_object().member("request_id", call.request_id).name("data").begin_object();
  json.name("auth").begin_object();
  for (const std::string_view way : {"approle", "cert", "jwt", "kubernetes", "token"}) {
    json.name(std::string(way) + "/");
    write_mount(json, way);
  }
  json.end_object().name("secret").begin_object().name("transit/");
  write_mount(json, "transit");
  json.end_object().end_object().end_object();
}

}  // namespace

std::vector<Route> vault_system_routes(const std::string& version) {
  return {
      telling("/v1/sys/health", Access::kAnyone,
              [version](const Call& call, JsonWriter& json) { write_health(call, json, version); }),
      telling("/v1/sys/seal-status", Access::kAnyone,
              [version](const Call&, JsonWriter& json) { write_seal_status(json, version); }),
      telling("/v1/sys/internal/ui/mounts", Access::kVerifiedPeer, write_mounts),
  };
}

}  // namespace cloister::service
