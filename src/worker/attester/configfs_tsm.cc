#include "worker/attester/configfs_tsm.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>

namespace cloister::worker {
namespace {

constexpr std::size_t kReportDataSize = 64;
constexpr std::string_view kDoing = "ask the kernel for evidence";

// A folder of configfs: the kernel fills it when it is made.
class ConfigfsReport final : public TsmReport {
 public:
  explicit ConfigfsReport(Path folder) : folder_(std::move(folder)) {}
  ~ConfigfsReport() override { ::rmdir(folder_.c_str()); }

  Status write(std::string_view attribute, ByteView bytes) override {
    const Path path = folder_ / attribute;
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return error_from_errno(errno, "open " + path.string());
    // All of it in one call: each one counts.
    File file = File::from_descriptor(descriptor, path, File::Owned::kYes);
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 || static_cast<std::size_t>(written) != bytes.size()) {
      return error_from_errno(written < 0 ? errno : EIO, "write " + path.string());
    }
    return file.close();
  }

  Result<Bytes> read(std::string_view attribute) override {
    return read_file(folder_ / attribute, attest::kEvidencePartSizeMax);
  }

 private:
  const Path folder_;
};

Result<std::uint64_t> read_generation(TsmReport& report) {
  CLOISTER_TRY(const Bytes text, report.read("generation"));
  const char* const from = reinterpret_cast<const char*>(text.data());
  std::uint64_t value = 0;
  if (std::from_chars(from, from + text.size(), value).ec != std::errc()) {
    return Error(Code::kUnavailable, "the report's generation isn't a number");
  }
  return value;
}

std::string_view provider_of(attest::Kind kind) {
  switch (kind) {
    case attest::Kind::kSnp: return "sev_guest";
    case attest::Kind::kTdx: return "tdx_guest";
    case attest::Kind::kCca: return "arm_cca_guest";
    default: CLOISTER_CHECK(false); return {};
  }
}

Status expect_provider(TsmReport& report, attest::Kind kind) {
  CLOISTER_TRY(const Bytes text, report.read("provider"));
  std::string_view provider = as_text(text);
  while (provider.ends_with('\n')) provider.remove_suffix(1);
  if (provider == provider_of(kind)) return {};
  return Error(Code::kDenied, "this machine isn't of the kind " + std::string(attest::kind_name(kind)));
}

}  // namespace

Result<std::unique_ptr<TsmReport>> open_tsm_report(const Path& reports) {
  static std::atomic<unsigned> count{0};
  const Path folder = reports / ("cloister-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
  if (::mkdir(folder.c_str(), 0700) != 0) return error_from_errno(errno, "make the report " + folder.string());
  return std::unique_ptr<TsmReport>(std::make_unique<ConfigfsReport>(folder));
}

ConfigfsTsmAttester::ConfigfsTsmAttester(attest::Kind kind, Open open, Path event_log)
    : kind_(kind), open_(std::move(open)), event_log_(std::move(event_log)) {
  CLOISTER_CHECK(!provider_of(kind).empty());
}

Result<attest::Evidence> ConfigfsTsmAttester::collect(const LockedDown&, ByteView report_data) {
  if (report_data.empty() || report_data.size() > kReportDataSize) {
    return Error(Code::kInvalid, std::string(kDoing) + ": there is room for 1 to 64 bytes of report data");
  }
  Bytes padded = to_bytes(report_data);
  padded.resize(kReportDataSize);
  CLOISTER_TRY(const std::unique_ptr<TsmReport> report, open_());
  CLOISTER_RETURN_IF_ERROR(expect_provider(*report, kind_).with_context(kDoing));
  CLOISTER_TRY(const std::uint64_t before, read_generation(*report));
  CLOISTER_RETURN_IF_ERROR(report->write("inblob", padded).with_context(kDoing));
  CLOISTER_TRY(Bytes out, report->read("outblob"));
  Bytes extra;
  if (kind_ == attest::Kind::kSnp) {
    auto table = report->read("auxblob");
    if (!table.ok() && table.error().code() != Code::kNotFound) return table.error();
    if (table.ok()) extra = std::move(table).value();
  }
  CLOISTER_TRY(const std::uint64_t after, read_generation(*report));
  if (after != before + 1) {
    return Error(Code::kUnavailable, std::string(kDoing) + ": somebody else wrote to the report meanwhile");
  }
  if (out.empty()) return Error(Code::kUnavailable, std::string(kDoing) + ": there is none");
  return evidence(std::move(out), std::move(extra));
}

Result<attest::Evidence> ConfigfsTsmAttester::evidence(Bytes report, Bytes extra) const {
  attest::Evidence made{kind_, {}};
  switch (kind_) {
    case attest::Kind::kSnp:
      made.parts.emplace("report", std::move(report));
      if (!extra.empty()) made.parts.emplace("certificates", std::move(extra));
      return made;
    case attest::Kind::kTdx: {
      made.parts.emplace("quote", std::move(report));
      auto log = read_file(event_log_, attest::kEvidencePartSizeMax);
      if (log.ok()) made.parts.emplace("event-log", std::move(log).value());
      if (!log.ok() && log.error().code() != Code::kNotFound) return log.error();
      return made;
    }
    default: made.parts.emplace("token", std::move(report)); return made;
  }
}

}  // namespace cloister::worker
