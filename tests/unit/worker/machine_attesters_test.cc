// The attesters of real machines, against files as the kernel and enclave runtimes have them.
#include <algorithm>

#include "tests/support/expect.h"
#include "tests/support/locked_down.h"
#include "tests/support/temp_dir.h"
#include "worker/attester/configfs_tsm.h"
#include "worker/attester/sgx.h"

namespace cloister::worker {
namespace {

using testing::expect_refused;
using testing::value_of;

// The kernel's side of one report.
struct Kernel {
  std::string provider = "sev_guest\n";
  Bytes report = Bytes(1184, 5);
  Bytes table;
  bool has_table = true;
  unsigned generation = 7;
  bool disturbed = false;  // by somebody who writes at the same time
  Bytes asked;

  ConfigfsTsmAttester::Open open() {
    return [this] { return Result<std::unique_ptr<TsmReport>>(std::make_unique<Report>(*this)); };
  }

  class Report final : public TsmReport {
   public:
    explicit Report(Kernel& kernel) : kernel_(kernel) {}
    Status write(std::string_view attribute, ByteView bytes) override {
      if (attribute != "inblob") return Error(Code::kNotFound, "no such attribute");
      kernel_.asked = to_bytes(bytes);
      kernel_.generation += kernel_.disturbed ? 2 : 1;
      return {};
    }
    Result<Bytes> read(std::string_view attribute) override {
      if (attribute == "generation") return to_bytes(as_bytes(std::to_string(kernel_.generation) + "\n"));
      if (attribute == "provider") return to_bytes(as_bytes(kernel_.provider));
      if (attribute == "outblob") return kernel_.report;
      if (attribute == "auxblob" && kernel_.has_table) return kernel_.table;
      return Error(Code::kNotFound, "no such attribute");
    }

   private:
    Kernel& kernel_;
  };
};

struct Guest {
  testing::TempDir folder;
  Kernel kernel;
  LockedDown locked = LockedDownForTests::make();
  Result<attest::Evidence> collect(attest::Kind kind, ByteView report_data) {
    return ConfigfsTsmAttester(kind, kernel.open(), folder / "CCEL").collect(locked, report_data);
  }
};

TEST(ConfigfsTsm, Snp) {
  Guest guest;
  guest.kernel.table = Bytes(100, 6);
  const attest::Evidence evidence = value_of(guest.collect(attest::Kind::kSnp, Bytes(48, 1)));
  EXPECT_EQ(evidence.kind, attest::Kind::kSnp);
  EXPECT_EQ(evidence.parts.at("report"), Bytes(1184, 5));
  EXPECT_EQ(evidence.parts.at("certificates"), Bytes(100, 6));
  Bytes padded(48, 1);
  padded.resize(64);
  EXPECT_EQ(guest.kernel.asked, padded);
}

TEST(ConfigfsTsm, SnpWithoutCertificates) {
  Guest guest;
  EXPECT_EQ(value_of(guest.collect(attest::Kind::kSnp, Bytes(64, 1))).parts.size(), 1U);
  guest.kernel.has_table = false;
  EXPECT_EQ(value_of(guest.collect(attest::Kind::kSnp, Bytes(64, 1))).parts.size(), 1U);
}

TEST(ConfigfsTsm, TdxWithItsLog) {
  Guest guest;
  guest.kernel.provider = "tdx_guest\n";
  EXPECT_EQ(value_of(guest.collect(attest::Kind::kTdx, Bytes(64, 1))).parts.size(), 1U);
  ASSERT_TRUE(write_file(guest.folder / "CCEL", Bytes(200, 8), Overwrite::kRefuse).ok());
  const attest::Evidence evidence = value_of(guest.collect(attest::Kind::kTdx, Bytes(64, 1)));
  EXPECT_EQ(evidence.parts.at("quote"), Bytes(1184, 5));
  EXPECT_EQ(evidence.parts.at("event-log"), Bytes(200, 8));
}

TEST(ConfigfsTsm, Cca) {
  Guest guest;
  guest.kernel.provider = "arm_cca_guest";
  EXPECT_EQ(value_of(guest.collect(attest::Kind::kCca, Bytes(64, 1))).parts.at("token"), Bytes(1184, 5));
}

TEST(ConfigfsTsm, MachineOfAnotherKind) {
  Guest guest;
  expect_refused(guest.collect(attest::Kind::kTdx, Bytes(64, 1)), Code::kDenied, "isn't of the kind tdx");
  EXPECT_TRUE(guest.kernel.asked.empty());
}

TEST(ConfigfsTsm, SomebodyElseWroteMeanwhile) {
  Guest guest;
  guest.kernel.disturbed = true;
  expect_refused(guest.collect(attest::Kind::kSnp, Bytes(64, 1)), Code::kUnavailable, "meanwhile");
}

TEST(ConfigfsTsm, ReportDataThatDoesntFit) {
  Guest guest;
  expect_refused(guest.collect(attest::Kind::kSnp, Bytes(65, 1)), Code::kInvalid, "64 bytes");
  expect_refused(guest.collect(attest::Kind::kSnp, {}), Code::kInvalid, "64 bytes");
}

TEST(ConfigfsTsm, EmptyAnswer) {
  Guest guest;
  guest.kernel.report.clear();
  expect_refused(guest.collect(attest::Kind::kSnp, Bytes(64, 1)), Code::kUnavailable, "none");
}

TEST(ConfigfsTsm, FolderOfItsOwn) {
  const testing::TempDir reports;
  {
    const auto one = value_of(open_tsm_report(reports.path()));
    const auto other = value_of(open_tsm_report(reports.path()));
    std::vector<Path> folders;
    for (const auto& entry : std::filesystem::directory_iterator(reports.path())) folders.push_back(entry.path());
    ASSERT_EQ(folders.size(), 2U);
    expect_refused(one->read("outblob"), Code::kNotFound, "outblob");
    expect_refused(one->write("inblob", Bytes(64, 1)), Code::kNotFound, "inblob");
    // The kernel makes these.
    for (const Path& folder : folders) {
      ASSERT_TRUE(write_file(folder / "inblob", {}, Overwrite::kRefuse).ok());
    }
    EXPECT_TRUE(one->write("inblob", Bytes(64, 1)).ok());
    EXPECT_EQ(value_of(one->read("inblob")), Bytes(64, 1));
    for (const Path& folder : folders) std::filesystem::remove(folder / "inblob");
  }
  EXPECT_TRUE(std::filesystem::is_empty(reports.path()));
  expect_refused(open_tsm_report(reports / "not mounted"), Code::kNotFound, "not mounted");
}

struct Enclave {
  testing::TempDir folder;
  LockedDown locked = LockedDownForTests::make();
  SgxAttester attester{folder.path()};
  Enclave() {
    put("attestation_type", to_bytes(as_bytes("dcap")));
    put("user_report_data", Bytes(64, 0));
    put("quote", Bytes(4000, 3));
  }
  void put(const char* name, const Bytes& bytes) {
    EXPECT_TRUE(write_file(folder / name, bytes, Overwrite::kReplace).ok());
  }
};

TEST(Sgx, Quote) {
  Enclave enclave;
  const attest::Evidence evidence = value_of(enclave.attester.collect(enclave.locked, Bytes(64, 2)));
  EXPECT_EQ(evidence.kind, attest::Kind::kSgx);
  EXPECT_EQ(evidence.parts.at("quote"), Bytes(4000, 3));
  EXPECT_EQ(value_of(read_file(enclave.folder / "user_report_data", 100)), Bytes(64, 2));
}

TEST(Sgx, RuntimeWithoutDcap) {
  Enclave enclave;
  enclave.put("attestation_type", to_bytes(as_bytes("epid")));
  expect_refused(enclave.attester.collect(enclave.locked, Bytes(64, 2)), Code::kUnsupported, "DCAP");
}

TEST(Sgx, NoEnclave) {
  Enclave enclave;
  SgxAttester elsewhere(enclave.folder / "none");
  expect_refused(elsewhere.collect(enclave.locked, Bytes(64, 2)), Code::kNotFound, "attestation_type");
}

TEST(Sgx, EmptyQuoteOrTooMuchReportData) {
  Enclave enclave;
  expect_refused(enclave.attester.collect(enclave.locked, Bytes(65, 2)), Code::kInvalid, "64 bytes");
  enclave.put("quote", {});
  expect_refused(enclave.attester.collect(enclave.locked, Bytes(64, 2)), Code::kUnavailable, "none");
}

}  // namespace
}  // namespace cloister::worker
