// All checks of one endpoint, in the order in which they need each other.
#include "probe/tls/probe_tls.h"

#include <algorithm>

#include "base/parallel.h"
#include "probe/tls/checks.h"
#include "probe/tls/cipher_suites.h"
#include "probe/tls/names.h"

namespace cloister::probe {
namespace {

// Who stopped answering on the way may have said "no" by hanging up on us alone.
Facts without_trust_in_no(const Facts& facts, const std::string& why) {
  Facts out;
  for (const Fact& fact : facts.all()) {
    const bool no = fact.seen == Seen::kNo;
    out.add(fact.check, fact.subject, no ? Seen::kUnknown : fact.seen, no ? why : fact.detail);
  }
  return out;
}

// The hello of who speaks SSLv2 alone, or nothing that can be understood.
Answer ask_sslv2_again(Asker& asker) {
  Answer answer;
  auto opened = asker.open(Expect::kSslv2);
  answer.came = opened.came;
  if (opened.conversation == nullptr) return answer;
  const auto challenge = asker.random32();
  opened.conversation->send(sslv2_client_hello(sslv2_suites(), ByteView(challenge).first(16)));
  // Whoever answers this with a message of TLS's own makes no sense.
  const Came came = opened.conversation->next().came;
  answer.came = came == Came::kMessage ? Came::kTooMuch : came;
  return answer;
}

// The newest version once more, as it was taken at first.
Answer ask_again(Asker& asker, const Known& known) {
  if (!known.speaks(kTls13)) {
    const std::uint16_t version = known.newest_old();
    if (version == 0) return ask_sslv2_again(asker);
    return asker.ask(asker.hello(version, known.suites_of(version)));
  }
  if (known.empty_share) return asker.ask(asker.hello(kTls13, asker.default_suites(kTls13)));
  return asker.ask(hello13_with_share(asker, known.first13.hello.group.value_or(kX25519)));
}

bool speaks_nothing(const Known& known) {
  return known.sslv2 != Seen::kYes && !known.speaks(kTls13) && known.newest_old() == 0;
}

Facts check_quick_ones(Asker& asker, const Known& known, std::vector<SentChain>& chains) {
  Facts tolerance;
  Facts finite;
  Facts signatures;
  Facts extensions;
  run_together(asker.options().at_once,
               {[&] { tolerance = check_tolerance(asker, known); }, [&] { finite = check_finite_fields(asker, known); },
                [&] { signatures = check_signatures(asker, known); },
                [&] { extensions = check_extensions(asker, known); }, [&] { chains = collect_chains(asker, known); }});
  Facts all;
  all.append(std::move(tolerance));
  all.append(std::move(finite));
  all.append(std::move(signatures));
  all.append(std::move(extensions));
  return all;
}

}  // namespace

void run_together(unsigned at_once, const std::vector<std::function<void()>>& tasks) {
  const auto make = [&tasks]() -> PieceWorker {
    return [&tasks](std::uint64_t piece) -> Status {
      tasks[piece]();
      return {};
    };
  };
  const Status status = parallel_pieces(std::max(at_once, 1U), tasks.size(), make);
  CLOISTER_CHECK(status.ok());  // no task fails
}

Result<TlsFindings> probe_tls(Dialer& dialer, const TlsProbeOptions& options, crypto::Random& random) {
  Asker asker(dialer, options, random);
  {
    auto opened = asker.open();
    if (opened.conversation == nullptr) {
      return Error(opened.came == Came::kOutOfBudget ? Code::kDenied : Code::kUnavailable, opened.reason);
    }
  }
  Known known;
  TlsFindings out;
  out.facts = check_versions(asker, known);
  if (!known.said_anything) {
    return Error(Code::kUnavailable, dialer.endpoint().address.to_string() + " doesn't speak TLS: " + known.last_word);
  }
  if (!speaks_nothing(known)) {
    out.facts.append(check_suites(asker, known));
    out.facts.append(check_groups(asker, known));
    out.facts.append(check_quick_ones(asker, known, out.chains));
    // These hold a connection open, which a server that serves one at a time must get through.
    out.facts.append(check_heartbeat(asker, known));
    out.facts.append(check_early_ccs(asker, known));
    out.facts.append(check_robot(asker, known));
    out.facts.append(check_sessions(asker, known));
  }
  out.facts.append(derive_weaknesses(out.facts, known));
  const Answer control = ask_again(asker, known);
  const bool answers = control.accepted() || control.came == Came::kSslv2;
  if (!answers) {
    out.facts = without_trust_in_no(out.facts, "it stopped answering during the scan: " + control.to_string());
  }
  out.facts.add("P0", "", answers ? Seen::kYes : Seen::kUnknown,
                std::to_string(dialer.connections_made()) + " connections; at the end: " + control.to_string());
  return out;
}

}  // namespace cloister::probe
