#include "attest/collateral/merge.h"

#include <algorithm>
#include <tuple>

#include "attest/tpm/tpm_public.h"
#include "base/json.h"
#include "crypto/asymmetric_key.h"
#include "crypto/crl.h"
#include "crypto/ocsp.h"
#include "crypto/x509.h"

namespace cloister::attest {
namespace {

constexpr std::size_t kChainMax = 8;

Error not_of_kind(CollateralKind kind, std::string_view why) {
  return Error(Code::kInvalid, "this is no " + std::string(collateral_kind_name(kind)) + ": " + std::string(why));
}

Result<std::optional<Time>> date_of(CollateralKind kind, const JsonValue& object, std::string_view member) {
  const JsonValue* value = object.find(member);
  const std::string* text = value == nullptr ? nullptr : value->string();
  if (text == nullptr) return not_of_kind(kind, "it has no " + std::string(member));
  CLOISTER_TRY(const Time time, parse_rfc3339(*text).with_context(member));
  return std::optional(time);
}

// {"tcbInfo":{…},"signature":"…"} or {"enclaveIdentity":{…},"signature":"…"}.
Result<CollateralFacts> facts_of_json(CollateralKind kind, ByteView body, std::string_view inner) {
  const JsonLimits limits{kCollateralItemSizeMax, 16, 262'144};
  const auto document = parse_json(as_text(body), limits);
  if (!document.ok()) return not_of_kind(kind, document.error().message());
  const JsonValue* object = document->find(inner);
  if (object == nullptr || object->object() == nullptr) return not_of_kind(kind, "it has no " + std::string(inner));
  CollateralFacts facts;
  CLOISTER_TRY(facts.issued, date_of(kind, *object, "issueDate"));
  CLOISTER_TRY(facts.expires, date_of(kind, *object, "nextUpdate"));
  if (const JsonValue* number = object->find("tcbEvaluationDataNumber")) facts.number = number->unsigned_integer();
  return facts;
}

CollateralFacts facts_of(const std::vector<crypto::Certificate>& chain) {
  CollateralFacts facts;
  for (const crypto::Certificate& certificate : chain) {
    const crypto::CertificateFacts& of = certificate.facts();
    facts.issued = std::max(facts.issued.value_or(of.not_before), of.not_before);
    facts.expires = std::min(facts.expires.value_or(of.not_after), of.not_after);
  }
  return facts;
}

Result<CollateralFacts> facts_of_certificate(CollateralKind kind, ByteView body) {
  const auto certificate = crypto::Certificate::parse(body, crypto::SerialNumbers::kAlsoZero);
  if (!certificate.ok()) return not_of_kind(kind, certificate.error().message());
  return facts_of({*certificate});
}

Result<CollateralFacts> facts_of_chain(CollateralKind kind, ByteView body) {
  const auto chain = crypto::Certificate::parse_pem(as_text(body), kChainMax);
  if (!chain.ok()) return not_of_kind(kind, chain.error().message());
  return facts_of(*chain);
}

Result<CollateralFacts> facts_of_key(CollateralKind kind, ByteView body) {
  const auto key = crypto::PublicKey::from_spki(body);
  if (!key.ok()) return not_of_kind(kind, key.error().message());
  return CollateralFacts{};
}

Result<CollateralFacts> facts_of_tpm_key(CollateralKind kind, ByteView body) {
  const auto key = parse_attestation_key(body);
  if (!key.ok()) return not_of_kind(kind, key.error().message());
  return CollateralFacts{};
}

Result<CollateralFacts> facts_of_list(CollateralKind kind, ByteView body) {
  const auto list = crypto::RevocationList::parse(body);
  if (!list.ok()) return not_of_kind(kind, list.error().message());
  return CollateralFacts{list->this_update(), list->next_update(), {}};
}

Result<CollateralFacts> facts_of_ocsp(CollateralKind kind, ByteView body) {
  const auto response = crypto::parse_ocsp(body);
  if (!response.ok()) return not_of_kind(kind, response.error().message());
  if (response->answers.size() != 1) return not_of_kind(kind, "it answers about more than one certificate");
  return CollateralFacts{response->answers.front().this_update, response->answers.front().next_update, {}};
}

bool is_about(ByteView ocsp, std::string_view serial) {
  const auto response = crypto::parse_ocsp(ocsp);
  return response.ok() && to_hex(crypto::serial_of(response->answers.front())) == serial;
}

Result<CollateralFacts> facts_of_xml(CollateralKind kind, ByteView body) {
  const std::string_view text = as_text(body);
  if (text.find("SoftwareIdentity") == std::string_view::npos) return not_of_kind(kind, "it names no SoftwareIdentity");
  return CollateralFacts{};
}

bool older(const CollateralItem& item, const CollateralItem& kept) {
  const auto number = [](const CollateralItem& of) {
    const auto facts = collateral_facts(of.kind, of.body);
    return facts.ok() ? facts->number.value_or(0) : 0;
  };
  const auto rank = [&](const CollateralItem& of) {
    return std::tuple(number(of), of.issued.value_or(Time{}), of.fetched);
  };
  return rank(item) < rank(kept);
}

}  // namespace

Result<CollateralFacts> collateral_facts(CollateralKind kind, ByteView body) {
  if (body.empty() || body.size() > kCollateralItemSizeMax) return not_of_kind(kind, "it has no usual size");
  switch (kind) {
    case CollateralKind::kIntelTcbInfo: return facts_of_json(kind, body, "tcbInfo");
    case CollateralKind::kIntelQeIdentity: return facts_of_json(kind, body, "enclaveIdentity");
    case CollateralKind::kAmdCertificate: return facts_of_certificate(kind, body);
    case CollateralKind::kAmdChain: return facts_of_chain(kind, body);
    case CollateralKind::kIntelCrl:
    case CollateralKind::kAmdCrl:
    case CollateralKind::kTpmCrl: return facts_of_list(kind, body);
    case CollateralKind::kNvidiaOcsp: return facts_of_ocsp(kind, body);
    case CollateralKind::kNvidiaRim: return facts_of_xml(kind, body);
    case CollateralKind::kCcaEndorsement: return facts_of_key(kind, body);
    case CollateralKind::kTpmEndorsement: return facts_of_tpm_key(kind, body);
  }
  CLOISTER_CHECK(false);
  return CollateralFacts{};
}

Result<CollateralItem> make_collateral(const CollateralNeed& of, Bytes body, std::string issuer_chain, Time fetched) {
  if (!is_collateral_key(of.key)) return Error(Code::kInvalid, of.name() + " is no name of collateral");
  if (issuer_chain.size() > kIssuerChainSizeMax) return not_of_kind(of.kind, "its chain is too long");
  CLOISTER_TRY(const CollateralFacts facts, collateral_facts(of.kind, body).with_context(of.name()));
  if (of.kind == CollateralKind::kNvidiaOcsp && !is_about(body, of.key)) {
    return Error(Code::kInvalid, of.name() + ": the answer is about another certificate");
  }
  return CollateralItem{of.kind, of.key,       std::move(body), std::move(issuer_chain),
                        fetched, facts.issued, facts.expires};
}

Merged merge(Collateral& into, CollateralItem item) {
  const CollateralItem* kept = into.find(item.kind, item.key);
  const Merged how = kept == nullptr                   ? Merged::kAdded
                     : kept->digest() == item.digest() ? Merged::kSame
                     : older(item, *kept)              ? Merged::kOlder
                                                       : Merged::kReplaced;
  if (how == Merged::kSame && item.fetched <= kept->fetched) return how;
  if (how != Merged::kOlder) into.add(std::move(item));
  return how;
}

MergeReport merge(Collateral& into, const Collateral& from) {
  MergeReport report;
  for (const auto& [name, item] : from.items()) {
    switch (merge(into, item)) {
      case Merged::kAdded: ++report.added; break;
      case Merged::kReplaced: ++report.replaced; break;
      case Merged::kSame: ++report.same; break;
      case Merged::kOlder: report.older.push_back(name); break;
    }
  }
  return report;
}

bool raise(Floors& floors, const Floors& seen) {
  bool rose = false;
  for (const auto& [name, value] : seen) {
    const auto [at, added] = floors.emplace(name, value);
    rose = rose || added || at->second < value;
    at->second = std::max(at->second, value);
  }
  return rose;
}

std::string bundle_floor(std::string_view signer) { return "bundle/" + std::string(signer); }

Result<MergeReport> take_bundle(const OpenedBundle& opened, Collateral& collateral, Floors& floors) {
  const std::string name = bundle_floor(opened.signer);
  const auto at = static_cast<std::uint64_t>(opened.bundle.at.unix_ms);
  const auto known = floors.find(name);
  if (known != floors.end() && at < known->second) {
    return Error(Code::kDenied, "this collateral of " + opened.signer + " is of " + to_rfc3339(opened.bundle.at) +
                                    ", older than what was taken before");
  }
  // When bundles were taken is known here: a signer that had a say in it could lock another one out.
  Floors vendors = opened.bundle.floors;
  std::erase_if(vendors, [](const auto& floor) { return floor.first.starts_with(bundle_floor("")); });
  raise(floors, vendors);
  raise(floors, {{name, at}});
  return merge(collateral, opened.bundle.collateral);
}

}  // namespace cloister::attest
