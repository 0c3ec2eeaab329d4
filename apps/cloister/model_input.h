// What verbs on models are given: keys, signers and signatures in files.
#pragma once

#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "crypto/asymmetric_key.h"
#include "model/ledger.h"
#include "model/verify.h"

namespace cloister::cli {

// Who is trusted: a key, or whoever a certificate below a root names, or a file of signers.
struct TrustOptions {
  std::vector<std::string> keys, roots, identities;
  std::string signers;
};

void add_trust_options(CLI::App& verb, TrustOptions& trust);
// kInvalid when nobody is; kDenied when others can write the file of signers, or a key or root that it names.
Result<std::vector<model::TrustedSigner>> read_trust(const TrustOptions& options);

// PKCS #8 in PEM, in a file that only its owner can read.
Result<crypto::PrivateKey> read_signing_key(const Path& path);
Result<std::vector<crypto::Certificate>> read_certificates(const Path& path, std::size_t count_max);

// Where a model's signature lies unless somebody says another place: in it, or beside a single file.
Path signature_beside(const Path& model);
// kDenied for what is no regular file.
Result<model::Bundle> read_signature(const Path& path);

// "left out by its signer: a, b", a line.
std::string left_out_text(const model::Statement& statement);

// Which ledger of a model is the newest that was seen, in a file of its own. Nobody else raises it meanwhile.
class LedgerMemory {
 public:
  // An empty one where there is no file. kUnavailable while another process has it; kDenied when others can write it.
  static Result<LedgerMemory> open(const Path& path);

  const std::optional<model::LedgerFloor>& floor() const { return floor_; }
  // raise_floor()'s codes.
  Status raise(const model::Ledger& ledger, const model::Bundle& bundle);

 private:
  LedgerMemory(Path path, File lock, std::optional<model::LedgerFloor> floor)
      : path_(std::move(path)), lock_(std::move(lock)), floor_(std::move(floor)) {}

  Path path_;
  File lock_;
  std::optional<model::LedgerFloor> floor_;
};

// The ledger, and the memory of the newest.
struct LedgerOptions {
  std::string ledger, seen;
};

void add_ledger_options(CLI::App& verb, LedgerOptions& options);
// Held against the ledger that is there now, where one is named: verified, by the model's own signer, and neither
// another model's nor older than what was seen; what was seen is written anew. kDenied unless this version may be
// loaded.
Status check_against_ledger(const LedgerOptions& options, std::span<const model::TrustedSigner> trusted,
                            const model::Signed& what);

}  // namespace cloister::cli
