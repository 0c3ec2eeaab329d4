// Collateral as it is carried to sites without a network, and as a home keeps it: all vendors' in one file, each piece
// once, by its hash, under one signature. docs/formats/collateral-bundle.md.
#pragma once

#include <functional>
#include <string>

#include "attest/collateral.h"
#include "attest/verdict.h"

namespace cloister::attest {

// Of the file, and of its items with what they share counted for each.
inline constexpr std::size_t kCollateralBundleSizeMax = std::size_t{256} << 20;
inline constexpr std::size_t kCollateralItemsMax = 65'536;
inline constexpr std::size_t kCollateralKeySizeMax = 256;
inline constexpr std::size_t kIssuerChainSizeMax = 65'536;
inline constexpr std::size_t kFloorsMax = 65'536;

struct CollateralBundle {
  Time at;  // when it was put together
  Collateral collateral;
  Floors floors;
};

// One or more segments of letters, digits, '.', '_' and '-', none of dots alone, with '/' between: a path that stays
// where it is put.
bool is_collateral_key(std::string_view key);

// What is signed: a few lines that name the hash of everything in it.
std::string bundle_text(const CollateralBundle& bundle);
// With a note over bundle_text(), or without one. Deterministic. kInvalid for what open_bundle() would refuse.
Result<Bytes> encode_bundle(const CollateralBundle& bundle, std::string_view note);

// The text that a trusted key signed, and the key's name; refuses a note that none did.
struct SignedText {
  std::string text, signer;
};
using NoteVerifier = std::function<Result<SignedText>(std::string_view note)>;

struct OpenedBundle {
  CollateralBundle bundle;
  std::string signer;
};
// kInvalid for what isn't exactly one bundle within the limits; kDenied for one that nobody signed; kCorrupt where the
// signature is of other contents; the verifier's codes.
Result<OpenedBundle> open_bundle(ByteView bytes, const NoteVerifier& verify);
// For bytes that something else vouches for: what was kept encrypted. Whatever signature it has isn't looked at.
Result<CollateralBundle> open_unsigned_bundle(ByteView bytes);

}  // namespace cloister::attest
