#include "attest/evidence.h"

#include "base/reader.h"

namespace cloister::attest {
namespace {

constexpr std::string_view kMagic = "CLOISTER-EVIDENCE-1";
constexpr std::size_t kNameSizeMax = 64;

void write(Writer& writer, const Evidence& evidence) {
  writer.text16(kind_name(evidence.kind)).u16(static_cast<std::uint16_t>(evidence.parts.size()));
  for (const auto& [name, bytes] : evidence.parts) {
    writer.text16(name).u32(static_cast<std::uint32_t>(bytes.size())).bytes(bytes);
  }
}

Error wrong(std::string what) { return Error(Code::kInvalid, "this isn't evidence: " + std::move(what)); }

Result<Evidence> read(Reader& reader) {
  CLOISTER_TRY(const std::string kind, reader.text16(kNameSizeMax, "the kind"));
  const std::optional<Kind> known = kind_of(kind);
  if (!known) return wrong("its kind is unknown");
  Evidence evidence{*known, {}};
  CLOISTER_TRY(const std::uint16_t count, reader.u16("the number of parts"));
  if (count == 0 || count > kEvidencePartsMax) return wrong("it has " + std::to_string(count) + " parts");
  std::string last;
  for (unsigned i = 0; i < count; ++i) {
    CLOISTER_TRY(std::string name, reader.text16(kNameSizeMax, "a part's name"));
    if (name <= last) return wrong("its parts aren't in order");
    CLOISTER_TRY(const std::uint32_t size, reader.u32("a part's size"));
    if (size > kEvidencePartSizeMax) return wrong("a part is larger than allowed");
    CLOISTER_TRY(const ByteView bytes, reader.bytes(size, "a part"));
    last = name;
    evidence.parts.emplace(std::move(name), to_bytes(bytes));
  }
  return evidence;
}

Result<EvidenceSet> read_set(ByteView bytes) {
  Reader reader(bytes);
  CLOISTER_TRY(const ByteView magic, reader.bytes(kMagic.size(), "the magic"));
  if (!equal(magic, as_bytes(kMagic))) return wrong("its first bytes say something else");
  EvidenceSet set;
  CLOISTER_TRY(set.primary, read(reader));
  CLOISTER_TRY(const std::uint16_t devices, reader.u16("the number of devices"));
  if (devices > kDevicesMax) return wrong("it has " + std::to_string(devices) + " devices");
  for (unsigned i = 0; i < devices; ++i) {
    CLOISTER_TRY(Evidence device, read(reader));
    set.devices.push_back(std::move(device));
  }
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("evidence"));
  return set;
}

}  // namespace

ByteView Evidence::part(std::string_view name) const {
  const auto found = parts.find(name);
  return found == parts.end() ? ByteView() : ByteView(found->second);
}

Bytes encode(const EvidenceSet& set) {
  CLOISTER_CHECK(set.devices.size() <= kDevicesMax);
  Writer writer;
  writer.bytes(as_bytes(kMagic));
  write(writer, set.primary);
  writer.u16(static_cast<std::uint16_t>(set.devices.size()));
  for (const Evidence& device : set.devices) write(writer, device);
  return writer.take();
}

Result<EvidenceSet> decode_evidence(ByteView bytes) {
  if (bytes.size() > kEvidenceSizeMax) return wrong("it is larger than " + std::to_string(kEvidenceSizeMax) + " bytes");
  auto set = read_set(bytes);
  if (set.ok() || set.error().code() == Code::kInvalid) return set;
  return wrong(set.error().message());
}

}  // namespace cloister::attest
