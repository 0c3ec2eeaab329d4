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
// kInvalid when nobody is; kDenied when others can write the file of signers.
Result<std::vector<model::TrustedSigner>> read_trust(const TrustOptions& options);

// PKCS #8 in PEM, in a file that only its owner can read.
Result<crypto::PrivateKey> read_signing_key(const Path& path);
Result<std::vector<crypto::Certificate>> read_certificates(const Path& path, std::size_t count_max);

// Where a model's signature lies unless somebody says another place: in it, or beside a single file.
Path signature_beside(const Path& model);
Result<model::Bundle> read_signature(const Path& path);

// Verified, by the model's own signer, and neither another model's nor older than what `seen` says; `seen` is written
// anew, and made where it isn't there. kUnavailable while another process does so.
Result<model::Ledger> read_ledger(const Path& path, const Path& seen, std::span<const model::TrustedSigner> trusted,
                                  const model::Voucher& signer);

}  // namespace cloister::cli
