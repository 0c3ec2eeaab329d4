// Weaknesses that have names, where they follow from what was found.
#include <algorithm>

#include "probe/tls/checks.h"
#include "probe/tls/cipher_suites.h"
#include "probe/tls/names.h"

namespace cloister::probe {
namespace {

// Whether a suite like that is taken in one of these versions.
template <typename Wanted>
Seen takes(const Known& known, std::initializer_list<std::uint16_t> versions, const Wanted& wanted) {
  Seen seen = Seen::kNo;
  for (const std::uint16_t version : versions) {
    if (known.versions.at(version) == Seen::kUnknown) seen = Seen::kUnknown;
    const auto found = known.suites.find(version);
    if (found == known.suites.end()) continue;
    const auto& codes = found->second.codes;
    if (std::ranges::any_of(codes, [&](std::uint16_t code) { return wanted(traits_of(code)); })) return Seen::kYes;
    if (!found->second.complete) seen = Seen::kUnknown;
  }
  return seen;
}

Seen either(Seen a, Seen b) {
  if (a == Seen::kYes || b == Seen::kYes) return Seen::kYes;
  if (a == Seen::kUnknown || b == Seen::kUnknown) return Seen::kUnknown;
  return Seen::kNo;
}

Seen at_most_bits(const Facts& facts, std::string_view subject, int bits) {
  const Fact* fact = facts.find("C6", subject);
  if (fact == nullptr || fact->seen == Seen::kNotApplicable) return Seen::kNo;
  if (fact->seen != Seen::kYes) return Seen::kUnknown;
  return std::atoi(fact->detail.c_str()) <= bits ? Seen::kYes : Seen::kNo;
}

}  // namespace

Facts derive_weaknesses(const Facts& facts, const Known& known) {
  using Traits = SuiteTraits;
  const auto any = {kSsl3, kTls10, kTls11, kTls12};
  Facts out;
  const auto cbc = [](const Traits& traits) { return traits.cbc; };
  out.add("H19", "BEAST", takes(known, {kSsl3, kTls10}, cbc), "CBC in TLS 1.0 or SSLv3");
  out.add("H19", "POODLE", takes(known, {kSsl3}, cbc), "CBC in SSLv3");
  out.add("H19", "SWEET32",
          takes(known, any, [](const Traits& t) { return t.triple_des || t.des || t.idea || (t.rc2 && t.cbc); }),
          "blocks of 64 bits");
  out.add("H19", "RC4", takes(known, any, [](const Traits& t) { return t.rc4; }), "biased key stream");
  out.add("H19", "FREAK", takes(known, any, [](const Traits& t) { return t.exported && !t.dhe && !t.anonymous; }),
          "RSA of export strength");
  const Seen exported_dh = takes(known, any, [](const Traits& t) { return t.exported && t.dhe; });
  out.add("H19", "LOGJAM", either(exported_dh, at_most_bits(facts, "bits", 1024)),
          "finite-field groups of 1024 bits or fewer");
  out.add("H19", "DROWN", known.sslv2, "SSLv2, which endangers every endpoint with the same RSA key");
  const Seen compression = facts.seen("H3");
  out.add("H19", "CRIME", compression == Seen::kNotApplicable ? Seen::kNo : compression, "TLS compression");
  out.add("H19", "LUCKY13", takes(known, {kTls10, kTls11, kTls12}, cbc),
          facts.seen("H8", "encrypt-then-MAC") == Seen::kYes ? "CBC, though with encrypt-then-MAC for who asks"
                                                             : "CBC; whether its timing tells isn't measured");
  return out;
}

}  // namespace cloister::probe
