// A KMIP server as a Provider: versions 1.4, 2.0 and 2.1 over mutual TLS.
#pragma once

#include "crypto/random.h"
#include "kms/kmip/connections.h"
#include "kms/kmip/key_posture.h"
#include "kms/kmip/operations.h"
#include "kms/provider.h"
#include "kms/retry.h"

namespace cloister::kms {

struct KmipOptions {
  std::string host;
  std::uint16_t port = 5696;
  // PEM: who vouches for the server, and who we are to it. All three are needed.
  std::string authorities_file, certificate_file, key_file;
  // "gcm": AES-GCM with the context as additional data. "nist-key-wrap", for servers without it: RFC 3394, with the
  // context bound inside of what is wrapped. Wraps of both open, whatever this says.
  std::string cipher = "gcm";
  std::string newest = "2.1";   // the newest version to speak: "1.4", "2.0" or "2.1"
  std::size_t connections = 4;  // kept when idle
  RetryRules retry;
};

// A key is named by its unique identifier, or by its Name, which must then be one key's; wraps name the identifier.
// Wraps by AES-GCM with a random 96-bit nonce: at most 2^32 under one key. A key that isn't active yet is refused, and
// is never activated unasked.
class KmipServer final : public Provider {
 public:
  // Connects only when there is something to ask. kInvalid when an option is missing or wrong.
  static Result<std::shared_ptr<KmipServer>> create(const KmipOptions& options, std::shared_ptr<EvidenceSink> evidence,
                                                    Waiting waiting);
  // Over connections of another make.
  static Result<std::shared_ptr<KmipServer>> create_over(KmipDial dial, const KmipOptions& options,
                                                         std::shared_ptr<EvidenceSink> evidence, Waiting waiting);

  crypto::WrapType type() const override { return crypto::WrapType::kKmip; }
  const std::string& name() const override { return name_; }
  Result<std::string> resolve(const std::string& key) override;
  Result<ProviderWrap> wrap(const std::string& key, const crypto::Secret& plaintext,
                            const ContextMap& context) override;
  Result<crypto::Secret> unwrap(const std::string& key, const ProviderWrap& wrapped,
                                const ContextMap& context) override;
  Result<KeyPosture> describe(const std::string& key) override;
  Result<KeyPage> list(const std::string& cursor) override;
  Result<ProviderHealth> health() override;

  // Makes a key that is PreActive Active; one that is already stays so. There is no way back.
  Status activate(const std::string& key);

 private:
  struct Words {  // of the options, read
    kmip::Cipher cipher;
    std::vector<kmip::ProtocolVersion> offered;  // newest first
  };
  static Result<Words> read(const KmipOptions& options);
  KmipServer(KmipDial dial, const KmipOptions& options, Words words, std::shared_ptr<EvidenceSink> evidence,
             Waiting waiting);

  // Answered, with success; retried as the rules allow. In the version agreed on, unless another is given.
  Result<kmip::Answer> ask(kmip::Operation operation, const std::string& key, const kmip::PayloadWriter& payload);
  Result<kmip::Answer> ask(kmip::ProtocolVersion version, kmip::Operation operation, const std::string& key,
                           const kmip::PayloadWriter& payload);
  Result<kmip::Answer> attempt(kmip::ProtocolVersion version, kmip::Operation operation, const std::string& key,
                               const kmip::PayloadWriter& payload);
  void keep_evidence(const kmip::Answer& answer, kmip::Operation operation, const std::string& key);
  Error refusal(const kmip::Answer& answer, kmip::Operation operation, const std::string& key) const;
  std::string doing(kmip::Operation operation, const std::string& key) const;  // for messages

  Result<kmip::ProtocolVersion> version();
  Result<kmip::ProtocolVersion> discover(kmip::ProtocolVersion spoken);
  Result<kmip::KeyAttributes> attributes(const std::string& key);
  // What is behind a refusal to use a key: its state, when that is why.
  Error explain(Error refused, const std::string& key);

  const std::string name_;
  const RetryRules retry_;
  const kmip::Cipher cipher_;
  const std::vector<kmip::ProtocolVersion> offered_;
  const std::shared_ptr<EvidenceSink> evidence_;
  const Waiting waiting_;
  kmip::Connections connections_;
  RetryBudget budget_;
  crypto::SystemRandom random_;
  std::mutex mutex_;
  std::optional<kmip::ProtocolVersion> version_;
};

}  // namespace cloister::kms
