#include "keys/root_check.h"

#include "base/reader.h"

namespace cloister::keys {

std::string serialize_root_check(const RootCheck& check) {
  Writer writer;
  writer.bytes(check.commitment).u16(static_cast<std::uint16_t>(check.wrapped.type)).text16(check.wrapped.key_id);
  writer.u32(check.wrapped.key_version).prefixed16(check.wrapped.parameters).prefixed16(check.wrapped.ciphertext);
  return to_hex(writer.view());
}

Result<RootCheck> parse_root_check(std::string_view text) {
  CLOISTER_TRY(const Bytes bytes, from_hex(text));
  Reader reader(bytes);
  RootCheck check;
  CLOISTER_RETURN_IF_ERROR(reader.fill(check.commitment, "commitment"));
  CLOISTER_TRY(const std::uint16_t type, reader.u16("wrap type"));
  check.wrapped.type = static_cast<crypto::WrapType>(type);
  CLOISTER_TRY(check.wrapped.key_id, reader.text16(512, "key id"));
  CLOISTER_TRY(check.wrapped.key_version, reader.u32("key version"));
  CLOISTER_TRY(const ByteView parameters, reader.prefixed16(4096, "parameters"));
  CLOISTER_TRY(const ByteView ciphertext, reader.prefixed16(8192, "ciphertext"));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("root check"));
  check.wrapped.parameters = to_bytes(parameters);
  check.wrapped.ciphertext = to_bytes(ciphertext);
  return check;
}

}  // namespace cloister::keys
