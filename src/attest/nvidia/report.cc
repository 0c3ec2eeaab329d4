#include "attest/nvidia/report.h"

#include <algorithm>
#include <set>

#include "base/reader.h"

namespace cloister::attest::nvidia {
namespace {

constexpr std::uint8_t kSpdm11 = 0x11;
constexpr std::uint8_t kGetMeasurements = 0xE0;
constexpr std::uint8_t kMeasurements = 0x60;
constexpr std::uint8_t kSignatureWanted = 0x01;
constexpr std::uint8_t kAllMeasurements = 0xFF;
constexpr std::uint8_t kDmtf = 0x01;
constexpr std::size_t kBlocksMax = 128;
constexpr std::size_t kTextSizeMax = 64;
constexpr std::size_t kPdiSize = 8;

enum OpaqueField : std::uint16_t {
  kDriver = 3,
  kVbios = 6,
  kNvdec0 = 11,
  kChipSku = 15,
  kProject = 17,
  kProjectSku = 18,
  kFwid = 20,
  kSwitchPdi = 22,
  kOpaqueVersion = 34,
  kFeatureFlag = 36,
};

Error wrong(std::string what) { return Error(Code::kCorrupt, "this isn't a device's report: " + std::move(what)); }

Status read_request(Reader& reader, Report& report) {
  CLOISTER_TRY(const ByteView head, reader.bytes(4, "the request"));
  if (head[0] != kSpdm11 || head[1] != kGetMeasurements || head[2] != kSignatureWanted || head[3] != kAllMeasurements) {
    return wrong("its request isn't one for all measurements, signed, by SPDM 1.1");
  }
  CLOISTER_RETURN_IF_ERROR(reader.fill(report.nonce, "the request's nonce"));
  CLOISTER_TRY(const std::uint8_t slot, reader.u8("the request's slot"));
  if (slot != 0) return wrong("its request is for another slot than 0");
  return {};
}

Status read_block(Reader& reader, Report& report) {
  CLOISTER_TRY(const std::uint8_t index, reader.u8("a measurement's index"));
  CLOISTER_TRY(const std::uint8_t specification, reader.u8("a measurement's specification"));
  CLOISTER_TRY(const std::uint16_t size, reader.u16("a measurement's size"));
  CLOISTER_TRY(const ByteView body, reader.bytes(size, "a measurement"));
  Reader inner(body);
  CLOISTER_RETURN_IF_ERROR(inner.u8("a measurement's type"));
  CLOISTER_TRY(const std::uint16_t value_size, inner.u16("a measurement's value size"));
  crypto::Sha384Digest value{};
  if (index == 0 || specification != kDmtf || value_size != value.size()) {
    return wrong("a measurement isn't a SHA-384 digest in DMTF's form");
  }
  CLOISTER_RETURN_IF_ERROR(inner.fill(value, "a measurement's value"));
  CLOISTER_RETURN_IF_ERROR(inner.expect_end("a measurement"));
  if (!report.measurements.emplace(index, value).second) return wrong("it has a measurement twice");
  return {};
}

// Text that ends at the first zero byte; behind that only zero bytes.
Result<std::string> text_of(ByteView data, std::string_view field) {
  const std::string_view whole = as_text(data);
  const std::string_view text = whole.substr(0, whole.find('\0'));
  const bool plain = std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '-';
  });
  if (data.size() > kTextSizeMax || text.empty() || !plain || !all_zero(data.subspan(text.size()))) {
    return wrong(std::string(field) + " isn't plain text");
  }
  return std::string(text);
}

Result<std::uint16_t> number_of(ByteView data, std::string_view field) {
  if (data.size() != 2) return wrong(std::string(field) + " isn't two bytes");
  return load_le<std::uint16_t>(data.data());
}

struct Versions {
  std::optional<std::uint16_t> data, feature;
};

Status take_field(std::uint16_t type, ByteView data, OpaqueData& opaque, Versions& versions) {
  switch (type) {
    case kDriver: {
      CLOISTER_TRY(opaque.driver, text_of(data, "the driver's version"));
      return {};
    }
    case kVbios: opaque.vbios = to_bytes(data); return {};
    case kNvdec0: {
      if (data.size() != 1 || (data[0] != 0xAA && data[0] != 0x55)) return wrong("its NVDEC0 state is unknown");
      opaque.nvdec0 = data[0];
      return {};
    }
    case kChipSku: {
      CLOISTER_TRY(opaque.chip_sku, text_of(data, "the chip's SKU"));
      return {};
    }
    case kProject: {
      CLOISTER_TRY(opaque.project, text_of(data, "the project"));
      return {};
    }
    case kProjectSku: {
      CLOISTER_TRY(opaque.project_sku, text_of(data, "the project's SKU"));
      return {};
    }
    case kFwid: {
      opaque.fwid.emplace();
      if (data.size() != opaque.fwid->size()) return wrong("its firmware id isn't a SHA-384 digest");
      std::ranges::copy(data, opaque.fwid->begin());
      return {};
    }
    case kSwitchPdi: {
      if (data.empty() || data.size() % kPdiSize != 0) return wrong("its switches' numbers aren't 8 bytes each");
      for (std::size_t at = 0; at < data.size(); at += kPdiSize) {
        opaque.switch_pdis.push_back(to_bytes(data.subspan(at, kPdiSize)));
      }
      return {};
    }
    case kOpaqueVersion: {
      CLOISTER_TRY(versions.data, number_of(data, "the opaque data's version"));
      return {};
    }
    case kFeatureFlag: {
      CLOISTER_TRY(versions.feature, number_of(data, "the feature flag"));
      return {};
    }
    default: return {};
  }
}

Status read_opaque(ByteView bytes, OpaqueData& opaque) {
  Reader reader(bytes);
  std::set<std::uint16_t> seen;
  Versions versions;
  while (!reader.at_end()) {
    CLOISTER_TRY(const std::uint16_t type, reader.u16("a field's type"));
    CLOISTER_TRY(const ByteView data, reader.prefixed16(bytes.size(), "a field"));
    if (!seen.insert(type).second) return wrong("it has field " + std::to_string(type) + " twice");
    CLOISTER_RETURN_IF_ERROR(take_field(type, data, opaque, versions));
  }
  if (!versions.data || *versions.data == 0) return {};
  if (!versions.feature || *versions.feature > static_cast<std::uint16_t>(Feature::kProtectedPcie)) {
    return wrong("it doesn't say in which mode the device is");
  }
  opaque.feature = static_cast<Feature>(*versions.feature);
  return {};
}

Status read_response(Reader& reader, Report& report) {
  CLOISTER_TRY(const ByteView head, reader.bytes(4, "the response"));
  if (head[0] != kSpdm11 || head[1] != kMeasurements) return wrong("its response has no measurements");
  CLOISTER_TRY(const std::uint8_t count, reader.u8("the number of measurements"));
  CLOISTER_TRY(const ByteView size, reader.bytes(3, "the size of the measurements"));
  const std::size_t record_size =
      size[0] | static_cast<std::size_t>(size[1]) << 8 | static_cast<std::size_t>(size[2]) << 16;
  CLOISTER_TRY(const ByteView record, reader.bytes(record_size, "the measurements"));
  if (count == 0 || count > kBlocksMax) return wrong("it has " + std::to_string(count) + " measurements");
  Reader blocks(record);
  for (unsigned i = 0; i < count; ++i) CLOISTER_RETURN_IF_ERROR(read_block(blocks, report));
  CLOISTER_RETURN_IF_ERROR(blocks.expect_end("the measurements"));
  CLOISTER_RETURN_IF_ERROR(reader.bytes(kNonceSize, "the response's nonce"));
  CLOISTER_TRY(const ByteView opaque, reader.prefixed16(kReportSizeMax, "the opaque data"));
  return read_opaque(opaque, report.opaque);
}

}  // namespace

std::string_view feature_name(Feature feature) {
  switch (feature) {
    case Feature::kMultiGpu: return "mpt";
    case Feature::kSingleGpu: return "spt";
    case Feature::kProtectedPcie: return "ppcie";
  }
  CLOISTER_CHECK(false);
  return {};
}

Result<Report> parse_report(ByteView bytes) {
  if (bytes.size() > kReportSizeMax) return wrong("it is too large");
  Report report;
  Reader reader(bytes);
  CLOISTER_RETURN_IF_ERROR(read_request(reader, report));
  CLOISTER_RETURN_IF_ERROR(read_response(reader, report));
  report.signed_part = bytes.first(reader.offset());
  CLOISTER_TRY(report.signature, reader.bytes(kSignatureSize, "the signature"));
  if (reader.remaining() == 1) {
    CLOISTER_RETURN_IF_ERROR(reader.zeros(1, "the byte behind the signature"));
    report.trailing_zero = true;
  }
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("a device's report"));
  return report;
}

std::optional<std::string> gpu_vbios_version(ByteView vbios) {
  if (vbios.size() != 8) return std::nullopt;
  static constexpr std::size_t kOrder[] = {3, 2, 1, 0, 4};
  std::string version;
  for (const std::size_t at : kOrder) version += (version.empty() ? "" : ".") + to_hex(vbios.subspan(at, 1));
  std::ranges::transform(version, version.begin(),
                         [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; });
  return version;
}

}  // namespace cloister::attest::nvidia
