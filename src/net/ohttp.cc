#include "net/ohttp.h"

#include <algorithm>
#include <functional>

#include "base/reader.h"
#include "crypto/hash.h"
#include "net/varint.h"

namespace cloister::net {
namespace {

using crypto::HpkeAead;
using crypto::HpkeKem;
using crypto::kNonceSize;
using crypto::kTagSize;
using crypto::Secret;

constexpr std::uint16_t kHkdfSha256 = 1;
constexpr std::size_t kHeaderSize = 7;
constexpr std::size_t kSuiteSize = 4;
constexpr std::size_t kKeysMax = 16;
constexpr std::string_view kFinal = "final";

Error malformed(std::string_view what) { return Error(Code::kInvalid, "oblivious http: " + std::string(what)); }
Error denied(std::string_view what) { return Error(Code::kDenied, "oblivious http: " + std::string(what)); }

void append_u16(Bytes& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}
std::uint16_t u16_at(ByteView bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::optional<HpkeAead> aead_of(std::uint16_t id) {
  for (const HpkeAead aead : {HpkeAead::kAes128Gcm, HpkeAead::kAes256Gcm, HpkeAead::kChaCha20Poly1305}) {
    if (static_cast<std::uint16_t>(aead) == id) return aead;
  }
  return std::nullopt;
}

std::string_view inner_type(OhttpForm form, bool request) {
  if (form == OhttpForm::kWhole) return request ? "message/bhttp request" : "message/bhttp response";
  return request ? "message/bhttp chunked request" : "message/bhttp chunked response";
}

Bytes info_of(OhttpForm form, ByteView header) {
  Bytes info = to_bytes(as_bytes(inner_type(form, true)));
  info.push_back(0);
  info.insert(info.end(), header.begin(), header.end());
  return info;
}

std::size_t response_nonce_size(HpkeAead aead) {
  return std::max(kNonceSize, crypto::aead_key_size(hpke_aead_algorithm(aead)));
}

struct ResponseKey {
  crypto::Aead cipher;
  crypto::Nonce base;
};

// RFC 9458 4.4: HKDF over what the context exports, salted with what both sides sent.
ResponseKey response_key(const crypto::HpkeContext& context, OhttpForm form, ByteView encapsulated, ByteView nonce) {
  const crypto::AeadAlgorithm algorithm = hpke_aead_algorithm(context.aead());
  const Secret exported = context.export_secret(as_bytes(inner_type(form, false)), response_nonce_size(context.aead()));
  Bytes salt = to_bytes(encapsulated);
  salt.insert(salt.end(), nonce.begin(), nonce.end());
  auto extracted = crypto::hmac_sha256(Secret::copy_of(salt), exported.expose());
  const Secret pseudorandom = Secret::copy_of(extracted);
  crypto::wipe(extracted);
  // One block of HKDF-Expand is enough for either.
  auto key_block = crypto::hmac_sha256(pseudorandom, as_bytes("key\x01"));
  const Secret key = Secret::copy_of(ByteView(key_block).first(crypto::aead_key_size(algorithm)));
  crypto::wipe(key_block);
  const auto nonce_block = crypto::hmac_sha256(pseudorandom, as_bytes("nonce\x01"));
  ResponseKey out{crypto::Aead(algorithm, key), {}};
  std::copy_n(nonce_block.begin(), kNonceSize, out.base.begin());
  return out;
}

crypto::Nonce chunk_nonce(const crypto::Nonce& base, std::uint64_t count) {
  crypto::Nonce nonce = base;
  std::uint8_t counter[8];
  store_be64(counter, count);
  for (std::size_t i = 0; i < sizeof counter; ++i) nonce[kNonceSize - sizeof counter + i] ^= counter[i];
  return nonce;
}

// Opens one chunk or message into `out`, whose size fits.
using OpenOne = std::function<Status(ByteView aad, ByteView sealed, MutableByteView out)>;

Status open_into(const OpenOne& open_one, std::string_view aad, ByteView sealed, std::size_t plaintext_max,
                 OhttpOpened& out) {
  if (sealed.size() < kTagSize) return denied("cut short");
  const std::size_t size = sealed.size() - kTagSize;
  const std::size_t before = out.plaintext.size();
  if (size > plaintext_max - before) return malformed("longer than is taken");
  out.plaintext.resize(before + size);
  const Status opened = open_one(as_bytes(aad), sealed, MutableByteView(out.plaintext).subspan(before));
  return opened.ok() ? opened : denied("it doesn't open: changed, out of order, or sealed to something else");
}

Result<OhttpOpened> open_chunks(const OpenOne& open_one, ByteView sealed, std::size_t plaintext_max) {
  OhttpOpened out;
  Reader reader(sealed);
  while (true) {
    const std::size_t begins = reader.offset();
    auto size = read_varint(reader, "chunk");
    if (!size.ok()) return denied("it ends without its last chunk");
    if (*size == 0) {
      out.last_chunk = begins;
      out.last_plaintext = out.plaintext.size();
      CLOISTER_RETURN_IF_ERROR(open_into(open_one, kFinal, sealed.subspan(reader.offset()), plaintext_max, out));
      return out;
    }
    if (*size > reader.remaining()) return denied("a chunk is cut short");
    if (*size <= kTagSize) return denied("a chunk without content that isn't the last");
    const ByteView chunk = *reader.bytes(static_cast<std::size_t>(*size), "chunk");
    CLOISTER_RETURN_IF_ERROR(open_into(open_one, {}, chunk, plaintext_max, out));
  }
}

Result<OhttpOpened> open_all(OhttpForm form, const OpenOne& open_one, ByteView sealed, std::size_t plaintext_max) {
  if (form == OhttpForm::kChunked) return open_chunks(open_one, sealed, plaintext_max);
  OhttpOpened out;
  CLOISTER_RETURN_IF_ERROR(open_into(open_one, {}, sealed, plaintext_max, out));
  return out;
}

// Puts the length before a chunk and room for it behind; returns the room.
MutableByteView room_for(OhttpForm form, std::size_t plaintext_size, Last last, Buffer& out) {
  CLOISTER_CHECK(form == OhttpForm::kChunked ? last == Last::kYes || plaintext_size > 0 : last == Last::kYes);
  const std::size_t size = plaintext_size + kTagSize;
  if (form == OhttpForm::kChunked) append_varint(out, last == Last::kYes ? 0 : size);
  const std::size_t before = out.size();
  out.resize(before + size);
  return MutableByteView(out).subspan(before);
}

std::string_view chunk_aad(OhttpForm form, Last last) {
  return form == OhttpForm::kChunked && last == Last::kYes ? kFinal : std::string_view();
}

}  // namespace

std::string_view ohttp_request_type(OhttpForm form) {
  return form == OhttpForm::kWhole ? "message/ohttp-req" : "message/ohttp-chunked-req";
}
std::string_view ohttp_response_type(OhttpForm form) {
  return form == OhttpForm::kWhole ? "message/ohttp-res" : "message/ohttp-chunked-res";
}

Bytes encode_ohttp_key(const OhttpKey& key) {
  CLOISTER_CHECK(!key.aeads.empty() && key.key.kem() == HpkeKem::kX25519);
  Bytes out{key.id};
  append_u16(out, static_cast<std::uint16_t>(key.key.kem()));
  out.insert(out.end(), key.key.bytes().begin(), key.key.bytes().end());
  append_u16(out, static_cast<std::uint16_t>(key.aeads.size() * kSuiteSize));
  for (const HpkeAead aead : key.aeads) {
    append_u16(out, kHkdfSha256);
    append_u16(out, static_cast<std::uint16_t>(aead));
  }
  return out;
}

Result<OhttpKey> parse_ohttp_key(ByteView bytes) {
  if (bytes.size() < 3) return malformed("the key configuration is cut short");
  if (u16_at(bytes, 1) != static_cast<std::uint16_t>(HpkeKem::kX25519)) {
    return Error(Code::kUnsupported, "oblivious http: a key configuration with a KEM other than X25519");
  }
  const std::size_t key_size = crypto::hpke_public_key_size(HpkeKem::kX25519);
  const std::size_t suites_at = 3 + key_size + 2;
  if (bytes.size() < suites_at) return malformed("the key configuration is cut short");
  const std::size_t suites_size = u16_at(bytes, suites_at - 2);
  if (suites_size == 0 || suites_size % kSuiteSize != 0 || bytes.size() != suites_at + suites_size) {
    return malformed("the key configuration's list of suites has the wrong length");
  }
  CLOISTER_TRY(auto public_key, crypto::HpkePublicKey::parse(HpkeKem::kX25519, bytes.subspan(3, key_size)));
  OhttpKey key{bytes[0], std::move(public_key), {}};
  for (std::size_t at = suites_at; at < bytes.size(); at += kSuiteSize) {
    const auto aead = aead_of(u16_at(bytes, at + 2));
    if (u16_at(bytes, at) == kHkdfSha256 && aead.has_value()) key.aeads.push_back(*aead);
  }
  if (key.aeads.empty()) return Error(Code::kUnsupported, "oblivious http: a key configuration without a known suite");
  return key;
}

Bytes encode_ohttp_keys(const std::vector<OhttpKey>& keys) {
  Bytes out;
  for (const OhttpKey& key : keys) {
    const Bytes one = encode_ohttp_key(key);
    append_u16(out, static_cast<std::uint16_t>(one.size()));
    out.insert(out.end(), one.begin(), one.end());
  }
  return out;
}

Result<std::vector<OhttpKey>> parse_ohttp_keys(ByteView bytes) {
  std::vector<OhttpKey> keys;
  for (std::size_t read = 0; !bytes.empty(); ++read) {
    if (read == kKeysMax) return malformed("too many key configurations");
    if (bytes.size() < 2 || bytes.size() - 2 < u16_at(bytes, 0)) return malformed("the list of keys is cut short");
    const std::size_t size = u16_at(bytes, 0);
    auto key = parse_ohttp_key(bytes.subspan(2, size));
    bytes = bytes.subspan(2 + size);
    if (key.ok()) {
      keys.push_back(std::move(key).value());
    } else if (key.error().code() != Code::kUnsupported) {
      return key.error();
    }
  }
  if (keys.empty()) return Error(Code::kUnsupported, "oblivious http: no key configuration that is supported");
  return keys;
}

Result<OhttpSender> OhttpSender::create(const OhttpKey& key, OhttpForm form, crypto::Random& random) {
  CLOISTER_CHECK(!key.aeads.empty());
  Bytes header{key.id};
  append_u16(header, static_cast<std::uint16_t>(key.key.kem()));
  append_u16(header, kHkdfSha256);
  append_u16(header, static_cast<std::uint16_t>(key.aeads.front()));
  CLOISTER_TRY(auto context, crypto::HpkeSender::create(key.key, random, info_of(form, header), key.aeads.front()));
  return OhttpSender(form, std::move(header), std::move(context));
}

void OhttpSender::seal(ByteView plaintext, Last last, Buffer& out) {
  CLOISTER_CHECK(!ended_);
  if (!begun_) {
    append(out, header_);
    append(out, context_.encapsulated());
  }
  begun_ = true;
  ended_ = last == Last::kYes;
  const MutableByteView room = room_for(form_, plaintext.size(), last, out);
  context_.seal(as_bytes(chunk_aad(form_, last)), plaintext, room);
}

Result<OhttpOpened> OhttpSender::open(ByteView response, std::size_t plaintext_max) const {
  const std::size_t nonce_size = response_nonce_size(context_.aead());
  if (response.size() < nonce_size) return denied("cut short");
  ResponseKey key = response_key(context_, form_, context_.encapsulated(), response.first(nonce_size));
  std::uint64_t count = 0;
  const OpenOne open_one = [&](ByteView aad, ByteView sealed, MutableByteView out) {
    return key.cipher.open(chunk_nonce(key.base, count++), aad, sealed.first(out.size()), sealed.last(kTagSize), out);
  };
  CLOISTER_TRY(OhttpOpened opened, open_all(form_, open_one, response.subspan(nonce_size), plaintext_max));
  opened.last_chunk += nonce_size;
  return opened;
}

OhttpOpener OhttpSender::opener() const {
  CLOISTER_CHECK(form_ == OhttpForm::kChunked);
  return OhttpOpener(*this);
}

Status OhttpOpener::put(ByteView sealed, Buffer& out) {
  if (failed_) return denied("it was refused before");
  append(waiting_, sealed);
  std::size_t used = 0;
  while (!last_) {
    const auto step = this->step(ByteView(waiting_).subspan(used), out);
    if (!step.ok()) {
      failed_ = true;
      return step.error();
    }
    if (*step == 0) break;
    used += *step;
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(used));
  if (!last_ || waiting_.size() <= kOhttpChunkMax + kTagSize) return {};
  failed_ = true;
  return malformed("a chunk is longer than is taken");
}

Result<std::size_t> OhttpOpener::step(ByteView bytes, Buffer& out) {
  if (!cipher_) {
    const std::size_t nonce_size = response_nonce_size(sender_->context_.aead());
    if (bytes.size() < nonce_size) return std::size_t{0};
    const ByteView nonce = bytes.first(nonce_size);
    ResponseKey key = response_key(sender_->context_, sender_->form_, sender_->context_.encapsulated(), nonce);
    cipher_.emplace(std::move(key.cipher));
    base_ = key.base;
    digest_.update(nonce);
    before_last_ = nonce_size;
    return nonce_size;
  }
  Reader reader(bytes);
  const auto size = read_varint(reader, "chunk");
  if (!size.ok()) return std::size_t{0};
  if (*size == 0) {
    last_ = true;
    return reader.offset();
  }
  if (*size <= kTagSize) return denied("a chunk without content that isn't the last");
  if (*size > kOhttpChunkMax + kTagSize) return malformed("a chunk is longer than is taken");
  if (*size > reader.remaining()) return std::size_t{0};
  const std::size_t whole = reader.offset() + static_cast<std::size_t>(*size);
  CLOISTER_RETURN_IF_ERROR(open_chunk(bytes.first(whole).subspan(reader.offset()), Last::kNo, out));
  digest_.update(bytes.first(whole));
  before_last_ += whole;
  return whole;
}

Status OhttpOpener::open_chunk(ByteView sealed, Last last, Buffer& out) {
  const std::size_t size = sealed.size() - kTagSize;
  const std::size_t before = out.size();
  out.resize(before + size);
  const Status opened = cipher_->open(chunk_nonce(base_, count_++), as_bytes(chunk_aad(sender_->form_, last)),
                                      sealed.first(size), sealed.last(kTagSize), MutableByteView(out).subspan(before));
  if (opened.ok()) return {};
  out.resize(before);
  return denied("it doesn't open: changed, out of order, or sealed to something else");
}

Status OhttpOpener::finish(Buffer& out) {
  if (failed_) return denied("it was refused before");
  failed_ = true;
  if (!last_) return denied("it ends without its last chunk");
  if (waiting_.size() < kTagSize) return denied("its last chunk is cut short");
  return open_chunk(waiting_, Last::kYes, out);
}

void OhttpResponder::seal(ByteView plaintext, Last last, Buffer& out) {
  CLOISTER_CHECK(!ended_);
  if (count_ == 0) append(out, nonce_);
  ended_ = last == Last::kYes;
  const MutableByteView room = room_for(form_, plaintext.size(), last, out);
  crypto::Tag tag;
  cipher_.seal(chunk_nonce(base_, count_++), as_bytes(chunk_aad(form_, last)), plaintext, room.first(plaintext.size()),
               tag);
  std::ranges::copy(tag, room.last(kTagSize).begin());
}

Result<OhttpHeader> parse_ohttp_header(ByteView request) {
  if (request.size() < kHeaderSize) return malformed("the request is cut short");
  return OhttpHeader{request[0], u16_at(request, 1), u16_at(request, 3), u16_at(request, 5)};
}

Result<OhttpReceiver> OhttpReceiver::create(const OhttpKey& key, const crypto::HpkePrivateKey& private_key,
                                            OhttpForm form, ByteView request) {
  CLOISTER_TRY(const OhttpHeader header, parse_ohttp_header(request));
  if (header.key_id != key.id) return Error(Code::kNotFound, "oblivious http: sealed to another key");
  const auto aead = aead_of(header.aead);
  if (header.kem != static_cast<std::uint16_t>(key.key.kem()) || header.kdf != kHkdfSha256 || !aead.has_value() ||
      std::ranges::find(key.aeads, *aead) == key.aeads.end()) {
    return Error(Code::kUnsupported, "oblivious http: a suite that the key doesn't list");
  }
  const std::size_t encapsulated_size = crypto::hpke_encapsulated_size(key.key.kem());
  if (request.size() < kHeaderSize + encapsulated_size) return malformed("the request is cut short");
  Bytes encapsulated = to_bytes(request.subspan(kHeaderSize, encapsulated_size));
  const Bytes info = info_of(form, request.first(kHeaderSize));
  auto context = crypto::HpkeReceiver::create(private_key, info, encapsulated, *aead);
  if (!context.ok()) return malformed("no encapsulated key");
  return OhttpReceiver(form, request.subspan(kHeaderSize + encapsulated_size), std::move(encapsulated),
                       std::move(context).value());
}

Result<OhttpOpened> OhttpReceiver::open(std::size_t plaintext_max) {
  const OpenOne open_one = [&](ByteView aad, ByteView sealed, MutableByteView out) {
    return context_.open(aad, sealed, out);
  };
  CLOISTER_TRY(OhttpOpened opened, open_all(form_, open_one, sealed_, plaintext_max));
  opened.last_chunk += kHeaderSize + encapsulated_.size();
  return opened;
}

OhttpResponder OhttpReceiver::respond(crypto::Random& random) const {
  Bytes nonce(response_nonce_size(context_.aead()));
  random.fill(nonce);
  ResponseKey key = response_key(context_, form_, encapsulated_, nonce);
  return OhttpResponder(form_, std::move(nonce), std::move(key.cipher), key.base);
}

}  // namespace cloister::net
