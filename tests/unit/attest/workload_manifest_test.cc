#include "attest/workload_manifest.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace cloister::attest {
namespace {

using testing::expect_refused;
using testing::value_of;

WorkloadManifest sample() {
  WorkloadManifest manifest;
  manifest.name = "scorer";
  manifest.role = "infer";
  manifest.image.fill(1);
  manifest.configuration.fill(2);
  manifest.model.emplace().fill(3);
  manifest.egress = {"keys.acme.example:8443", "[::1]:9000"};
  manifest.seccomp.emplace().fill(4);
  return manifest;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(WorkloadManifest, ReadsWhatWasWritten) {
  WorkloadManifest manifest = sample();
  EXPECT_EQ(value_of(parse_workload_manifest(write_workload_manifest(manifest))), manifest);
  manifest.model.reset();
  manifest.seccomp.reset();
  manifest.egress.clear();
  EXPECT_EQ(value_of(parse_workload_manifest(write_workload_manifest(manifest))), manifest);
}

TEST(WorkloadManifest, EntryMissing) {
  const std::string text = write_workload_manifest(sample());
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start) + 1;
    std::string without = text;
    without.erase(start, end - start);
    expect_refused(parse_workload_manifest(without), Code::kInvalid, "isn't written");
    start = end;
  }
}

TEST(WorkloadManifest, EntryTooMany) {
  const std::string text = write_workload_manifest(sample());
  expect_refused(parse_workload_manifest(text + "debug = 1\n"), Code::kInvalid, "there is no key debug");
  expect_refused(parse_workload_manifest(text + "[[more]]\n"), Code::kInvalid, "no tables");
}

TEST(WorkloadManifest, WrongValue) {
  const std::string text = write_workload_manifest(sample());
  expect_refused(parse_workload_manifest(replaced(text, "version = 1", "version = 2")), Code::kInvalid, "version");
  expect_refused(parse_workload_manifest(replaced(text, "scorer", "Scorer")), Code::kInvalid, "lower-case");
  expect_refused(parse_workload_manifest(replaced(text, "infer", "inferr")), Code::kInvalid, "did you mean infer?");
  expect_refused(parse_workload_manifest(replaced(text, "sha256:01", "sha256:1")), Code::kInvalid, "image isn't");
  expect_refused(parse_workload_manifest(replaced(text, "sha256:02", "sha512:02")), Code::kInvalid, "configuration");
  expect_refused(parse_workload_manifest(replaced(text, "sha256:03", "any")), Code::kInvalid, "model isn't");
  expect_refused(parse_workload_manifest(replaced(text, "keys.acme.example:8443", "anywhere")), Code::kInvalid,
                 "host:port");
}

TEST(WorkloadManifest, LogsOrCacheAreKept) {
  const std::string text = write_workload_manifest(sample());
  expect_refused(parse_workload_manifest(replaced(text, "logs = \"none\"", "logs = \"errors\"")), Code::kInvalid,
                 "logs can only be");
  expect_refused(parse_workload_manifest(replaced(text, "cache = \"none\"", "cache = \"any\"")), Code::kInvalid,
                 "cache can only be");
}

TEST(WorkloadManifest, TooLarge) {
  expect_refused(parse_workload_manifest(std::string(kWorkloadManifestSizeMax + 1, '\n')), Code::kInvalid, "large");
}

TEST(WorkloadManifest, DigestsInOtherSpellings) {
  const std::string text = digest_text(crypto::Sha256Digest{});
  EXPECT_TRUE(parse_digest_text(text).ok());
  std::string upper = text;
  upper.back() = 'A';
  EXPECT_FALSE(parse_digest_text(upper).ok());
  EXPECT_FALSE(parse_digest_text(text + "00").ok());
  EXPECT_FALSE(parse_digest_text(text.substr(7)).ok());
}

}  // namespace
}  // namespace cloister::attest
