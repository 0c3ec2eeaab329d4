// What nvidia_verifiers_test.py asks: canonical forms, verdicts on manifests and on reports, and manifests to try.
#include <cstdio>
#include <string>

#include "attest/nvidia/device.h"
#include "attest/nvidia/rim.h"
#include "attest/nvidia/xml.h"
#include "attest/verifier.h"
#include "base/file.h"
#include "tests/support/simulated_nvidia.h"
#include "tests/support/value_of.h"

using namespace cloister;
using testing::value_of;

namespace {

Bytes load(const char* path) { return value_of(read_file(path, std::uint64_t{4} << 20)); }

int canonical(const char* file) {
  const auto root = attest::nvidia::parse_xml(load(file));
  if (!root.ok()) return 1;
  const std::string text = attest::nvidia::canonical_xml(**root, nullptr);
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}

// "good", or why not.
int manifest(const char* file, const char* root_file, const char* at) {
  const auto rim = attest::nvidia::parse_rim(load(file));
  if (!rim.ok()) return std::printf("malformed\n") < 0;
  const Bytes pem = load(root_file);
  const auto root = value_of(crypto::Certificate::parse_pem(as_text(pem), 1)).front();
  const attest::Anchors anchors = attest::Anchors::insecure({{attest::Root::kNvidiaRim, crypto::sha256(root.spki())}});
  const auto refusal =
      attest::nvidia::check_path(rim->certificates, attest::Root::kNvidiaRim, anchors, value_of(parse_rfc3339(at)));
  if (refusal) return std::printf("%s\n", std::string(attest::reason_name(refusal->reason)).c_str()) < 0;
  const bool good = attest::nvidia::verify_rim_signature(*rim).ok();
  return std::printf("%s\n", good ? "good" : "bad-signature") < 0;
}

// Every check of a report and its chain, "name state".
int report(const char* report_file, const char* chain, const char* kind, const char* at) {
  const attest::Evidence evidence{attest::kind_of(kind).value(),
                                  {{"report", load(report_file)}, {"chain", load(chain)}}};
  attest::Question question;
  question.now = value_of(parse_rfc3339(at));
  for (const attest::Check& check : attest::verify(evidence, question).checks) {
    std::printf("%s %s\n", check.name.c_str(), std::string(attest::check_state_name(check.state)).c_str());
  }
  return 0;
}

void write(const std::string& path, ByteView bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  CLOISTER_CHECK(file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
  CLOISTER_CHECK(std::fclose(file) == 0);
}

int make(const std::string& folder) {
  const testing::SimulatedGpu gpu;
  write(folder + "/made.xml", testing::signed_rim(gpu.driver, gpu.signer));
  const std::string root = gpu.signer.certificates.back().to_pem();
  write(folder + "/root.pem", as_bytes(root));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "canonical" && argc == 3) return canonical(argv[2]);
  if (verb == "manifest" && argc == 5) return manifest(argv[2], argv[3], argv[4]);
  if (verb == "report" && argc == 6) return report(argv[2], argv[3], argv[4], argv[5]);
  if (verb == "make" && argc == 3) return make(argv[2]);
  std::fprintf(stderr,
               "nvidia_tool canonical FILE | manifest FILE ROOT TIME | report REPORT CHAIN KIND TIME | make FOLDER\n");
  return 2;
}
