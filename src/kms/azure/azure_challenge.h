// What a vault asks for when it answers 401: whose token, for what. Microsoft's "Authentication, requests and
// responses" of Key Vault, and continuous access evaluation (CAE) of Entra ID.
#pragma once

#include <string>
#include <string_view>

#include "kms/http_transport.h"

namespace cloister::kms {

struct AzureChallenge {
  std::string tenant;    // the directory that gives the token; empty where none is named
  std::string resource;  // "https://vault.azure.net"; empty where none is named
  std::string claims;    // JSON: what CAE wants the next token to have; empty: nothing
};

// The Bearer challenge of a www-authenticate header. kInvalid for anything malformed, too long, or said twice. The host
// that a challenge names as authority is never asked: only the directory's name is taken.
Result<AzureChallenge> parse_azure_challenge(std::string_view header);

// kDenied unless the resource's host is a domain that the vault is in: else whoever stands at the vault's name gets a
// token that opens other things.
Status check_azure_resource(const Endpoint& vault, std::string_view resource);
// The resource of a vault in a cloud's usual domain, "https://vault.azure.net" for corpus.vault.azure.net. kInvalid for
// addresses and for names with fewer than three labels.
Result<std::string> azure_resource_of(const Endpoint& vault);

// A directory's id or domain: letters, digits, hyphens and dots.
bool is_azure_tenant(std::string_view text);
// Its id (a UUID, lower case): the one spelling of a directory that two can be told apart by.
bool is_azure_tenant_id(std::string_view text);

// The `claims` parameter of a token request: we understand CAE challenges ("xms_cc": "cp1"), and what `wanted` (JSON,
// or empty) asks for. kInvalid when that is no object.
Result<std::string> azure_claims(std::string_view wanted);

}  // namespace cloister::kms
