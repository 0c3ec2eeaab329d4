// How Vault answers: an envelope around data, and {"errors":[…]}.
#pragma once

#include "service/json_writer.h"
#include "service/problem.h"
#include "service/vault/tokens.h"

namespace cloister::service {

unsigned vault_status_of(ProblemCode code);
net::Response vault_errors(const Problem& problem);

// An answer with `data`, which is one whole value that `write` writes.
template <typename Write>
net::Response vault_data(std::string_view request_id, Write write) {
  net::Response response;
  response.headers.add("content-type", "application/json");
  JsonWriter json(response.body);
  json.begin_object().member("request_id", request_id).member("lease_id", "").member("renewable", false);
  json.member("lease_duration", std::uint64_t{0}).name("data");
  write(json);
  json.name("wrap_info").null().name("warnings").null().name("auth").null();
  json.end_object();
  return response;
}

// What a login or a renewal gives.
net::Response vault_auth(std::string_view request_id, std::string_view token_text, const VaultToken& token, Time now);

}  // namespace cloister::service
