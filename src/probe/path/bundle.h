// A signed bundle of evidence: the graph, every file of evidence as it was, what it all came to, and one signature over
// the root of a Merkle tree of these. Whoever has the public key checks it without a network, and computes the report
// again from the evidence. docs/formats/path-bundle.md.
#pragma once

#include <span>

#include "audit/signed_note.h"
#include "probe/path/evidence_item.h"
#include "probe/path/verdict.h"

namespace cloister::probe::path {

inline constexpr std::string_view kBundleFormat = "cloister-paths-bundle/1";
inline constexpr std::size_t kBundleFileMax = std::size_t{256} << 20;
inline constexpr std::size_t kBundleContentMax = std::size_t{128} << 20;  // of all that is in it, together

struct BundleContents {
  std::string graph;        // the file, as it was
  std::string cloud_facts;  // the table, as it was
  std::vector<Item> items;
  Time at;
  std::string program;  // "cloister 0.1.0"
  std::string command;  // how to do it again
};

// The report of these contents. The codes of whatever is wrong with one.
Result<Report> report_of(const BundleContents& contents);

// The text that is to be signed. kInvalid for contents that are too large, or words that can't be written in a line.
Result<std::string> bundle_text(const BundleContents& contents, const Report& report);
// The file. `note` is the signed text.
std::string format_bundle(const BundleContents& contents, const Report& report, const std::string& note);

struct VerifiedBundle {
  BundleContents contents;
  Report report;
  std::string text;    // that was signed
  std::string signer;  // the key's name
};

// kInvalid for what is no bundle; kDenied when none of the keys signed it; kCorrupt when a signature isn't right, when
// something in it isn't what was signed, or when the report isn't what the evidence comes to.
Result<VerifiedBundle> verify_bundle(std::string_view file, std::span<const audit::VerifierKey> keys);

}  // namespace cloister::probe::path
