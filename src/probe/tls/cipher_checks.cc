// Which cipher suites are taken, in which version, and who decides.
#include <algorithm>
#include <utility>

#include "probe/tls/checks.h"
#include "probe/tls/cipher_suites.h"
#include "probe/tls/known_primes.h"
#include "probe/tls/names.h"

namespace cloister::probe {
namespace {

constexpr std::size_t kBatch = 100;
constexpr std::uint16_t kAllVersions[] = {kTls13, kTls12, kTls11, kTls10, kSsl3};

using Codes = std::vector<std::uint16_t>;

// Those that this version knows, likely ones first, in batches that no stack chokes on.
std::vector<Codes> batches_of(Asker& asker, std::uint16_t version) {
  Codes all = asker.default_suites(version);
  for (const CipherSuite& suite : cipher_suites()) {
    const SuiteTraits traits = traits_of(suite.name);
    if (traits.tls13 != (version == kTls13) || (version < kTls12 && (traits.aead || traits.sha2_mac))) continue;
    if (std::ranges::find(all, suite.code) == all.end()) all.push_back(suite.code);
  }
  std::vector<Codes> batches;
  for (std::size_t offset = 0; offset < all.size(); offset += kBatch) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(offset);
    batches.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(std::min(kBatch, all.size() - offset)));
  }
  return batches;
}

ClientHello suite_hello(Asker& asker, const Known& known, std::uint16_t version, const Codes& offered) {
  if (version != kTls13 || known.empty_share) return asker.hello(version, offered);
  ClientHello hello = hello13_with_share(asker, known.first13.hello.group.value_or(kX25519));
  hello.suites = offered;
  return hello;
}

Taken enumerate(Asker& asker, const Known& known, std::uint16_t version, const Codes& batch) {
  return take_all(
      batch, [&](const Codes& offered) { return asker.ask(suite_hello(asker, known, version, offered)); },
      [version](const Answer& answer) -> std::optional<std::uint16_t> {
        if (answer.hello.version != version) return std::nullopt;
        return answer.hello.suite;
      });
}

void enumerate_all(Asker& asker, Known& known) {
  struct Piece {
    std::uint16_t version;
    Codes batch;
    Taken taken;
  };
  std::vector<Piece> pieces;
  for (const std::uint16_t version : kAllVersions) {
    if (!known.speaks(version)) continue;
    for (Codes& batch : batches_of(asker, version)) pieces.push_back({version, std::move(batch), {}});
  }
  std::vector<std::function<void()>> tasks;
  for (Piece& piece : pieces) {
    tasks.push_back([&asker, &known, &piece] { piece.taken = enumerate(asker, known, piece.version, piece.batch); });
  }
  run_together(asker.options().at_once, tasks);
  for (const Piece& piece : pieces) {
    Taken& all = known.suites[piece.version];
    all.codes.insert(all.codes.end(), piece.taken.codes.begin(), piece.taken.codes.end());
    if (piece.taken.complete) continue;
    all.complete = false;
    all.why = piece.taken.why;
  }
}

void add_suites(const Known& known, Facts& facts) {
  for (const std::uint16_t version : kAllVersions) {
    const auto found = known.suites.find(version);
    if (found == known.suites.end()) continue;
    for (const std::uint16_t code : found->second.codes) {
      facts.add("C1", version_name(version) + " " + suite_name(code), Seen::kYes);
    }
    if (!found->second.complete)
      facts.add("C1", version_name(version), Seen::kUnknown, "there may be more: " + found->second.why);
  }
}

// Whether any suite that is taken is such a one, and which.
template <typename Wanted>
void add_class(const Known& known, Facts& facts, std::string_view check, std::string_view name, const Wanted& wanted) {
  std::string which;
  bool complete = true;
  for (const auto& [version, taken] : known.suites) {
    complete = complete && taken.complete;
    for (const std::uint16_t code : taken.codes) {
      const std::string suite = suite_name(code);
      if (!wanted(traits_of(suite)) || which.find(suite) != std::string::npos) continue;
      which += (which.empty() ? "" : ", ") + suite;
    }
  }
  const bool all_known =
      complete && std::ranges::none_of(known.versions, [](const auto& one) { return one.second == Seen::kUnknown; });
  Seen seen = all_known ? Seen::kNo : Seen::kUnknown;
  if (!which.empty()) seen = Seen::kYes;
  facts.add(std::string(check), std::string(name), seen, which);
}

void add_classes(const Known& known, Facts& facts) {
  using Traits = SuiteTraits;
  add_class(known, facts, "C2", "NULL", [](const Traits& t) { return t.null; });
  add_class(known, facts, "C2", "anonymous", [](const Traits& t) { return t.anonymous; });
  add_class(known, facts, "C2", "EXPORT", [](const Traits& t) { return t.exported; });
  add_class(known, facts, "C2", "RC4", [](const Traits& t) { return t.rc4; });
  add_class(known, facts, "C2", "RC2", [](const Traits& t) { return t.rc2; });
  add_class(known, facts, "C2", "DES", [](const Traits& t) { return t.des; });
  add_class(known, facts, "C2", "3DES", [](const Traits& t) { return t.triple_des; });
  add_class(known, facts, "C2", "IDEA", [](const Traits& t) { return t.idea; });
  add_class(known, facts, "C2", "MD5", [](const Traits& t) { return t.md5; });
  add_class(known, facts, "C2", "short tag", [](const Traits& t) { return t.short_tag; });
  add_class(known, facts, "C3", "CBC", [](const Traits& t) { return t.cbc; });
  add_class(known, facts, "C3", "static RSA", [](const Traits& t) { return t.static_rsa; });
  add_class(known, facts, "C3", "static DH", [](const Traits& t) { return t.static_dh; });
  add_class(known, facts, "C3", "no forward secrecy", [](const Traits& t) { return !t.forward_secret(); });
}

void add_aead_only(const Known& known, Facts& facts) {
  if (!known.speaks(kTls12)) return facts.add("C5", "", Seen::kNotApplicable, "TLS 1.2 isn't spoken");
  const Taken& taken = known.suites.at(kTls12);
  const bool other = std::ranges::any_of(taken.codes, [](std::uint16_t code) { return !traits_of(code).aead; });
  facts.add("C5", "", other ? Seen::kNo : taken.complete ? Seen::kYes : Seen::kUnknown);
}

Codes with_first(const Codes& codes, bool (*wanted)(const SuiteTraits&)) {
  Codes ordered = codes;
  const auto middle =
      std::partition(ordered.begin(), ordered.end(), [&](std::uint16_t c) { return wanted(traits_of(c)); });
  std::sort(ordered.begin(), middle);
  return ordered;
}

void check_preference(Asker& asker, const Known& known, std::uint16_t version, Facts& facts) {
  const std::string name = version_name(version);
  Codes codes = known.suites_of(version);
  const auto ask = [&](const Codes& offered) { return asker.ask(suite_hello(asker, known, version, offered)); };
  if (codes.size() < 2) {
    facts.add("C4", name, Seen::kNotApplicable, "fewer than two suites are taken");
    return;
  }
  // Some servers follow the client in this alone: put ChaCha20 last both times.
  const auto last = [](std::uint16_t code) { return traits_of(code).chacha ? 1 : 0; };
  std::ranges::sort(codes, {}, [&](std::uint16_t code) { return std::pair(last(code), code); });
  const Answer forward = ask(codes);
  std::ranges::sort(codes, {}, [&](std::uint16_t code) { return std::pair(last(code), -int{code}); });
  const Answer backward = ask(codes);
  if (!forward.accepted() || !backward.accepted()) {
    facts.add("C4", name, Seen::kUnknown, forward.accepted() ? backward.to_string() : forward.to_string());
    return;
  }
  const auto others = std::ranges::count_if(codes, [&](std::uint16_t code) { return last(code) == 0; });
  const bool same = forward.hello.suite == backward.hello.suite;
  if (others < 2) {
    facts.add("C4", name, Seen::kNotApplicable, "fewer than two suites without ChaCha20 are taken");
  } else {
    facts.add("C4", name, same ? Seen::kYes : Seen::kNo,
              same ? "prefers " + suite_name(forward.hello.suite) : "takes the client's first");
  }

  const bool chacha = std::ranges::any_of(codes, [](std::uint16_t code) { return traits_of(code).chacha; });
  if (!chacha || version < kTls12) return;
  const Answer first = ask(with_first(codes, [](const SuiteTraits& traits) { return traits.chacha; }));
  if (!first.accepted()) return facts.add("C7", name, Seen::kUnknown, first.to_string());
  facts.add("C7", name, traits_of(first.hello.suite).chacha ? Seen::kYes : Seen::kNo, suite_name(first.hello.suite));
}

std::size_t bits_of(const Bytes& prime) {
  if (prime.empty()) return 0;
  return prime.size() * 8 - static_cast<std::size_t>(std::countl_zero(prime.front()));
}

void check_prime(Asker& asker, const Known& known, bool exported, Facts& facts) {
  const std::string prefix = exported ? "export " : "";
  std::uint16_t version = 0;
  Codes suites;
  for (const std::uint16_t candidate : {kTls12, kTls11, kTls10, kSsl3}) {
    if (!suites.empty()) break;
    version = candidate;
    for (const std::uint16_t code : known.suites_of(candidate)) {
      const SuiteTraits traits = traits_of(code);
      if (traits.dhe && !traits.shared_key && traits.exported == exported) suites.push_back(code);
    }
  }
  if (suites.empty()) {
    if (!exported) facts.add("C6", "bits", Seen::kNotApplicable, "no finite-field key exchange is taken");
    return;
  }
  ClientHello hello = asker.hello(version, suites);
  hello.remove(kExtGroups);  // what the server has of its own
  const Answer answer = asker.ask(hello, Want::kFlight);
  if (!answer.key_exchange || answer.key_exchange->prime.empty()) {
    return facts.add("C6", prefix + "bits", Seen::kUnknown, answer.to_string());
  }
  const Bytes& prime = answer.key_exchange->prime;
  facts.add("C6", prefix + "bits", Seen::kYes, std::to_string(bits_of(prime)));
  const std::string_view owner = owner_of_prime(prime);
  facts.add("C6", prefix + "common prime", owner.empty() ? Seen::kNo : Seen::kYes, std::string(owner));
}

}  // namespace

Facts check_suites(Asker& asker, Known& known) {
  enumerate_all(asker, known);
  Facts facts;
  add_suites(known, facts);
  add_classes(known, facts);
  for (const std::uint16_t version : kAllVersions) {
    if (known.speaks(version)) check_preference(asker, known, version, facts);
  }
  add_aead_only(known, facts);
  return facts;
}

Facts check_finite_fields(Asker& asker, const Known& known) {
  Facts facts;
  check_prime(asker, known, false, facts);
  check_prime(asker, known, true, facts);
  return facts;
}

}  // namespace cloister::probe
