// The checks of docs/scan-checks.md, grouped by what they ask: each returns what it found, and waits.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "probe/tls/asker.h"

namespace cloister::probe {

// Codes that a server took, in the order in which it chose them when offered all that are left.
struct Taken {
  std::vector<std::uint16_t> codes;
  bool complete = true;  // otherwise more may be taken
  std::string why;       // it isn't complete
};

// What later checks need to know of earlier ones.
struct Known {
  Seen sslv2 = Seen::kUnknown;
  std::map<std::uint16_t, Seen> versions;  // kSsl3 to kTls13
  std::map<std::uint16_t, Taken> suites;   // of those that are spoken
  Taken groups13, groups12;
  bool empty_share = true;     // TLS 1.3: an empty key_share is answered with a HelloRetryRequest
  Answer first13;              // the first TLS 1.3 answer
  bool said_anything = false;  // as TLS goes
  std::string last_word;       // of who never spoke TLS

  bool speaks(std::uint16_t version) const;
  // The newest up to TLS 1.2; 0 when there is none.
  std::uint16_t newest_old() const;
  std::vector<std::uint16_t> suites_of(std::uint16_t version) const;
};

// P1 to P6, P8 to P10. Fills versions.
Facts check_versions(Asker& asker, Known& known);
// P7, G4: what a tolerant server doesn't mind.
Facts check_tolerance(Asker& asker, const Known& known);

// C1 to C5, C7. Fills suites.
Facts check_suites(Asker& asker, Known& known);
// C6
Facts check_finite_fields(Asker& asker, const Known& known);

// G1 to G3. Fills groups.
Facts check_groups(Asker& asker, Known& known);
// S1
Facts check_signatures(Asker& asker, const Known& known);

// H1, H3, H8, H14 to H16, by the ServerHello alone; and chains of TLS 1.2.
Facts check_extensions(Asker& asker, const Known& known);
std::vector<SentChain> collect_chains(Asker& asker, const Known& known);

// H4 Heartbleed, H5 CCS injection, H6 ROBOT.
Facts check_heartbeat(Asker& asker, const Known& known);
Facts check_early_ccs(Asker& asker, const Known& known);
Facts check_robot(Asker& asker, const Known& known);

// H2, H7, H9, H10, H12 and, when asked for, H13: what takes whole handshakes.
Facts check_sessions(Asker& asker, const Known& known);

// H19: what follows from the rest.
Facts derive_weaknesses(const Facts& facts, const Known& known);

// A TLS 1.3 hello with a share of that group that a server can go on with.
ClientHello hello13_with_share(Asker& asker, std::uint16_t group);
// Of those that the server takes, one that a share can be made for; empty: none.
std::optional<std::uint16_t> usable_group(const Known& known);

// Asks with what is left of `offered` until the server refuses. `chosen` says what an answer took.
template <typename Ask, typename Chosen>
Taken take_all(std::vector<std::uint16_t> offered, const Ask& ask, const Chosen& chosen) {
  Taken taken;
  while (!offered.empty()) {
    const Answer answer = ask(offered);
    if (answer.refused()) break;
    const std::optional<std::uint16_t> one = answer.accepted() ? chosen(answer) : std::nullopt;
    const auto removed = one ? std::erase(offered, *one) : 0;
    if (removed == 0) {
      taken.complete = false;
      taken.why = answer.accepted() ? "it chose what wasn't offered" : answer.to_string();
      break;
    }
    taken.codes.push_back(*one);
  }
  return taken;
}

// Runs all, a few at a time, and returns when all are done.
void run_together(unsigned at_once, const std::vector<std::function<void()>>& tasks);

}  // namespace cloister::probe
