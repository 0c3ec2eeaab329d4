// The detectors' state as bytes and back: docs/formats/anomaly-state.md.
#include <algorithm>
#include <string>

#include "audit/anomaly/archive.h"
#include "audit/anomaly/detector_state.h"

namespace cloister::audit::anomaly {
namespace {

constexpr std::string_view kMagic = "CLSRANST";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kCrcSize = 4;

template <typename Entry>
void write_table(StateWriter& writer, const BoundedTable<Entry>& table) {
  writer(static_cast<std::uint32_t>(table.size()), table.evictions());
  table.for_each([&writer](const Entry& entry) { writer(entry); });
}

void write_tenant(StateWriter& writer, Tenant& tenant) {
  tenant.transfer(writer);
  write_table(writer, tenant.principals);
  write_table(writer, tenant.families);
  write_table(writer, tenant.keys);
  write_table(writer, tenant.series);
  write_table(writer, tenant.seen);
  write_table(writer, tenant.jobs);
  write_table(writer, tenant.measurements);
  write_table(writer, tenant.open);
}

template <typename Entry>
Status read_table(StateReader& reader, BoundedTable<Entry>& table) {
  std::uint32_t count = 0;
  std::uint64_t evictions = 0;
  reader(count, evictions);
  CLOISTER_RETURN_IF_ERROR(reader.status());
  if (count > table.limit()) {
    return Error(Code::kInvalid, "restore the detectors' state: a table holds " + std::to_string(count) +
                                     " entries, and the limit is " + std::to_string(table.limit()));
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    Entry entry;
    reader(entry);
    CLOISTER_RETURN_IF_ERROR(reader.status());
    if (table.peek(entry.id) != nullptr) return Error(Code::kCorrupt, "the detectors' state holds an entry twice");
    table.insert(entry.id) = entry;
  }
  table.set_evictions(evictions);
  return {};
}

Status read_tenant(StateReader& reader, Tenant& tenant) {
  reader(tenant);
  CLOISTER_RETURN_IF_ERROR(reader.status());
  CLOISTER_RETURN_IF_ERROR(read_table(reader, tenant.principals));
  CLOISTER_RETURN_IF_ERROR(read_table(reader, tenant.families));
  CLOISTER_RETURN_IF_ERROR(read_table(reader, tenant.keys));
  CLOISTER_RETURN_IF_ERROR(read_table(reader, tenant.series));
  CLOISTER_RETURN_IF_ERROR(read_table(reader, tenant.seen));
  CLOISTER_RETURN_IF_ERROR(read_table(reader, tenant.jobs));
  CLOISTER_RETURN_IF_ERROR(read_table(reader, tenant.measurements));
  return read_table(reader, tenant.open);
}

// Magic, version and checksum; what is between them.
Result<ByteView> unwrap(ByteView snapshot) {
  if (snapshot.size() < kMagic.size() + 4 + kCrcSize || !equal(snapshot.first(kMagic.size()), as_bytes(kMagic))) {
    return Error(Code::kCorrupt, "restore the detectors' state: it doesn't begin as one");
  }
  const auto version = load_le<std::uint32_t>(snapshot.data() + kMagic.size());
  if (version != kVersion) {
    return Error(Code::kUnsupported,
                 "restore the detectors' state: version " + std::to_string(version) + " isn't known to this program");
  }
  const ByteView covered = snapshot.first(snapshot.size() - kCrcSize);
  if (crc32c(covered) != load_le<std::uint32_t>(snapshot.data() + covered.size())) {
    return Error(Code::kCorrupt, "restore the detectors' state: its checksum doesn't fit");
  }
  return covered.subspan(kMagic.size() + 4);
}

}  // namespace

Bytes Detector::snapshot() const {
  StateWriter writer;
  writer.raw().bytes(as_bytes(kMagic)).u32(kVersion);
  writer(state_->names.seed(), static_cast<std::uint32_t>(state_->tenants.size()));
  state_->tenants.for_each([&writer](const State::TenantSlot& slot) { write_tenant(writer, *slot.tenant); });
  writer.raw().u32(crc32c(writer.view()));
  return writer.raw().take();
}

Result<Detector> Detector::restore(ByteView snapshot, const Thresholds& thresholds, const Limits& limits) {
  CLOISTER_TRY(const ByteView body, unwrap(snapshot));
  StateReader reader(body);
  std::uint64_t seed = 0;
  std::uint32_t count = 0;
  reader(seed, count);
  CLOISTER_RETURN_IF_ERROR(reader.status());
  CLOISTER_TRY(Detector detector, create(thresholds, limits, seed));
  if (count > limits.tenants) {
    return Error(Code::kInvalid, "restore the detectors' state: it holds " + std::to_string(count) +
                                     " tenants, and the limit is " + std::to_string(limits.tenants));
  }
  auto& tenants = detector.state_->tenants;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto tenant = std::make_unique<Tenant>(limits);
    CLOISTER_RETURN_IF_ERROR(read_tenant(reader, *tenant));
    if (tenants.peek(tenant->id) != nullptr) return Error(Code::kCorrupt, "the detectors' state holds a tenant twice");
    tenants.insert(tenant->id).tenant = std::move(tenant);
  }
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("the detectors' state"));
  return detector;
}

}  // namespace cloister::audit::anomaly
