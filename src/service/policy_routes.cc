#include "service/policy_routes.h"

#include "service/body_fields.h"
#include "service/verbs.h"

namespace cloister::service {
namespace {

using policy::Operation;

constexpr std::uint64_t kRandomBytesMax = 1024;

Reply json_reply() {
  Reply reply;
  reply.response.headers.add("content-type", "application/json");
  return reply;
}

void write_time(JsonWriter& json, std::string_view name, const std::optional<Time>& time) {
  json.name(name);
  if (time) {
    json.value(to_rfc3339(*time));
  } else {
    json.null();
  }
}

Result<Reply> show_policy(Call& call, keys::Hierarchy*) {
  const policy::Policy& policy = call.snapshot->policy;
  Reply reply = json_reply();
  JsonWriter json(reply.response.body);
  json.begin_object().member("id", policy.id()).member("sha256", to_hex(call.snapshot->policy_digest));
  write_time(json, "not_before", policy.validity().not_before);
  write_time(json, "not_after", policy.validity().not_after);
  json.member("rules", std::uint64_t{policy.rules().size()}).end_object();
  return reply;
}

// A request that somebody could send, as the body describes it.
struct Imagined {
  std::string caller, tenant, environment, dataset;
  Operation operation = Operation::kRandom;
  policy::Purpose purpose = policy::Purpose::kOperate;
  std::uint32_t keys = 1;
};

Result<Imagined> parse_imagined(const net::Request& request) {
  CLOISTER_TRY(const auto fields, BodyFields::parse(request, {"caller", "operation", "tenant", "environment", "dataset",
                                                              "purpose", "keys"}));
  Imagined imagined;
  CLOISTER_TRY(imagined.caller, fields.text("caller"));
  CLOISTER_TRY(const std::string operation, fields.text("operation"));
  CLOISTER_TRY(imagined.operation, policy::parse_operation(operation));
  CLOISTER_TRY(const std::string purpose, fields.text("purpose"));
  CLOISTER_TRY(imagined.purpose, policy::parse_purpose(purpose));
  CLOISTER_TRY(const auto tenant, fields.optional_text("tenant"));
  CLOISTER_TRY(const auto environment, fields.optional_text("environment"));
  CLOISTER_TRY(const auto dataset, fields.optional_text("dataset"));
  imagined.tenant = tenant.value_or("");
  imagined.environment = environment.value_or("");
  imagined.dataset = dataset.value_or("");
  if (fields.has("keys")) {
    CLOISTER_TRY(const std::uint64_t keys, fields.number("keys", 1, 1'000'000'000));
    imagined.keys = static_cast<std::uint32_t>(keys);
  }
  return imagined;
}

Result<Parsed> parse_test(Call& call) {
  CLOISTER_TRY(const Imagined imagined, parse_imagined(call.request));
  Parsed parsed;
  parsed.act = [imagined](Call& same, keys::Hierarchy*) -> Result<Reply> {
    const policy::Decision decision = policy::decide(
        same.snapshot->policy, {imagined.caller, imagined.operation, imagined.tenant, imagined.environment,
                                imagined.dataset, imagined.purpose, imagined.keys, same.now});
    Reply reply = json_reply();
    JsonWriter json(reply.response.body);
    json.begin_object().member("allowed", decision.allowed).member("reason", decision.reason).name("rule");
    if (decision.rule.empty()) {
      json.null();
    } else {
      json.value(decision.rule);
    }
    json.end_object();
    return reply;
  };
  return parsed;
}

Parse parse_random(crypto::Random& random) {
  return [&random](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const auto fields, BodyFields::parse(call.request, {"bytes"}));
    CLOISTER_TRY(const std::uint64_t size, fields.number("bytes", 1, kRandomBytesMax));
    Parsed parsed;
    parsed.act = [&random, size](Call&, keys::Hierarchy*) -> Result<Reply> {
      crypto::Secret drawn(static_cast<std::size_t>(size));
      random.fill(drawn.expose_mutable());
      Reply reply = json_reply();
      JsonWriter json(reply.response.body);
      json.begin_object().name("bytes").bytes(drawn.expose()).end_object();
      reply.detail = std::to_string(size) + " bytes";
      return reply;
    };
    return parsed;
  };
}

}  // namespace

std::vector<Route> policy_routes(crypto::Random& random) {
  const auto inline_route = [](std::string method, std::string path, Operation operation, Parse parse) {
    return Route{std::move(method),   std::move(path), Access::kPolicy, operation,
                 Recording::kService, Work::kInline,   std::move(parse)};
  };
  return {
      inline_route("GET", "/v1/policy", Operation::kPolicyRead,
                   [](Call& call) -> Result<Parsed> {
                     CLOISTER_RETURN_IF_ERROR(expect_bare(call));
                     return Parsed{{}, show_policy, {}};
                   }),
      inline_route("POST", "/v1/policy/test", Operation::kPolicyTest, parse_test),
      inline_route("POST", "/v1/random", Operation::kRandom, parse_random(random)),
  };
}

}  // namespace cloister::service
