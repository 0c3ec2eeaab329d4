#include "attest/intel/statement.h"

#include "attest/intel/pck.h"

namespace cloister::attest::intel {
namespace {

constexpr std::string_view kSignerName = "Intel SGX TCB Signing";
constexpr std::size_t kChainMax = 4;

}  // namespace

std::optional<Refusal> outside(Time from, Time until, Time now, std::string_view what) {
  if (now < from) return Refusal{Reason::kNotYetValid, std::string(what) + " is valid from " + to_rfc3339(from)};
  if (now >= until) return Refusal{Reason::kExpired, std::string(what) + " was valid until " + to_rfc3339(until)};
  return std::nullopt;
}

std::optional<Refusal> Signers::verify_path(const std::vector<crypto::Certificate>& path) const {
  if (path.size() != 2 || subject_common_name(path[0]) != kSignerName) {
    return Refusal{Reason::kBadChain, "its issuer's chain isn't a TCB Signing certificate and its root"};
  }
  for (const crypto::Certificate& certificate : path) {
    if (const auto whose = published_test_key(certificate.spki_digest())) {
      return Refusal{Reason::kTestKey, "anybody can sign with a key of its issuer's chain: " + std::string(*whose)};
    }
  }
  if (!question_.anchors->trusts(Root::kIntelSgx, path[1].spki_digest())) {
    return Refusal{Reason::kUntrustedRoot, "its issuer's chain ends at a root that isn't Intel's"};
  }
  for (const crypto::Certificate& certificate : path) {
    const auto& facts = certificate.facts();
    if (auto refusal = outside(facts.not_before, facts.not_after, question_.now, "its issuer's chain")) return refusal;
  }
  const crypto::Certificate anchors[] = {path[1]};
  const auto verified = crypto::verify_chain(
      question_.cache, path[0], {{}, anchors, crypto::Purpose::kAny, question_.now, crypto::PathRules::kCommon});
  if (!verified.ok()) return Refusal{Reason::kBadChain, "its issuer's chain: " + verified.error().message()};
  return std::nullopt;
}

const Signers::Chain& Signers::chain(const std::string& text) {
  for (const Chain& known : chains_) {
    if (known.text == text) return known;
  }
  Chain chain{text, std::nullopt, std::nullopt};
  auto certificates = crypto::parse_pem_certificates(question_.cache, text, kChainMax);
  if (!certificates.ok()) {
    chain.refusal =
        Refusal{Reason::kBadChain, "it comes without its issuer's chain: " + certificates.error().message()};
  } else if (auto path = ordered_path(std::move(*certificates)); !path.ok()) {
    chain.refusal = Refusal{Reason::kBadChain, "its issuer's chain: " + path.error().message()};
  } else {
    chain.refusal = verify_path(*path);
    if (!chain.refusal) {
      chain.signer = path->front();
      certificates_.push_back(path->front());
    }
  }
  chains_.push_back(std::move(chain));
  return chains_.back();
}

std::optional<Refusal> Signers::verify(const CollateralItem& item, std::string_view text, ByteView signature) {
  const Chain& by = chain(item.issuer_chain);
  if (by.refusal) return by.refusal;
  const auto key = by.signer->public_key();
  if (!key.ok() || key->type() != crypto::KeyType::kEcP256 ||
      !crypto::verify_signature(question_.cache, *key, crypto::SignatureAlgorithm::kEcdsaSha256, as_bytes(text),
                                crypto::ecdsa_signature(signature.first(32), signature.last(32)))
           .ok()) {
    return Refusal{Reason::kBadSignature, "its signature isn't that of its issuer's chain"};
  }
  return std::nullopt;
}

}  // namespace cloister::attest::intel
