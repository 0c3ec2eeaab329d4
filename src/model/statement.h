// What a model's signature states: which files there are, by their digests. In-toto Statement v1 with the predicate of
// OpenSSF model signing v1.0. docs/formats/model-signature.md.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/hash.h"

namespace cloister::model {

inline constexpr std::size_t kResourcesMax = 131'072;
inline constexpr std::size_t kIgnoredMax = 1024;
inline constexpr std::string_view kStatementType = "https://in-toto.io/Statement/v1";
inline constexpr std::string_view kPredicateType = "https://model_signing/signature/v1.0";
// How the one file of a model that is no directory is called.
inline constexpr std::string_view kOnlyFile = ".";

// A file, or with shards a part of one.
struct Resource {
  std::string path;
  std::uint64_t start = 0, end = 0;  // of a shard
  crypto::Sha256Digest digest{};
};

struct Statement {
  std::string subject;  // the model's name, as its signer called it
  crypto::Sha256Digest root{};
  std::vector<Resource> resources;
  std::optional<std::uint64_t> shard_size;
  bool allow_symlinks = false;
  std::vector<std::string> ignored;  // what the signer left out
};

// SHA-256 over the digests in the order of the list.
crypto::Sha256Digest root_digest(std::span<const Resource> resources);

// kCorrupt for anything malformed, names that lead out of the model, a name twice, a root digest that isn't the
// resources'; kUnsupported for another type of statement or predicate, and for other methods and hashes.
Result<Statement> parse_statement(ByteView payload);
// Of whole files.
std::string serialize_statement(const Statement& statement);

// A path that signer or verifier leaves out: a safe name without wildcards.
bool is_ignorable(std::string_view path);

}  // namespace cloister::model
