// Google Cloud KMS as a place that holds wrapping keys, over its REST API. docs/providers/google-kms.md.
#pragma once

#include "kms/evidence.h"
#include "kms/google/google_credential.h"
#include "kms/google/google_posture.h"
#include "kms/provider.h"

namespace cloister::kms {

struct GoogleKmsOptions {
  std::string endpoint = "https://cloudkms.googleapis.com";
  std::string location;       // "projects/acme/locations/europe-west3"
  std::string key_ring;       // its last part; empty: all of the location's, and keys are named in full
  std::string quota_project;  // whom calls are counted against; empty: the credential's project
  GoogleCredentialOptions credential;
  WebTransportOptions web;
};

// Binds the context: it is the additional authenticated data, as canonical() writes it. CRC-32C goes along both ways;
// an answer that fails it, or that doesn't say that the service verified ours, is asked for once more and then
// kCorrupt. key_version is the version's name.
class GoogleKms final : public Provider {
 public:
  // kInvalid for options that make no sense. Reads the credentials file, asks nobody. `evidence` may be null.
  static Result<std::shared_ptr<GoogleKms>> create(GoogleKmsOptions options, std::shared_ptr<EvidenceSink> evidence,
                                                   Waiting waiting, const Connect& connect = web_transport);

  crypto::WrapType type() const override { return crypto::WrapType::kGoogleKms; }
  const std::string& name() const override { return name_; }
  Result<std::string> resolve(const std::string& key) override;
  Result<ProviderWrap> wrap(const std::string& key, const crypto::Secret& plaintext,
                            const ContextMap& context) override;
  Result<crypto::Secret> unwrap(const std::string& key, const ProviderWrap& wrapped,
                                const ContextMap& context) override;
  Result<KeyPosture> describe(const std::string& key) override;
  Result<KeyPage> list(const std::string& cursor) override;
  Result<ProviderHealth> health() override;

 private:
  struct Ask {
    std::string_view method;
    std::string name;       // the resource: goes into the path and into x-goog-request-params
    std::string suffix;     // ":encrypt", "/cryptoKeyVersions?pageSize=100"
    std::string operation;  // "encrypt projects/…"
    std::string parameter = "name";
    net::Buffer body = {};
    bool withheld = false;              // the answer has key material
    Code bad_request = Code::kInvalid;  // what INVALID_ARGUMENT means
  };

  GoogleKms(GoogleKmsOptions options, Endpoint endpoint, std::unique_ptr<HttpTransport> transport,
            std::unique_ptr<GoogleCredential> credential, std::shared_ptr<EvidenceSink> evidence, Waiting waiting);

  Result<net::Response> ask(const Ask& ask);
  Result<net::Response> send(const Ask& ask);
  net::Request request_of(const Ask& ask, const BearerToken& token) const;
  void keep(const Ask& ask, const net::Response& answer) const;
  Result<std::string> full_name(const std::string& key) const;
  Result<GoogleKey> get_key(const std::string& key);
  Result<std::vector<GoogleKeyVersion>> get_versions(const std::string& key);
  Result<std::vector<GoogleBinding>> get_policy(const std::string& key);
  Result<GooglePage<std::string>> get_keys(const std::string& key_ring, const std::string& token);
  Result<GooglePage<std::string>> get_key_rings(const std::string& token);
  Result<KeyPage> list_location(const std::string& cursor);

  const GoogleKmsOptions options_;
  const Endpoint endpoint_;
  const std::string key_ring_;  // in full; empty: all
  const std::string name_;
  const std::unique_ptr<HttpTransport> transport_;
  const std::unique_ptr<GoogleCredential> credential_;
  const std::shared_ptr<EvidenceSink> evidence_;
  const Waiting waiting_;
  RetryBudget budget_;
  TokenCache tokens_;
};

}  // namespace cloister::kms
