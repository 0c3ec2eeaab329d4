#include "seal/meta_seal.h"

#include "seal/object_keys.h"

namespace cloister::seal {

Result<Bytes> seal_meta(const Meta& meta, const crypto::Dek& dek, ByteView page, Preamble& preamble) {
  Bytes sealed = serialize_meta(meta);
  if (const auto read = parse_meta(sealed); !read.ok()) return Error(Code::kInvalid, read.error().message());
  preamble.meta_len = sealed.size() + crypto::kTagSize;
  if (preamble.meta_len > kMetaMax) return Error(Code::kInvalid, "META is larger than 1 MiB");
  const KeyAndNonce key = derive_meta_key(dek, preamble, page);
  crypto::Tag tag;
  crypto::Aead(aead_algorithm(preamble.suite), key.key).seal(key.nonce, {}, sealed, sealed, tag);
  sealed.insert(sealed.end(), tag.begin(), tag.end());
  preamble.meta_hash = crypto::sha256(sealed);
  return sealed;
}

Result<Meta> open_meta(const File& file, std::uint64_t start, const Preamble& preamble, const crypto::Dek& dek,
                       ByteView page) {
  Bytes sealed(preamble.meta_len);
  CLOISTER_RETURN_IF_ERROR(file.read_at(start + preamble.meta_off(), sealed));
  if (!equal(crypto::sha256(sealed), preamble.meta_hash)) return Error(Code::kCorrupt, "META fails its hash");
  const KeyAndNonce key = derive_meta_key(dek, preamble, page);
  const std::size_t size = sealed.size() - crypto::kTagSize;
  const MutableByteView text = MutableByteView(sealed).first(size);
  crypto::Aead aead(aead_algorithm(preamble.suite), key.key);
  CLOISTER_RETURN_IF_ERROR(
      aead.open(key.nonce, {}, text, ByteView(sealed).subspan(size), text).with_context("open META"));
  return parse_meta(text);
}

}  // namespace cloister::seal
