#include "worker/attester/sgx.h"

namespace cloister::worker {
namespace {

constexpr std::size_t kReportDataSize = 64;
constexpr std::size_t kWordSizeMax = 64;

}  // namespace

Result<attest::Evidence> SgxAttester::collect(const LockedDown&, ByteView report_data) {
  if (report_data.empty() || report_data.size() > kReportDataSize) {
    return Error(Code::kInvalid, "ask the enclave for a quote: there is room for 1 to 64 bytes of report data");
  }
  CLOISTER_TRY(const Bytes type, read_file(folder_ / "attestation_type", kWordSizeMax));
  if (!as_text(type).starts_with("dcap")) {
    return Error(Code::kUnsupported, "ask the enclave for a quote: its runtime isn't set up for DCAP");
  }
  Bytes padded = to_bytes(report_data);
  padded.resize(kReportDataSize);
  CLOISTER_TRY(const File file, File::open(folder_ / "user_report_data", File::Access::kReadWrite));
  CLOISTER_RETURN_IF_ERROR(file.write_all(padded));
  CLOISTER_TRY(Bytes quote, read_file(folder_ / "quote", attest::kEvidencePartSizeMax));
  if (quote.empty()) return Error(Code::kUnavailable, "ask the enclave for a quote: there is none");
  return attest::Evidence{kind(), {{"quote", std::move(quote)}}};
}

}  // namespace cloister::worker
