#include "probe/certificate/judge.h"

#include <algorithm>

#include "identity/x509_svid.h"
#include "probe/certificate/judgement.h"
#include "probe/certificate/ocsp.h"
#include "probe/certificate/weak_key.h"

namespace cloister::probe {
namespace {

constexpr std::string_view kServerUse = "1.3.6.1.5.5.7.3.1";
constexpr std::string_view kClientUse = "1.3.6.1.5.5.7.3.2";
constexpr std::string_view kAnyUse = "2.5.29.37.0";
constexpr unsigned kSerialBitsMin = 64;

struct CalendarRow {
  std::string_view from;
  Duration at_most;
};
// CA/Browser Forum ballots SC-31 and SC-081v3.
constexpr CalendarRow kCalendar[] = {{"2029-03-15T00:00:00Z", days(47)},
                                     {"2027-03-15T00:00:00Z", days(100)},
                                     {"2026-03-15T00:00:00Z", days(200)},
                                     {"2020-09-01T00:00:00Z", days(398)}};

std::string days_of(Duration duration) {
  const std::int64_t hours_in_all = duration.ms / 3'600'000;
  return hours_in_all < 72 ? std::to_string(hours_in_all) + " h" : std::to_string(hours_in_all / 24) + " d";
}

// Every certificate of the chain was signed by the next.
bool in_order(const SeenChain& chain) {
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    if (!equal(chain[i].issuer, chain[i + 1].subject)) return false;
  }
  return true;
}

bool strong_enough(const SeenKey& key) {
  if (key.type == "RSA") return key.bits >= 2048;
  return key.bits >= 255 || key.type.starts_with("ML-DSA");
}

// Odd and large enough that nobody need think about small messages.
bool good_exponent(const SeenKey& key) {
  return key.exponent.size() >= 3 && key.exponent.size() <= 32 && (key.exponent.back() & 1) == 1;
}

bool uses(const SeenCertificate& certificate, std::string_view usage) {
  return !certificate.extended_usages ||
         std::ranges::find(*certificate.extended_usages, usage) != certificate.extended_usages->end();
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

Facts all_unknown(const std::string& why) {
  Facts facts;
  for (const char* check : {"X1", "X2", "X3", "X4", "X5", "X9", "X10", "X11", "X12", "S2", "T1", "T2"}) {
    facts.add(check, "", Seen::kUnknown, why);
  }
  return facts;
}

}  // namespace

Duration public_lifetime_max(Time issued_at) {
  for (const CalendarRow& row : kCalendar) {
    if (issued_at >= parse_rfc3339(row.from).value()) return row.at_most;
  }
  return days(825);
}

const SeenCertificate* issuer_of(const SeenCertificate& certificate, std::span<const SeenCertificate> candidates) {
  for (const SeenCertificate& candidate : candidates) {
    if (equal(certificate.issuer, candidate.subject) &&
        verify_signed_by(candidate, certificate.signature_algorithm, certificate.signed_part, certificate.signature)
            .ok()) {
      return &candidate;
    }
  }
  return nullptr;
}

void judge_path(const CertificateQuestion& question, const SeenChain& chain, Facts& facts) {
  const SeenCertificate& leaf = chain.front();
  facts.add("X1", "order", seen_if(in_order(chain)), std::to_string(chain.size()) + " certificates were sent");
  facts.add("X1", "self-signed", seen_if(leaf.self_issued()), name_text(leaf.subject));
  const bool with_root = chain.size() > 1 && chain.back().self_issued();
  facts.add("X1", "root sent", seen_if(with_root), with_root ? name_text(chain.back().subject) : "");
  if (question.anchors.empty()) {
    facts.add("X1", "trusted", Seen::kUnknown, "no authorities were given to trust");
    return;
  }
  std::vector<crypto::Certificate> certificates;
  for (const SeenCertificate& one : chain) {
    auto strict = one.strict();
    if (!strict.ok()) {
      facts.add("X1", "trusted", Seen::kNo, strict.error().message());
      return;
    }
    certificates.push_back(std::move(strict).value());
  }
  if (std::ranges::find(question.anchors, certificates.front()) != question.anchors.end()) {
    facts.add("X1", "trusted", Seen::kYes, "the certificate itself is trusted");
    return;
  }
  const auto intermediates = std::span<const crypto::Certificate>(certificates).subspan(1);
  const auto path = crypto::verify_chain(
      certificates.front(),
      {intermediates, question.anchors, crypto::Purpose::kServer, question.now, crypto::PathRules::kCommon});
  // A date has a check of its own.
  const bool late = !path.ok() && path.error().code() == Code::kExpired;
  facts.add("X1", "trusted", late ? Seen::kUnknown : seen_if(path.ok()),
            path.ok() ? "by " + name_text(path->back().facts().subject) : path.error().message());
}

void judge_keys(const SeenChain& chain, Facts& facts) {
  const SeenCertificate& leaf = chain.front();
  bool strong = true;
  std::string detail, weak;
  for (const SeenCertificate& one : chain) {
    detail +=
        (detail.empty() ? "" : ", ") + one.key.type + (one.key.type == "RSA" ? " " + std::to_string(one.key.bits) : "");
    strong = strong && strong_enough(one.key);
    // Nobody relies on what a root says of itself.
    if (signature_is_weak(one.signature_oid) && !one.self_issued()) weak = signature_name(one.signature_oid);
  }
  facts.add("X2", "strong", seen_if(strong), detail);
  const bool rsa = leaf.key.type == "RSA";
  facts.add("X2", "exponent", rsa ? seen_if(good_exponent(leaf.key)) : Seen::kNotApplicable,
            rsa ? "0x" + to_hex(leaf.key.exponent) : "");
  facts.add("X2", "roca", rsa ? seen_if(has_roca_shape(leaf.key.modulus)) : Seen::kNotApplicable);
  unsigned serial_bits = 0;
  for (const std::uint8_t byte : leaf.serial) serial_bits = serial_bits != 0 || byte != 0 ? serial_bits + 8 : 0;
  const bool positive = !leaf.serial.empty() && leaf.serial.front() < 0x80;
  facts.add("X12", "", seen_if(positive && serial_bits >= kSerialBitsMin),
            std::to_string(serial_bits) + " bits or fewer");
  facts.add("S2", "weak", seen_if(!weak.empty()), weak.empty() ? signature_name(leaf.signature_oid) : weak);
  facts.add("S3", "ML-DSA", seen_if(leaf.key.type.starts_with("ML-DSA")), leaf.key.type);
}

void judge_time(const CertificateQuestion& question, const SeenCertificate& leaf, Facts& facts) {
  const bool begun = question.now >= leaf.not_before;
  const bool over = question.now > leaf.not_after;
  const std::string span = to_rfc3339(leaf.not_before) + " to " + to_rfc3339(leaf.not_after);
  facts.add("X3", "valid", seen_if(begun && !over), !begun ? "not yet: " + span : over ? "expired: " + span : span);
  const Duration life = leaf.not_after - leaf.not_before;
  const LifetimeRule& rule = question.lifetime;
  const Duration most = rule.by_calendar ? public_lifetime_max(leaf.not_before) : rule.at_most;
  // Both ends are part of it (RFC 5280 4.1.2.5): a second too much is no day too much.
  facts.add("X3", "lifetime", most.ms == 0 ? Seen::kNotApplicable : seen_if(life.ms <= most.ms),
            days_of(life) + (most.ms == 0 ? "" : ", at most " + days_of(most)));
  const Duration rest = leaf.not_after - question.now;
  const bool enough = life.ms > 0 && rest.ms * 100 >= life.ms * static_cast<std::int64_t>(rule.rest_percent);
  facts.add("X3", "rest", seen_if(enough), days_of(rest.ms > 0 ? rest : Duration{}) + " left of " + days_of(life));
}

void judge_names(const CertificateQuestion& question, const SeenCertificate& leaf, Facts& facts) {
  const bool named = leaf.names.has_value();
  std::string all;
  bool wildcard = false;
  if (named) {
    std::vector<std::string> words = leaf.names->dns_names;
    wildcard = std::ranges::any_of(words, [](const std::string& name) { return name.starts_with("*."); });
    words.insert(words.end(), leaf.names->uris.begin(), leaf.names->uris.end());
    if (!leaf.names->ip_addresses.empty())
      words.push_back(std::to_string(leaf.names->ip_addresses.size()) + " addresses");
    all = joined(words);
  }
  facts.add("X4", "common name only", seen_if(!named && !leaf.common_name.empty()), leaf.common_name);
  facts.add("X4", "wildcard", seen_if(wildcard), all);
  if (question.host.empty()) {
    facts.add("X4", "names host", Seen::kNotApplicable, "nobody said whom it should name");
    return;
  }
  const auto strict = leaf.strict();
  const Seen matches = strict.ok() ? seen_if(crypto::names_host(*strict, question.host)) : Seen::kUnknown;
  facts.add("X4", "names host", matches, question.host + (matches == Seen::kNo ? " isn't among: " + all : ""));
}

void judge_usage(const SeenChain& chain, Facts& facts) {
  const SeenCertificate& leaf = chain.front();
  const std::string usages = leaf.extended_usages ? joined(*leaf.extended_usages) : "no extended key usage: any";
  facts.add("X5", "server", seen_if(uses(leaf, kServerUse) || uses(leaf, kAnyUse)), usages);
  facts.add("X5", "client", seen_if(uses(leaf, kClientUse)), usages);
  const bool signs = leaf.key_usage && (*leaf.key_usage & 0x8000) != 0;
  facts.add("X5", "digital signature", leaf.key_usage ? seen_if(signs) : Seen::kNotApplicable);
  facts.add("X5", "authority", seen_if(leaf.is_authority), leaf.is_authority ? "a leaf with cA=true" : "");
  const bool constrained = std::ranges::any_of(chain, &SeenCertificate::has_name_constraints);
  facts.add("X6", "name constraints", seen_if(constrained));
}

void judge_svid(const SeenChain& chain, Facts& facts) {
  const SeenCertificate& leaf = chain.front();
  const bool claims = leaf.names && std::ranges::any_of(leaf.names->uris, [](const std::string& uri) {
                        return uri.starts_with("spiffe:") || uri.starts_with("SPIFFE:");
                      });
  const auto strict = leaf.strict();
  const auto id = strict.ok() ? identity::check_leaf(*strict, identity::Conformance::kStrict)
                              : Result<identity::SpiffeId>(strict.error());
  facts.add("X11", "claims an id", seen_if(claims), claims ? leaf.names->uris.front() : "");
  facts.add("X11", "svid", seen_if(id.ok()), id.ok() ? id->uri() : id.error().message());
}

Facts judge_certificate(const CertificateQuestion& question) {
  SeenChain chain;
  for (const Bytes& der : question.chain) {
    auto certificate = read_certificate(der);
    if (!certificate.ok())
      return all_unknown("certificate " + std::to_string(chain.size() + 1) + ": " + certificate.error().message());
    chain.push_back(std::move(certificate).value());
  }
  if (chain.empty()) return all_unknown("no certificate was seen");
  SeenChain anchors;
  for (const crypto::Certificate& anchor : question.anchors) {
    auto seen = read_certificate(anchor.der());
    if (seen.ok() && equal(seen->subject, chain.front().issuer)) anchors.push_back(std::move(seen).value());
  }
  const SeenCertificate& leaf = chain.front();
  const SeenCertificate* issuer = issuer_of(leaf, chain);
  if (issuer == nullptr) issuer = issuer_of(leaf, anchors);
  Facts facts;
  judge_path(question, chain, facts);
  judge_keys(chain, facts);
  judge_time(question, leaf, facts);
  judge_names(question, leaf, facts);
  judge_usage(chain, facts);
  judge_status(question, leaf, issuer, facts);
  judge_svid(chain, facts);
  judge_timestamps(question, leaf, issuer, facts);
  return facts;
}

}  // namespace cloister::probe
