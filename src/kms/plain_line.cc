#include "kms/plain_line.h"

namespace cloister::kms {
namespace {

constexpr std::size_t kLineMax = 300;

}  // namespace

std::string plain_line(std::string_view text) {
  std::string line;
  for (const char character : text.substr(0, kLineMax)) {
    const auto byte = static_cast<unsigned char>(character);
    line += byte < 0x20 || byte >= 0x7f ? '?' : character;
  }
  return line;
}

}  // namespace cloister::kms
