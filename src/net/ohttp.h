// Oblivious HTTP: one request sealed to a key, and the response sealed to what that request agreed. RFC 9458, and its
// form in chunks, draft-ietf-ohai-chunked-ohttp. Whoever carries them sees sizes and the key's number.
#pragma once

#include <optional>
#include <vector>

#include "crypto/hash.h"
#include "crypto/hpke_context.h"
#include "net/buffer.h"

namespace cloister::net {

enum class OhttpForm {
  kWhole,    // RFC 9458: message/ohttp-req, message/ohttp-res
  kChunked,  // the draft: message/ohttp-chunked-req, message/ohttp-chunked-res
};
std::string_view ohttp_request_type(OhttpForm form);
std::string_view ohttp_response_type(OhttpForm form);

// A public key and with which ciphers it is used. X25519, HKDF-SHA256.
struct OhttpKey {
  std::uint8_t id = 0;
  crypto::HpkePublicKey key;
  std::vector<crypto::HpkeAead> aeads;  // at least one
};

// RFC 9458 3.1, and 3.2's list: application/ohttp-keys.
Bytes encode_ohttp_key(const OhttpKey& key);
// Suites that aren't known here are left out. kInvalid: malformed. kUnsupported: another KEM, or no suite is left.
Result<OhttpKey> parse_ohttp_key(ByteView bytes);
Bytes encode_ohttp_keys(const std::vector<OhttpKey>& keys);
// Those of the list that are supported: at most 16 entries are read. kUnsupported when there is none.
Result<std::vector<OhttpKey>> parse_ohttp_keys(ByteView bytes);

enum class Last { kNo, kYes };

struct OhttpOpened {
  Buffer plaintext;
  // In chunked form: where, in what was opened, the last chunk begins, and where in the plaintext.
  std::size_t last_chunk = 0;
  std::size_t last_plaintext = 0;
};

inline constexpr std::size_t kOhttpChunkMax = 64 << 10;  // of plaintext, in what is opened as it comes

class OhttpOpener;

// The client's end. One request, then its response. One thread at a time.
class OhttpSender {
 public:
  // Takes the first of the key's ciphers.
  static Result<OhttpSender> create(const OhttpKey& key, OhttpForm form, crypto::Random& random);

  // Appends to the sealed request; the first call puts the header before it. Whole form: one call, the last. A chunk
  // that isn't the last has at least one byte.
  void seal(ByteView plaintext, Last last, Buffer& out);
  // kDenied: not the response to this request, changed, reordered or cut. kInvalid: too long, malformed.
  Result<OhttpOpened> open(ByteView response, std::size_t plaintext_max) const;
  // The same, chunk by chunk as they come: chunked form alone. This must outlive it.
  OhttpOpener opener() const;

 private:
  friend class OhttpOpener;
  OhttpSender(OhttpForm form, Bytes header, crypto::HpkeSender context)
      : form_(form), header_(std::move(header)), context_(std::move(context)) {}

  OhttpForm form_;
  Bytes header_;
  crypto::HpkeSender context_;
  bool begun_ = false;
  bool ended_ = false;
};

// Opens a response chunk by chunk, with no more than one chunk in memory. One thread at a time. After an error
// everything is refused.
class OhttpOpener {
 public:
  // The next bytes. Appends the plaintext of each chunk that is whole and authentic, at its place. kDenied: one that is
  // changed, out of order, of another response. kInvalid: a chunk of more than kOhttpChunkMax.
  Status put(ByteView sealed, Buffer& out);
  // The response has ended. Appends what was in its last chunk. kDenied: it was cut.
  Status finish(Buffer& out);

  // Up to where the last chunk begins, once it is clear that it has: how many bytes, and their SHA-256.
  std::size_t before_last() const { return before_last_; }
  crypto::Sha256Digest digest_before_last() { return digest_.finish(); }

 private:
  friend class OhttpSender;
  explicit OhttpOpener(const OhttpSender& sender) : sender_(&sender) {}
  // Of one step: how much of `bytes` it was for; 0 when more are needed.
  Result<std::size_t> step(ByteView bytes, Buffer& out);
  Status open_chunk(ByteView sealed, Last last, Buffer& out);

  const OhttpSender* sender_;
  std::optional<crypto::Aead> cipher_;
  crypto::Nonce base_{};
  std::uint64_t count_ = 0;
  Buffer waiting_;
  crypto::Sha256 digest_;
  std::size_t before_last_ = 0;
  bool last_ = false;  // only the last chunk is still to come
  bool failed_ = false;
};

// Seals the response. One thread at a time.
class OhttpResponder {
 public:
  // As OhttpSender::seal.
  void seal(ByteView plaintext, Last last, Buffer& out);

 private:
  friend class OhttpReceiver;
  OhttpResponder(OhttpForm form, Bytes nonce, crypto::Aead cipher, crypto::Nonce base)
      : form_(form), nonce_(std::move(nonce)), cipher_(std::move(cipher)), base_(base) {}

  OhttpForm form_;
  Bytes nonce_;
  crypto::Aead cipher_;
  crypto::Nonce base_;
  std::uint64_t count_ = 0;
  bool ended_ = false;
};

// What a sealed request says before it is opened.
struct OhttpHeader {
  std::uint8_t key_id = 0;
  std::uint16_t kem = 0;
  std::uint16_t kdf = 0;
  std::uint16_t aead = 0;
};
// kInvalid when there aren't that many bytes.
Result<OhttpHeader> parse_ohttp_header(ByteView request);

// The gateway's end. One request, then its response. One thread at a time.
class OhttpReceiver {
 public:
  // `request`: all of it, which must outlive this. kNotFound: for another key. kUnsupported: a suite that the key
  // doesn't list. kInvalid: malformed.
  static Result<OhttpReceiver> create(const OhttpKey& key, const crypto::HpkePrivateKey& private_key, OhttpForm form,
                                      ByteView request);

  // What is new with every request: for refusing one that was seen.
  const Bytes& encapsulated() const { return encapsulated_; }
  // Once. As OhttpSender::open.
  Result<OhttpOpened> open(std::size_t plaintext_max);
  // Once.
  OhttpResponder respond(crypto::Random& random) const;

 private:
  OhttpReceiver(OhttpForm form, ByteView sealed, Bytes encapsulated, crypto::HpkeReceiver context)
      : form_(form), sealed_(sealed), encapsulated_(std::move(encapsulated)), context_(std::move(context)) {}

  OhttpForm form_;
  ByteView sealed_;  // behind the header
  Bytes encapsulated_;
  crypto::HpkeReceiver context_;
};

}  // namespace cloister::net
