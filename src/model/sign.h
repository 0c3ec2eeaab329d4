// Signs a model: its files are listed and hashed, the statement about them is signed. OpenSSF model signing v1.0.
#pragma once

#include <span>

#include "crypto/signer.h"
#include "crypto/x509.h"
#include "model/bundle.h"
#include "model/statement.h"
#include "model/tree.h"

namespace cloister::model {

struct Describe {
  TreeRules rules;
  unsigned threads = 0;
};

// Whole files by SHA-256. kInvalid when nothing is left to sign; Tree::list's codes.
Result<Statement> describe_model(const Tree& tree, const Describe& how, Progress& progress);

// By a key on P-256 or P-384 (kUnsupported for others), whose certificates are given, the leaf first, or by the key
// alone. kInvalid when the leaf isn't the key's, and for a statement that nobody could read: names that no signature
// can have, or too much of them. kDenied when the leaf isn't for signing.
Result<Bundle> sign_statement(const Statement& statement, crypto::Signer& signer,
                              std::span<const crypto::Certificate> chain);

// The same for a payload of any type, which isn't looked at.
Result<Bundle> sign_payload(std::string_view payload_type, std::string_view payload, crypto::Signer& signer,
                            std::span<const crypto::Certificate> chain);

// kInvalid for what isn't signed, since whoever reads it would refuse it.
Error unreadable(const Error& why);

// What names a key in a bundle: hex SHA-256 of its PEM.
std::string key_hint(const crypto::PublicKey& key);
// ECDSA on a NIST curve. kUnsupported.
Status check_key_type(const crypto::PublicKey& key);
// digitalSignature among the key's usages, or code signing among the extended ones; kDenied.
Status check_signing_usage(const crypto::Certificate& leaf);

}  // namespace cloister::model
