// Azure Key Vault and Managed HSM as a place that holds wrapping keys. docs/providers/azure-key-vault.md.
#pragma once

#include "kms/azure/azure_challenge.h"
#include "kms/azure/azure_credential.h"
#include "kms/azure/azure_posture.h"
#include "kms/evidence.h"
#include "kms/provider.h"

namespace cloister::kms {

struct AzureKeyVaultOptions {
  std::string vault;   // "https://corpus.vault.azure.net", "https://pool.managedhsm.azure.net"
  std::string tenant;  // the directory that gives tokens; empty: the vault is asked whose it is
  // What tokens are for; empty: the cloud's domain that the vault is in, which its challenge is held against.
  std::string resource;
  AzureCredentialOptions credential;
  // "RSA-OAEP-256", "A256KW", "CKM_AES_KEY_WRAP_PAD"; empty: by the key's type, the first for RSA and the last for oct.
  std::string algorithm;
  std::string api_version = "7.4";
  WebTransportOptions web;
};

// Binds no context: Azure's wraps take none (ProviderKey's do). A wrap is made with the newest version of its key, and
// key_version is that version's `kid`. A minute after a rotation at the latest the new version wraps.
class AzureKeyVault final : public Provider {
 public:
  // kInvalid for options that make no sense. Asks nobody. `evidence` may be null.
  static Result<std::shared_ptr<AzureKeyVault>> create(AzureKeyVaultOptions options,
                                                       std::shared_ptr<EvidenceSink> evidence, Waiting waiting,
                                                       const Connect& connect = web_transport);

  crypto::WrapType type() const override { return crypto::WrapType::kAzureKeyVault; }
  const std::string& name() const override { return name_; }
  Result<std::string> resolve(const std::string& key) override;
  // The ciphertext is one byte for the algorithm (1 RSA-OAEP-256, 2 A256KW, 3 CKM_AES_KEY_WRAP_PAD) and the vault's.
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
    std::string target;     // without api-version
    std::string operation;  // "wrapkey corpus"
    std::string key;        // for evidence
    net::Buffer body = {};
    bool withheld = false;              // the answer has key material
    Code bad_request = Code::kInvalid;  // what a 400 means
  };
  struct Authority {
    std::string resource, tenant;
  };
  struct Newest {
    AzureKeyId id;
    std::string type;
    Time until;
  };

  AzureKeyVault(AzureKeyVaultOptions options, Endpoint vault, std::unique_ptr<HttpTransport> transport,
                std::unique_ptr<AzureCredential> credential, std::shared_ptr<EvidenceSink> evidence, Waiting waiting);

  Result<net::Response> ask(const Ask& ask);
  Result<net::Response> send(const Ask& ask);
  Result<net::Response> run(const Ask& ask, TokenCache::Shared& token);
  Result<Authority> authority(const Ask& ask);
  Status adopt(const AzureChallenge& challenge);
  Status renew(const net::Response& answer, TokenCache::Shared& token);
  Result<TokenCache::Shared> token_for(const Authority& authority, std::string_view claims);
  net::Request request_of(const Ask& ask, const BearerToken* token) const;
  void keep(const Ask& ask, const net::Response& answer) const;

  Result<Newest> newest(const std::string& name);
  void forget(const std::string& name);
  Result<ProviderWrap> wrap_with(const Newest& version, const crypto::Secret& plaintext);
  Result<AzureKey> get_key(const AzureKeyId& id);
  Result<AzureKey> get_deleted(const AzureKeyId& id);
  Result<std::vector<AzureKeyItem>> get_versions(const AzureKeyId& id);
  Result<AzureRotationPolicy> get_rotation(const AzureKeyId& id);

  const AzureKeyVaultOptions options_;
  const Endpoint vault_;
  const std::string name_;
  const std::unique_ptr<HttpTransport> transport_;
  const std::unique_ptr<AzureCredential> credential_;
  const std::shared_ptr<EvidenceSink> evidence_;
  const Waiting waiting_;
  RetryBudget budget_;
  TokenCache tokens_;
  std::mutex mutex_;  // of what follows
  std::optional<Authority> authority_;
  std::map<std::string, Newest> newest_;
};

}  // namespace cloister::kms
