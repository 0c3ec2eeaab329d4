#include "tests/support/content_estate.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/base64.h"
#include "base/reader.h"
#include "seal/append_log.h"
#include "seal/keyring.h"
#include "seal/writer.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/local_key.h"

namespace cloister::testing {
namespace {

using namespace std::string_view_literals;

Bytes joined(std::initializer_list<ByteView> parts) {
  Bytes out;
  for (const ByteView part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

Bytes with_magic(std::string_view magic, ByteView rest) { return joined({as_bytes(magic), rest}); }

template <typename Integer>
Bytes le(Integer value) {
  Bytes out(sizeof value);
  store_le(out.data(), value);
  return out;
}

class EstateMaker {
 public:
  EstateMaker(const Path& folder, std::uint64_t seed)
      : folder_(folder),
        random_(seed),
        keyring_(seal::Keyring::create({"acme", "", "corpus"}, Time{}, random_).value()),
        stranger_(seal::Keyring::create({"other", "", "corpus"}, Time{}, random_).value()) {
    estate_.keys.versions[{to_hex(keyring_.outline().keyring_id), 1}] = {posture::content::KeyUse::kActive,
                                                                         "cloister:00112233445566778899aabbccddeeff"};
  }

  void round(int number) {
    prefix_ = "round-" + std::to_string(number) + "/";
    seed_ = static_cast<std::uint64_t>(number) * 1000 + 17;
    size_ = 2000 + static_cast<std::size_t>(number * 7919 % 90'000);
    std::filesystem::create_directories(folder_ / prefix_ / "models" / "v1");
    data_files();
    model_files();
    packed_files();
    disguised_files();
    strange_files();
    sealed_files();
    foreign_ciphertext();
  }

  ContentEstate take() { return std::move(estate_); }

 private:
  void put(const std::string& name, Truth truth, ByteView bytes) {
    const std::string full = prefix_ + name;
    std::ofstream file(folder_ / full, std::ios::binary);  // not synced: there are many
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    CLOISTER_CHECK(file.good());
    estate_.truth[full] = truth;
  }
  void readable(const std::string& name, ByteView bytes) { put(name, Truth::kReadable, bytes); }
  void readable(const std::string& name, std::string_view text) { put(name, Truth::kReadable, as_bytes(text)); }
  Bytes lines(std::uint64_t salt = 0) const { return json_lines(seed_ + salt, size_); }
  Bytes random(std::uint64_t salt, std::size_t size) const { return noise(seed_ * 31 + salt, size); }

  void data_files() {
    readable("train.jsonl", lines());
    std::string csv = "id,label,score\n", log, yaml = "---\nmodel:\n";
    for (std::size_t i = 0; i < size_ / 40; ++i) {
      csv += std::to_string(i) + ",benign,0." + std::to_string(i % 97) + "\n";
      log += "2026-11-26T12:00:" + std::to_string(10 + i % 50) + "Z INFO prompt=\"what is the dose\" tokens=17\n";
      yaml += "  layer" + std::to_string(i) + ": 4\n";
    }
    readable("labels.csv", csv);
    readable("inference.log", log);
    readable("config.yaml", yaml);
    readable("tokenizer.json", R"({"model":{"vocab":{"a":1,"b":2}}})"sv);
    readable("notes.txt", "Ärzte über Größe: ein Text, den jeder lesen kann.\n"sv);
    readable("table.parquet", parquet_file(seed_, ParquetKind::kPlain));
    readable("some-columns.parquet", parquet_file(seed_, ParquetKind::kSomeColumns));
    readable("plain-footer.parquet", parquet_file(seed_, ParquetKind::kAllColumnsPlainFooter));
    readable("batch.arrow", with_magic("ARROW1\0\0"sv, lines(1)));
    readable("events.avro", with_magic("Obj\x01"sv, lines(2)));
    readable("features.h5", with_magic("\x89HDF\r\n\x1A\n"sv, model_weights(seed_, size_, Numbers::kFloat32)));
    readable("features.npy", with_magic("\x93NUMPY\x01\0v\0"sv, model_weights(seed_, size_, Numbers::kFloat32)));
    readable("features.db", with_magic("SQLite format 3\0"sv, lines(3)));
    const Bytes length = le(std::uint64_t{100});
    const std::uint32_t crc = crc32c(length);
    readable("examples.tfrecord", joined({length, le(((crc >> 15) | (crc << 17)) + 0xA282EAD8), lines(4)}));
  }

  void model_files() {
    const std::string_view header = R"({"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})";
    const Bytes weights = model_weights(seed_ + 1, size_, Numbers::kBfloat16);
    readable("models/v1/model.safetensors", joined({le(std::uint64_t{header.size()}), as_bytes(header), weights}));
    readable("models/v1/model.gguf", with_magic("GGUF\3\0\0\0"sv, weights));
    readable("models/v1/model.onnx", with_magic("\x08\x07\x12\x07pytorch\x1A\x05"sv
                                                "1.2.3"sv,
                                                weights));
    readable("models/v1/checkpoint.pkl", joined({as_bytes("\x80\x02}q\0X\5\0\0\0layer"sv), weights, as_bytes("."sv)}));
    Writer zip;
    const std::string_view name = "archive/data.pkl";
    zip.u32(0x04034B50).u16(0).u16(0).u16(0).u32(0).u32(0).u32(64).u32(64).u16(16).u16(0).bytes(as_bytes(name));
    readable("models/v1/model.pt", joined({zip.view(), weights}));
    readable("models/v1/model.tflite", with_magic("\x1C\0\0\0TFL3"sv, weights));
  }

  void packed_files() {
    readable("train.jsonl.gz", gzip_of(lines()));
    readable("train.jsonl.zst", zstd_of(lines()));
    readable("train.jsonl.xz", xz_of(lines()));
    readable("weights.bin.gz", gzip_of(model_weights(seed_ + 2, size_, Numbers::kFloat32)));
    readable("train.jsonl.b64", to_base64(lines()));
    put("noise.gz", Truth::kProtected, gzip_of(random(1, size_)));
    put("noise.b64", Truth::kProtected, as_bytes(to_base64(random(2, size_))));
  }

  // What tries to look protected, or to break whoever reads it.
  void disguised_files() {
    readable("stripped-f32.bin", model_weights(seed_ + 3, size_, Numbers::kFloat32));
    readable("stripped-f16.bin", model_weights(seed_ + 4, size_, Numbers::kFloat16));
    readable("stripped-bf16.sealed", model_weights(seed_ + 5, size_, Numbers::kBfloat16));
    readable("stripped-q8.enc", model_weights(seed_ + 6, size_, Numbers::kInt8));
    readable("stripped-q4.enc", model_weights(seed_ + 7, size_, Numbers::kNibbles));
    readable("look-alike.sealed", with_magic("\x89"
                                             "CLSR1\r\n"sv,
                                             lines(5)));
    readable("look-alike.age", age_file(lines(6)));
    readable("look-alike.gpg", openpgp_file(lines(7)));
    readable("look-alike.luks", luks1_file(lines(8)));
    readable("look-alike.salted", with_magic("Salted__saltsalt"sv, lines(9)));
    readable("half.bin", joined({random(3, 65536), lines(10)}));
    Bytes ecb;
    const Bytes block = random(4, 256);
    while (ecb.size() < size_) ecb.insert(ecb.end(), block.begin(), block.end());
    readable("ecb.bin", ecb);
    Bytes counter(8192);
    for (std::size_t i = 0; i < counter.size(); ++i) counter[i] = static_cast<std::uint8_t>(i * 7);
    readable("counter.bin", counter);
    readable("hostile.safetensors", joined({le(~std::uint64_t{0}), as_bytes("{\"a\":"sv), lines(11)}));
    readable("hostile.parquet", joined({as_bytes("PAR1"sv), lines(12), as_bytes("\xFF\xFF\xFF\x7FPAR1"sv)}));
  }

  void strange_files() {
    put("empty", Truth::kNothing, {});
    const Path sparse = folder_ / (prefix_ + "sparse.bin");
    const auto file = File::create_new(sparse);
    CLOISTER_CHECK(file.ok() && file->truncate(std::uint64_t{1} << 34).ok());
    CLOISTER_CHECK(file->write_at((std::uint64_t{1} << 34) - 70'000, lines(13)).ok());
    estate_.truth[prefix_ + "sparse.bin"] = Truth::kReadable;
    readable("id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"sv);
    readable("dek.key", random(5, 32));
    CLOISTER_CHECK(::symlink("/", (folder_ / (prefix_ + "root-link")).c_str()) == 0);
    CLOISTER_CHECK(::symlink(".", (folder_ / (prefix_ + "loop")).c_str()) == 0);
    CLOISTER_CHECK(::mkfifo((folder_ / (prefix_ + "pipe")).c_str(), 0600) == 0);
  }

  void seal_one(const std::string& name, Truth truth, const seal::Keyring& keyring, std::uint8_t chunk_log2,
                seal::Suite suite) {
    const auto wrapper = seal::KeyringWrapper::create(keyring, random_);
    CLOISTER_CHECK(wrapper.ok());
    crypto::KeyWrapper* wrappers[] = {wrapper->get()};
    seal::SealOptions options;
    options.suite = suite;
    options.chunk_log2 = chunk_log2;
    options.threads = 1;
    options.context = {"acme", "corpus", keyring.outline().keyring_id, std::nullopt};
    const auto file = File::create_new(folder_ / (prefix_ + name));
    CLOISTER_CHECK(file.ok() && seal::seal_bytes(lines(14), *file, options, wrappers, random_).ok());
    estate_.truth[prefix_ + name] = truth;
  }

  void sealed_files() {
    seal_one("a.sealed", Truth::kSealed, keyring_, 14, seal::Suite::kAes256Gcm);
    seal_one("b.sealed", Truth::kSealed, keyring_, 20, seal::Suite::kChaCha20Poly1305);
    seal_one("renamed.jsonl", Truth::kSealed, keyring_, 16, seal::Suite::kAes256Gcm);
    seal_one("stranger.sealed", Truth::kProtected, stranger_, 16, seal::Suite::kAes256Gcm);
    // A whole header, and plaintext where ciphertext should be.
    Bytes bytes = read_file(folder_ / (prefix_ + "a.sealed"), 1 << 22).value();
    const Bytes text = json_lines(seed_, bytes.size());
    const std::size_t data = seal::parse_preamble(ByteView(bytes).first(seal::kPage)).value().data_off();
    std::copy(text.begin() + static_cast<std::ptrdiff_t>(data),
              text.begin() + static_cast<std::ptrdiff_t>(bytes.size()),
              bytes.begin() + static_cast<std::ptrdiff_t>(data));
    readable("copied-header.sealed", bytes);
    const auto wrapper = seal::KeyringWrapper::create(keyring_, random_);
    crypto::KeyWrapper* wrappers[] = {wrapper->get()};
    seal::LogOptions options;
    options.context = {"acme", "corpus", keyring_.outline().keyring_id, std::nullopt};
    auto log = seal::LogWriter::open(folder_ / (prefix_ + "requests.log.sealed"), options, wrappers, random_);
    CLOISTER_CHECK(log.ok());
    for (int i = 0; i < 3; ++i) CLOISTER_CHECK(log->append(ByteView(lines(15)).first(1500)).ok());
    estate_.truth[prefix_ + "requests.log.sealed"] = Truth::kSealed;
  }

  void foreign_ciphertext() {
    put("noise.bin", Truth::kProtected, random(6, size_));
    put("model.age", Truth::kProtected, age_file(random(7, size_)));
    put("model.gpg", Truth::kProtected, openpgp_file(random(8, size_)));
    put("volume.luks", Truth::kProtected, luks1_file(random(9, size_ / 512 * 512 + 4096)));
    put("token.jwe", Truth::kProtected, as_bytes(jwe_text(random(10, 2000))));
    put("table-encrypted.parquet", Truth::kProtected, parquet_file(seed_, ParquetKind::kEncrypted));
    put("openssl.enc", Truth::kProtected, with_magic("Salted__"sv, random(11, size_)));
  }

  Path folder_;
  DeterministicRandom random_;
  seal::Keyring keyring_, stranger_;
  ContentEstate estate_;
  std::string prefix_;
  std::uint64_t seed_ = 0;
  std::size_t size_ = 0;
};

}  // namespace

ContentEstate make_content_estate(const Path& folder, int rounds, std::uint64_t seed) {
  EstateMaker maker(folder, seed);
  for (int number = 0; number < rounds; ++number) maker.round(number);
  return maker.take();
}

}  // namespace cloister::testing
