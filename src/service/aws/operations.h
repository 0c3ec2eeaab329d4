// What the operations of the dialect share, and where each family of them is made.
#pragma once

#include "service/aws/aws_dialect.h"
#include "service/aws/body.h"
#include "service/aws/names.h"
#include "service/json_writer.h"
#include "service/message.h"

namespace cloister::service::aws {

inline constexpr std::size_t kKeyIdTextMax = 2048;
inline constexpr std::size_t kContextPairsMax = 64;
inline constexpr std::size_t kContextSizeMax = 8192;
inline constexpr std::size_t kPlaintextMax = 4096;

using Parts = std::shared_ptr<const AwsDialectParts>;

// Encrypt, Decrypt, GenerateDataKey (and without plaintext), ReEncrypt, GenerateRandom.
std::vector<Route> seal_operations(const Parts& parts);
// DescribeKey, ListKeys, CreateKey, EnableKey, DisableKey, deletion, tags.
std::vector<Route> key_operations(const Parts& parts);
// Aliases, and rotation.
std::vector<Route> alias_operations(const Parts& parts);
std::vector<Route> rotation_operations(const Parts& parts);
// Key pairs, MACs, signatures, public keys.
std::vector<Route> pair_operations(const Parts& parts);
std::vector<Route> signing_operations(const Parts& parts);

using KnownPointer = std::shared_ptr<const KnownKey>;

// The key that the request names, if it is in memory or `hierarchy` is there; null else. An alias is looked up in the
// store every time. kNotFound.
Result<KnownPointer> find_key(const AwsDialectParts& parts, const Call& call, const KeyReference& reference,
                              keys::Hierarchy* hierarchy);
// InvalidKeyUsageException, as an Error of the call.
Status expect_use(Call& call, const KnownKey& key, KeyUse use);
// The key's keyring; null for want of a store. Why it doesn't open in AWS's words.
Result<std::shared_ptr<const CachedKeyring>> unlock(const AwsDialectParts& parts, Call& call, const KnownKey& key,
                                                    keys::Hierarchy* hierarchy);

// What a request asks for that isn't there: Recipient, DryRun, grant tokens. UnsupportedOperationException.
Status refuse_unsupported(Call& call, const Body& body);
// The request's KeyId.
Result<KeyReference> key_reference(const AwsDialectParts& parts, const Call& call, const Body& body,
                                   std::string_view name = "KeyId");

struct Context {
  Bytes canonical;   // what a message binds
  std::string note;  // for the record, in clear
};
Result<Context> read_context(const Body& body, std::string_view name);

std::string arn_of(const AwsDialectParts& parts, const keys::DatasetName& name, std::string_view id);
std::string material_id(std::string_view keyring_id, std::uint32_t version);

// Operations on a dataset's key. `prepare` reads the body; what it returns is resolved, decided and acted on.
struct KeyOperation {
  KeyReference key;
  std::optional<KeyUse> use = {};
  // With the key found; for Recording::kService, see unlock().
  std::function<Result<Reply>(Call& call, const KnownKey& key, keys::Hierarchy* hierarchy)> act;
};
using Prepare = std::function<Result<KeyOperation>(Call& call)>;

struct OperationKind {
  std::string_view name;
  policy::Operation operation;
  Recording recording = Recording::kService;
  Work work = Work::kInline;
};
Route key_route(const Parts& parts, OperationKind kind, Prepare prepare);
// Operations on the tenant, and on the service: no key.
using TenantAct = std::function<Result<Reply>(Call& call, keys::Hierarchy* hierarchy)>;
Route plain_route(OperationKind kind, std::function<Result<TenantAct>(Call& call, Target& target)> prepare);

// 200 with one object, for the members that `write` writes.
template <typename Write>
Reply answer_of(const Write& write) {
  Reply reply;
  JsonWriter json(reply.response.body);
  json.begin_object();
  write(json);
  json.end_object();
  return reply;
}
// Seconds since 1970 with a fraction, as AWS writes times.
void write_time(JsonWriter& json, std::string_view name, Time time);

// For routes that change something: a signature that came for a change before.
Result<Reply> refuse_replayed(Call& call, keys::Hierarchy* hierarchy);

}  // namespace cloister::service::aws
