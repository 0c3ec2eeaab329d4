// Holds the library against tests/vectors/sealed-object: every valid vector opens, every other one is refused with the
// code it names. The format of the files is in that folder's README.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>

#include "crypto/hash.h"
#include "crypto/hpke.h"
#include "crypto/passphrase.h"
#include "crypto/xaes.h"
#include "seal/append_log.h"
#include "seal/object_keys.h"
#include "seal/reader.h"
#include "support/deterministic_random.h"
#include "support/hex.h"
#include "support/temp_dir.h"

namespace cloister::seal {
namespace {

using testing::DeterministicRandom;
using testing::key_of;
using testing::TempDir;
using testing::unhex;

struct VectorFile {
  std::multimap<std::string, std::string> fields;
  Bytes object;

  std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
};

Path folder() { return Path(CLOISTER_SOURCE_DIR) / "tests/vectors/sealed-object"; }

void append_base64(Bytes& out, std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    const std::size_t digit = kDigits.find(c);
    CLOISTER_CHECK(digit != std::string_view::npos);
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<std::uint8_t>(bits >> count));
  }
}

VectorFile load(const std::string& name) {
  std::ifstream in(folder() / (name + ".txt"));
  CLOISTER_CHECK(in.good());
  VectorFile vector;
  std::string line;
  while (std::getline(in, line) && line != "object:") {
    const std::size_t colon = line.find(": ");
    CLOISTER_CHECK(colon != std::string::npos);
    vector.fields.emplace(line.substr(0, colon), line.substr(colon + 2));
  }
  while (std::getline(in, line)) {
    if (line.starts_with("zeros ")) {
      vector.object.resize(vector.object.size() + std::stoul(line.substr(6)));
    } else {
      append_base64(vector.object, line);
    }
  }
  return vector;
}

std::vector<std::string> names_of(bool derivations) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    const Path& path = entry.path();
    if (path.extension() == ".txt" && path.stem().string().starts_with("keys-") == derivations) {
      names.push_back(path.stem());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

// One key of a slot of type 1 or 2, as a vector names it: id:version:key, the id with colons of its own.
class VectorKey final : public crypto::KeyWrapper {
 public:
  VectorKey(crypto::WrapType type, const std::string& text)
      : type_(type), xaes_(key_of(unhex(text.substr(text.rfind(':') + 1))).secret()) {
    const std::string name = text.substr(0, text.rfind(':'));
    key_id_ = name.substr(0, name.rfind(':'));
    key_version_ = static_cast<std::uint32_t>(std::stoul(name.substr(name.rfind(':') + 1)));
  }

  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial&, const crypto::WrapContext&) override {
    return Error(Code::kDenied, "vectors only open");
  }
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override {
    if (wrapped.type != type_ || wrapped.key_id != key_id_ || wrapped.key_version != key_version_) {
      return Error(Code::kNotFound, "another key's slot");
    }
    return crypto::local_unwrap(xaes_, context.canonical(type_, key_id_, key_version_), wrapped.ciphertext);
  }

 private:
  crypto::WrapType type_;
  std::string key_id_;
  std::uint32_t key_version_ = 0;
  crypto::Xaes xaes_;
};

class Keys {
 public:
  explicit Keys(const VectorFile& vector) {
    for (const auto& [name, value] : vector.fields) {
      if (auto wrapper = make(name, value)) owned_.push_back(std::move(wrapper));
    }
    for (const auto& wrapper : owned_) wrappers_.push_back(wrapper.get());
  }
  std::span<crypto::KeyWrapper* const> wrappers() const { return wrappers_; }

 private:
  std::unique_ptr<crypto::KeyWrapper> make(const std::string& name, const std::string& value) {
    if (name == "dataset_key") return std::make_unique<VectorKey>(crypto::WrapType::kDatasetKey, value);
    if (name == "software_key") return std::make_unique<VectorKey>(crypto::WrapType::kSoftwareKey, value);
    if (name == "hpke_seed") return opener(crypto::HpkeKem::kX25519, value);
    if (name == "xwing_seed") return opener(crypto::HpkeKem::kXWing, value);
    if (name != "passphrase") return nullptr;
    auto wrapper = crypto::PassphraseWrapper::create(crypto::Secret::copy_of(as_bytes(value)), {}, random_);
    CLOISTER_CHECK(wrapper.ok());
    return std::make_unique<crypto::PassphraseWrapper>(std::move(wrapper).value());
  }
  std::unique_ptr<crypto::KeyWrapper> opener(crypto::HpkeKem kem, const std::string& seed) {
    auto key = crypto::HpkePrivateKey::from_seed(kem, key_of(unhex(seed)));
    CLOISTER_CHECK(key.ok());
    return std::make_unique<crypto::HpkeOpener>(std::move(key).value(), random_);
  }

  DeterministicRandom random_{1};
  std::vector<std::unique_ptr<crypto::KeyWrapper>> owned_;
  std::vector<crypto::KeyWrapper*> wrappers_;
};

std::string outcome(const Error& error) {
  switch (error.code()) {
    case Code::kInvalid: return "invalid";
    case Code::kCorrupt: return "corrupt";
    case Code::kDenied: return "denied";
    case Code::kUnsupported: return "unsupported";
    default: return "no code of the format: " + std::string(code_name(error.code()));
  }
}

struct Opened {
  std::string outcome = "valid";
  std::string message;
  Bytes payload;
};

Opened refused(const Error& error) { return {outcome(error), error.message(), {}}; }

class SealedObjectVector : public ::testing::TestWithParam<std::string> {
 protected:
  SealedObjectVector() : vector_(load(GetParam())), keys_(vector_) {
    path_ = folder_ / "vector.sealed";
    CLOISTER_CHECK(write_file(path_, vector_.object, Overwrite::kRefuse).ok());
  }

  File file() const { return File::open(path_).value(); }
  bool is_log() const { return GetParam().starts_with("log-"); }
  std::string expected_verify() const {
    const std::string verify = vector_.field("expect_verify");
    return verify.empty() ? vector_.field("expect") : verify;
  }

  Opened open_log() const {
    Opened opened;
    auto summary = read_log(file(), keys_.wrappers(), [&](ByteView piece) {
      opened.payload.insert(opened.payload.end(), piece.begin(), piece.end());
      return ok_status();
    });
    return summary.ok() ? opened : refused(summary.error());
  }

  Opened open_object(unsigned threads) const {
    auto reader = ObjectReader::open(file(), keys_.wrappers());
    if (!reader.ok()) return refused(reader.error());
    Opened opened;
    Progress progress;
    const Status status = reader->read_all(
        threads,
        [&](std::uint64_t offset, ByteView piece) -> Status {
          if (offset != opened.payload.size()) return Error(Code::kInternal, "pieces out of order");
          opened.payload.insert(opened.payload.end(), piece.begin(), piece.end());
          return {};
        },
        progress);
    return status.ok() ? opened : refused(status.error());
  }

  void expect_outcome(const Opened& opened) const {
    EXPECT_EQ(opened.outcome, vector_.field("expect")) << opened.message << "\n" << vector_.field("comment");
    if (opened.outcome != "valid" || vector_.field("expect") != "valid") return;
    EXPECT_EQ(std::to_string(opened.payload.size()), vector_.field("payload_length"));
    EXPECT_EQ(to_hex(crypto::sha256(opened.payload)), vector_.field("payload_sha256"));
  }

  TempDir folder_;
  Path path_;
  VectorFile vector_;
  Keys keys_;
};

TEST_P(SealedObjectVector, OpensOrIsRefused) {
  if (is_log()) return expect_outcome(open_log());
  expect_outcome(open_object(1));
  expect_outcome(open_object(3));
}

TEST_P(SealedObjectVector, VerifiesOrIsRefused) {
  if (is_log()) return;
  auto reader = ObjectReader::open(file(), keys_.wrappers());
  if (!reader.ok()) {
    EXPECT_EQ(outcome(reader.error()), vector_.field("expect")) << reader.error().message();
    return;
  }
  Progress progress;
  const Status status = reader->verify(2, progress);
  EXPECT_EQ(status.ok() ? "valid" : outcome(status.error()), expected_verify())
      << (status.ok() ? "" : status.error().message());
}

TEST_P(SealedObjectVector, RangesAgree) {
  if (is_log() || vector_.field("expect") != "valid") return;
  const Bytes payload = open_object(1).payload;
  auto reader = ObjectReader::open(file(), keys_.wrappers());
  ASSERT_TRUE(reader.ok()) << reader.error().message();
  ASSERT_EQ(reader->size(), payload.size());
  const std::uint64_t chunk = reader->preamble().chunk_size(), size = payload.size();
  for (const std::uint64_t offset :
       {std::uint64_t{0}, size / 2, chunk - 1, chunk, size - std::min<std::uint64_t>(size, 1), size}) {
    for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, chunk + 1, size}) {
      Bytes out(length, 0xAA);
      const Status status = reader->read_at(offset, out);
      if (offset > size || length > size - offset) {
        ASSERT_FALSE(status.ok());  // SO-18
        EXPECT_EQ(status.error().code(), Code::kInvalid);
        EXPECT_TRUE(all_zero(out));
        continue;
      }
      ASSERT_TRUE(status.ok()) << status.error().message();
      EXPECT_TRUE(equal(out, ByteView(payload).subspan(offset, length))) << offset << "+" << length;
    }
  }
}

TEST_P(SealedObjectVector, SaysWhatItNotices) {
  if (vector_.field("expect") != "valid") return;
  if (is_log()) {
    auto outline = read_log_outline(file());
    ASSERT_TRUE(outline.ok()) << outline.error().message();
    EXPECT_EQ(outline->log_ended ? "ended" : "open", vector_.field("log"));
    EXPECT_EQ(std::to_string(outline->torn_bytes), vector_.field("torn_bytes"));
    EXPECT_EQ(std::to_string(outline->runs.size()), vector_.field("runs"));
    EXPECT_EQ(outline->end_offset + outline->torn_bytes, vector_.object.size());
    return;
  }
  auto outline = read_outline(file());
  ASSERT_TRUE(outline.ok()) << outline.error().message();
  EXPECT_EQ(outline->slots.copy_damaged, vector_.field("slot_copy_damaged") == "yes");
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Files, SealedObjectVector, ::testing::ValuesIn(names_of(false)), test_name);

class DerivedKeys : public ::testing::TestWithParam<std::string> {};

std::string hex_of(const KeyAndNonce& derived) { return to_hex(derived.key.expose()) + to_hex(derived.nonce); }

TEST_P(DerivedKeys, AreThoseOfThePage) {
  const VectorFile vector = load(GetParam());
  const ByteView page = vector.object;
  auto preamble = parse_preamble(page);
  ASSERT_TRUE(preamble.ok()) << preamble.error().message();
  const crypto::Dek dek(key_of(unhex(vector.field("dek"))));
  EXPECT_EQ(to_hex(context_hash(page)), vector.field("context_hash"));
  EXPECT_EQ(to_hex(derive_commitment(dek, *preamble, page)), vector.field("commitment"));
  EXPECT_EQ(to_hex(preamble->commitment), vector.field("commitment"));
  EXPECT_EQ(to_hex(derive_header_key(dek, *preamble, page).expose()), vector.field("header_key"));
  EXPECT_EQ(to_hex(derive_footer_key(dek, *preamble, page).expose()), vector.field("footer_key"));
  EXPECT_EQ(hex_of(derive_meta_key(dek, *preamble, page)), vector.field("meta_key_nonce"));
  EXPECT_EQ(hex_of(derive_digest_key(dek, *preamble, page)), vector.field("digest_key_nonce"));
  for (const std::uint64_t epoch : {0, 1, 65535}) {
    EXPECT_EQ(hex_of(derive_payload_key(dek, *preamble, epoch)),
              vector.field("payload_key_base_" + std::to_string(epoch)));
  }
}

TEST_P(DerivedKeys, MakeTheNoncesOfThePage) {
  const VectorFile vector = load(GetParam());
  auto preamble = parse_preamble(vector.object);
  ASSERT_TRUE(preamble.ok());
  const crypto::Dek dek(key_of(unhex(vector.field("dek"))));
  const crypto::Nonce base = derive_payload_key(dek, *preamble, 1).nonce;
  const std::string start = "nonce_base_1_index_";
  int seen = 0;
  for (auto it = vector.fields.lower_bound(start); it != vector.fields.end() && it->first.starts_with(start); ++it) {
    const std::string rest = it->first.substr(start.size());
    const std::uint64_t index = std::stoull(rest);
    const Last last = static_cast<Last>(rest.back() - '0');
    EXPECT_EQ(to_hex(chunk_nonce(base, index, last)), it->second) << it->first;
    ++seen;
  }
  EXPECT_EQ(seen, 7);
}

INSTANTIATE_TEST_SUITE_P(Files, DerivedKeys, ::testing::ValuesIn(names_of(true)), test_name);

}  // namespace
}  // namespace cloister::seal
