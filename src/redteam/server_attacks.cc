// RT-T01, RT-T02, RT-T03, RT-T07, RT-T10: what a server speaks that it shouldn't, by the probes that `cloister scan`
// has.
#include "redteam/server_attacks.h"

#include <algorithm>

#include "probe/path/plaintext_probe.h"
#include "probe/tls/probe_tls.h"

namespace cloister::redteam {
namespace {

using probe::Seen;

constexpr Duration kResolvePatience = seconds(10);
constexpr std::string_view kPlaintextRemedy = "close the port, or let it speak TLS alone; redirecting is too late";
constexpr std::string_view kVersionRemedy = "let it speak TLS 1.3 alone, or 1.2 with a library that marks downgrades";
constexpr std::string_view kEarlyDataRemedy = "switch early data off: who records it can send it again";
constexpr std::string_view kTicketRemedy =
    "issue no session tickets where clients are known by certificates: who resumes shows none, and may be revoked by "
    "then";
constexpr std::string_view kSuiteRemedy =
    "take AEAD suites with forward secrecy alone: the profiles of `cloister scan`";

struct Open {
  std::unique_ptr<probe::Dialer> dialer;
  std::string why;  // there is none
};

Open dial(const Field& field, const Server& server) {
  if (!server) return {nullptr, "no server was named: --server HOST:PORT"};
  const auto address = net::parse_tcp_address(*server);
  if (!address.ok()) return {nullptr, address.error().message()};
  const auto addresses = net::resolve(*address, kResolvePatience);
  if (!addresses.ok()) return {nullptr, addresses.error().message()};
  if (addresses->empty()) return {nullptr, *server + " has no address"};
  const bool named = !net::numeric_address(*address).ok();
  probe::Politeness politeness;
  politeness.total_time =
      Duration{std::max<std::int64_t>(1000, static_cast<std::int64_t>((field.until - monotonic_seconds()) * 1000))};
  return {std::make_unique<probe::Dialer>(
              probe::Endpoint{*address, addresses->front(), named ? address->host : std::string()}, politeness),
          ""};
}

// `bad`: what must not be seen.
void judge(Tally& tally, const std::string& what, const probe::Fact* fact, Seen bad) {
  const Seen seen = fact == nullptr ? Seen::kUnknown : fact->seen;
  const std::string detail = fact == nullptr ? "it wasn't looked at" : fact->detail;
  if (seen == Seen::kUnknown) return tally.attack(what, Status(Error(Code::kUnavailable, detail)));
  if (seen == bad) return tally.attack(detail.empty() ? what : what + " (" + detail + ")", Status());
  tally.attack(what, Status(Error(Code::kDenied, seen == Seen::kNotApplicable ? "not to be had: " + detail : detail)));
}

struct Probed {
  std::optional<probe::TlsFindings> findings;
  std::string why;
};

Probed probe_server(const Field& field, const Server& server) {
  const Open open = dial(field, server);
  if (!open.dialer) return {std::nullopt, open.why};
  auto findings = probe::probe_tls(*open.dialer, probe::TlsProbeOptions(), *field.random);
  if (!findings.ok()) return {std::nullopt, findings.error().message()};
  return {std::move(*findings), ""};
}

// TLS 1.2 and 1.3 are what may be spoken; without either a refusal of the rest means nothing.
void honest_version(Tally& tally, const probe::Facts& facts) {
  const bool modern = facts.seen("P6") == Seen::kYes || facts.seen("P5") == Seen::kYes;
  tally.honest("a handshake as it should be", modern ? Status()
                                                     : Status(Error(Code::kDenied,
                                                                    "it speaks neither TLS "
                                                                    "1.2 nor 1.3")));
}

}  // namespace

Report run_plaintext(const Field& field, const Server& server) {
  const Open open = dial(field, server);
  if (!open.dialer) return not_run("RT-T01", open.why);
  const auto statements = probe::path::probe_plaintext(*open.dialer, field.now);
  if (!statements.ok()) return not_run("RT-T01", statements.error().message());
  Tally tally(field, "RT-T01", std::string(kPlaintextRemedy));
  // Who speaks no HTTP hangs up on it in the clear too: TLS has to be what it speaks instead.
  const Probed probed = probe_server(field, server);
  probed.findings ? honest_version(tally, probed.findings->facts) : tally.cannot(probed.why);
  if (statements->empty()) tally.cannot("it takes bytes in the clear and says nothing");
  for (const probe::path::Statement& statement : *statements) {
    const bool accepted = statement.claim == probe::path::Claim::kPlaintextAccepted;
    tally.attack(accepted ? statement.detail : "HTTP/1 and HTTP/2 in the clear",
                 accepted ? Status() : Status(Error(Code::kDenied, statement.detail)));
  }
  return std::move(tally).finish();
}

Report run_downgrade(const Field& field, const Server& server) {
  const Probed probed = probe_server(field, server);
  if (!probed.findings) return not_run("RT-T02", probed.why);
  const probe::Facts& facts = probed.findings->facts;
  Tally tally(field, "RT-T02", std::string(kVersionRemedy));
  honest_version(tally, facts);
  judge(tally, "SSLv2", facts.find("P1"), Seen::kYes);
  judge(tally, "SSLv3", facts.find("P2"), Seen::kYes);
  judge(tally, "TLS 1.0", facts.find("P3"), Seen::kYes);
  judge(tally, "TLS 1.1", facts.find("P4"), Seen::kYes);
  judge(tally, "a fallback that isn't noticed", facts.find("P8"), Seen::kNo);
  judge(tally, "TLS 1.2 without the mark of a downgrade", facts.find("P9", "TLS 1.2"), Seen::kNo);
  judge(tally, "renegotiation by the client", facts.find("H2"), Seen::kYes);
  judge(tally, "early data", facts.find("H12"), Seen::kYes);
  return std::move(tally).finish();
}

Report run_weak_suites(const Field& field, const Server& server) {
  const Probed probed = probe_server(field, server);
  if (!probed.findings) return not_run("RT-T03", probed.why);
  const probe::Facts& facts = probed.findings->facts;
  Tally tally(field, "RT-T03", std::string(kSuiteRemedy));
  honest_version(tally, facts);
  for (const char* kind : {"NULL", "anonymous", "EXPORT", "RC4", "RC2", "DES", "3DES", "IDEA", "MD5", "short tag"}) {
    judge(tally, std::string(kind) + " suites", facts.find("C2", kind), Seen::kYes);
  }
  for (const char* kind : {"CBC", "static RSA", "static DH", "no forward secrecy"}) {
    judge(tally, std::string(kind), facts.find("C3", kind), Seen::kYes);
  }
  const auto* hybrid = facts.find("G2");
  if (hybrid != nullptr && hybrid->seen == Seen::kYes) tally.cover("hybrid-group");
  return std::move(tally).finish();
}

Report run_early_data(const Field& field, const Server& server) {
  const Probed probed = probe_server(field, server);
  if (!probed.findings) return not_run("RT-T07", probed.why);
  const probe::Facts& facts = probed.findings->facts;
  Tally tally(field, "RT-T07", std::string(kEarlyDataRemedy));
  honest_version(tally, facts);
  // What isn't taken once has no second effect.
  judge(tally, "early data", facts.find("H12"), Seen::kYes);
  return std::move(tally).finish();
}

Report run_tickets(const Field& field, const Server& server) {
  const Probed probed = probe_server(field, server);
  if (!probed.findings) return not_run("RT-T10", probed.why);
  const probe::Facts& facts = probed.findings->facts;
  Tally tally(field, "RT-T10", std::string(kTicketRemedy));
  honest_version(tally, facts);
  // One that comes back isn't asked for its certificate again, revoked or not: no ticket, no such client.
  for (const char* version : {"TLS 1.3 ticket", "TLS 1.2 ticket"}) {
    const auto* fact = facts.find("H9", version);
    if (fact == nullptr) continue;
    judge(tally, std::string("resumption by a ") + version, fact, Seen::kYes);
  }
  return std::move(tally).finish();
}

}  // namespace cloister::redteam
