// Asks one question.
#include "probe/tls/asker.h"

#include <algorithm>
#include <thread>

#include "net/address.h"
#include "probe/tls/cipher_suites.h"
#include "probe/tls/names.h"

namespace cloister::probe {
namespace {

constexpr std::size_t kSuitesAtOnce = 100;
constexpr std::chrono::milliseconds kBetweenPieces{20};

// What a client without SNI would be: an address is no name (RFC 6066 section 3).
bool is_name(const std::string& host) { return !host.empty() && !net::numeric_address({host, 1}).ok(); }

std::vector<std::uint16_t> codes_of_schemes(std::uint16_t version) {
  std::vector<std::uint16_t> codes;
  for (const SignatureScheme& scheme : signature_schemes()) {
    // SHA-1 and MD5 come last; in TLS 1.3 they are for certificates alone.
    if (version != kTls13 || scheme.code >= 0x0401 || scheme.code == 0x0201 || scheme.code == 0x0203) {
      codes.push_back(scheme.code);
    }
  }
  return codes;
}

std::vector<std::uint16_t> codes_of_groups(std::uint16_t version) {
  std::vector<std::uint16_t> codes;
  for (const Group& group : groups()) {
    if (version == kTls13 || group.kind == GroupKind::kClassic) codes.push_back(group.code);
  }
  return codes;
}

bool read_flight_message(Answer& answer, const Incoming& message) {
  const SuiteTraits traits = traits_of(answer.hello.suite);
  if (message.type == static_cast<std::uint8_t>(HandshakeType::kCertificate)) {
    auto chain = parse_certificates(message.body);
    if (!chain.ok()) return false;
    answer.chain = std::move(chain).value();
  } else if (message.type == static_cast<std::uint8_t>(HandshakeType::kCertificateRequest)) {
    answer.wants_certificate = true;
  } else if (message.type == static_cast<std::uint8_t>(HandshakeType::kServerKeyExchange) &&
             (traits.dhe || traits.ecdhe) && !traits.shared_key) {
    auto exchange = parse_server_key_exchange(message.body, traits.ecdhe ? KeyExchange::kEcdhe : KeyExchange::kDhe,
                                              answer.hello.version, traits.anonymous ? Signed::kNo : Signed::kYes);
    if (exchange.ok()) {
      answer.key_exchange = std::move(exchange).value();
    } else if (exchange.error().code() != Code::kUnsupported) {
      return false;
    }
  }
  return true;
}

// Until ServerHelloDone; false: what came isn't a flight.
bool hear_flight(Conversation& conversation, Answer& answer) {
  for (;;) {
    const Event event = conversation.next();
    if (event.came != Came::kMessage) return false;
    if (event.incoming.type == static_cast<std::uint8_t>(HandshakeType::kServerHelloDone)) return true;
    if (!read_flight_message(answer, event.incoming)) return false;
  }
}

}  // namespace

Seen Answer::seen() const {
  if (accepted()) return Seen::kYes;
  return refused() ? Seen::kNo : Seen::kUnknown;
}

std::string Answer::to_string() const {
  switch (came) {
    case Came::kMessage: return version_name(hello.version) + " " + suite_name(hello.suite);
    case Came::kAlert: return alert_name(alert);
    case Came::kRecord: return "a record that belongs nowhere";
    case Came::kSslv2: return "a record of SSLv2";
    case Came::kClosed: return "closed without an alert";
    case Came::kSilent: return "no answer in time";
    case Came::kNotTls: return "not TLS: " + std::string(as_text(shown));
    case Came::kTooMuch: return "more, longer or other than TLS allows";
    case Came::kUnreachable: return "no connection";
    case Came::kOutOfBudget: break;
  }
  return "not asked: the budget of this scan is spent";
}

Asker::Asker(Dialer& dialer, const TlsProbeOptions& options, crypto::Random& random)
    : dialer_(dialer), options_(options), random_(random) {}

std::array<std::uint8_t, 32> Asker::random32() {
  const std::scoped_lock lock(random_mutex_);
  return crypto::random_array<32>(random_);
}

std::vector<std::uint16_t> Asker::default_suites(std::uint16_t version) const {
  std::vector<std::uint16_t> chosen;
  const auto add = [&](auto&& wanted) {
    for (const CipherSuite& suite : cipher_suites()) {
      const SuiteTraits traits = traits_of(suite.name);
      if (traits.tls13 != (version == kTls13) || traits.shared_key || chosen.size() >= kSuitesAtOnce) continue;
      if (wanted(traits) && std::ranges::find(chosen, suite.code) == chosen.end()) chosen.push_back(suite.code);
    }
  };
  if (version == kTls13) {
    add([](const SuiteTraits&) { return true; });
    return chosen;
  }
  const bool modern = version == kTls12;
  add([&](const SuiteTraits& t) { return modern && t.aead && t.forward_secret() && !t.anonymous; });
  add([&](const SuiteTraits& t) { return t.forward_secret() && !t.aead && !t.sha2_mac && !t.anonymous && !t.null; });
  add([&](const SuiteTraits& t) { return t.static_rsa && (modern || (!t.aead && !t.sha2_mac)); });
  add([&](const SuiteTraits& t) { return t.anonymous && (modern || (!t.aead && !t.sha2_mac)); });
  return chosen;
}

ClientHello Asker::hello(std::uint16_t version, std::span<const std::uint16_t> suites) {
  ClientHello hello;
  hello.random = random32();
  hello.version = std::min(version, kTls12);
  hello.record_version = std::min(version, kTls10);
  hello.suites.assign(suites.begin(), suites.end());
  if (version == kSsl3) return hello;
  if (is_name(server_name())) hello.set(kExtServerName, server_name_body(server_name()));
  hello.set(kExtGroups, list16_body(codes_of_groups(version)));
  if (version >= kTls12) hello.set(kExtSignatureAlgorithms, list16_body(codes_of_schemes(version)));
  if (version < kTls13) {
    hello.set(kExtPointFormats, Bytes{3, 0, 1, 2});
    hello.set(kExtRenegotiationInfo, Bytes{0});
    hello.set(kExtExtendedMasterSecret, {});
    return hello;
  }
  const auto session_id = random32();
  hello.session_id.assign(session_id.begin(), session_id.end());
  hello.set(kExtSupportedVersions, versions_body(std::array{kTls13}));
  hello.set(kExtPskModes, Bytes{1, 1});
  hello.set(kExtKeyShare, key_share_body({}));
  return hello;
}

Conversation::Opened Asker::open(Expect expect) { return Conversation::open(dialer_, options_.answer_time, expect); }

Answer Asker::hear(Conversation& conversation, Want want) { return hear_on(conversation, want, conversation.next()); }

Answer Asker::hear_on(Conversation& conversation, Want want, Event event) {
  Answer answer;
  answer.came = event.came;
  answer.warned_of_name = conversation.warned_of_name();
  answer.record_version = event.incoming.record_version;
  if (event.came == Came::kAlert) answer.alert = event.incoming.description;
  if (event.came == Came::kNotTls) answer.shown = std::move(event.incoming.body);
  if (event.came != Came::kMessage) return answer;

  auto hello = event.incoming.type == static_cast<std::uint8_t>(HandshakeType::kServerHello)
                   ? parse_server_hello(event.incoming.body)
                   : Result<ServerHello>(Error(Code::kCorrupt, "not a ServerHello"));
  if (!hello.ok()) {
    answer.came = Came::kTooMuch;
    return answer;
  }
  answer.hello = std::move(hello).value();
  if (want == Want::kHello || answer.hello.version >= kTls13) return answer;
  answer.flight_whole = hear_flight(conversation, answer);
  if (answer.flight_whole) return answer;
  answer.chain.clear();
  answer.key_exchange.reset();
  return answer;
}

Answer Asker::ask_in_pieces(std::span<const Bytes> pieces, Want want) {
  auto opened = open();
  if (opened.conversation == nullptr) {
    Answer answer;
    answer.came = opened.came;
    return answer;
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0) std::this_thread::sleep_for(kBetweenPieces);
    opened.conversation->send(pieces[i]);
  }
  return hear(*opened.conversation, want);
}

Answer Asker::ask(const ClientHello& hello, Want want) { return ask_in_pieces(std::array{hello.records()}, want); }

}  // namespace cloister::probe
