// Who we are to Azure, and how that becomes a token: a client secret, a federated token (workload identity), or the
// identity of the machine (IMDS). Microsoft's "OAuth 2.0 client credentials flow" and "managed identities" pages.
#pragma once

#include "kms/bearer_token.h"
#include "kms/connect.h"
#include "kms/retry.h"

namespace cloister::kms {

enum class AzureCredentialKind {
  kClientSecret,      // client_id and a file with its secret, readable by nobody else
  kWorkloadIdentity,  // client_id and a file with a token that somebody renews there, as Kubernetes does
  kManagedIdentity,   // of the machine; client_id chooses one of several
};

struct AzureCredentialOptions {
  AzureCredentialKind kind = AzureCredentialKind::kManagedIdentity;
  std::string login = "https://login.microsoftonline.com";
  std::string metadata = "http://169.254.169.254";
  std::string client_id;
  Path client_secret_file;
  Path federated_token_file;
};

// What a token is for. The tenant and the claims are nothing to a machine's identity.
struct AzureTokenWish {
  std::string resource;  // "https://vault.azure.net"
  std::string tenant;
  std::string claims;  // JSON
};

// Any thread may call.
class AzureCredential {
 public:
  // kInvalid when a part is missing that the kind needs.
  static Result<std::unique_ptr<AzureCredential>> create(AzureCredentialOptions options, const WebTransportOptions& web,
                                                         const Waiting& waiting, const Connect& connect);

  bool needs_tenant() const { return options_.kind != AzureCredentialKind::kManagedIdentity; }
  // Reads the secret anew, asks, and waits: at Entra ID as kms/retry.h has it; at the metadata service five attempts on
  // 404, 429 and 5xx, from 0.8 s doubling, and on 410 (it is being updated) for more than 70 s. kDenied: refused.
  Result<BearerToken> fetch(const AzureTokenWish& wish);

 private:
  AzureCredential(AzureCredentialOptions options, Endpoint endpoint, std::unique_ptr<HttpTransport> transport,
                  Waiting waiting)
      : options_(std::move(options)),
        endpoint_(std::move(endpoint)),
        transport_(std::move(transport)),
        waiting_(std::move(waiting)) {}
  Result<net::Request> login_request(const AzureTokenWish& wish) const;
  net::Request metadata_request(const AzureTokenWish& wish) const;

  const AzureCredentialOptions options_;
  const Endpoint endpoint_;
  const std::unique_ptr<HttpTransport> transport_;
  const Waiting waiting_;
  RetryBudget budget_;
};

}  // namespace cloister::kms
