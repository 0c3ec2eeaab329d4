// Whether a model is what somebody who is trusted signed: first the signature, then what it states, then every file.
// Nothing of a statement is used before its signature verified.
#pragma once

#include <map>
#include <optional>

#include "base/clock.h"
#include "crypto/x509.h"
#include "model/bundle.h"
#include "model/statement.h"
#include "model/tree.h"

namespace cloister::model {

// Somebody whose signature counts: a key, or whoever has a certificate below these roots with one of these identities.
struct TrustedSigner {
  std::string name;
  std::optional<crypto::PublicKey> key;
  std::vector<crypto::Certificate> roots;
  std::vector<std::string> identities;  // e-mail addresses, URIs and DNS names of certificates
  bool any_identity = false;            // every certificate below the roots
  std::optional<Time> until;            // no longer from then on
};

struct Voucher {
  std::string signer;    // TrustedSigner::name
  std::string identity;  // of a certificate; empty otherwise
  std::vector<std::string> warnings;
};

// Who of the trusted signed the payload, whatever it is. kInvalid: nobody is trusted. kDenied: no trusted signer's, or
// not a signature of it. kExpired: the signer counted once. kUnsupported: keys that don't sign models. kCorrupt: a
// certificate that is none.
Result<Voucher> vouch(const Bundle& bundle, std::span<const TrustedSigner> trusted, Time now);

struct Signed : Voucher {
  Statement statement;
};

// vouch(), and then what was signed: parse_statement's codes, and kUnsupported for another type of payload.
Result<Signed> verify_signature(const Bundle& bundle, std::span<const TrustedSigner> trusted, Time now);

// The three ways in which files aren't what was signed, each sorted.
struct Differences {
  std::vector<std::string> changed, missing, extra;
  bool none() const { return changed.empty() && missing.empty() && extra.empty(); }
};
// "changed: a, b; missing: c", with no more than a few of each.
std::string to_text(const Differences& differences);

enum class UnsignedFiles { kRefuse, kIgnore };

struct CheckFiles {
  std::vector<std::string> ignored;  // besides what the statement and everybody leaves out: the signature itself
  UnsignedFiles unsigned_files = UnsignedFiles::kRefuse;
  Symlinks symlinks = Symlinks::kRefuse;
  unsigned threads = 0;
};
// Of a tree against a statement. Tree::list's codes where it can't be told.
Result<Differences> compare_files(const Tree& tree, const Statement& statement, const CheckFiles& how,
                                  Progress& progress);

// A model whose files were all verified. What is read from it afterwards is held against the statement again as it is
// read, so that nothing can be put in a file's place in between. Any number of threads may read at once.
class VerifiedModel {
 public:
  // kCorrupt, with what differs; the codes of verify_signature() and compare_files().
  static Result<VerifiedModel> verify(Tree tree, const Bundle& bundle, std::span<const TrustedSigner> trusted,
                                      const CheckFiles& how, Time now, Progress& progress);

  const Signed& what() const { return signed_; }
  // The whole file into `memory`, an empty file that nobody else can write: kCorrupt when these aren't the bytes that
  // were signed, before any is read where the length is another already; kNotFound for a file that isn't listed.
  Status load(const std::string& name, const File& memory, Progress& progress) const;

 private:
  VerifiedModel(Tree tree, Signed what, Symlinks symlinks, std::map<std::string, std::uint64_t> sizes)
      : tree_(std::move(tree)), signed_(std::move(what)), symlinks_(symlinks), sizes_(std::move(sizes)) {}

  Tree tree_;
  Signed signed_;
  Symlinks symlinks_;
  std::map<std::string, std::uint64_t> sizes_;  // of every file that is listed
};

}  // namespace cloister::model
