#include "model/statement.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "model/bundle.h"
#include "model/name.h"

namespace cloister::model {
namespace {

constexpr JsonLimits kLimits{.size = kBundleSizeMax, .depth = 12, .values = std::size_t{2} << 20};
constexpr std::string_view kSha256 = "sha256";
constexpr double kShardSizeMax = 9007199254740992;  // 2^53: what JSON's numbers hold exactly

Error corrupt(std::string message) { return Error(Code::kCorrupt, std::move(message)); }

Result<std::string> text_of(const JsonValue& value, std::string_view name) {
  const JsonValue* const found = value.find(name);
  if (found == nullptr || found->string() == nullptr) {
    return corrupt("the statement has no " + std::string(name) + " where it needs one");
  }
  return *found->string();
}

Result<const JsonValue::Array*> list_of(const JsonValue& value, std::string_view name) {
  const JsonValue* const found = value.find(name);
  if (found == nullptr || found->array() == nullptr) return corrupt("the statement has no " + std::string(name));
  return found->array();
}

Result<crypto::Sha256Digest> parse_digest(std::string_view text) {
  crypto::Sha256Digest digest;
  const bool lower = std::ranges::none_of(text, [](char c) { return c >= 'A' && c <= 'F'; });
  const auto bytes = from_hex(text);
  if (!lower || !bytes.ok() || bytes->size() != digest.size()) return corrupt("a digest isn't SHA-256 in lower case");
  std::ranges::copy(*bytes, digest.begin());
  return digest;
}

Status read_subject(const JsonValue& root, Statement& statement) {
  CLOISTER_TRY(const JsonValue::Array* const subjects, list_of(root, "subject"));
  if (subjects->size() != 1) return corrupt("the statement isn't about exactly one model");
  CLOISTER_TRY(statement.subject, text_of(subjects->front(), "name"));
  if (statement.subject.empty() || statement.subject.size() > kNameSizeMax) return corrupt("the model has no name");
  const JsonValue* const digest = subjects->front().find("digest");
  if (digest == nullptr) return corrupt("the statement has no root digest");
  CLOISTER_TRY(const std::string text, text_of(*digest, kSha256));
  CLOISTER_TRY(statement.root, parse_digest(text));
  return {};
}

Status read_shard_size(const JsonValue& serialization, std::string_view method, Statement& statement) {
  const JsonValue* const size = serialization.find("shard_size");
  if (method == "files") return size == nullptr ? ok_status() : Status(corrupt("whole files with a size of shards"));
  if (method != "shards") return Error(Code::kUnsupported, "another method than files and shards");
  // Some signers write 8.0.
  const auto number = size == nullptr ? std::nullopt : size->number();
  if (!number || !(*number >= 1) || *number > kShardSizeMax || *number != std::floor(*number)) {
    return corrupt("its size of shards isn't a positive number");
  }
  statement.shard_size = static_cast<std::uint64_t>(*number);
  return {};
}

Status read_serialization(const JsonValue& predicate, Statement& statement) {
  const JsonValue* const serialization = predicate.find("serialization");
  if (serialization == nullptr || serialization->object() == nullptr) {
    return corrupt("the statement has no serialization");
  }
  CLOISTER_TRY(const std::string hash, text_of(*serialization, "hash_type"));
  if (hash != kSha256) return Error(Code::kUnsupported, "digests of another kind than SHA-256");
  CLOISTER_TRY(const std::string method, text_of(*serialization, "method"));
  CLOISTER_RETURN_IF_ERROR(read_shard_size(*serialization, method, statement));
  const JsonValue* const links = serialization->find("allow_symlinks");
  if (links == nullptr || !links->boolean()) return corrupt("whether symbolic links are allowed isn't said");
  statement.allow_symlinks = *links->boolean();
  const JsonValue* const ignored = serialization->find("ignore_paths");
  if (ignored == nullptr || ignored->is_null()) return {};
  if (ignored->array() == nullptr || ignored->array()->size() > kIgnoredMax) {
    return corrupt("what it leaves out isn't a list");
  }
  for (const JsonValue& path : *ignored->array()) {
    if (path.string() == nullptr || !is_ignorable(*path.string())) {
      return corrupt("a path that it leaves out is none");
    }
    statement.ignored.push_back(*path.string());
  }
  return {};
}

// The specification writes the hash alone; the reference adds the size of shards.
Status check_algorithm(std::string_view algorithm, const Statement& statement) {
  if (algorithm == kSha256) return {};
  if (statement.shard_size && algorithm == "sha256-sharded-" + std::to_string(*statement.shard_size)) return {};
  return Error(Code::kUnsupported, "a digest of another kind than SHA-256");
}

Result<Resource> read_resource(const JsonValue& entry, const Statement& statement) {
  Resource resource;
  CLOISTER_TRY(const std::string name, text_of(entry, "name"));
  CLOISTER_TRY(const std::string algorithm, text_of(entry, "algorithm"));
  CLOISTER_TRY(const std::string digest, text_of(entry, "digest"));
  CLOISTER_RETURN_IF_ERROR(check_algorithm(algorithm, statement));
  CLOISTER_TRY(resource.digest, parse_digest(digest));
  resource.path = name;
  if (statement.shard_size) {
    CLOISTER_TRY(const ShardName shard, parse_shard_name(name));
    resource = {std::string(shard.path), shard.start, shard.end, resource.digest};
  }
  if (resource.path != kOnlyFile && !is_safe_name(resource.path))
    return corrupt("a file's name leads out of the model");
  return resource;
}

// In the order of the names, so that what follows another is of the same file or of the next.
Status check_names(const Statement& statement) {
  std::vector<const Resource*> sorted;
  sorted.reserve(statement.resources.size());
  for (const Resource& resource : statement.resources) sorted.push_back(&resource);
  std::ranges::sort(sorted, [](const Resource* a, const Resource* b) {
    return std::tie(a->path, a->start) < std::tie(b->path, b->start);
  });
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const Resource& one = *sorted[i];
    const bool first = i == 0 || sorted[i - 1]->path != one.path;
    const bool last = i + 1 == sorted.size() || sorted[i + 1]->path != one.path;
    if (one.path == kOnlyFile && (sorted.front()->path != sorted.back()->path)) {
      return corrupt("it is one file and a directory at once");
    }
    if (!statement.shard_size) {
      if (!first) return corrupt("a file is listed twice");
      continue;
    }
    if (one.start != (first ? 0 : sorted[i - 1]->end) || one.end - one.start > *statement.shard_size ||
        (!last && one.end - one.start != *statement.shard_size)) {
      return corrupt("the shards of a file leave gaps or overlap");
    }
  }
  return {};
}

Status read_predicate(const JsonValue& root, Statement& statement) {
  const JsonValue* const predicate = root.find("predicate");
  if (predicate == nullptr || predicate->object() == nullptr) return corrupt("the statement has no predicate");
  CLOISTER_RETURN_IF_ERROR(read_serialization(*predicate, statement));
  CLOISTER_TRY(const JsonValue::Array* const resources, list_of(*predicate, "resources"));
  if (resources->empty()) return corrupt("the statement lists no file");
  if (resources->size() > kResourcesMax) return corrupt("the statement lists too many files");
  statement.resources.reserve(resources->size());
  for (const JsonValue& entry : *resources) {
    CLOISTER_TRY(Resource resource, read_resource(entry, statement));
    statement.resources.push_back(std::move(resource));
  }
  return check_names(statement);
}

}  // namespace

crypto::Sha256Digest root_digest(std::span<const Resource> resources) {
  crypto::Sha256 hash;
  for (const Resource& resource : resources) hash.update(resource.digest);
  return hash.finish();
}

bool is_ignorable(std::string_view path) {
  return is_safe_name(path) && path.find_first_of("*?[") == std::string_view::npos;
}

Result<Statement> parse_statement(ByteView payload) {
  const auto root = parse_json(as_text(payload), kLimits);
  if (!root.ok()) return corrupt("the statement " + root.error().message());
  CLOISTER_TRY(const std::string type, text_of(*root, "_type"));
  if (type != kStatementType) return Error(Code::kUnsupported, "a statement of another type");
  CLOISTER_TRY(const std::string predicate, text_of(*root, "predicateType"));
  if (predicate != kPredicateType) return Error(Code::kUnsupported, "a statement about something else than a model");
  Statement statement;
  CLOISTER_RETURN_IF_ERROR(read_subject(*root, statement));
  CLOISTER_RETURN_IF_ERROR(read_predicate(*root, statement));
  if (root_digest(statement.resources) != statement.root) return corrupt("its root digest isn't that of its files");
  return statement;
}

std::string serialize_statement(const Statement& statement) {
  CLOISTER_CHECK(!statement.shard_size);
  JsonValue::Array resources, ignored;
  resources.reserve(statement.resources.size());
  for (const Resource& resource : statement.resources) {
    resources.emplace_back(JsonValue::Object{
        {"name", resource.path}, {"algorithm", std::string(kSha256)}, {"digest", to_hex(resource.digest)}});
  }
  for (const std::string& path : statement.ignored) ignored.emplace_back(path);
  JsonValue::Object serialization{{"method", "files"},
                                  {"hash_type", std::string(kSha256)},
                                  {"allow_symlinks", statement.allow_symlinks},
                                  {"ignore_paths", std::move(ignored)}};
  JsonValue::Array subject;
  subject.emplace_back(JsonValue::Object{
      {"name", statement.subject}, {"digest", JsonValue::Object{{std::string(kSha256), to_hex(statement.root)}}}});
  JsonValue::Object predicate{{"serialization", std::move(serialization)}, {"resources", std::move(resources)}};
  return JsonValue(JsonValue::Object{{"_type", std::string(kStatementType)},
                                     {"subject", std::move(subject)},
                                     {"predicateType", std::string(kPredicateType)},
                                     {"predicate", std::move(predicate)}})
      .serialize();
}

}  // namespace cloister::model
