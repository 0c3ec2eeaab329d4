#include "service/audit_routes.h"

#include "audit/export_line.h"
#include "audit/origin.h"
#include "service/body_fields.h"
#include "service/verbs.h"

namespace cloister::service {
namespace {

using keys::Hierarchy;
using policy::Operation;

constexpr std::uint64_t kRecordsMax = 1000;
constexpr std::uint64_t kRecordsDefault = 100;

struct Tree {
  std::string origin;
  audit::TreeHead head;
};

// kNotFound for a tree without records: every tenant's has the one of its making.
Result<Tree> tree_of(const Call& call, keys::Store& store) {
  CLOISTER_TRY(const std::string server, store.log_server());
  Tree tree{server + "/" + audit::tree_name(call.target.tenant), {}};
  CLOISTER_TRY(tree.head, store.tree_head(tree.origin));
  if (tree.head.size == 0) return Error(Code::kNotFound, "there is no audit log of tenant " + call.target.tenant);
  return tree;
}

Error beyond(const Tree& tree) {
  return Error(Code::kInvalid, "the log has " + std::to_string(tree.head.size) + " records");
}

void begin(JsonWriter& json, const Tree& tree) { json.begin_object().member("origin", tree.origin); }

void write_proof(JsonWriter& json, const std::vector<audit::Hash>& proof) {
  json.name("proof").begin_array();
  for (const audit::Hash& hash : proof) json.bytes(hash);
  json.end_array().end_object();
}

audit::NodeReader reader_of(keys::Store& store, const Tree& tree) {
  return [&store, &tree](const audit::NodeId& id) { return store.tree_node(tree.origin, id); };
}

Parsed parsed_show(Call& call, Show show) { return {target_of_path(call), act_of(std::move(show)), {}}; }

Result<Parsed> parse_records(Call& call) {
  CLOISTER_TRY(const auto query, QueryFields::parse(call.request, {"from", "count"}));
  CLOISTER_TRY(const std::uint64_t from, query.number("from", audit::kNumberMax, 0));
  CLOISTER_TRY(const std::uint64_t count, query.number("count", kRecordsMax, kRecordsDefault));
  return parsed_show(call, [from, count](const Call& same, Hierarchy& hierarchy, JsonWriter& json) -> Status {
    CLOISTER_TRY(const Tree tree, tree_of(same, hierarchy.store()));
    begin(json, tree);
    json.member("size", tree.head.size).name("records").begin_array();
    CLOISTER_RETURN_IF_ERROR(
        hierarchy.store().for_each_record(tree.origin, from, count, [&](const audit::LogRecord& record) {
          std::string line = audit::export_record_line(record);
          line.pop_back();
          json.json(line);
          return ok_status();
        }));
    json.end_array().end_object();
    return {};
  });
}

Result<Parsed> parse_inclusion(Call& call) {
  CLOISTER_TRY(const auto query, QueryFields::parse(call.request, {"index", "size"}));
  CLOISTER_TRY(const std::uint64_t index, query.number("index", audit::kNumberMax));
  CLOISTER_TRY(const std::uint64_t size, query.number("size", audit::kNumberMax));
  if (index >= size) return Error(Code::kInvalid, "the query's index is below its size");
  return parsed_show(call, [index, size](const Call& same, Hierarchy& hierarchy, JsonWriter& json) -> Status {
    keys::Store& store = hierarchy.store();
    CLOISTER_TRY(const Tree tree, tree_of(same, store));
    if (size > tree.head.size) return beyond(tree);
    CLOISTER_TRY(const auto proof, audit::inclusion_proof(index, size, reader_of(store, tree)));
    CLOISTER_TRY(const audit::Hash leaf, store.tree_node(tree.origin, {0, index}));
    begin(json, tree);
    json.member("index", index).member("size", size).name("leaf").bytes(leaf);
    write_proof(json, proof);
    return {};
  });
}

Result<Parsed> parse_consistency(Call& call) {
  CLOISTER_TRY(const auto query, QueryFields::parse(call.request, {"older", "newer"}));
  CLOISTER_TRY(const std::uint64_t older, query.number("older", audit::kNumberMax));
  CLOISTER_TRY(const std::uint64_t newer, query.number("newer", audit::kNumberMax));
  if (older == 0 || older > newer) return Error(Code::kInvalid, "the query's older is from 1 to its newer");
  return parsed_show(call, [older, newer](const Call& same, Hierarchy& hierarchy, JsonWriter& json) -> Status {
    keys::Store& store = hierarchy.store();
    CLOISTER_TRY(const Tree tree, tree_of(same, store));
    if (newer > tree.head.size) return beyond(tree);
    CLOISTER_TRY(const auto proof, audit::consistency_proof(older, newer, reader_of(store, tree)));
    begin(json, tree);
    json.member("older", older).member("newer", newer);
    write_proof(json, proof);
    return {};
  });
}

Result<Parsed> parse_checkpoint(Call& call) {
  CLOISTER_RETURN_IF_ERROR(expect_bare(call));
  Parsed parsed;
  parsed.target = target_of_path(call);
  parsed.act = [](Call& same, Hierarchy* hierarchy) -> Result<Reply> {
    CLOISTER_TRY(const Tree tree, tree_of(same, hierarchy->store()));
    CLOISTER_TRY(const std::string note, hierarchy->sign_checkpoint(tree.origin, same.now));
    Reply reply;
    reply.response.headers.add("content-type", "text/plain; charset=utf-8");
    reply.response.body = net::to_buffer(note);
    return reply;
  };
  return parsed;
}

}  // namespace

std::vector<Route> audit_routes() {
  std::vector<Route> routes;
  const auto add = [&](std::string_view suffix, Operation of_tenant, const Parse& parse) {
    const Route route{"GET", "", Access::kPolicy, of_tenant, Recording::kService, Work::kWorker, parse};
    routes.push_back(route);
    routes.back().path = "/v1/tenants/{tenant}/audit" + std::string(suffix);
    routes.push_back(route);
    routes.back().path = "/v1/audit" + std::string(suffix);
    routes.back().operation = Operation::kAuditReadAll;
  };
  add("/records", Operation::kAuditRead, parse_records);
  add("/checkpoint", Operation::kAuditRead, parse_checkpoint);
  add("/proofs/inclusion", Operation::kAuditProve, parse_inclusion);
  add("/proofs/consistency", Operation::kAuditProve, parse_consistency);
  return routes;
}

}  // namespace cloister::service
