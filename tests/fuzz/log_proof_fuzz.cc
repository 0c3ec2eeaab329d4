// The proof that a run is in the log, of any bytes: refused, or written back as it was.
#include <vector>

#include "posture/evidence/log_proof.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  const auto proof = posture::parse_log_proof(text);
  if (proof.ok()) CLOISTER_CHECK(posture::format_log_proof(*proof) == text);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  audit::Event event{Time{1'795'000'000'000},  "ada",   std::string(posture::kRunAction), "", "run",
                     audit::Outcome::kAllowed, "root x"};
  posture::LogProof proof{audit::LogRecord::make(3, std::move(event), {}), {}, "a note\n"};
  seeds->push_back(to_bytes(as_bytes(posture::format_log_proof(proof))));
  proof.path.resize(2);
  seeds->push_back(to_bytes(as_bytes(posture::format_log_proof(proof))));
}
