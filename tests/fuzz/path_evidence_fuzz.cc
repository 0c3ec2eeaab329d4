// Evidence, graphs and bundles of any text: parsed or refused; statements are the same when written and parsed again.
#include <vector>

#include "probe/path/bundle.h"
#include "probe/path/cloud_facts.h"
#include "probe/path/mesh_audit.h"
#include "probe/path/scan_result.h"
#include "probe/path/socket_diag.h"
#include "tests/support/hex.h"
#include "tests/unit/probe/path/graphs.h"

using namespace cloister;
using namespace cloister::probe::path;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  const auto statements = parse_evidence(text);
  if (statements.ok()) {
    const std::string json = format_evidence(*statements);
    CLOISTER_CHECK(format_evidence(testing::value_of(parse_evidence(json))) == json);
    judge(graph_of(kThree), *statements, {}, noon());
  }
  ignore_result(parse_graph(text));
  ignore_result(parse_cloud_facts(text));
  ignore_result(parse_scan_result(text));
  ignore_result(parse_mesh_audit(text));
  ignore_result(parse_sockets(text));
  std::vector<Socket> sockets;
  ignore_result(parse_socket_dump({data, size}, sockets));
  static const auto key = crypto::SigningKey::from_seed(testing::key_of_byte(5));
  static const auto verifier =
      testing::value_of(audit::VerifierKey::make("home.example/-", audit::NoteKeyType::kEd25519, key.public_key()));
  ignore_result(verify_bundle(text, {&verifier, 1}));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const auto add = [seeds](std::string_view text) { seeds->push_back(to_bytes(as_bytes(text))); };
  add(kThree);
  add(format_evidence({statement(Source::kProbe, Claim::kPlaintextRefused, {}, address_of("10.0.3.7"), 8443)}));
  add(R"({"format":"cloister-scan/1","targets":[{"address":"10.0.3.7:8443","time":"2027-01-10T11:00:00Z","facts":[{"check":"P6","subject":"","seen":"yes"}]}]})");
  add(R"({"format":"cloister-mesh-audit/1","time":"2027-01-10T11:00:00Z","workloads":[{"namespace":"a","name":"b","mode":"strict","ports":{"1":"disabled"}}]})");
  add(R"({"format":"cloister-paths-sockets/1","host":"h","time":"2027-01-10T11:00:00Z","sockets":[{"state":"listening","local":"0.0.0.0:1","uid":0}]})");
}
