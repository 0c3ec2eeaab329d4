#include "probe/path/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace cloister::probe::path {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kBits = 128;
constexpr unsigned kMappedBits = 96;

bool bits_after(const IpAddress& address, unsigned bits) {
  for (unsigned i = bits; i < kBits; ++i) {
    if ((address.bytes()[i / 8] >> (7 - i % 8) & 1) != 0) return true;
  }
  return false;
}

}  // namespace

IpAddress IpAddress::v4(std::span<const std::uint8_t, 4> bytes) {
  IpAddress address;
  std::ranges::copy(kMapped, address.bytes_.begin());
  std::ranges::copy(bytes, address.bytes_.begin() + kMapped.size());
  return address;
}

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> bytes) {
  IpAddress address;
  std::ranges::copy(bytes, address.bytes_.begin());
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') == std::string::npos) {
    std::array<std::uint8_t, 4> four;
    if (inet_pton(AF_INET, terminated.c_str(), four.data()) == 1) return v4(four);
    std::array<std::uint8_t, 16> sixteen;
    if (inet_pton(AF_INET6, terminated.c_str(), sixteen.data()) == 1) return v6(sixteen);
  }
  return Error(Code::kInvalid, "that is no IP address");
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* from = is_v4() ? bytes_.data() + kMapped.size() : bytes_.data();
  inet_ntop(is_v4() ? AF_INET : AF_INET6, from, text.data(), text.size());
  return text.data();
}

bool IpAddress::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin()); }

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[kMapped.size()] == 127;
  return bytes_[15] == 1 && all_zero(ByteView(bytes_).first(15));
}

bool IpAddress::is_unspecified() const {
  return all_zero(bytes_) || (is_v4() && all_zero(ByteView(bytes_).subspan(kMapped.size())));
}

Result<Network> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  CLOISTER_TRY(const IpAddress base, IpAddress::parse(text.substr(0, slash)));
  if (slash == std::string_view::npos) return Network(base, kBits);
  const std::string_view length = text.substr(slash + 1);
  unsigned bits = 0;
  const auto read = std::from_chars(length.data(), length.data() + length.size(), bits);
  const unsigned bits_max = base.is_v4() ? kBits - kMappedBits : kBits;
  if (length.empty() || read.ec != std::errc() || read.ptr != length.data() + length.size() || bits > bits_max) {
    return Error(Code::kInvalid, "the length of the prefix is a number from 0 to " + std::to_string(bits_max));
  }
  if (base.is_v4()) bits += kMappedBits;
  if (bits_after(base, bits)) return Error(Code::kInvalid, "the address has bits behind its prefix");
  return Network(base, bits);
}

bool Network::contains(const IpAddress& address) const {
  // 0.0.0.0/0 is every IPv4 address and ::/0 every IPv6 address, and not each other's.
  if (base_.is_v4() != address.is_v4()) return false;
  const unsigned whole = bits_ / 8;
  if (!std::equal(base_.bytes().begin(), base_.bytes().begin() + whole, address.bytes().begin())) return false;
  if (bits_ % 8 == 0) return true;
  const unsigned shift = 8 - bits_ % 8;
  return base_.bytes()[whole] >> shift == address.bytes()[whole] >> shift;
}

std::string Network::to_string() const {
  if (bits_ == kBits) return base_.to_string();
  return base_.to_string() + "/" + std::to_string(base_.is_v4() ? bits_ - kMappedBits : bits_);
}

}  // namespace cloister::probe::path
