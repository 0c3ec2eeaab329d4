// What takes a whole handshake: coming back, by id and by ticket, early data, renegotiation. By OpenSSL, and for what
// OpenSSL wouldn't do, by hand afterwards.
#include <algorithm>

#include "net/session_probe.h"
#include "probe/tls/bytes.h"
#include "probe/tls/checks.h"
#include "probe/tls/names.h"

namespace cloister::probe {
namespace {

constexpr std::uint32_t kWeekS = 7 * 86'400;  // RFC 8446 4.6.1
constexpr std::size_t kKeyNameSize = 16;      // RFC 5077 section 4
constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

using Request = net::SessionRequest;
using Report = net::SessionReport;

Result<Report> ask(Dialer& dialer, Duration answer_time, Request request) {
  CLOISTER_TRY(const auto wire, dialer.connect());
  wire->set_patience(answer_time);
  request.socket = wire->socket();
  request.deadline = wire->deadline_ms();
  const std::string& name = dialer.endpoint().server_name;
  if (!net::numeric_address({name, 1}).ok()) request.server_name = name;
  return net::ask_session(request);
}

Result<Report> ask(Asker& asker, Request request) {
  return ask(asker.dialer(), asker.options().answer_time, std::move(request));
}

bool has_ticket(const Result<Report>& report) {
  return report.ok() && !report->sessions.empty() && !report->sessions.front().ticket.empty();
}

void add_lifetime(const net::OfferedSession& session, const std::string& version, Facts& facts) {
  const bool short_enough = session.lifetime_s > 0 && session.lifetime_s <= kWeekS;
  facts.add("H9", version + " ticket lifetime of a week or less",
            session.lifetime_s == 0 ? Seen::kUnknown
            : short_enough          ? Seen::kYes
                                    : Seen::kNo,
            session.lifetime_s == 0 ? "no hint" : std::to_string(session.lifetime_s) + " s");
}

// Where two tickets begin alike, that is the name of the key that sealed them.
void add_key_name(const Bytes& one, const Bytes& other, const std::string& version, Facts& facts) {
  const bool alike = one.size() > kKeyNameSize && other.size() > kKeyNameSize && one != other &&
                     equal(ByteView(one).first(kKeyNameSize), ByteView(other).first(kKeyNameSize));
  facts.add("H10", version + " ticket key name", alike ? Seen::kYes : Seen::kUnknown,
            alike ? to_hex(ByteView(one).first(kKeyNameSize)) : "tickets have no beginning in common");
}

void check_id(Asker& asker, const Known& known, std::uint16_t version, Facts& facts) {
  const auto report = ask(asker, {.version = version, .tickets = Request::Tickets::kNo});
  if (!report.ok()) return facts.add("H9", "session id", Seen::kUnknown, report.error().message());
  if (report->sessions.empty() || report->sessions.front().id.empty()) {
    return facts.add("H9", "session id", Seen::kNo, "none is given");
  }
  ClientHello hello = asker.hello(version, known.suites_of(version));
  hello.session_id = report->sessions.front().id;
  const Answer answer = asker.ask(hello);
  if (!answer.accepted()) return facts.add("H9", "session id", Seen::kUnknown, answer.to_string());
  const bool resumed = answer.hello.session_id == hello.session_id;
  facts.add("H9", "session id", resumed ? Seen::kYes : Seen::kNo, resumed ? "" : "one is given and not taken back");
}

// Ticketbleed (CVE-2016-9244): the server returns 32 bytes for an id of fewer.
void check_ticketbleed(Asker& asker, ClientHello hello, Facts& facts) {
  hello.session_id.resize(16);
  const Answer answer = asker.ask(hello);
  if (!answer.accepted()) return facts.add("H7", "", answer.refused() ? Seen::kNo : Seen::kUnknown, answer.to_string());
  const Bytes& echoed = answer.hello.session_id;
  const bool longer = echoed.size() > 16 && equal(ByteView(echoed).first(16), hello.session_id);
  facts.add("H7", "", longer ? Seen::kYes : Seen::kNo, longer ? "returned more of a session id than it was given" : "");
}

void check_ticket(Asker& asker, const Known& known, std::uint16_t version, const Report& report, Facts& facts) {
  const net::OfferedSession& session = report.sessions.front();
  ClientHello hello = asker.hello(version, known.suites_of(version));
  const auto id = asker.random32();
  hello.session_id.assign(id.begin(), id.end());
  hello.set(kExtSessionTicket, session.ticket);
  const Answer answer = asker.ask(hello);
  const bool resumed = answer.accepted() && answer.hello.session_id == hello.session_id;
  facts.add("H9", version_name(version) + " ticket",
            answer.accepted() ? (resumed ? Seen::kYes : Seen::kNo) : Seen::kUnknown,
            answer.accepted() ? "" : answer.to_string());
  add_lifetime(session, version_name(version), facts);
  check_ticketbleed(asker, hello, facts);
}

void add_renegotiation(const Result<Report>& report, Facts& facts) {
  using enum Report::Renegotiated;
  if (!report.ok()) return facts.add("H2", "", Seen::kUnknown, report.error().message());
  switch (report->renegotiated) {
    case kYes: return facts.add("H2", "", Seen::kYes, "a client may start it");
    case kRefused: return facts.add("H2", "", Seen::kNo);
    default: return facts.add("H2", "", Seen::kUnknown, "no answer in time");
  }
}

void check_old_sessions(Asker& asker, const Known& known, Facts& facts) {
  const std::uint16_t version = known.newest_old();
  if (version < kTls10) {
    const Seen seen = version == 0 ? Seen::kNotApplicable : Seen::kUnknown;
    const std::string why =
        version == 0 ? "TLS 1.3 alone is spoken" : "SSLv3 alone is spoken: no whole handshake is made";
    for (const std::string_view check : {"H2", "H7"}) facts.add(std::string(check), "", seen, why);
    return facts.add("H9", "session id", seen, why);
  }
  check_id(asker, known, version, facts);
  const auto first = ask(asker, {.version = version, .renegotiation = Request::Renegotiation::kYes});
  add_renegotiation(first, facts);
  const std::string subject = version_name(version) + " ticket";
  if (!has_ticket(first)) {
    facts.add("H9", subject, first.ok() ? Seen::kNo : Seen::kUnknown,
              first.ok() ? "none is given" : first.error().message());
    return facts.add("H7", "", first.ok() ? Seen::kNotApplicable : Seen::kUnknown, "no ticket");
  }
  check_ticket(asker, known, version, *first, facts);
  const auto second = ask(asker, {.version = version});
  if (has_ticket(second)) {
    add_key_name(first->sessions.front().ticket, second->sessions.front().ticket, version_name(version), facts);
  }
}

void check_replay(Asker& asker, const net::OfferedSession& session, Facts& facts) {
  int accepted = 0;
  for (int i = 0; i < 2; ++i) {
    const auto report = ask(asker, {.version = kTls13, .resume = &session, .early_data = std::string(kRequest)});
    if (!report.ok()) return facts.add("H13", "", Seen::kUnknown, report.error().message());
    if (report->early_data == Report::EarlyData::kAccepted) ++accepted;
  }
  facts.add("H13", "", accepted == 2 ? Seen::kYes : Seen::kNo,
            "of the same early data sent twice, taken " + std::to_string(accepted) + " times");
}

void check_new_sessions(Asker& asker, Facts& facts) {
  const auto report = ask(asker, {.version = kTls13, .protocols = asker.options().protocols});
  if (!report.ok() || (report->sessions.empty() && !report->ended_with.empty())) {
    const std::string why = report.ok() ? report->ended_with : report.error().message();
    facts.add("H9", "TLS 1.3 ticket", Seen::kUnknown, why);
    return facts.add("H12", "", Seen::kUnknown, why);
  }
  if (!report->protocol.empty()) facts.add("H14", "chosen in TLS 1.3", Seen::kYes, report->protocol);
  if (report->sessions.empty()) {
    facts.add("H9", "TLS 1.3 ticket", Seen::kNo, "none is given");
    return facts.add("H12", "", Seen::kNo, "no ticket, so no early data");
  }
  const net::OfferedSession& session = report->sessions.back();
  const auto again = ask(asker, {.version = kTls13, .protocols = asker.options().protocols, .resume = &session});
  facts.add("H9", "TLS 1.3 ticket", again.ok() ? (again->resumed ? Seen::kYes : Seen::kNo) : Seen::kUnknown,
            again.ok() ? "" : again.error().message());
  add_lifetime(session, "TLS 1.3", facts);
  if (report->sessions.size() > 1) {
    add_key_name(report->sessions[0].ticket, report->sessions[1].ticket, "TLS 1.3", facts);
  }
  const bool early = session.early_data_max > 0;
  facts.add("H12", "", early ? Seen::kYes : Seen::kNo, early ? std::to_string(session.early_data_max) + " bytes" : "");
  if (early && asker.options().replay == EarlyDataReplay::kYes) check_replay(asker, session, facts);
}

}  // namespace

Facts check_sessions(Asker& asker, const Known& known) {
  Facts facts;
  check_old_sessions(asker, known, facts);
  if (known.speaks(kTls13)) {
    check_new_sessions(asker, facts);
  } else {
    facts.add("H12", "", Seen::kNotApplicable, "TLS 1.3 isn't spoken");
  }
  return facts;
}

Facts probe_shared_sessions(Dialer& first, Dialer& second, const TlsProbeOptions& options) {
  Facts facts;
  for (const std::uint16_t version : {kTls12, kTls13}) {
    const std::string subject = version_name(version) + " across hosts";
    const auto given = ask(first, options.answer_time, {.version = version});
    if (!given.ok() || given->sessions.empty()) {
      facts.add("H10", subject, Seen::kUnknown, given.ok() ? "no session is given" : given.error().message());
      continue;
    }
    const net::OfferedSession& session = given->sessions.back();
    const auto taken = ask(second, options.answer_time, {.version = version, .resume = &session});
    facts.add("H10", subject, taken.ok() ? (taken->resumed ? Seen::kYes : Seen::kNo) : Seen::kUnknown,
              taken.ok() ? second.endpoint().address.to_string() : taken.error().message());
  }
  return facts;
}

}  // namespace cloister::probe
