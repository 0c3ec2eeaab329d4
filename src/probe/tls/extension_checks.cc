// What a server says in its ServerHello beside version and suite, and what it doesn't mind in a ClientHello.
#include <algorithm>

#include "probe/tls/bytes.h"
#include "probe/tls/checks.h"
#include "probe/tls/cipher_suites.h"
#include "probe/tls/names.h"

namespace cloister::probe {
namespace {

constexpr std::string_view kNoSuchProtocol = "x-cloister-no-such-protocol";
constexpr std::string_view kNoSuchName = "no-such-name.invalid";  // RFC 6761

ClientHello old_hello(Asker& asker, const Known& known) {
  const std::uint16_t version = known.newest_old();
  return asker.hello(version, known.suites_of(version));
}

// A hello that is taken up to the ServerHello, of the newest version there is; nothing where none can be made.
std::optional<ClientHello> whole_hello(Asker& asker, const Known& known) {
  if (known.newest_old() != 0) return old_hello(asker, known);
  if (const auto group = usable_group(known)) return hello13_with_share(asker, *group);
  return std::nullopt;
}

void add_plain_extensions(Asker& asker, const Known& known, Facts& facts) {
  const std::uint16_t version = known.newest_old();
  if (version == 0) {
    for (const std::string_view check : {"H1", "H3"}) {
      facts.add(std::string(check), "", Seen::kNotApplicable, "TLS 1.3 has no such thing");
    }
    return facts.add("H8", "extended master secret", Seen::kNotApplicable, "TLS 1.3 has it built in");
  }
  ClientHello hello = old_hello(asker, known);
  if (version == kSsl3) hello.suites.push_back(kScsvRenegotiation);
  hello.compression = {1, 64, 0};
  Answer answer = asker.ask(hello);
  if (!answer.accepted()) {
    hello.compression = {0};
    answer = asker.ask(hello);
    facts.add("H3", "", answer.accepted() ? Seen::kNo : Seen::kUnknown, "a hello that offers it is refused");
  } else {
    const bool compresses = answer.hello.compression != 0;
    facts.add("H3", "", compresses ? Seen::kYes : Seen::kNo,
              compresses ? "method " + std::to_string(answer.hello.compression) : "");
  }
  const auto said = [&](std::uint16_t type) {
    if (!answer.accepted()) return Seen::kUnknown;
    return answer.hello.find(type) != nullptr ? Seen::kYes : Seen::kNo;
  };
  facts.add("H1", "", said(kExtRenegotiationInfo), version_name(version));
  facts.add("H8", "extended master secret", said(kExtExtendedMasterSecret), version_name(version));
}

void add_encrypt_then_mac(Asker& asker, const Known& known, Facts& facts) {
  const std::uint16_t version = known.newest_old();
  std::vector<std::uint16_t> cbc;
  for (const std::uint16_t code : known.suites_of(version)) {
    if (traits_of(code).cbc) cbc.push_back(code);
  }
  if (cbc.empty() || version == kSsl3) {
    return facts.add("H8", "encrypt-then-MAC", Seen::kNotApplicable, "no CBC suite of TLS is taken");
  }
  ClientHello hello = asker.hello(version, cbc);
  hello.set(kExtEncryptThenMac, {});
  const Answer answer = asker.ask(hello);
  if (!answer.accepted()) return facts.add("H8", "encrypt-then-MAC", Seen::kUnknown, answer.to_string());
  facts.add("H8", "encrypt-then-MAC", answer.hello.find(kExtEncryptThenMac) != nullptr ? Seen::kYes : Seen::kNo);
}

std::string chosen_protocol(const Answer& answer) {
  const Extension* extension = answer.hello.find(kExtAlpn);
  if (extension == nullptr) return {};
  TlsReader reader(extension->body);
  const auto list = reader.vector16();
  if (!list.ok()) return {};
  TlsReader names(*list);
  const auto name = names.vector8();
  return name.ok() ? std::string(as_text(*name)) : std::string();
}

void add_protocol(const Answer& answer, const std::string& protocol, bool strict, Facts& facts) {
  Seen seen = Seen::kUnknown;
  std::string detail = answer.to_string();
  if (answer.accepted() && answer.hello.version < kTls13) {
    seen = chosen_protocol(answer) == protocol ? Seen::kYes : Seen::kNo;
    detail.clear();
  } else if (answer.accepted()) {
    // Its choice is encrypted; but who refuses what it doesn't know has told.
    seen = strict ? Seen::kYes : Seen::kUnknown;
    detail = strict ? "" : "the choice is encrypted in TLS 1.3";
  } else if (answer.came == Came::kAlert && answer.alert == kAlertNoApplicationProtocol) {
    seen = Seen::kNo;
    detail.clear();
  }
  facts.add("H14", protocol, seen, detail);
}

void check_protocols(Asker& asker, const Known& known, Facts& facts) {
  const auto ask = [&](std::string_view protocol) {
    auto hello = whole_hello(asker, known);
    if (!hello) return Answer{.came = Came::kSilent};
    hello->set(kExtAlpn, alpn_body(std::array{protocol}));
    return asker.ask(*hello);
  };
  const Answer mismatch = ask(kNoSuchProtocol);
  const bool strict = mismatch.came == Came::kAlert && mismatch.alert == kAlertNoApplicationProtocol;
  facts.add("H14", "mismatch refused",
            strict                ? Seen::kYes
            : mismatch.accepted() ? Seen::kNo
                                  : Seen::kUnknown,
            mismatch.to_string());
  for (const std::string& protocol : asker.options().protocols) add_protocol(ask(protocol), protocol, strict, facts);
}

void check_names(Asker& asker, const Known& known, Facts& facts) {
  auto hello = whole_hello(asker, known);
  if (!hello || hello->extensions.empty()) {
    return facts.add("H15", "unknown name refused", Seen::kUnknown, "no hello that carries a name can be made");
  }
  ClientHello named = *hello;
  named.set(kExtServerName, server_name_body(kNoSuchName));
  const Answer other = asker.ask(named, Want::kFlight);
  const Seen strict = other.accepted() ? Seen::kNo : other.refused() ? Seen::kYes : Seen::kUnknown;
  facts.add("H15", "unknown name refused", strict,
            other.warned_of_name ? "with a warning alone: " + other.to_string() : other.to_string());

  const bool has_name =
      std::ranges::find(hello->extensions, kExtServerName, &Extension::type) != hello->extensions.end();
  if (!has_name)
    return facts.add("H15", "default certificate", Seen::kNotApplicable, "the endpoint was named by address");
  if (known.newest_old() == 0) {
    return facts.add("H15", "default certificate", Seen::kUnknown, "certificates are encrypted in TLS 1.3");
  }
  const Answer right = asker.ask(*hello, Want::kFlight);
  hello->remove(kExtServerName);
  const Answer without = asker.ask(*hello, Want::kFlight);
  if (!right.accepted() || right.chain.empty())
    return facts.add("H15", "default certificate", Seen::kUnknown, right.to_string());
  if (!without.accepted()) {
    return facts.add("H15", "default certificate", without.seen(), "without a name: " + without.to_string());
  }
  const bool different = !without.chain.empty() && without.chain.front() != right.chain.front();
  facts.add("H15", "default certificate", different ? Seen::kYes : Seen::kNo,
            different ? "who asks for no name is shown another certificate" : "");
}

void check_sizes(Asker& asker, const Known& known, Facts& facts) {
  const std::uint16_t version = known.newest_old();
  if (version < kTls10) {
    const Seen seen = version == 0 ? Seen::kUnknown : Seen::kNotApplicable;
    const std::string why = version == 0 ? "the answer is encrypted in TLS 1.3" : "SSLv3 has no extensions";
    facts.add("H16", "record size limit", seen, why);
    return facts.add("H16", "maximum fragment length", seen, why);
  }
  const auto ask = [&](std::uint16_t type, Bytes body, const std::string& subject) {
    ClientHello hello = old_hello(asker, known);
    hello.set(type, std::move(body));
    const Answer answer = asker.ask(hello);
    const Seen seen = answer.accepted() && answer.hello.find(type) != nullptr ? Seen::kYes : Seen::kNo;
    facts.add("H16", subject, answer.accepted() ? seen : Seen::kUnknown, answer.accepted() ? "" : answer.to_string());
  };
  ask(kExtRecordSizeLimit, Bytes{0x40, 0x00}, "record size limit");
  ask(kExtMaxFragmentLength, Bytes{4}, "maximum fragment length");
}

// The same hello, in a version that is surely taken.
ClientHello tolerated_hello(Asker& asker, const Known& known) {
  if (known.speaks(kTls13)) {
    if (known.empty_share) return asker.hello(kTls13, asker.default_suites(kTls13));
    return hello13_with_share(asker, known.first13.hello.group.value_or(kX25519));
  }
  return old_hello(asker, known);
}

void add_grease(Asker& asker, const Known& known, Facts& facts) {
  // RFC 8701: values that mean nothing and must be passed over.
  ClientHello hello = tolerated_hello(asker, known);
  hello.suites.insert(hello.suites.begin(), 0x1a1a);
  if (hello.extensions.empty()) return facts.add("P7", "GREASE", Seen::kNotApplicable, "SSLv3 has no extensions");
  hello.extensions.insert(hello.extensions.begin(), {0x2a2a, {}});
  hello.set(0x3a3a, Bytes{0});
  if (known.speaks(kTls13))
    hello.set(kExtSupportedVersions, versions_body(std::array<std::uint16_t, 2>{0x4a4a, kTls13}));
  const Answer answer = asker.ask(hello);
  facts.add("P7", "GREASE", answer.seen(), answer.to_string());
}

void add_version_tolerance(Asker& asker, const Known& known, Facts& facts) {
  if (known.newest_old() == 0) {
    return facts.add("P7", "later version", Seen::kNotApplicable, "TLS 1.3 alone is spoken");
  }
  for (const std::uint16_t version : {kTls13, std::uint16_t{0x03ff}}) {
    ClientHello hello = old_hello(asker, known);
    hello.version = version;
    const Answer answer = asker.ask(hello);
    if (version == kTls13 && answer.accepted()) continue;
    return facts.add("P7", "later version", answer.seen(), version_name(version) + " offered: " + answer.to_string());
  }
}

void check_large_hello(Asker& asker, const Known& known, Facts& facts) {
  const ClientHello plain = tolerated_hello(asker, known);
  const Bytes whole = plain.records();
  const ByteView view(whole);
  const Answer segments =
      asker.ask_in_pieces(std::array{to_bytes(view.first(whole.size() / 2)), to_bytes(view.subspan(whole.size() / 2))});
  facts.add("G4", "two segments", segments.seen(), segments.to_string());
  const Answer records = asker.ask_in_pieces(std::array{plain.records(whole.size() / 2)});
  facts.add("G4", "two records", records.seen(), records.to_string());
  if (plain.extensions.empty()) return facts.add("G4", "1800 bytes", Seen::kNotApplicable, "SSLv3 has no extensions");
  ClientHello large = plain;
  large.set(kExtPadding, Bytes(1800 - std::min<std::size_t>(whole.size(), 1600), 0));
  const Answer answer = asker.ask(large);
  facts.add("G4", "1800 bytes", answer.seen(), answer.to_string());
}

}  // namespace

Facts check_extensions(Asker& asker, const Known& known) {
  Facts facts;
  add_plain_extensions(asker, known, facts);
  add_encrypt_then_mac(asker, known, facts);
  check_protocols(asker, known, facts);
  check_names(asker, known, facts);
  check_sizes(asker, known, facts);
  return facts;
}

Facts check_tolerance(Asker& asker, const Known& known) {
  Facts facts;
  add_version_tolerance(asker, known, facts);
  add_grease(asker, known, facts);
  check_large_hello(asker, known, facts);
  return facts;
}

std::vector<SentChain> collect_chains(Asker& asker, const Known& known) {
  const std::uint16_t version = known.newest_old();
  std::vector<std::uint16_t> ecdsa;
  std::vector<std::uint16_t> rsa;
  for (const std::uint16_t code : known.suites_of(version)) {
    const SuiteTraits traits = traits_of(code);
    if (traits.anonymous || traits.shared_key) continue;
    (traits.ecdsa ? ecdsa : rsa).push_back(code);
  }
  std::vector<SentChain> chains;
  for (const auto& suites : {ecdsa, rsa}) {
    if (suites.empty()) continue;
    Answer answer = asker.ask(asker.hello(version, suites), Want::kFlight);
    if (answer.chain.empty() || std::ranges::find(chains, answer.chain) != chains.end()) continue;
    chains.push_back(std::move(answer.chain));
  }
  return chains;
}

}  // namespace cloister::probe
