// Which versions are spoken, and whether a client can be talked into an older one.
#include <algorithm>

#include "probe/tls/checks.h"
#include "probe/tls/cipher_suites.h"
#include "probe/tls/names.h"

namespace cloister::probe {
namespace {

constexpr std::size_t kBatch = 100;
constexpr Duration kFramingPatience{1'000};
constexpr std::uint16_t kOldVersions[] = {kSsl3, kTls10, kTls11, kTls12};

struct VersionSeen {
  Seen seen = Seen::kUnknown;
  std::string detail;
  Answer answer;
};

std::vector<std::uint16_t> rest_of_suites(Asker& asker, std::uint16_t version) {
  const auto asked = asker.default_suites(version);
  std::vector<std::uint16_t> rest;
  for (const CipherSuite& suite : cipher_suites()) {
    const SuiteTraits traits = traits_of(suite.name);
    if (traits.tls13 || (version < kTls12 && (traits.aead || traits.sha2_mac))) continue;
    if (std::ranges::find(asked, suite.code) == asked.end()) rest.push_back(suite.code);
  }
  return rest;
}

VersionSeen judge(Answer answer, std::uint16_t version) {
  VersionSeen out;
  out.seen = answer.seen();
  out.detail = answer.to_string();
  if (answer.accepted() && answer.hello.version != version) {
    // A lower one is TLS's way to say no; a higher one is nonsense.
    out.seen = answer.hello.version < version ? Seen::kNo : Seen::kUnknown;
    out.detail = "answered with " + version_name(answer.hello.version);
  }
  out.answer = std::move(answer);
  return out;
}

VersionSeen ask_old_version(Asker& asker, std::uint16_t version) {
  VersionSeen seen = judge(asker.ask(asker.hello(version, asker.default_suites(version))), version);
  const bool about_version = seen.answer.came == Came::kAlert && seen.answer.alert == kAlertProtocolVersion;
  if (seen.seen != Seen::kNo || seen.answer.accepted() || about_version) return seen;
  // Perhaps it is the suites that it doesn't like.
  const auto rest = rest_of_suites(asker, version);
  for (std::size_t offset = 0; offset < rest.size(); offset += kBatch) {
    const auto batch = std::span(rest).subspan(offset, std::min(kBatch, rest.size() - offset));
    VersionSeen again = judge(asker.ask(asker.hello(version, batch)), version);
    if (again.seen != Seen::kNo) return again;
  }
  return seen;
}

VersionSeen ask_tls13(Asker& asker, Known& known) {
  const auto suites = asker.default_suites(kTls13);
  VersionSeen seen = judge(asker.ask(asker.hello(kTls13, suites)), kTls13);
  if (seen.seen == Seen::kYes) {
    known.first13 = seen.answer;
    return seen;
  }
  if (seen.answer.came == Came::kAlert && seen.answer.alert == kAlertProtocolVersion) return seen;
  if (seen.answer.accepted()) return seen;
  // A stack that wants a share in the first hello.
  known.empty_share = false;
  std::vector<KeyShare> shares;
  for (const std::uint16_t group : {std::uint16_t{0x11ec}, kX25519, kP256}) {
    shares.push_back({group, plausible_share(group, asker.random32())});
  }
  ClientHello hello = asker.hello(kTls13, suites);
  hello.set(kExtKeyShare, key_share_body(shares));
  VersionSeen again = judge(asker.ask(hello), kTls13);
  if (again.seen == Seen::kYes) known.first13 = again.answer;
  return again.seen == Seen::kUnknown ? seen : again;
}

void note_words(Known& known, const Answer& answer) {
  if (answer.accepted() || answer.came == Came::kAlert || answer.came == Came::kTooMuch) known.said_anything = true;
  if (!known.said_anything) known.last_word = answer.to_string();
}

Facts check_sslv2(Asker& asker, Known& known) {
  Facts facts;
  const auto challenge = asker.random32();
  auto opened = asker.open(Expect::kSslv2);
  if (opened.conversation == nullptr) {
    facts.add("P1", "", Seen::kUnknown, opened.reason);
    return facts;
  }
  opened.conversation->send(sslv2_client_hello(sslv2_suites(), ByteView(challenge).first(16)));
  const Event event = opened.conversation->next();
  if (event.came == Came::kSslv2) {
    const auto hello = parse_sslv2_server_hello(event.incoming.body);
    if (hello.ok() && hello->version == 2) {
      known.sslv2 = Seen::kYes;
      known.said_anything = true;
      facts.add("P1", "", Seen::kYes, std::to_string(hello->suites.size()) + " ciphers");
      for (const std::uint32_t suite : hello->suites) facts.add("C1", "SSLv2 " + sslv2_suite_name(suite), Seen::kYes);
      return facts;
    }
  }
  // An error of SSLv2's own is a record too: whoever answers so knows SSLv2, and takes none of its ciphers.
  const bool refused = event.came == Came::kAlert || event.came == Came::kClosed || event.came == Came::kNotTls ||
                       event.came == Came::kSslv2;
  known.sslv2 = refused ? Seen::kNo : Seen::kUnknown;
  facts.add("P1", "", known.sslv2, refused ? "" : "no answer in time");
  return facts;
}

void check_sslv2_framing(Asker& asker, const Known& known, Facts& facts) {
  const std::uint16_t version = known.newest_old();
  if (version == 0) return facts.add("P1", "v2 framing", Seen::kNotApplicable, "no version that knows it is spoken");
  auto opened = asker.open();
  if (opened.conversation == nullptr) return facts.add("P1", "v2 framing", Seen::kUnknown, opened.reason);
  const auto challenge = asker.random32();
  const auto suites = asker.default_suites(version);
  opened.conversation->send(sslv2_framed_hello(version, suites, ByteView(challenge).first(16)));
  // Who doesn't know this framing may wait for the rest of a record that never comes.
  const Answer answer =
      Asker::hear_on(*opened.conversation, Want::kHello, opened.conversation->next_within(kFramingPatience));
  facts.add("P1", "v2 framing", answer.seen(), answer.to_string());
}

// The version below the newest of all; 0: there is none.
std::uint16_t version_below(const Known& known, std::uint16_t newest) {
  for (const std::uint16_t version : {kTls12, kTls11, kTls10, kSsl3}) {
    if (version < newest && known.speaks(version)) return version;
  }
  return 0;
}

void check_fallback(Asker& asker, const Known& known, Facts& facts) {
  const std::uint16_t newest = known.speaks(kTls13) ? kTls13 : known.newest_old();
  const std::uint16_t below = version_below(known, newest);
  if (below == 0) return facts.add("P8", "", Seen::kNotApplicable, "one version alone is spoken");
  ClientHello hello = asker.hello(below, asker.default_suites(below));
  hello.suites.push_back(kScsvFallback);
  const Answer answer = asker.ask(hello);
  const bool right = answer.came == Came::kAlert && answer.alert == kAlertInappropriateFallback;
  Seen seen = right ? Seen::kYes : Seen::kNo;
  if (answer.came != Came::kAlert && !answer.accepted()) seen = Seen::kUnknown;
  facts.add("P8", "", seen, version_name(below) + ": " + answer.to_string());
}

void check_downgrade_mark(Asker& asker, const Known& known, Facts& facts) {
  for (const std::uint16_t version : {kTls12, kTls11, kTls10}) {
    const bool newer = known.speaks(kTls13) || (version < kTls12 && known.speaks(kTls12));
    if (!newer || !known.speaks(version)) continue;
    const Answer answer = asker.ask(asker.hello(version, asker.default_suites(version)));
    if (!answer.accepted()) {
      facts.add("P9", version_name(version), Seen::kUnknown, answer.to_string());
      continue;
    }
    const auto mark = answer.hello.downgrade_mark();
    const std::uint8_t right = version == kTls12 ? 1 : 0;
    facts.add("P9", version_name(version), mark == right ? Seen::kYes : Seen::kNo,
              mark ? "the mark ends in " + std::to_string(*mark) : "no mark");
  }
  if (facts.find("P9", version_name(kTls12)) == nullptr) {
    facts.add("P9", version_name(kTls12), Seen::kNotApplicable, "TLS 1.3 and TLS 1.2 aren't both spoken");
  }
}

void check_consistency(const Known& known, Facts& facts) {
  if (!known.first13.accepted()) return facts.add("P10", "", Seen::kNotApplicable, "TLS 1.3 isn't spoken");
  const ServerHello& hello = known.first13.hello;
  const bool right = hello.legacy_version == kTls12 && hello.session_id.size() == 32 && hello.compression == 0;
  facts.add("P10", "", right ? Seen::kYes : Seen::kNo,
            "legacy version " + version_name(hello.legacy_version) + ", record version " +
                version_name(known.first13.record_version));
}

void check_drafts(Asker& asker, const Known& known, Facts& facts) {
  if (!known.said_anything) return;
  ClientHello hello = asker.hello(kTls13, asker.default_suites(kTls13));
  std::vector<std::uint16_t> drafts;
  for (std::uint16_t draft = 28; draft >= 18; --draft) drafts.push_back(static_cast<std::uint16_t>(0x7f00 | draft));
  drafts.push_back(0x7e02);
  hello.set(kExtSupportedVersions, versions_body(drafts));
  const Answer answer = asker.ask(hello);
  const bool draft = answer.accepted() && answer.hello.version >> 8 == 0x7f;
  const Seen seen = draft || answer.hello.version == 0x7e02 ? Seen::kYes : Seen::kNo;
  facts.add("P6", "drafts", answer.accepted() || answer.refused() ? seen : Seen::kUnknown, answer.to_string());
}

}  // namespace

bool Known::speaks(std::uint16_t version) const {
  const auto found = versions.find(version);
  return found != versions.end() && found->second == Seen::kYes;
}

std::uint16_t Known::newest_old() const {
  for (const std::uint16_t version : {kTls12, kTls11, kTls10, kSsl3}) {
    if (speaks(version)) return version;
  }
  return 0;
}

std::vector<std::uint16_t> Known::suites_of(std::uint16_t version) const {
  const auto found = suites.find(version);
  return found == suites.end() ? std::vector<std::uint16_t>() : found->second.codes;
}

Facts check_versions(Asker& asker, Known& known) {
  VersionSeen seen[5];
  Facts sslv2;
  std::vector<std::function<void()>> tasks{[&] { seen[4] = ask_tls13(asker, known); }};
  for (std::size_t i = 0; i < std::size(kOldVersions); ++i) {
    tasks.push_back([&, i] { seen[i] = ask_old_version(asker, kOldVersions[i]); });
  }
  run_together(asker.options().at_once, tasks);
  for (const VersionSeen& one : seen) note_words(known, one.answer);
  Facts facts = check_sslv2(asker, known);

  static constexpr std::string_view kChecks[] = {"P2", "P3", "P4", "P5", "P6"};
  static constexpr std::uint16_t kAll[] = {kSsl3, kTls10, kTls11, kTls12, kTls13};
  for (std::size_t i = 0; i < std::size(kAll); ++i) {
    known.versions[kAll[i]] = seen[i].seen;
    facts.add(std::string(kChecks[i]), "", seen[i].seen, seen[i].detail);
  }
  check_sslv2_framing(asker, known, facts);
  check_drafts(asker, known, facts);
  check_fallback(asker, known, facts);
  check_downgrade_mark(asker, known, facts);
  check_consistency(known, facts);
  return facts;
}

}  // namespace cloister::probe
