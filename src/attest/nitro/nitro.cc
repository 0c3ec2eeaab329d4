#include "attest/nitro/nitro.h"

#include <algorithm>

#include "attest/nitro/nitro_document.h"
#include "attest/path_checks.h"

namespace cloister::attest {
namespace {

using crypto::Certificate;

constexpr Root kRoots[] = {Root::kAwsNitro};
constexpr std::size_t kDstackFrameSize = 4;

struct Chain {
  Certificate leaf;
  std::vector<Certificate> intermediates;
  Certificate root;
};

Result<Chain> read_chain(const NitroDocument& document, crypto::VerificationCache* cache) {
  CLOISTER_TRY(const Certificate leaf, crypto::parse_certificate(cache, document.certificate));
  CLOISTER_TRY(const Certificate root, crypto::parse_certificate(cache, document.authorities.front()));
  Chain chain{leaf, {}, root};
  for (const ByteView der : std::span(document.authorities).subspan(1)) {
    CLOISTER_TRY(Certificate authority, crypto::parse_certificate(cache, der));
    chain.intermediates.push_back(std::move(authority));
  }
  return chain;
}

void check_lifetimes(Verdict& verdict, const Chain& chain) {
  const auto lifetime = [](const Certificate& of) { return of.facts().not_after - of.facts().not_before; };
  const bool authorities = std::ranges::all_of(chain.intermediates, [&](const Certificate& certificate) {
    return lifetime(certificate) <= kNitroAuthorityLifetimeMax;
  });
  if (lifetime(chain.leaf) > kNitroLeafLifetimeMax) {
    verdict.fail("short-lived", Reason::kRevocationUnknown, "the document's key lives too long to go unrevoked");
  } else if (!authorities) {
    verdict.fail("short-lived", Reason::kRevocationUnknown, "an authority lives too long to go unrevoked");
  } else {
    verdict.pass("short-lived", "every certificate below the root ends before it would have to be revoked");
  }
}

bool check_signature(Verdict& verdict, const NitroDocument& document, const Certificate& leaf) {
  const auto key = leaf.public_key();
  const auto payload = key.ok() ? document.signature.verified_payload(*key) : Result<ByteView>(key.error());
  if (payload.ok()) {
    verdict.pass("document-signature", "ECDSA P-384 with SHA-384");
  } else {
    verdict.fail("document-signature", Reason::kBadSignature, payload.error().message());
  }
  return payload.ok();
}

bool in_debug_mode(const NitroDocument& document) {
  return all_zero(document.pcrs.at(0)) && all_zero(document.pcrs.at(1)) && all_zero(document.pcrs.at(2));
}

void check_enclave(Verdict& verdict, const NitroDocument& document, const Question& question) {
  if (in_debug_mode(document)) {
    verdict.fail("debug", Reason::kDebug, "the enclave runs in debug mode: its measurements are zero");
  } else {
    verdict.pass("debug", "off");
  }
  if (!question.report_data) {
    verdict.skip("report-data", Reason::kNonceMismatch, "nobody said what it must be");
    return;
  }
  const auto& carried = document.user_data ? document.user_data : document.nonce;
  if (carried && equal(*carried, *question.report_data)) {
    verdict.pass("report-data", document.user_data ? "the user data is what was asked for" : "the nonce is");
  } else {
    verdict.fail("report-data", Reason::kNonceMismatch, "the document answers another question");
  }
}

Claims claims_of(const NitroDocument& document) {
  Claims claims;
  claims["measurement"] = to_bytes(document.pcrs.at(0));
  claims["debug"] = in_debug_mode(document);
  claims["product"] = std::string("AWS Nitro Enclave");
  claims["nitro.module_id"] = document.module_id;
  claims["nitro.timestamp"] = to_rfc3339(document.timestamp);
  for (const auto& [index, digest] : document.pcrs) claims["nitro.pcr" + std::to_string(index)] = to_bytes(digest);
  if (document.user_data) claims["report_data"] = to_bytes(*document.user_data);
  if (document.nonce) claims["nitro.nonce"] = to_bytes(*document.nonce);
  if (document.public_key) claims["nitro.public_key"] = to_bytes(*document.public_key);
  return claims;
}

}  // namespace

Verdict verify_nitro(const Evidence& evidence, const Question& question) {
  const auto document = NitroDocument::parse(evidence.part("document"));
  if (!document.ok()) return unreadable(Kind::kNitro, question.now, Reason::kMalformed, document.error().message());
  const auto chain = read_chain(*document, question.cache);
  if (!chain.ok()) return unreadable(Kind::kNitro, question.now, Reason::kMalformed, chain.error().message());
  Verdict verdict;
  verdict.kind = Kind::kNitro;
  verdict.at = question.now;
  verdict.pass("parse", "a document of " + std::to_string(document->size) + " bytes");
  const PathOutcome path = check_path(verdict, {chain->leaf, chain->intermediates, chain->root}, kRoots, question);
  check_lifetimes(verdict, *chain);
  const bool is_signed = check_signature(verdict, *document, chain->leaf);
  check_enclave(verdict, *document, question);
  if (!path.holds || !is_signed) return verdict;
  verdict.assurance = question.anchors->insecure(*path.root) ? Assurance::kInsecureSoftware : Assurance::kHardware;
  verdict.claims = claims_of(*document);
  return verdict;
}

std::optional<Evidence> recognise_nitro(ByteView file) {
  for (const std::size_t skipped : {std::size_t{0}, kDstackFrameSize}) {
    if (file.size() <= skipped || !NitroDocument::parse(file.subspan(skipped)).ok()) continue;
    return Evidence{Kind::kNitro, {{"document", to_bytes(file.subspan(skipped))}}};
  }
  return std::nullopt;
}

}  // namespace cloister::attest
