// How a vault names its keys: https://{vault}/keys/{name}/{version}, the `kid`; and the links by which it pages.
#pragma once

#include <string>
#include <string_view>

#include "kms/http_transport.h"

namespace cloister::kms {

struct AzureKeyId {
  std::string name;     // 1 to 127 letters, digits and hyphens
  std::string version;  // empty: the key, whatever its version
  friend bool operator==(const AzureKeyId&, const AzureKeyId&) = default;
};

// The URL of a vault: https://{name}.vault.azure.net and the like, without a path. kInvalid.
Result<Endpoint> parse_azure_vault(std::string_view url);

// "corpus", or a URL of a key in that vault, with or without its version. kInvalid for everything else, and for a key
// of another vault.
Result<AzureKeyId> parse_azure_key_id(const Endpoint& vault, std::string_view text);
std::string azure_key_url(const Endpoint& vault, const AzureKeyId& id);
// "/keys/corpus", "/keys/corpus/0123"
std::string azure_key_path(const AzureKeyId& id);

// Path and query of a nextLink: kCorrupt unless it is a URL of that vault, below /keys or /deletedkeys, at most 4 KiB.
// What it points at gets our token.
Result<std::string> azure_link_target(const Endpoint& vault, std::string_view link);
// The same of what was handed out as a cursor: a target already.
Status check_azure_target(std::string_view target);

}  // namespace cloister::kms
