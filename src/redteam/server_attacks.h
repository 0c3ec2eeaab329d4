// RT-T01 to RT-T04, RT-T07, RT-T10: a server's TLS, from where its clients are. One that was named; for RT-T04 also a
// canary server of this program, with the TLS and the verifier that services and relays have.
#pragma once

#include <map>

#include "net/tls.h"
#include "redteam/exercise.h"

namespace cloister::redteam {

// The address, which was allowed; no server: not run.
using Server = std::optional<std::string>;

Report run_plaintext(const Field& field, const Server& server);    // RT-T01
Report run_downgrade(const Field& field, const Server& server);    // RT-T02
Report run_weak_suites(const Field& field, const Server& server);  // RT-T03

Report run_early_data(const Field& field, const Server& server);  // RT-T07
Report run_tickets(const Field& field, const Server& server);     // RT-T10

// What a client shows, by the words of `mtls.drill`: "expected", "expired", "other-workload", …; null: no certificate.
using ClientCases = std::map<std::string, std::shared_ptr<const net::Credentials>, std::less<>>;

struct ClientsTarget {
  std::string address;
  ClientCases cases;  // "expected" among them
};
Report run_clients(const Field& field, const ClientsTarget& target);  // RT-T04
// Adds the impostors that need nobody's authority to what was given: no-certificate, other-trust-domain,
// self-signed-same-name.
Report run_clients_of(const Field& field, const std::string& address, ClientCases given);
// Against the canary server, which stands for no server of the deployment: simulated.
Report run_canary_clients(const Field& field);

}  // namespace cloister::redteam
