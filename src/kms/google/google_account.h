// The credential files that Google's tools write: a service account's key, and the description of an account elsewhere
// (workload identity federation).
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/rsa_signer.h"

namespace cloister::kms {

inline constexpr std::string_view kGoogleKmsScope = "https://www.googleapis.com/auth/cloudkms";

struct GoogleServiceAccount {
  std::string email;
  std::string key_id;
  std::string token_url;
  std::unique_ptr<crypto::RsaSigner> signer;
};
// "type": "service_account". kInvalid, and what RsaSigner says of its key.
Result<GoogleServiceAccount> parse_google_service_account(const crypto::Secret& text);

struct GoogleExternalAccount {
  std::string audience;
  std::string subject_token_type;
  std::string token_url;
  Path subject_token_file;
  std::string subject_token_field;  // of the JSON in that file; empty: the file is the token
  std::string impersonation_url;    // empty: the exchanged token is used as it is
};
// "type": "external_account" with a token in a file. kUnsupported for tokens from URLs, programs and AWS.
Result<GoogleExternalAccount> parse_google_external_account(ByteView text);
// The token in a file, or in that member of its JSON.
Result<crypto::Secret> google_subject_token(const GoogleExternalAccount& account, const crypto::Secret& file);

// RFC 7523: an assertion of an hour for the token endpoint; and the token that needs none (audience of the service, no
// scope), which is sent as it is.
Result<std::string> google_assertion(const GoogleServiceAccount& account, Time now,
                                     std::string_view scope = kGoogleKmsScope);
Result<std::string> google_self_signed(const GoogleServiceAccount& account, std::string_view audience, Time now);

}  // namespace cloister::kms
