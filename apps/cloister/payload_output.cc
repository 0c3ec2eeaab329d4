#include "payload_output.h"

#include <unistd.h>

#include "base/reader.h"
#include "output.h"

namespace cloister::cli {
namespace {

constexpr std::size_t kTailMax = 3;  // a UTF-8 character has at most four bytes

bool is_continuation(std::uint8_t byte) { return (byte & 0xc0) == 0x80; }

std::size_t sequence_length(std::uint8_t lead) {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

ByteView without_cut_characters(ByteView piece) {
  for (std::size_t i = 0; i < kTailMax && !piece.empty() && is_continuation(piece.front()); ++i)
    piece = piece.subspan(1);
  for (std::size_t back = 1; back <= kTailMax && back <= piece.size(); ++back) {
    const std::uint8_t byte = piece[piece.size() - back];
    if (is_continuation(byte)) continue;
    return sequence_length(byte) > back ? piece.first(piece.size() - back) : piece;
  }
  return piece;
}

}  // namespace

bool looks_binary(ByteView piece) {
  std::string text(as_text(without_cut_characters(piece)));
  for (char& c : text) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  }
  return !is_plain_utf8(text);
}

PayloadOutput::PayloadOutput(BinaryToTerminal binary)
    : file_(File::from_descriptor(STDOUT_FILENO, "standard output", File::Owned::kNo)),
      terminal_(::isatty(STDOUT_FILENO) == 1),
      check_(binary == BinaryToTerminal::kRefuse && terminal_) {}

Status PayloadOutput::write(ByteView piece) {
  if (check_ && looks_binary(piece)) {
    return invalid("the content is binary and standard output a terminal: redirect it, or use --force");
  }
  CLOISTER_RETURN_IF_ERROR(file_.write_all(piece));
  bytes_ += piece.size();
  return {};
}

}  // namespace cloister::cli
