#include "probe/path/capture_file.h"

#include <algorithm>
#include <bit>

#include "probe/path/packet.h"

namespace cloister::probe::path {
namespace {

constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4, kNanoseconds = 0xa1b23c4d;
constexpr std::uint32_t kSection = 0x0a0d0d0a, kByteOrder = 0x1a2b3c4d;
constexpr std::uint32_t kInterfaceBlock = 1, kSimplePacket = 3, kEnhancedPacket = 6;
constexpr std::uint16_t kOptionResolution = 9;
constexpr std::size_t kPcapHeader = 24, kPcapRecord = 16, kBlockFrame = 12;
constexpr std::size_t kFrameMax = std::size_t{1} << 20;
constexpr std::size_t kInterfacesMax = 1024;
constexpr std::uint64_t kSecondsMax = 253'402'300'799;  // the end of the year 9999

std::uint32_t swapped(std::uint32_t value) {
  return value >> 24 | (value >> 8 & 0xff00) | (value << 8 & 0xff0000) | value << 24;
}

Error corrupt(const std::string& what) { return Error(Code::kCorrupt, "the capture " + what); }

Time time_of(std::uint64_t units, std::uint64_t units_per_second) {
  const std::uint64_t seconds = std::min(units / units_per_second, kSecondsMax);
  const std::uint64_t rest = units % units_per_second;
  // In floating point, since a unit may be as small as 2^-63 of a second.
  const auto milliseconds =
      static_cast<std::int64_t>(static_cast<double>(rest) * 1000.0 / static_cast<double>(units_per_second));
  return Time{static_cast<std::int64_t>(seconds) * 1000 + milliseconds};
}

}  // namespace

std::uint16_t CaptureReader::u16(ByteView bytes, std::size_t at) const {
  const auto value = load_le<std::uint16_t>(bytes.data() + at);
  return big_endian_ ? static_cast<std::uint16_t>(value << 8 | value >> 8) : value;
}

std::uint32_t CaptureReader::u32(ByteView bytes, std::size_t at) const {
  const auto value = load_le<std::uint32_t>(bytes.data() + at);
  return big_endian_ ? swapped(value) : value;
}

bool is_capture(ByteView file) {
  if (file.size() < 12) return false;
  const auto magic = load_le<std::uint32_t>(file.data());
  if (magic == kSection) {
    const auto order = load_le<std::uint32_t>(file.data() + 8);
    return order == kByteOrder || order == swapped(kByteOrder);
  }
  return magic == kMicroseconds || magic == kNanoseconds || magic == swapped(kMicroseconds) ||
         magic == swapped(kNanoseconds);
}

Result<CaptureReader> CaptureReader::open(ByteView file) {
  if (!is_capture(file)) return Error(Code::kInvalid, "that is no capture: neither pcap nor pcapng");
  CaptureReader reader(file);
  reader.pcapng_ = load_le<std::uint32_t>(file.data()) == kSection;
  if (!reader.pcapng_) CLOISTER_RETURN_IF_ERROR(reader.begin_pcap());
  return reader;
}

Status CaptureReader::begin_pcap() {
  if (file_.size() < kPcapHeader) return corrupt("ends within its header");
  const auto magic = load_le<std::uint32_t>(file_.data());
  big_endian_ = magic == swapped(kMicroseconds) || magic == swapped(kNanoseconds);
  const bool fine = magic == kNanoseconds || magic == swapped(kNanoseconds);
  // The upper bits say how long the frame check sequence is.
  const std::uint32_t link = u32(file_, 20) & 0x0fffffff;
  interfaces_.push_back({link, fine ? 1'000'000'000U : 1'000'000U});
  offset_ = kPcapHeader;
  if (!is_known_link(link))
    return Error(Code::kUnsupported, "the capture's kind of link, " + std::to_string(link) + ", isn't known here");
  return {};
}

Result<std::optional<Frame>> CaptureReader::next() { return pcapng_ ? next_pcapng() : next_pcap(); }

Result<std::optional<Frame>> CaptureReader::next_pcap() {
  const std::size_t left = file_.size() - offset_;
  if (left == 0) return std::optional<Frame>();
  if (left < kPcapRecord) return corrupt("ends within a record");
  const ByteView header = file_.subspan(offset_, kPcapRecord);
  const std::size_t size = u32(header, 8);
  if (size > kFrameMax) return corrupt("has a frame of over 1 MiB");
  if (left - kPcapRecord < size) return corrupt("ends within a frame");
  const Interface& interface = interfaces_.front();
  const std::uint64_t units = u32(header, 0) * interface.units_per_second + u32(header, 4);
  const Frame frame{interface.link, time_of(units, interface.units_per_second),
                    file_.subspan(offset_ + kPcapRecord, size)};
  offset_ += kPcapRecord + size;
  return std::optional<Frame>(frame);
}

// A section has its own byte order and its own interfaces.
Status CaptureReader::begin_section(ByteView block) {
  const auto order = load_le<std::uint32_t>(block.data() + 8);
  if (order != kByteOrder && order != swapped(kByteOrder)) return corrupt("has a section of no byte order");
  big_endian_ = order != kByteOrder;
  interfaces_.clear();
  return {};
}

Status CaptureReader::add_interface(ByteView body) {
  if (body.size() < 8) return corrupt("has an interface that is too short");
  if (interfaces_.size() == kInterfacesMax) return corrupt("has more than 1024 interfaces");
  Interface interface{u16(body, 0), 1'000'000};
  for (std::size_t at = 8; at + 4 <= body.size();) {
    const std::uint16_t code = u16(body, at);
    const std::size_t size = u16(body, at + 2);
    if (code == 0 || size > body.size() - at - 4) break;
    if (code == kOptionResolution && size == 1) {
      const std::uint8_t resolution = body[at + 4];
      const unsigned exponent = resolution & 0x7f;
      const bool binary = (resolution & 0x80) != 0;
      if (exponent > (binary ? 63U : 18U)) return corrupt("has an interface whose clock is too fine");
      interface.units_per_second = 1;
      for (unsigned i = 0; i < exponent; ++i) interface.units_per_second *= binary ? 2 : 10;
    }
    at += 4 + (size + 3) / 4 * 4;
  }
  interfaces_.push_back(interface);
  return {};
}

Result<std::optional<Frame>> CaptureReader::read_block(std::uint32_t type, ByteView body) {
  if (type == kInterfaceBlock) {
    CLOISTER_RETURN_IF_ERROR(add_interface(body));
    return std::optional<Frame>();
  }
  const bool enhanced = type == kEnhancedPacket;
  if (!enhanced && type != kSimplePacket) return std::optional<Frame>();
  const std::size_t header = enhanced ? 20 : 4;
  if (body.size() < header) return corrupt("has a packet that is too short");
  const std::size_t interface = enhanced ? u32(body, 0) : 0;
  if (interface >= interfaces_.size()) return corrupt("has a packet of an interface that isn't there");
  const std::size_t size = enhanced ? u32(body, 12) : std::min<std::size_t>(u32(body, 0), body.size() - header);
  if (size > body.size() - header) return corrupt("has a packet that is longer than its block");
  const Interface& from = interfaces_[interface];
  if (!is_known_link(from.link)) return std::optional<Frame>();
  Time time;
  if (enhanced) time = time_of(std::uint64_t{u32(body, 4)} << 32 | u32(body, 8), from.units_per_second);
  return std::optional<Frame>(Frame{from.link, time, body.subspan(header, size)});
}

Result<std::optional<Frame>> CaptureReader::next_pcapng() {
  while (offset_ < file_.size()) {
    const ByteView rest = file_.subspan(offset_);
    if (rest.size() < kBlockFrame) return corrupt("ends within a block");
    // The type of a section is a palindrome, so it reads the same in either order.
    const std::uint32_t type = u32(rest, 0);
    if (type == kSection) CLOISTER_RETURN_IF_ERROR(begin_section(rest));
    const std::size_t size = u32(rest, 4);
    if (size < kBlockFrame || size % 4 != 0 || size > rest.size())
      return corrupt("has a block of an impossible length");
    if (u32(rest, size - 4) != size) return corrupt("has a block whose two lengths differ");
    offset_ += size;
    CLOISTER_TRY(const auto frame, read_block(type, rest.subspan(8, size - kBlockFrame)));
    if (frame) return frame;
  }
  return std::optional<Frame>();
}

}  // namespace cloister::probe::path
