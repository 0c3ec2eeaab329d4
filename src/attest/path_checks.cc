#include "attest/path_checks.h"

#include <algorithm>

namespace cloister::attest {
namespace {

using crypto::Certificate;

struct Window {
  Time from, until;
};

Window window_of(std::span<const Certificate> path) {
  Window window{path.front().facts().not_before, path.front().facts().not_after};
  for (const Certificate& certificate : path) {
    window.from = std::max(window.from, certificate.facts().not_before);
    window.until = std::min(window.until, certificate.facts().not_after);
  }
  return window;
}

void check_keys(Verdict& verdict, std::span<const Certificate> path) {
  for (const Certificate& certificate : path) {
    const auto whose = published_test_key(certificate.spki_digest());
    if (!whose) continue;
    verdict.fail("published-key", Reason::kTestKey,
                 "anybody can sign with a key of this chain: " + std::string(*whose));
    return;
  }
  verdict.pass("published-key", "no key of the chain is known to be public");
}

void check_dates(Verdict& verdict, const Window& window, Time now) {
  if (now < window.from) {
    verdict.fail("certificate-dates", Reason::kNotYetValid, "the chain is valid from " + to_rfc3339(window.from));
  } else if (now >= window.until) {
    verdict.fail("certificate-dates", Reason::kExpired, "the chain was valid until " + to_rfc3339(window.until));
  } else {
    verdict.pass("certificate-dates", "valid until " + to_rfc3339(window.until));
  }
}

Status verify_signatures(const CertificatePath& path, const Window& window, const Question& question) {
  // A root is trusted for its key; that the rest of its certificate is what the key's owner wrote, its signature says.
  if (!crypto::is_signed_by(question.cache, path.root, path.root)) {
    return Error(Code::kDenied, "the root's certificate isn't signed by its key");
  }
  const Time at = std::clamp(question.now, window.from, std::max(window.from, window.until + seconds(-1)));
  const Certificate anchors[] = {path.root};
  const auto found = crypto::verify_chain(
      question.cache, path.leaf, {path.intermediates, anchors, crypto::Purpose::kAny, at, crypto::PathRules::kCommon});
  if (!found.ok()) return found.error();
  if (found->size() != path.intermediates.size() + 2) return Error(Code::kDenied, "a certificate has no place in it");
  return {};
}

}  // namespace

PathOutcome check_path(Verdict& verdict, const CertificatePath& path, std::span<const Root> roots,
                       const Question& question) {
  std::vector<Certificate> all{path.leaf};
  all.insert(all.end(), path.intermediates.begin(), path.intermediates.end());
  all.push_back(path.root);
  check_keys(verdict, all);
  const bool public_key = verdict.checks.back().state != CheckState::kPassed;

  PathOutcome outcome;
  const crypto::Sha256Digest& key = path.root.spki_digest();
  const auto pinned = std::ranges::find_if(roots, [&](Root root) { return question.anchors->trusts(root, key); });
  if (pinned != roots.end()) outcome.root = *pinned;
  const Window window = window_of(all);
  // Chains that end elsewhere aren't worth the work that their makers could make of them.
  const Status signatures = outcome.root ? verify_signatures(path, window, question) : Status();
  if (!outcome.root) {
    verdict.fail("certificate-chain", Reason::kUntrustedRoot, "it ends at a root that isn't the vendor's");
  } else if (!signatures.ok()) {
    verdict.fail("certificate-chain", Reason::kBadChain, signatures.error().message());
  } else {
    verdict.pass("certificate-chain", "up to " + std::string(root_name(*outcome.root)));
  }
  check_dates(verdict, window, question.now);
  outcome.holds = outcome.root.has_value() && signatures.ok() && !public_key;
  return outcome;
}

void skip_path(Verdict& verdict, Reason reason, const std::string& detail) {
  for (const char* name : {"published-key", "certificate-chain", "certificate-dates"}) {
    verdict.skip(name, reason, detail);
  }
}

}  // namespace cloister::attest
