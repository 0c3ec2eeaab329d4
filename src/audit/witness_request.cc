#include "audit/witness_request.h"

#include <algorithm>
#include <charconv>

#include "audit/signed_note.h"
#include "base/base64.h"

namespace cloister::audit {
namespace {

constexpr std::string_view kOld = "old ";

Error bad_request(std::string_view why) { return Error(Code::kCorrupt, "a request to a witness " + std::string(why)); }

Result<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return bad_request("ends before its checkpoint");
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t size = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), size);
  // Written again it must be the same: no sign, no leading zero, nothing behind it.
  if (failure == std::errc() && std::to_string(size) == text) return size;
  return bad_request("has a size that isn't a decimal number of 64 bits");
}

Result<Hash> parse_hash(std::string_view line) {
  Hash hash;
  const auto size = base64_decoded_size(line);
  if (!size.ok() || *size != hash.size() || !decode_base64(line, Base64::kStandard, hash).ok()) {
    return bad_request("has a line in its proof that isn't 32 bytes in base64");
  }
  return hash;
}

}  // namespace

Result<WitnessRequest> parse_witness_request(std::string_view text) {
  CLOISTER_TRY(std::string_view line, take_line(text));
  if (!line.starts_with(kOld)) return bad_request("doesn't begin with `old SIZE`");
  WitnessRequest request;
  CLOISTER_TRY(request.older, parse_size(line.substr(kOld.size())));
  while (true) {
    CLOISTER_TRY(line, take_line(text));
    if (line.empty()) break;
    if (request.proof.size() == kWitnessProofMax) return bad_request("has a proof of more than 63 hashes");
    CLOISTER_TRY(const Hash hash, parse_hash(line));
    request.proof.push_back(hash);
  }
  if (text.empty()) return bad_request("ends before its checkpoint");
  if (text.size() > kNoteSizeMax) return bad_request("has a checkpoint of more than 131072 bytes");
  request.note = text;
  return request;
}

std::string write_witness_request(const WitnessRequest& request) {
  std::string text = std::string(kOld) + std::to_string(request.older) + "\n";
  for (const Hash& hash : request.proof) text += to_base64(hash) + "\n";
  return text + "\n" + request.note;
}

}  // namespace cloister::audit
