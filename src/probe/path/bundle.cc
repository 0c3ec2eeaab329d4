#include "probe/path/bundle.h"

#include <algorithm>
#include <array>

#include "audit/merkle.h"
#include "base/base64.h"
#include "base/reader.h"
#include "crypto/hash.h"
#include "probe/path/cloud_facts.h"
#include "probe/path/json_fields.h"
#include "probe/path/report_json.h"

namespace cloister::probe::path {
namespace {

constexpr std::string_view kFirstLine = "cloister path evidence v1";
constexpr JsonLimits kLimits = {kBundleFileMax, 6, 1'000'000};
constexpr std::size_t kLineMax = 2048;
constexpr std::array<std::string_view, 8> kKinds = {"statements", "scan",  "mesh-audit", "sockets",
                                                    "capture",    "flows", "receipts",   "trust-bundle"};

// What it is and whose name it has is part of what is signed.
Status add_leaf(audit::Frontier& tree, std::string_view kind, std::string_view name, ByteView content) {
  Writer record;
  record.text16(kind).text16(name).bytes(content);
  const auto added = tree.append(audit::leaf_hash(record.view()));
  return added.ok() ? ok_status() : Status(added.error());
}

Result<audit::Frontier> tree_of(const BundleContents& contents, const std::string& report) {
  audit::Frontier tree;
  CLOISTER_RETURN_IF_ERROR(add_leaf(tree, "graph", "", as_bytes(contents.graph)));
  CLOISTER_RETURN_IF_ERROR(add_leaf(tree, "cloud-facts", "", as_bytes(contents.cloud_facts)));
  CLOISTER_RETURN_IF_ERROR(add_leaf(tree, "report", "", as_bytes(report)));
  for (const Item& item : contents.items)
    CLOISTER_RETURN_IF_ERROR(add_leaf(tree, name_of(item.kind), item.name, item.content));
  return tree;
}

Status check_contents(const BundleContents& contents) {
  std::size_t size = contents.graph.size() + contents.cloud_facts.size();
  for (const Item& item : contents.items) {
    size += item.content.size();
    if (item.name.empty() || item.name.size() > kLineMax || !is_plain_utf8(item.name)) {
      return Error(Code::kInvalid, "a file of evidence has a name that can't be written down");
    }
  }
  if (size > kBundleContentMax) {
    return Error(Code::kInvalid,
                 "the evidence is larger than 128 MiB: put `cloister paths capture` in place of captures");
  }
  for (const std::string* line : {&contents.program, &contents.command}) {
    if (line->empty() || line->size() > kLineMax || !is_plain_utf8(*line)) {
      return Error(Code::kInvalid, "the program or the command can't be written in a line");
    }
  }
  return {};
}

Result<Item> parse_item(const JsonValue& value) {
  constexpr std::array<std::string_view, 4> kNames = {"name", "kind", "sha256", "content"};
  CLOISTER_TRY(const JsonFields fields, JsonFields::open(value, kNames));
  Item item;
  CLOISTER_TRY(item.name, fields.text("name"));
  CLOISTER_TRY(const std::size_t kind, fields.word("kind", kKinds));
  item.kind = static_cast<ItemKind>(kind);
  CLOISTER_TRY(const std::string content, fields.text("content"));
  CLOISTER_TRY(item.content, from_base64(content));
  CLOISTER_TRY(const std::string sha256, fields.text("sha256"));
  if (sha256 != to_hex(crypto::sha256(item.content)))
    return Error(Code::kCorrupt, item.name + " isn't what its hash says");
  return item;
}

struct ReadBundle {
  BundleContents contents;
  std::string report;
  std::string note;
};

Result<ReadBundle> read_bundle(std::string_view file) {
  constexpr std::array<std::string_view, 9> kNames = {"format", "at",          "program", "command", "note",
                                                      "graph",  "cloud_facts", "report",  "items"};
  CLOISTER_TRY(const JsonValue document, parse_json(file, kLimits));
  CLOISTER_TRY(const JsonFields fields, JsonFields::open(document, kNames));
  CLOISTER_TRY(const std::string format, fields.text("format"));
  if (format != kBundleFormat) return Error(Code::kInvalid, "its format isn't " + std::string(kBundleFormat));
  ReadBundle bundle;
  CLOISTER_TRY(bundle.contents.at, fields.time("at"));
  CLOISTER_TRY(bundle.contents.program, fields.text("program"));
  CLOISTER_TRY(bundle.contents.command, fields.text("command"));
  CLOISTER_TRY(bundle.note, fields.text("note"));
  CLOISTER_TRY(bundle.contents.graph, fields.text("graph"));
  CLOISTER_TRY(bundle.contents.cloud_facts, fields.text("cloud_facts"));
  CLOISTER_TRY(bundle.report, fields.text("report"));
  CLOISTER_TRY(const JsonValue::Array* list, fields.list("items"));
  if (list->size() > kItemsMax) return Error(Code::kInvalid, "there are more than 4096 items");
  for (const JsonValue& value : *list) {
    CLOISTER_TRY(Item item, parse_item(value));
    bundle.contents.items.push_back(std::move(item));
  }
  CLOISTER_RETURN_IF_ERROR(check_contents(bundle.contents));
  return bundle;
}

Result<std::string> text_of(const BundleContents& contents, const std::string& report) {
  CLOISTER_RETURN_IF_ERROR(check_contents(contents));
  CLOISTER_TRY(const audit::Frontier tree, tree_of(contents, report));
  return std::string(kFirstLine) + "\ngraph " + to_hex(crypto::sha256(as_bytes(contents.graph))) + "\nat " +
         to_rfc3339(contents.at) + "\nprogram " + contents.program + "\ncommand " + contents.command + "\nleaves " +
         std::to_string(tree.size()) + "\nroot " + to_base64(tree.root()) + "\n";
}

}  // namespace

Result<Report> report_of(const BundleContents& contents) {
  CLOISTER_TRY(const Graph graph, parse_graph(contents.graph).with_context("graph"));
  CLOISTER_TRY(const auto facts, parse_cloud_facts(contents.cloud_facts).with_context("cloud facts"));
  CLOISTER_TRY(std::vector<Statement> statements, read_statements(contents.items));
  return judge(graph, std::move(statements), provider_of_edges(graph, facts), contents.at);
}

Result<std::string> bundle_text(const BundleContents& contents, const Report& report) {
  return text_of(contents, report_json(report));
}

std::string format_bundle(const BundleContents& contents, const Report& report, const std::string& note) {
  JsonValue::Array items;
  for (const Item& item : contents.items) {
    items.emplace_back(JsonValue::Object{{"name", item.name},
                                         {"kind", std::string(name_of(item.kind))},
                                         {"sha256", to_hex(crypto::sha256(item.content))},
                                         {"content", to_base64(item.content)}});
  }
  return JsonValue(JsonValue::Object{{"format", std::string(kBundleFormat)},
                                     {"at", to_rfc3339(contents.at)},
                                     {"program", contents.program},
                                     {"command", contents.command},
                                     {"note", note},
                                     {"graph", contents.graph},
                                     {"cloud_facts", contents.cloud_facts},
                                     {"report", report_json(report)},
                                     {"items", std::move(items)}})
             .serialize() +
         "\n";
}

Result<VerifiedBundle> verify_bundle(std::string_view file, std::span<const audit::VerifierKey> keys) {
  CLOISTER_TRY(ReadBundle bundle, read_bundle(file));
  CLOISTER_TRY(const audit::SignedNote note, audit::parse_note(bundle.note));
  CLOISTER_TRY(const auto signatures, audit::verify_note(note, keys));
  CLOISTER_TRY(const std::string text, text_of(bundle.contents, bundle.report));
  if (text != note.text) return Error(Code::kCorrupt, "what is in the bundle isn't what was signed");
  CLOISTER_TRY(Report report, report_of(bundle.contents));
  if (report_json(report) != bundle.report) {
    return Error(Code::kCorrupt, "the report isn't what this program makes of the evidence");
  }
  return VerifiedBundle{std::move(bundle.contents), std::move(report), note.text, keys[signatures.front().key].name()};
}

}  // namespace cloister::probe::path
