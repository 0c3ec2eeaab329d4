#include "posture/fix/recheck.h"

#include "crypto/hash.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace cloister::posture::fix {
namespace {

class Recheck : public ::testing::Test {
 protected:
  cloister::Status check(const std::string& now) {
    const Path path = directory_ / "train.jsonl";
    EXPECT_TRUE(write_file(path, as_bytes(now), Overwrite::kReplace).ok());
    return check_as_scanned(step_, testing::value_of(File::open(path)));
  }
  const std::string scanned_ = std::string(5000, 'a');
  Step step_{.source = "train.jsonl",
             .type = "jsonl",
             .bytes = 5000,
             .sha256_head = to_hex(crypto::sha256(as_bytes(scanned_.substr(0, 4096))))};
  testing::TempDir directory_;
};

TEST_F(Recheck, TheSameFile) { EXPECT_TRUE(check(scanned_).ok()); }

TEST_F(Recheck, AnotherLength) { testing::expect_refused(check(scanned_ + "a"), Code::kCorrupt, "5001 bytes"); }

TEST_F(Recheck, AnotherFileOfThatLength) {
  testing::expect_refused(check(std::string(5000, 'b')), Code::kCorrupt, "isn't the file that was scanned");
}

TEST_F(Recheck, ShorterThanAHead) {
  step_.bytes = 3;
  step_.sha256_head = to_hex(crypto::sha256(as_bytes(std::string_view("abc"))));
  EXPECT_TRUE(check("abc").ok());
  testing::expect_refused(check("abd"), Code::kCorrupt, "isn't the file");
}

TEST_F(Recheck, ScanThatSaysNoDigest) {
  step_.sha256_head.clear();
  EXPECT_TRUE(check(std::string(5000, 'b')).ok());
}

}  // namespace
}  // namespace cloister::posture::fix
