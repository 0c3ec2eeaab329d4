#include "service/kubernetes/kubernetes_dialect.h"

#include <algorithm>

#include "base/reader.h"
#include "service/kubernetes/grpc_problem.h"
#include "service/kubernetes/kms_v2.h"
#include "service/message.h"

namespace cloister::service {
namespace {

using net::begin_grpc_message;
using net::end_grpc_message;
using net::read_grpc_message;

// Bound into every message sealed here: what another dialect sealed under the same dataset doesn't open.
constexpr std::string_view kContextLabel = "CLSR1 kubernetes context";
// Stored in clear beside the ciphertext: says which keys a backup of etcd needs.
constexpr std::string_view kDatasetAnnotation = "dataset.kms.cloister.internal";

// Another version is another id: the API server then seals anew.
std::string key_id_of(std::string_view keyring_id, std::uint32_t version) {
  return std::string(keyring_id) + "/" + std::to_string(version);
}

Bytes context() {
  Writer writer;
  writer.text16(kContextLabel);
  return writer.take();
}

std::string named(std::string_view verb, std::string_view uid, std::size_t size) {
  std::string text(verb);
  if (!uid.empty()) text += " for uid " + std::string(uid);
  return text + ", " + std::to_string(size) + " bytes";
}

using Keyring = std::shared_ptr<const CachedKeyring>;
using Answering = std::function<Result<Reply>(const Call& call, const CachedKeyring& keyring)>;

// What all three share: the target, the keyring, and the rows it stands on.
Parsed parsed_of(const KubernetesOptions& options, std::shared_ptr<UnlockedKeyrings> keyrings, Answering answering) {
  Parsed parsed;
  parsed.target = {options.dataset.tenant, options.dataset.environment, options.dataset.dataset, 1};
  parsed.act = [keyrings = std::move(keyrings), answering = std::move(answering)](
                   Call& call, keys::Hierarchy* hierarchy) -> Result<Reply> {
    CLOISTER_TRY(const Keyring keyring, keyrings->get(call, hierarchy));
    if (keyring == nullptr) return Reply::to_worker();
    CLOISTER_TRY(Reply reply, answering(call, *keyring));
    reply.seen = keyring->seen;
    reply.outdated = keyrings->outdated(call, keyring);
    return reply;
  };
  return parsed;
}

Result<Reply> show_status(const Call&, const CachedKeyring& keyring) {
  Reply reply;
  const std::uint32_t version = primary_version(keyring);
  reply.response = begin_grpc_message();
  write_kms_status(reply.response.body, key_id_of(keyring.keyring_id, version));
  end_grpc_message(reply.response);
  reply.key_version = version;
  reply.detail = "status";
  return reply;
}

Result<Reply> encrypt(const KmsEncryptRequest& request, const keys::DatasetName& dataset, const CachedKeyring& keyring,
                      crypto::Random& random) {
  CLOISTER_TRY(const Bytes message, seal_message(keyring, dataset, request.plaintext, context(), random));
  CLOISTER_CHECK(message.size() <= kKmsCiphertextSizeMax);
  CLOISTER_TRY(const MessageOutline outline, parse_message(message));
  const std::string key_id = key_id_of(keyring.keyring_id, outline.key_version);
  const std::string name = dataset.text();
  Reply reply;
  reply.response = begin_grpc_message();
  write_kms_encrypted(reply.response.body, {message, key_id, {{kDatasetAnnotation, as_bytes(name)}}});
  end_grpc_message(reply.response);
  reply.key_version = outline.key_version;
  reply.detail = named("encrypt", request.uid, request.plaintext.size());
  return reply;
}

Reply refusal(const KmsDecryptRequest& request, Problem problem) {
  Reply reply = Reply::of(std::move(problem));
  reply.detail = named("decrypt", request.uid, request.ciphertext.size()) + ": " + reply.problem->detail;
  return reply;
}

Result<Reply> decrypt(const KmsDecryptRequest& request, const keys::DatasetName& dataset,
                      const CachedKeyring& keyring) {
  CLOISTER_TRY(const MessageOutline outline, parse_message(request.ciphertext));
  // One text for all that doesn't open: it doesn't tell what was wrong, nor whose it is.
  const Problem closed{ProblemCode::kWrapDoesNotOpen, "the ciphertext doesn't open under " + dataset.text()};
  if (outline.keyring_id != keyring.keyring_id) return refusal(request, closed);
  if (auto problem = refusal_of_version(keyring, outline.key_version, dataset.text())) {
    return refusal(request, std::move(*problem));
  }
  const auto text = open_message(keyring, dataset, outline, context());
  if (!text.ok()) {
    if (text.error().code() == Code::kInternal || text.error().code() == Code::kUnavailable) return text.error();
    return refusal(request, closed);
  }
  Reply reply;
  reply.response = begin_grpc_message();
  write_kms_plaintext(reply.response.body, *text);
  end_grpc_message(reply.response);
  reply.key_version = outline.key_version;
  reply.detail = named("decrypt", request.uid, request.ciphertext.size());
  return reply;
}

// What the request itself can be held against.
Status check_decrypt(const KmsDecryptRequest& request, const keys::DatasetName& dataset) {
  CLOISTER_TRY(const MessageOutline outline, parse_message(request.ciphertext));
  if (request.key_id != key_id_of(outline.keyring_id, outline.key_version)) {
    return Error(Code::kInvalid, "key_id isn't the one that the ciphertext came with");
  }
  const std::string name = dataset.text();
  for (const KmsAnnotation& annotation : request.annotations) {
    if (annotation.name == kDatasetAnnotation && as_text(annotation.value) != name) {
      return Error(Code::kInvalid, "the annotations are of another dataset than " + name);
    }
  }
  return {};
}

Parse parse_status(const KubernetesOptions& options, std::shared_ptr<UnlockedKeyrings> keyrings) {
  return [options, keyrings](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const ByteView message, read_grpc_message(call.request.body));
    CLOISTER_RETURN_IF_ERROR(parse_kms_status_request(message));
    return parsed_of(options, keyrings, show_status);
  };
}

Parse parse_encrypt(const KubernetesOptions& options, std::shared_ptr<UnlockedKeyrings> keyrings) {
  return [options, keyrings](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const ByteView message, read_grpc_message(call.request.body));
    CLOISTER_TRY(const KmsEncryptRequest request, parse_kms_encrypt_request(message));
    if (request.plaintext.size() > kKmsCiphertextSizeMax - kMessageOverhead) {
      return Error(Code::kInvalid, "plaintext is too long: its ciphertext would have more than 1024 bytes");
    }
    return parsed_of(options, keyrings, [request, keyrings](const Call& same, const CachedKeyring& keyring) {
      return encrypt(request, same.target.dataset_name(), keyring, keyrings->random());
    });
  };
}

Parse parse_decrypt(const KubernetesOptions& options, std::shared_ptr<UnlockedKeyrings> keyrings) {
  return [options, keyrings](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const ByteView message, read_grpc_message(call.request.body));
    CLOISTER_TRY(KmsDecryptRequest request, parse_kms_decrypt_request(message));
    CLOISTER_RETURN_IF_ERROR(check_decrypt(request, options.dataset));
    return parsed_of(options, keyrings, [request = std::move(request)](const Call& same, const CachedKeyring& keyring) {
      return decrypt(request, same.target.dataset_name(), keyring);
    });
  };
}

std::vector<Route> routes_of(const KubernetesOptions& options, const std::shared_ptr<UnlockedKeyrings>& keyrings) {
  const auto route = [](std::string_view method, policy::Operation operation, Parse parse) {
    return Route{"POST",
                 "/v2.KeyManagementService/" + std::string(method),
                 Access::kPolicy,
                 operation,
                 Recording::kService,
                 Work::kInline,
                 std::move(parse),
                 Malformed::kRecorded};
  };
  return {route("Status", policy::Operation::kDatasetShow, parse_status(options, keyrings)),
          route("Encrypt", policy::Operation::kWrap, parse_encrypt(options, keyrings)),
          route("Decrypt", policy::Operation::kUnwrap, parse_decrypt(options, keyrings))};
}

bool speaks_grpc(const Call& call) {
  const auto problem = check_grpc_head(call.request);
  return !problem || problem->code == ProblemCode::kMethodNotAllowed;
}

}  // namespace

KubernetesDialect::KubernetesDialect(KubernetesOptions options, std::shared_ptr<UnlockedKeyrings> keyrings)
    : options_(std::move(options)), routes_(routes_of(options_, keyrings)) {}

const Route* KubernetesDialect::find(Call& call, std::optional<Problem>& instead) const {
  instead = check_grpc_head(call.request);
  if (instead) return nullptr;
  const auto found = std::ranges::find(routes_, call.request.target, &Route::path);
  if (found == routes_.end()) {
    instead = Problem{ProblemCode::kNoSuchRoute, "there is no such method: Status, Encrypt and Decrypt of v2 are all"};
    return nullptr;
  }
  const auto message = read_grpc_message(call.request.body);
  if (!message.ok() && message.error().code() == Code::kUnsupported) {
    instead = Problem{ProblemCode::kUnsupported, message.error().message()};
  }
  call.purpose = options_.purpose;
  call.path.add("tenant", options_.dataset.tenant);
  call.path.add("environment", options_.dataset.environment);
  call.path.add("dataset", options_.dataset.dataset);
  return &*found;
}

std::optional<Problem> KubernetesDialect::verify(Call& call) const {
  const net::ConnectionInfo* connection = call.request.connection.get();
  if (connection != nullptr && connection->unix_peer) {
    call.authentication = "uid";
    const auto known = call.snapshot->unix_callers.find(connection->unix_peer->uid);
    if (known != call.snapshot->unix_callers.end()) call.caller = known->second;
  }
  if (!call.caller.empty()) return std::nullopt;
  return Problem{ProblemCode::kUnauthenticated, "this user of the machine is nobody here"};
}

net::Response KubernetesDialect::answer(const Problem& problem, const Call& call) const {
  if (!speaks_grpc(call)) return to_response(problem, call.request_id);
  return net::grpc_failure(grpc_code_of(problem.code), problem.detail);
}

void KubernetesDialect::finish(net::Response& response, const Call& call) const {
  response.headers.add("request-id", call.request_id);
}

}  // namespace cloister::service
