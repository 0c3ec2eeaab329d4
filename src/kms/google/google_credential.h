// Who we are to Google Cloud, and how that becomes a token: a service account's key (exchanged, or signing its own
// tokens), the metadata server of the machine, or an identity elsewhere (workload identity federation, RFC 8693).
#pragma once

#include "kms/bearer_token.h"
#include "kms/connect.h"
#include "kms/google/google_account.h"
#include "kms/retry.h"

namespace cloister::kms {

enum class GoogleCredentialKind {
  kServiceAccount,   // a key file, readable by nobody else: its assertion is exchanged for a token
  kSelfSigned,       // the same file: its own tokens are what the service takes, and nothing else is asked
  kMetadata,         // of the machine
  kExternalAccount,  // a file that says where a token lies and who exchanges it
};

struct GoogleCredentialOptions {
  GoogleCredentialKind kind = GoogleCredentialKind::kMetadata;
  Path file;
  std::string metadata = "http://169.254.169.254";
  std::string scope = std::string(kGoogleKmsScope);           // one: of tokens that are exchanged
  std::string audience = "https://cloudkms.googleapis.com/";  // of tokens that sign themselves
};

// kInvalid; kUnavailable for 429 and 5xx; kDenied: the metadata server doesn't say that it is one.
Result<BearerToken> parse_google_metadata_token(const net::Response& answer, Time now);
// {"accessToken", "expireTime"}, of generateAccessToken. kInvalid.
Result<BearerToken> parse_google_impersonated(ByteView body, Time now);

// Any thread may call.
class GoogleCredential {
 public:
  // Reads the file.
  static Result<std::unique_ptr<GoogleCredential>> create(const GoogleCredentialOptions& options,
                                                          const WebTransportOptions& web, const Waiting& waiting,
                                                          const Connect& connect);
  // Waits. kDenied: refused.
  Result<BearerToken> fetch();

 private:
  struct Server {
    Endpoint endpoint;
    std::unique_ptr<HttpTransport> transport;
  };

  GoogleCredential(GoogleCredentialOptions options, Waiting waiting)
      : options_(std::move(options)), waiting_(std::move(waiting)) {}
  static Result<Server> reach(std::string_view url, const WebTransportOptions& web, const Connect& connect);
  Result<net::Response> ask(const Server& server, const std::function<Result<net::Request>()>& make);
  Result<BearerToken> exchange_assertion();
  Result<BearerToken> exchange_external();
  Result<BearerToken> impersonate(const BearerToken& token);
  Result<BearerToken> ask_metadata();

  const GoogleCredentialOptions options_;
  const Waiting waiting_;
  GoogleServiceAccount account_;
  GoogleExternalAccount external_;
  Server tokens_, impersonation_;
  RetryBudget budget_;
};

}  // namespace cloister::kms
