// Heartbleed and early ChangeCipherSpec: the least that tells, and nothing of what leaks is kept.
#include "probe/tls/checks.h"
#include "probe/tls/names.h"

namespace cloister::probe {
namespace {

constexpr std::uint8_t kHeartbeatRequest = 1;
constexpr std::uint8_t kHeartbeatResponse = 2;
constexpr std::uint8_t kClaimedBytes = 64;
constexpr Duration kPatience{1'500};  // who keeps silent here has passed the record over

struct Begun {
  Conversation::Opened opened;
  Answer answer;
  bool flight_ended = false;
};

// Up to ServerHelloDone.
Begun begin_handshake(Asker& asker, const ClientHello& hello) {
  Begun begun{asker.open(), {}, false};
  if (begun.opened.conversation == nullptr) {
    begun.answer.came = begun.opened.came;
    return begun;
  }
  begun.opened.conversation->send(hello.records());
  begun.answer = Asker::hear(*begun.opened.conversation, Want::kFlight);
  begun.flight_ended = begun.answer.accepted() && begun.answer.flight_whole;
  return begun;
}

}  // namespace

Facts check_heartbeat(Asker& asker, const Known& known) {
  Facts facts;
  const std::uint16_t version = known.newest_old();
  if (version < kTls10) {
    facts.add("H4", "extension", Seen::kNotApplicable, "no version with heartbeats is spoken, or TLS 1.3 alone");
    facts.add("H4", "Heartbleed", Seen::kNotApplicable);
    return facts;
  }
  ClientHello hello = asker.hello(version, known.suites_of(version));
  hello.set(kExtHeartbeat, Bytes{1});
  const Begun begun = begin_handshake(asker, hello);
  if (!begun.answer.accepted()) {
    facts.add("H4", "extension", Seen::kUnknown, begun.answer.to_string());
    facts.add("H4", "Heartbleed", Seen::kUnknown, begun.answer.to_string());
    return facts;
  }
  if (begun.answer.hello.find(kExtHeartbeat) == nullptr) {
    facts.add("H4", "extension", Seen::kNo);
    facts.add("H4", "Heartbleed", Seen::kNotApplicable, "no heartbeats");
    return facts;
  }
  facts.add("H4", "extension", Seen::kYes);
  // RFC 6520 section 4: a request that claims more than it holds must be discarded. CVE-2014-0160 answered it.
  Conversation& conversation = *begun.opened.conversation;
  conversation.send(record(RecordType::kHeartbeat, version, Bytes{kHeartbeatRequest, 0, kClaimedBytes, 'c'}));
  const Event event = conversation.next_within(kPatience);
  const bool bled = event.came == Came::kRecord &&
                    event.incoming.type == static_cast<std::uint8_t>(RecordType::kHeartbeat) &&
                    event.incoming.body.size() >= kClaimedBytes && event.incoming.body[0] == kHeartbeatResponse;
  const bool odd = !bled && event.came != Came::kSilent && event.came != Came::kAlert && event.came != Came::kClosed;
  facts.add("H4", "Heartbleed",
            bled  ? Seen::kYes
            : odd ? Seen::kUnknown
                  : Seen::kNo,
            bled ? "answered a request that claims more bytes than it has" : "");
  return facts;
}

Facts check_early_ccs(Asker& asker, const Known& known) {
  Facts facts;
  const std::uint16_t version = known.newest_old();
  if (version == 0) {
    facts.add("H5", "", Seen::kNotApplicable, "TLS 1.3 alone is spoken");
    return facts;
  }
  const Begun begun = begin_handshake(asker, asker.hello(version, known.suites_of(version)));
  if (!begun.flight_ended) {
    facts.add("H5", "", Seen::kUnknown, begun.answer.to_string());
    return facts;
  }
  // CVE-2014-0224: the first is taken, and the second then fails as something encrypted.
  const Bytes one = record(RecordType::kChangeCipherSpec, version, Bytes{1});
  Bytes two = one;
  two.insert(two.end(), one.begin(), one.end());
  begun.opened.conversation->send(two);
  const Event event = begun.opened.conversation->next_within(kPatience);
  const std::uint8_t alert = event.incoming.description;
  if (event.came == Came::kAlert) {
    const bool decrypted = alert == 20 || alert == 21;  // bad_record_mac, decryption_failed
    facts.add("H5", "", decrypted ? Seen::kYes : Seen::kNo, alert_name(alert));
  } else {
    facts.add("H5", "", event.came == Came::kClosed ? Seen::kNo : Seen::kUnknown,
              event.came == Came::kSilent ? "two ChangeCipherSpecs before any key were passed over in silence" : "");
  }
  return facts;
}

}  // namespace cloister::probe
