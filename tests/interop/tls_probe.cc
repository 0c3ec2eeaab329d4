// Asks one endpoint as the scanner does and prints every fact, a line each: for scripts that hold it against others.
#include <cstdio>
#include <string>

#include "base/clock.h"
#include "crypto/library.h"
#include "probe/tls/probe_tls.h"

using namespace cloister;

namespace {

int fail(const std::string& message) {
  std::fprintf(stderr, "tls_probe: %s\n", message.c_str());
  return 1;
}

}  // namespace

// tls_probe HOST:PORT [SERVER_NAME [replay]]
int main(int argc, char** argv) {
  if (const auto started = crypto::start_process(); !started.ok()) return fail(started.error().message());
  if (argc < 2) return fail("which endpoint?");
  const auto address = net::parse_tcp_address(argv[1]);
  if (!address.ok()) return fail(address.error().message());
  const auto resolved = net::numeric_address(address.value());
  if (!resolved.ok()) return fail(resolved.error().message());
  const std::string name = argc > 2 ? argv[2] : "";
  probe::Dialer dialer({address.value(), resolved.value(), name}, {});
  probe::TlsProbeOptions options;
  if (argc > 3) options.replay = probe::EarlyDataReplay::kYes;
  crypto::SystemRandom random;
  const double begun = monotonic_seconds();
  const auto findings = probe::probe_tls(dialer, options, random);
  if (!findings.ok()) return fail(findings.error().message());
  for (const probe::Fact& fact : findings->facts.all()) {
    std::printf("%s\t%s\t%s\t%s\n", fact.check.c_str(), fact.subject.c_str(), std::string(name_of(fact.seen)).c_str(),
                fact.detail.c_str());
  }
  for (const auto& chain : findings->chains) std::printf("chain\t%zu\t%s\t\n", chain.size(), "yes");
  std::fprintf(stderr, "%u connections in %.3f s\n", dialer.connections_made(), monotonic_seconds() - begun);
  return 0;
}
