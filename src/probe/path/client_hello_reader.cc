#include "probe/path/client_hello_reader.h"

#include "probe/path/evidence.h"
#include "probe/tls/bytes.h"
#include "probe/tls/client_hello.h"

namespace cloister::probe::path {
namespace {

constexpr std::size_t kListMax = 512;
constexpr std::size_t kExtensionsMax = 64;

Status read_list(ByteView list, std::vector<std::uint16_t>& out) {
  TlsReader reader(list);
  while (!reader.at_end()) {
    CLOISTER_TRY(const std::uint16_t code, reader.u16());
    if (out.size() == kListMax) return Error(Code::kCorrupt, "a ClientHello with too long a list");
    out.push_back(code);
  }
  return {};
}

Status read_server_name(TlsReader reader, SeenClientHello& hello) {
  CLOISTER_TRY(const ByteView list, reader.vector16());
  TlsReader names(list);
  CLOISTER_TRY(const std::uint8_t type, names.u8());
  CLOISTER_TRY(const ByteView name, names.vector16());
  if (type == 0) hello.server_name = plain_detail(as_text(name));
  return {};
}

Status read_alpn(TlsReader reader, SeenClientHello& hello) {
  CLOISTER_TRY(const ByteView list, reader.vector16());
  TlsReader names(list);
  while (!names.at_end() && hello.alpn.size() < 16) {
    CLOISTER_TRY(const ByteView name, names.vector8());
    hello.alpn.push_back(plain_detail(as_text(name)));
  }
  return {};
}

Status read_extension(std::uint16_t type, ByteView body, SeenClientHello& hello) {
  TlsReader reader(body);
  switch (type) {
    case kExtServerName: return body.empty() ? ok_status() : read_server_name(reader, hello);
    case kExtAlpn: return read_alpn(reader, hello);
    case kExtGroups: {
      CLOISTER_TRY(const ByteView list, reader.vector16());
      return read_list(list, hello.groups);
    }
    case kExtSupportedVersions: {
      CLOISTER_TRY(const ByteView list, reader.vector8());
      return read_list(list, hello.versions);
    }
    default: return {};
  }
}

}  // namespace

Result<SeenClientHello> parse_client_hello(ByteView body) {
  TlsReader reader(body);
  SeenClientHello hello;
  CLOISTER_TRY(hello.version, reader.u16());
  CLOISTER_RETURN_IF_ERROR(reader.bytes(32));
  CLOISTER_RETURN_IF_ERROR(reader.vector8());
  CLOISTER_TRY(const ByteView suites, reader.vector16());
  CLOISTER_RETURN_IF_ERROR(read_list(suites, hello.suites));
  CLOISTER_RETURN_IF_ERROR(reader.vector8());
  if (hello.version >> 8 != 3 || hello.suites.empty()) return Error(Code::kCorrupt, "that is no ClientHello");
  if (reader.at_end()) return hello;
  CLOISTER_TRY(const ByteView all, reader.vector16());
  TlsReader extensions(all);
  for (std::size_t i = 0; !extensions.at_end(); ++i) {
    if (i == kExtensionsMax) return Error(Code::kCorrupt, "a ClientHello with too many extensions");
    CLOISTER_TRY(const std::uint16_t type, extensions.u16());
    CLOISTER_TRY(const ByteView extension, extensions.vector16());
    CLOISTER_RETURN_IF_ERROR(read_extension(type, extension, hello));
  }
  return hello;
}

}  // namespace cloister::probe::path
