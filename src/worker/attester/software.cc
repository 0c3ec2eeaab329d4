#include "worker/attester/software.h"

#include <algorithm>

namespace cloister::worker {
namespace {

constexpr std::size_t kPieceSize = std::size_t{1} << 20;

}  // namespace

SoftwareAttester::SoftwareAttester(crypto::SigningKey key, const crypto::Sha256Digest& measurement,
                                   const crypto::Sha256Digest& manifest, Clock clock)
    : key_(std::move(key)), clock_(std::move(clock)) {
  template_.measurement = measurement;
  template_.manifest = manifest;
}

Result<attest::Evidence> SoftwareAttester::collect(const LockedDown& locked, ByteView report_data) {
  attest::SoftwareStatement statement = template_;
  if (report_data.size() > statement.report_data.size()) {
    return Error(Code::kInvalid, "there is room for " + std::to_string(statement.report_data.size()) +
                                     " bytes of report data, not for " + std::to_string(report_data.size()));
  }
  std::ranges::copy(report_data, statement.report_data.begin());
  statement.time = clock_();
  statement.debug = locked.debug();
  statement.lockdown = locked.measures();
  return attest::Evidence{kind(), {{"statement", attest::sign_statement(statement, key_)}}};
}

Result<crypto::Sha256Digest> measure_program(const Path& program) {
  CLOISTER_TRY(const File file, File::open(program));
  crypto::Sha256 hash;
  Bytes piece(kPieceSize);
  for (;;) {
    CLOISTER_TRY(const std::size_t read, file.read_some(piece));
    if (read == 0) return hash.finish();
    hash.update(ByteView(piece).first(read));
  }
}

}  // namespace cloister::worker
