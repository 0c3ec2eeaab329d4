#include "cloisterd/token_command.h"

#include "cloisterd/local_client.h"

namespace cloister::daemon {

Result<crypto::Secret> fetch_join_token(const Config& config, const std::string& id, std::uint64_t lifetime_seconds) {
  const JsonValue body(JsonValue::Object{{"id", id}, {"lifetime_seconds", lifetime_seconds}});
  CLOISTER_TRY(net::Response response, ask_daemon(config, "POST", "/v1/identity/join-tokens", &body, 201));
  return secret_member(response, "join_token");
}

}  // namespace cloister::daemon
