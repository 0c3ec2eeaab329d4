#include "seal/footer.h"

#include <algorithm>

#include "base/reader.h"

namespace cloister::seal {
namespace {

constexpr std::string_view kMagic = "CLSRFTR1";
constexpr std::size_t kFieldsEnd = 144;
constexpr std::size_t kMacOff = 4064;

}  // namespace

FooterPage serialize_footer(const Footer& footer, const crypto::Secret& footer_key) {
  Writer writer;
  writer.bytes(as_bytes(kMagic)).bytes(footer.object_id).bytes(footer.run_id);
  writer.u64(footer.plaintext_len).u64(footer.chunk_count).bytes(footer.tags_digest);
  writer.u16(footer.encrypted_digest ? 1 : 0).zeros(6);
  if (footer.encrypted_digest) {
    writer.bytes(*footer.encrypted_digest);
  } else {
    writer.zeros(sizeof *footer.encrypted_digest);
  }
  CLOISTER_CHECK(writer.size() == kFieldsEnd);
  FooterPage page{};
  std::ranges::copy(writer.view(), page.begin());
  const auto mac = crypto::hmac_sha256(footer_key, ByteView(page).first(kMacOff));
  std::ranges::copy(mac, page.begin() + kMacOff);
  return page;
}

Result<Footer> parse_footer(ByteView page, const crypto::Secret& footer_key) {
  if (page.size() != kPage) return Error(Code::kCorrupt, "the footer is cut off");
  if (!equal(page.first(kMagic.size()), as_bytes(kMagic))) {
    return Error(Code::kCorrupt, "there is no footer at the end: the object was cut off or extended");
  }
  const auto mac = crypto::hmac_sha256(footer_key, page.first(kMacOff));
  if (!crypto::equal_constant_time(mac, page.subspan(kMacOff)))
    return Error(Code::kCorrupt, "the footer's mac doesn't fit");
  Reader reader(page.subspan(kMagic.size(), kMacOff - kMagic.size()));
  Footer footer;
  CLOISTER_RETURN_IF_ERROR(reader.fill(footer.object_id, "footer object id"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(footer.run_id, "footer run id"));
  CLOISTER_TRY(footer.plaintext_len, reader.u64("footer payload length"));
  CLOISTER_TRY(footer.chunk_count, reader.u64("footer chunk count"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(footer.tags_digest, "tags digest"));
  CLOISTER_TRY(const std::uint16_t algorithm, reader.u16("digest algorithm"));
  if (algorithm > 1) return Error(Code::kCorrupt, "payload digest of unknown kind " + std::to_string(algorithm));
  CLOISTER_RETURN_IF_ERROR(reader.zeros(6, "footer reserved bytes"));
  std::array<std::uint8_t, 48> digest;
  CLOISTER_RETURN_IF_ERROR(reader.fill(digest, "payload digest"));
  if (algorithm == 1) footer.encrypted_digest = digest;
  if (algorithm == 0 && !all_zero(digest))
    return Error(Code::kCorrupt, "a payload digest that the footer doesn't announce");
  CLOISTER_RETURN_IF_ERROR(reader.zeros(reader.remaining(), "rest of the footer"));
  return footer;
}

}  // namespace cloister::seal
