// Small messages sealed under a dataset's keyring, for callers who hand over the text itself: each under a key of its
// own, bound to the caller's context. docs/formats/message.md.
#pragma once

#include "keys/hierarchy.h"
#include "net/buffer.h"
#include "service/keyring_cache.h"

namespace cloister::service {

inline constexpr std::size_t kMessageTextMax = std::size_t{64} << 10;
inline constexpr std::size_t kMessageOverhead = 161;

// What a message says in clear; nothing of it is proven until it is opened. Views into it.
struct MessageOutline {
  std::string keyring_id;  // 32 hexadecimal digits
  std::uint32_t key_version = 0;
  ByteView head;    // everything before the sealed text
  ByteView object;  // the message's id
  ByteView commitment;
  ByteView wrapped;
  ByteView sealed;  // with its tag
};
// kInvalid for what is no message, cut short or too long.
Result<MessageOutline> parse_message(ByteView bytes);

// Under the newest version. kInvalid for text longer than kMessageTextMax. `context` may be of any length: whoever has
// several parts to bind gives each its length.
Result<Bytes> seal_message(const CachedKeyring& keyring, const keys::DatasetName& dataset, ByteView text,
                           ByteView context, crypto::Random& random);
// kNotFound: under another keyring. kDenied: it doesn't open: changed, another context, another dataset. The state of
// its key version is the caller's to look at: refusal_of_version().
Result<net::Buffer> open_message(const CachedKeyring& keyring, const keys::DatasetName& dataset,
                                 const MessageOutline& message, ByteView context);

}  // namespace cloister::service
