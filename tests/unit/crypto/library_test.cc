#include "crypto/library.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "crypto/secret.h"
#include "crypto/secure_memory.h"

namespace cloister::crypto {
namespace {

TEST(Library, IsOneAndNewEnough) {
  const LibraryInfo info = library_info();
  EXPECT_FALSE(info.too_old) << info.version;
  EXPECT_EQ(info.version.substr(0, 2), "3.");
  EXPECT_LE(info.mapped.size(), 1U) << "two OpenSSLs in one process";
}

TEST(Library, StartProcessTurnsDumpsOffAndSetsUpSecureMemory) {
  ASSERT_TRUE(start_process().ok());
  rlimit core{1, 1};
  ASSERT_EQ(::getrlimit(RLIMIT_CORE, &core), 0);
  EXPECT_EQ(core.rlim_cur, 0U);
  EXPECT_EQ(core.rlim_max, 0U);
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 0);
  const Secret secret(1);
  EXPECT_TRUE(is_secure(secret.expose().data()));
  EXPECT_TRUE(start_process().ok()) << "twice is harmless";
}

}  // namespace
}  // namespace cloister::crypto
