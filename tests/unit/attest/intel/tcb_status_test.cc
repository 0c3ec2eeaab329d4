#include "attest/intel/tcb_status.h"

#include <gtest/gtest.h>

namespace cloister::attest::intel {
namespace {

using enum TcbStatus;
constexpr TcbStatus kOfLevels[] = {kUpToDate,
                                   kSwHardeningNeeded,
                                   kConfigurationNeeded,
                                   kConfigurationAndSwHardeningNeeded,
                                   kOutOfDate,
                                   kOutOfDateConfigurationNeeded,
                                   kRevoked};

TEST(TcbStatus, NamesGoBothWays) {
  for (const TcbStatus status : kOfLevels) EXPECT_EQ(tcb_status_of(tcb_status_name(status)), status);
}

TEST(TcbStatus, ConclusionsAndOthersAreNoLevels) {
  for (const char* name : {"TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded", "uptodate", "UpToDate ", ""}) {
    EXPECT_FALSE(tcb_status_of(name)) << name;
  }
}

TEST(TcbStatus, PartOutOfDate) {
  for (const TcbStatus part : {kOutOfDate, kOutOfDateConfigurationNeeded}) {
    EXPECT_EQ(converge(kUpToDate, part), kOutOfDate);
    EXPECT_EQ(converge(kSwHardeningNeeded, part), kOutOfDate);
    EXPECT_EQ(converge(kConfigurationNeeded, part), kOutOfDateConfigurationNeeded);
    EXPECT_EQ(converge(kConfigurationAndSwHardeningNeeded, part), kOutOfDateConfigurationNeeded);
    EXPECT_EQ(converge(kOutOfDate, part), kOutOfDate);
    EXPECT_EQ(converge(kOutOfDateConfigurationNeeded, part), kOutOfDateConfigurationNeeded);
  }
}

TEST(TcbStatus, PartUpToDateChangesNothing) {
  for (const TcbStatus platform : kOfLevels) EXPECT_EQ(converge(platform, kUpToDate), platform);
}

TEST(TcbStatus, AnythingRevokedIsRevoked) {
  for (const TcbStatus status : kOfLevels) {
    EXPECT_EQ(converge(status, kRevoked), kRevoked);
    EXPECT_EQ(converge(kRevoked, status), kRevoked);
  }
}

}  // namespace
}  // namespace cloister::attest::intel
