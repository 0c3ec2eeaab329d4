// The transit engine of HashiCorp Vault or OpenBao as a Provider.
#pragma once

#include <set>

#include "kms/provider.h"
#include "kms/vault/session.h"

namespace cloister::kms {

struct VaultOptions {
  std::string address;                     // "https://vault.acme.example:8200"
  std::string mount = "transit";           // of the engine
  std::string name_space;                  // of it and of the login: X-Vault-Namespace; empty: none
  std::string authorities_file;            // PEM; empty: the system's
  std::string certificate_file, key_file;  // ours, where the server asks for one; needed with auth = "cert"

  std::string auth = "token";  // "token", "approle", "kubernetes", "jwt" or "cert"
  std::string auth_mount;      // empty: the method's own name
  std::string role;  // approle: the role_id; kubernetes, jwt: the role; cert: the role's name, or empty for any
  // token: the token; approle: the secret_id, both for this user alone; kubernetes, jwt: the JWT. Read anew for each
  // login. Empty: with token VAULT_TOKEN of the environment, with kubernetes the service account's.
  std::string secret_file;

  RetryRules retry;
};

// A key is named by its name, or in full: "NAMESPACE/MOUNT/NAME", "MOUNT/NAME". Wraps with the context as associated
// data, which Vault has since 1.9; keys must be of an AEAD type and not derived. The first use of a key reads it (the
// token's policy must allow that), because encrypting under a name that isn't there would make a key.
class VaultTransit final : public Provider {
 public:
  using Environment = std::function<std::optional<std::string>(const std::string&)>;
  // Connects only when there is something to ask. kInvalid when an option is missing or wrong.
  static Result<std::shared_ptr<VaultTransit>> create(const VaultOptions& options, const Environment& environment,
                                                      std::shared_ptr<EvidenceSink> evidence, Waiting waiting);
  // Over a transport of another make.
  static Result<std::shared_ptr<VaultTransit>> create_over(std::unique_ptr<HttpTransport> transport,
                                                           const VaultOptions& options, const Environment& environment,
                                                           std::shared_ptr<EvidenceSink> evidence, Waiting waiting);

  crypto::WrapType type() const override { return crypto::WrapType::kVaultTransit; }
  const std::string& name() const override { return name_; }
  Result<std::string> resolve(const std::string& key) override;
  Result<ProviderWrap> wrap(const std::string& key, const crypto::Secret& plaintext,
                            const ContextMap& context) override;
  Result<crypto::Secret> unwrap(const std::string& key, const ProviderWrap& wrapped,
                                const ContextMap& context) override;
  Result<KeyPosture> describe(const std::string& key) override;
  // All keys at once: the engine knows no pages.
  Result<KeyPage> list(const std::string& cursor) override;
  Result<ProviderHealth> health() override;

 private:
  struct Parts {
    std::string prefix, mount, name_space, name;
    vault::SessionOptions session;
  };
  // What is asked: a key's name may be empty, and what carries key material is kept as evidence without its body.
  struct Question {
    std::string_view operation;  // for messages: "encrypt"
    std::string method, path, key;
    net::Buffer body;
    bool withheld = false;
  };

  static Result<Parts> read(const VaultOptions& options, const Environment& environment);
  VaultTransit(std::unique_ptr<HttpTransport> transport, Parts parts, const RetryRules& retry,
               std::shared_ptr<EvidenceSink> evidence, Waiting waiting);

  Result<std::string> short_name(const std::string& key) const;
  std::string full_name(const std::string& name) const;
  // 200 and what is like it; the error that it stands for otherwise.
  Result<net::Response> ask(const Question& question);
  Error refusal(const net::Response& response, const Question& question) const;
  void keep_evidence(const net::Response& response, const Question& question);
  std::string doing(std::string_view operation, const std::string& key) const;
  Result<vault::TransitKey> read_key(const std::string& name);
  Status check_once(const std::string& name);
  // Without a token, asked once: what says how the server is.
  Result<net::Response> ask_system(std::string_view path);

  const std::unique_ptr<HttpTransport> transport_;
  const std::string name_, prefix_, mount_, name_space_;
  const RetryRules retry_;
  const std::shared_ptr<EvidenceSink> evidence_;
  const Waiting waiting_;
  RetryBudget budget_;
  vault::Session session_;
  std::mutex mutex_;
  std::set<std::string> usable_;  // keys that were looked at
};

}  // namespace cloister::kms
