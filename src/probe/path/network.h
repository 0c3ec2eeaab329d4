// IP addresses and ranges of them, as components are declared by and packets carry.
#pragma once

#include <array>
#include <compare>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace cloister::probe::path {

// IPv4 as ::ffff:a.b.c.d, so that there is one form and one order.
class IpAddress {
 public:
  IpAddress() = default;  // ::
  static IpAddress v4(std::span<const std::uint8_t, 4> bytes);
  static IpAddress v6(std::span<const std::uint8_t, 16> bytes);
  // "192.0.2.7", "2001:db8::1". kInvalid for anything else, names and zones too.
  static Result<IpAddress> parse(std::string_view text);

  std::string to_string() const;
  bool is_v4() const;
  bool is_loopback() const;
  bool is_unspecified() const;
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

// "10.0.0.0/8", "2001:db8::/32", or one address.
class Network {
 public:
  // kInvalid for a malformed one and for one with bits set behind its prefix: it would mean less than it says.
  static Result<Network> parse(std::string_view text);

  bool contains(const IpAddress& address) const;
  unsigned prefix_bits() const { return bits_; }  // of the 128
  std::string to_string() const;
  friend bool operator==(const Network&, const Network&) = default;

 private:
  Network(const IpAddress& base, unsigned bits) : base_(base), bits_(bits) {}
  IpAddress base_;
  unsigned bits_ = 128;
};

}  // namespace cloister::probe::path
