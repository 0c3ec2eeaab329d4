// A run as it is kept, and as an auditor gets it: everything the verdicts were computed from, the verdicts, and one
// signature over the root of a Merkle tree of it all. Whoever has the public key verifies it without a network and
// without our word: the verdicts are computed again from the facts. docs/formats/posture-bundle.md.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/merkle.h"
#include "audit/signed_note.h"
#include "posture/run.h"

namespace cloister::posture {

inline constexpr std::string_view kBundleFormat = "cloister-posture-bundle/1";
inline constexpr std::size_t kBundleSizeMax = std::size_t{2} << 30;

struct BundleContents {
  Materials materials;   // facts by id
  std::string verdicts;  // verdicts_json() of them
  std::string history;   // history_json(): what the store knew of earlier runs
  std::string previous;  // the root of the run before in the same store, in base64; empty: there is none
};

// The bundle's lines without the last, each with its line feed. kInvalid for contents that are too large.
Result<std::string> bundle_lines(const BundleContents& contents);

// What is to be signed for those lines. kInvalid for what bundle_lines() wouldn't have written.
Result<std::string> bundle_text(std::string_view lines);
// The root that the text names, in base64.
std::string root_of(std::string_view bundle_text);

// The file: the lines, then the note, which is the signed text.
std::string format_bundle(std::string_view lines, std::string_view note);

struct ReadBundle {
  BundleContents contents;
  std::string text;  // that is to be signed for what is there
  std::string note;
  std::string signer;  // after verify_signed(): the key's name
};
// Well-formed and no more: nothing is verified. kInvalid for what is no bundle; kUnsupported for a newer one.
Result<ReadBundle> read_bundle(std::string_view file);

struct VerifiedBundle {
  BundleContents contents;
  Posture posture;     // as computed now
  std::string signer;  // the key's name
  std::string root;
  // How its catalogue differs from the one given: controls that are missing, that were changed, that it adds. A line
  // each; empty: it is the same.
  std::vector<std::string> catalogue_differences;
};

// Everything but the verdicts: for a bundle that another version of the program made, whose judges may have said
// something else. Codes as below.
Result<ReadBundle> verify_signed(std::string_view file, std::span<const audit::VerifierKey> keys);

// kInvalid for what is no bundle; kDenied when none of the keys signed it; kCorrupt when a signature isn't right, when
// what is there isn't what was signed, when a fact can't be one (of the future, valid for longer than any is, a
// person's and not signed), and when the verdicts aren't what the facts come to: then with the verdicts that differ.
Result<VerifiedBundle> verify_bundle(std::string_view file, std::span<const audit::VerifierKey> keys,
                                     const Catalogue& catalogue);

}  // namespace cloister::posture
