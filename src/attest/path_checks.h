// What a chain of X.509 certificates up to a vendor's root is worth: three checks that verifiers share.
#pragma once

#include <span>

#include "attest/verifier.h"
#include "crypto/x509.h"

namespace cloister::attest {

struct CertificatePath {
  const crypto::Certificate& leaf;
  std::span<const crypto::Certificate> intermediates;  // every one must be needed
  const crypto::Certificate& root;
};

struct PathOutcome {
  bool holds = false;        // every signature up to a pinned root: dates aside
  std::optional<Root> root;  // the first of those asked for that the root is
};

// Adds the checks "published-key", "certificate-chain" (signatures, and that the root is one of `roots`) and
// "certificate-dates". The chain is judged at a time when all of it is valid, so that an expired one is told from a
// false one.
PathOutcome check_path(Verdict& verdict, const CertificatePath& path, std::span<const Root> roots,
                       const Question& question);
// The same checks, not evaluated.
void skip_path(Verdict& verdict, Reason reason, const std::string& detail);

}  // namespace cloister::attest
