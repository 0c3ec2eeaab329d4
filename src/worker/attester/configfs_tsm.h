// Evidence of SEV-SNP, TDX and CCA guests as Linux hands it out: configfs-tsm, since 6.7.
// Documentation/ABI/testing/configfs-tsm-report of the kernel.
#pragma once

#include <functional>

#include "base/file.h"
#include "worker/attester/attester.h"

namespace cloister::worker {

// One report in the making: attributes by name.
class TsmReport {
 public:
  virtual ~TsmReport() = default;
  virtual Status write(std::string_view attribute, ByteView bytes) = 0;
  // kNotFound where the kernel doesn't have that attribute.
  virtual Result<Bytes> read(std::string_view attribute) = 0;
};

// A folder of its own below `reports`, removed when destroyed. kNotFound: this machine has no configfs-tsm, or it isn't
// mounted. kDenied: it isn't this user's.
Result<std::unique_ptr<TsmReport>> open_tsm_report(const Path& reports = "/sys/kernel/config/tsm/report");

class ConfigfsTsmAttester final : public Attester {
 public:
  using Open = std::function<Result<std::unique_ptr<TsmReport>>()>;
  // `event_log`: the firmware's log of a TDX guest (CCEL), put beside the quote where it is there.
  ConfigfsTsmAttester(attest::Kind kind, Open open, Path event_log = "/sys/firmware/acpi/tables/data/CCEL");

  attest::Kind kind() const override { return kind_; }
  // kDenied: the machine is of another kind than this attester.
  Result<attest::Evidence> collect(const LockedDown& locked, ByteView report_data) override;

 private:
  Result<attest::Evidence> evidence(Bytes report, Bytes extra) const;

  const attest::Kind kind_;
  const Open open_;
  const Path event_log_;
};

}  // namespace cloister::worker
