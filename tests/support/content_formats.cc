// Files of the formats that content audits know, in as few bytes as they need to be ones.
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <cmath>
#include <random>

#include "base/base64.h"
#include "base/reader.h"
#include "tests/support/content_estate.h"
#include "tests/support/deterministic_random.h"

namespace cloister::testing {
namespace {

void put(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
void put(Bytes& out, std::string_view text) { put(out, as_bytes(text)); }

float normal(std::mt19937_64& engine) {
  std::uniform_real_distribution<double> uniform(1e-9, 1.0);
  const double radius = std::sqrt(-2 * std::log(uniform(engine)));
  return static_cast<float>(0.02 * radius * std::cos(6.283185307 * uniform(engine)));
}

std::uint16_t to_half(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, 4);
  const auto sign = static_cast<std::uint32_t>(bits >> 16 & 0x8000);
  const int exponent = static_cast<int>(bits >> 23 & 255) - 127 + 15;
  if (exponent <= 0) return static_cast<std::uint16_t>(sign);
  return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(exponent) << 10 | (bits >> 13 & 0x3FF));
}

// Thrift's compact protocol, as much as footers take.
class Thrift {
 public:
  Thrift& field(int delta, int type) {
    out_.push_back(static_cast<std::uint8_t>(delta << 4 | type));
    return *this;
  }
  Thrift& varint(std::uint64_t value) {
    for (; value >= 128; value >>= 7) out_.push_back(static_cast<std::uint8_t>(value | 128));
    out_.push_back(static_cast<std::uint8_t>(value));
    return *this;
  }
  Thrift& binary(std::string_view text) {
    varint(text.size());
    put(out_, text);
    return *this;
  }
  Thrift& list(int size, int type) {
    out_.push_back(static_cast<std::uint8_t>(size << 4 | type));
    return *this;
  }
  Thrift& stop() {
    out_.push_back(0);
    return *this;
  }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

constexpr int kI32 = 5, kI64 = 6, kBinary = 8, kList = 9, kStruct = 12;

void put_column(Thrift& thrift, bool encrypted) {
  thrift.field(2, kI64).varint(8);                           // file_offset
  thrift.field(1, kStruct).field(1, kI32).varint(2).stop();  // meta_data
  if (encrypted) {                                           // crypto_metadata, by a key of its own
    thrift.field(5, kStruct).field(2, kStruct);
    thrift.field(1, kList).list(1, kBinary).binary("prompt");
    thrift.field(1, kBinary).binary(R"({"keyMaterialType":"PKMT1","masterKeyID":"column-key","wrappedDEK":"AA=="})");
    thrift.stop().stop();
  }
  thrift.stop();
}

Bytes parquet_footer(ParquetKind kind) {
  Thrift thrift;
  thrift.field(1, kI32).varint(4);  // version
  thrift.field(1, kList).list(1, kStruct).field(4, kBinary).binary("schema").stop();
  thrift.field(1, kI64).varint(200);        // num_rows
  thrift.field(1, kList).list(1, kStruct);  // row_groups
  thrift.field(1, kList).list(2, kStruct);
  put_column(thrift, kind != ParquetKind::kPlain);
  put_column(thrift, kind == ParquetKind::kAllColumnsPlainFooter);
  thrift.field(1, kI64).varint(4096).stop();
  if (kind != ParquetKind::kPlain) {
    thrift.field(4, kStruct).field(1, kStruct).stop().stop();  // encryption_algorithm: AES_GCM_V1
    thrift.field(1, kBinary).binary("footer-key");
  }
  return thrift.stop().take();
}

}  // namespace

Bytes json_lines(std::uint64_t seed, std::size_t size) {
  std::mt19937_64 engine(seed);
  constexpr std::string_view kWords[] = {"patient", "reported", "a",         "mild", "pain", "after", "the",  "third",
                                         "dose",    "of",       "treatment", "and",  "was",  "sent",  "home", "größer"};
  std::string out;
  while (out.size() < size) {
    out += R"({"id":)" + std::to_string(engine() % 100'000) + R"(,"text":")";
    for (std::uint64_t i = 0; i < 5 + engine() % 12; ++i) out += std::string(kWords[engine() % 16]) + " ";
    out += "\"}\n";
  }
  return to_bytes(as_bytes(out));
}

Bytes noise(std::uint64_t seed, std::size_t size) {
  std::mt19937_64 engine(seed);
  Bytes out(size + 8);
  for (std::size_t i = 0; i < size; i += 8) store_le(out.data() + i, engine());
  out.resize(size);
  return out;
}

Bytes model_weights(std::uint64_t seed, std::size_t size, Numbers numbers) {
  std::mt19937_64 engine(seed);
  Bytes out;
  while (out.size() < size) {
    const float value = normal(engine);
    std::uint8_t bytes[4];
    std::memcpy(bytes, &value, 4);
    const auto eighth = static_cast<std::int8_t>(std::lround(std::fmin(127, std::fmax(-127, value * 2000))));
    switch (numbers) {
      case Numbers::kFloat32: put(out, ByteView(bytes)); break;
      case Numbers::kBfloat16: put(out, ByteView(bytes).last(2)); break;
      case Numbers::kFloat16: {
        store_le(bytes, to_half(value));
        put(out, ByteView(bytes).first(2));
        break;
      }
      case Numbers::kInt8: out.push_back(static_cast<std::uint8_t>(eighth)); break;
      case Numbers::kNibbles: {
        const auto other =
            static_cast<std::int8_t>(std::lround(std::fmin(127, std::fmax(-127, normal(engine) * 2000))));
        out.push_back(static_cast<std::uint8_t>(((eighth / 16 + 8) & 15) << 4 | ((other / 16 + 8) & 15)));
        break;
      }
    }
  }
  out.resize(size);
  return out;
}

Bytes parquet_file(std::uint64_t seed, ParquetKind kind) {
  const std::string_view magic = kind == ParquetKind::kEncrypted ? "PARE" : "PAR1";
  Bytes out = to_bytes(as_bytes(magic));
  Bytes pages = kind == ParquetKind::kPlain ? json_lines(seed, 9000) : noise(seed, 9000);
  if (kind == ParquetKind::kEncrypted) store_le(pages.data(), std::uint32_t{8996});  // one module, behind its length
  put(out, pages);
  Bytes footer = parquet_footer(kind);
  if (kind == ParquetKind::kEncrypted) {
    Thrift thrift;
    thrift.field(1, kStruct).field(1, kStruct).stop().stop();
    thrift.field(1, kBinary).binary(R"({"keyMaterialType":"PKMT1","masterKeyID":"warehouse","wrappedDEK":"AA=="})");
    footer = thrift.stop().take();
    put(footer, noise(seed + 1, 900));
  }
  put(out, footer);
  std::uint8_t size[4];
  store_le(size, static_cast<std::uint32_t>(footer.size()));
  put(out, ByteView(size));
  put(out, magic);
  return out;
}

Bytes age_file(ByteView payload) {
  Bytes out;
  put(out, "age-encryption.org/v1\n-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\n");
  put(out, "EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n--- Vn+54jqiiUCE+WZcEVY3f1sqHjlu/z1LCQ/T7Xm7qI0\n");
  put(out, noise(11, 16));
  put(out, payload);
  return out;
}

Bytes openpgp_file(ByteView payload) {
  Bytes out = {0xC1, 13, 3, 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 1, 0, 1, 1};  // PKESK
  const std::size_t size = payload.size() + 1;
  out.insert(out.end(), {0xD2, 0xFF, static_cast<std::uint8_t>(size >> 24), static_cast<std::uint8_t>(size >> 16),
                         static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size), 1});  // SEIPD
  put(out, payload);
  return out;
}

Bytes luks1_file(ByteView payload) {
  Bytes out(4096);
  std::memcpy(out.data(), "LUKS\xBA\xBE\0\1aes", 11);
  std::memcpy(out.data() + 40, "xts-plain64", 11);
  out[107] = 8;  // 8 sectors of 512 bytes before the payload
  std::memcpy(out.data() + 168, "0b7ae5b1-8a9c-4dd2-9c8e-6d2f0d1a9b11", 36);
  put(out, payload);
  return out;
}

std::string jwe_text(ByteView ciphertext) {
  const auto part = [](ByteView bytes) { return to_base64(bytes, Base64::kUrl); };
  return part(as_bytes(R"({"alg":"dir","enc":"A256GCM","kid":"k-7"})")) + ".." + part(noise(3, 12)) + "." +
         part(ciphertext) + "." + part(noise(4, 16)) + "\n";
}

Bytes gzip_of(ByteView bytes) {
  z_stream stream{};
  CLOISTER_CHECK(::deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes out(bytes.size() + 1024);
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  CLOISTER_CHECK(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

Bytes zstd_of(ByteView bytes) {
  Bytes out(::ZSTD_compressBound(bytes.size()));
  const std::size_t size = ::ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3);
  CLOISTER_CHECK(::ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

Bytes xz_of(ByteView bytes) {
  Bytes out(::lzma_stream_buffer_bound(bytes.size()));
  std::size_t size = 0;
  CLOISTER_CHECK(::lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, nullptr, bytes.data(), bytes.size(), out.data(), &size,
                                           out.size()) == LZMA_OK);
  out.resize(size);
  return out;
}

}  // namespace cloister::testing
