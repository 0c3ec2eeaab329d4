// Runs as signed bundles, and back.
#include "posture/evidence/bundle.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/base64.h"
#include "base/canonical_json.h"
#include "base/reader.h"
#include "crypto/hash.h"
#include "posture/evidence/record.h"
#include "posture/report/json.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kFirstLine = "cloister posture evidence v1";
constexpr JsonLimits kHeadLimits = {std::size_t{1} << 20, 4, 4096};
constexpr JsonLimits kFileLimits = {std::size_t{64} << 20, 4, 16};
constexpr std::size_t kHeadLines = 4;  // the head, the estate, the catalogue, the exceptions
constexpr std::size_t kTailLines = 2;  // verdicts, history
constexpr std::size_t kDifferencesShown = 10;

Error malformed(const std::string& what) { return Error(Code::kInvalid, "no posture bundle: " + what); }
Error corrupt(const std::string& what) { return Error(Code::kCorrupt, what); }

Result<std::string> take_text(const JsonValue& json, std::string_view name) {
  const JsonValue* member = json.find(name);
  if (member == nullptr || member->string() == nullptr) {
    return malformed("there is no text \"" + std::string(name) + "\"");
  }
  return *member->string();
}

Result<std::string> canonical_line(JsonValue::Object object) {
  CLOISTER_TRY(std::string line, canonical_json(JsonValue(std::move(object))));
  return line + "\n";
}

std::string digest_of(std::string_view text) { return to_hex(crypto::sha256(as_bytes(text))); }

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

Result<std::string> head_line(const BundleContents& contents) {
  const Materials& materials = contents.materials;
  JsonValue::Object context;
  for (const auto& [name, value] : materials.context) context.emplace_back(name, value);
  return canonical_line({{"format", std::string(kBundleFormat)},
                         {"run", run_id(materials)},
                         {"at", to_rfc3339(materials.at)},
                         {"program", materials.program},
                         {"facts", std::uint64_t{materials.facts.size()}},
                         {"previous", contents.previous},
                         {"context", std::move(context)}});
}

struct Head {
  std::string run, program, previous;
  Time at;
  std::uint64_t facts = 0;
  std::map<std::string, std::string> context;
};

Result<Head> parse_head(std::string_view line) {
  CLOISTER_TRY(const JsonValue json, parse_json(line, kHeadLimits));
  CLOISTER_TRY(const std::string format, take_text(json, "format"));
  if (format != kBundleFormat) return Error(Code::kUnsupported, "its format isn't " + std::string(kBundleFormat));
  Head head;
  CLOISTER_TRY(head.run, take_text(json, "run"));
  CLOISTER_TRY(head.program, take_text(json, "program"));
  if (!is_plain_utf8(head.program) || head.program.size() > 256) return malformed("its program isn't a line");
  CLOISTER_TRY(head.previous, take_text(json, "previous"));
  CLOISTER_TRY(const std::string at, take_text(json, "at"));
  CLOISTER_TRY(head.at, parse_rfc3339(at));
  const JsonValue* facts = json.find("facts");
  const JsonValue* context = json.find("context");
  if (facts == nullptr || !facts->unsigned_integer() || context == nullptr || context->object() == nullptr) {
    return malformed("its first line isn't whole");
  }
  head.facts = *facts->unsigned_integer();
  for (const auto& [name, value] : *context->object()) {
    if (value.string() == nullptr) return malformed("its context has something else than texts");
    head.context[name] = *value.string();
  }
  return head;
}

Result<std::string> text_of(std::string_view line, std::string_view name) {
  CLOISTER_TRY(const JsonValue json, parse_json(line, kFileLimits));
  return take_text(json, name);
}

Result<std::string> signed_text(std::span<const std::string_view> lines) {
  CLOISTER_TRY(const Head head, parse_head(lines[0]));
  CLOISTER_TRY(const std::string estate, text_of(lines[1], "estate"));
  CLOISTER_TRY(const std::string catalogue, text_of(lines[2], "catalogue"));
  audit::Frontier tree;
  for (const std::string_view line : lines) {
    const auto added = tree.append(audit::leaf_hash(as_bytes(line)));
    if (!added.ok()) return added.error();
  }
  return std::string(kFirstLine) + "\nrun " + head.run + "\nat " + to_rfc3339(head.at) + "\nprogram " + head.program +
         "\nestate " + digest_of(estate) + "\ncatalogue " + digest_of(catalogue) + "\nprevious " +
         (head.previous.empty() ? "none" : head.previous) + "\nfacts " + std::to_string(head.facts) + "\nleaves " +
         std::to_string(tree.size()) + "\nroot " + to_base64(tree.root()) + "\n";
}

// Everything but the note.
Result<std::vector<std::string_view>> content_lines(std::string_view lines) {
  if (lines.size() > kBundleSizeMax) return malformed("it has more than 2 GiB");
  std::vector<std::string_view> out = split(lines);
  if (out.size() < kHeadLines + kTailLines) return malformed("it has fewer lines than any");
  return out;
}

Result<BundleContents> parse_contents(std::span<const std::string_view> lines) {
  CLOISTER_TRY(Head head, parse_head(lines[0]));
  BundleContents contents;
  Materials& materials = contents.materials;
  materials.at = head.at;
  materials.program = std::move(head.program);
  materials.context = std::move(head.context);
  contents.previous = std::move(head.previous);
  CLOISTER_TRY(materials.estate_name, text_of(lines[1], "name"));
  CLOISTER_TRY(materials.estate, text_of(lines[1], "estate"));
  CLOISTER_TRY(materials.catalogue, text_of(lines[2], "catalogue"));
  CLOISTER_TRY(materials.exceptions, text_of(lines[3], "exceptions"));
  const std::span facts = lines.subspan(kHeadLines, lines.size() - kHeadLines - kTailLines);
  for (std::size_t i = 0; i < facts.size(); ++i) {
    CLOISTER_TRY(Fact fact, parse_fact(facts[i]).with_context("fact " + std::to_string(i + 1)));
    materials.facts.push_back(std::move(fact));
  }
  contents.verdicts = std::string(lines[lines.size() - 2]);
  contents.history = std::string(lines.back());
  return contents;
}

// What no run can have written, whoever signed it.
cloister::Status check_facts(const Materials& materials, const Head& head) {
  if (head.facts != materials.facts.size()) {
    return corrupt("it says that it has " + std::to_string(head.facts) + " facts, and " +
                   std::to_string(materials.facts.size()) + " are there");
  }
  std::string before;
  for (const Fact& fact : materials.facts) {
    std::string id = fact.id();
    if (id <= before) return corrupt("its facts aren't in their order, or one is there twice");
    const std::string problem = problem_of_dates(fact, materials.at);
    if (!problem.empty()) return corrupt("fact " + id + " " + problem);
    before = std::move(id);
  }
  if (head.run != run_id(materials)) return corrupt("its run's id isn't what its contents come to");
  return {};
}

using VerdictKey = std::pair<std::string, Subject>;

std::vector<std::string> differences_of(const StoredReport& says, const StoredReport& is) {
  std::vector<std::string> lines;
  std::map<std::string, Status> controls(is.controls.begin(), is.controls.end());
  for (const auto& [control, status] : says.controls) {
    const auto found = controls.find(control);
    if (found == controls.end()) {
      lines.push_back("control " + control + " isn't in its catalogue");
    } else if (found->second != status) {
      lines.push_back(control + ": it says " + std::string(name_of(status)) + ", its facts come to " +
                      std::string(name_of(found->second)));
    }
    if (found != controls.end()) controls.erase(found);
  }
  for (const auto& [control, status] : controls)
    lines.push_back("control " + control + " is missing from its verdicts");
  std::map<VerdictKey, Status> verdicts;
  for (const StoredVerdict& one : is.verdicts) verdicts[{one.control, one.subject}] = one.status;
  for (const StoredVerdict& one : says.verdicts) {
    const auto found = verdicts.find({one.control, one.subject});
    const std::string what = one.control + " " + one.subject.text() + ": it says " + std::string(name_of(one.status));
    if (found == verdicts.end()) {
      lines.push_back(what + ", and no fact speaks of it");
      continue;
    }
    if (found->second != one.status)
      lines.push_back(what + ", its facts come to " + std::string(name_of(found->second)));
    verdicts.erase(found);
  }
  for (const auto& [key, status] : verdicts) {
    lines.push_back(key.first + " " + key.second.text() + ": " + std::string(name_of(status)) +
                    ", and it leaves that out");
  }
  return lines;
}

Error not_what_facts_say(std::string_view says, const Posture& posture) {
  std::string message = "its verdicts aren't what this program makes of its facts";
  const Result<StoredReport> report = parse_report(says);
  if (!report.ok()) return corrupt(message + ": " + report.error().message());
  const std::vector<std::string> lines = differences_of(*report, stored(posture));
  for (std::size_t i = 0; i < lines.size() && i < kDifferencesShown; ++i) message += (i == 0 ? ": " : "; ") + lines[i];
  if (lines.size() > kDifferencesShown) {
    message += "; and " + std::to_string(lines.size() - kDifferencesShown) + " more";
  }
  return corrupt(message);
}

bool same_demand(const Control& a, const Control& b) {
  return a.gates == b.gates && a.critical == b.critical && a.domain == b.domain && a.criterion == b.criterion;
}

std::vector<std::string> catalogue_differences(const Catalogue& used, const Catalogue& known) {
  std::vector<std::string> lines;
  if (used.digest == known.digest) return lines;
  for (const Control& control : known.controls) {
    const Control* there = used.find(control.id);
    if (there == nullptr) {
      lines.push_back("control " + control.id + " is missing from its catalogue");
    } else if (!same_demand(*there, control)) {
      lines.push_back("control " + control.id + " asks for something else in its catalogue");
    }
  }
  for (const Control& control : used.controls) {
    if (known.find(control.id) == nullptr) lines.push_back("control " + control.id + " is only in its catalogue");
  }
  if (lines.empty()) lines.push_back("its catalogue is worded otherwise, and asks for the same");
  return lines;
}

}  // namespace

Result<std::string> bundle_lines(const BundleContents& contents) {
  const Materials& materials = contents.materials;
  CLOISTER_TRY(std::string lines, head_line(contents));
  CLOISTER_TRY(const std::string estate,
               canonical_line({{"estate", materials.estate}, {"name", materials.estate_name}}));
  CLOISTER_TRY(const std::string catalogue, canonical_line({{"catalogue", materials.catalogue}}));
  CLOISTER_TRY(const std::string exceptions, canonical_line({{"exceptions", materials.exceptions}}));
  lines += estate + catalogue + exceptions;
  for (const Fact& fact : materials.facts) lines += fact_json(fact) + "\n";
  lines += contents.verdicts + "\n" + contents.history + "\n";
  if (lines.size() > kBundleSizeMax) return Error(Code::kInvalid, "a bundle would have more than 2 GiB");
  return lines;
}

Result<std::string> bundle_text(std::string_view lines) {
  CLOISTER_TRY(const auto content, content_lines(lines));
  return signed_text(content);
}

std::string root_of(std::string_view bundle_text) {
  const std::size_t at = bundle_text.rfind("\nroot ");
  if (at == std::string_view::npos) return "";
  const std::string_view rest = bundle_text.substr(at + 6);
  return std::string(rest.substr(0, rest.find('\n')));
}

std::string format_bundle(std::string_view lines, std::string_view note) {
  const std::string last = JsonValue(JsonValue::Object{{"note", std::string(note)}}).serialize();
  return std::string(lines) + last + "\n";
}

Result<ReadBundle> read_bundle(std::string_view file) {
  CLOISTER_TRY(auto lines, content_lines(file));
  ReadBundle bundle;
  CLOISTER_TRY(bundle.note, text_of(lines.back(), "note"));
  lines.pop_back();
  if (lines.size() < kHeadLines + kTailLines) return malformed("it has fewer lines than any");
  CLOISTER_TRY(bundle.text, signed_text(lines));
  CLOISTER_TRY(bundle.contents, parse_contents(lines));
  return bundle;
}

Result<ReadBundle> verify_signed(std::string_view file, std::span<const audit::VerifierKey> keys) {
  CLOISTER_TRY(ReadBundle bundle, read_bundle(file));
  CLOISTER_TRY(const audit::SignedNote note, audit::parse_note(bundle.note));
  CLOISTER_TRY(const auto signatures, audit::verify_note(note, keys));
  if (bundle.text != note.text) return corrupt("what is in the bundle isn't what was signed");
  CLOISTER_TRY(const Head head, parse_head(file.substr(0, file.find('\n'))));
  CLOISTER_RETURN_IF_ERROR(check_facts(bundle.contents.materials, head));
  for (const Fact& fact : bundle.contents.materials.facts) {
    if (is_of_people(fact) && !fact.not_assessed) CLOISTER_RETURN_IF_ERROR(verify_record(fact, keys));
  }
  bundle.signer = keys[signatures.front().key].name();
  return bundle;
}

Result<VerifiedBundle> verify_bundle(std::string_view file, std::span<const audit::VerifierKey> keys,
                                     const Catalogue& catalogue) {
  CLOISTER_TRY(ReadBundle bundle, verify_signed(file, keys));
  VerifiedBundle verified;
  CLOISTER_TRY(verified.posture, posture_of(bundle.contents.materials));
  if (verdicts_json(verified.posture) != bundle.contents.verdicts) {
    return not_what_facts_say(bundle.contents.verdicts, verified.posture);
  }
  CLOISTER_TRY(StoredHistory history, parse_history(bundle.contents.history));
  verified.posture.trend = std::move(history.trend);
  verified.posture.changes = std::move(history.changes);
  CLOISTER_TRY(const Catalogue used, parse_catalogue(bundle.contents.materials.catalogue));
  verified.catalogue_differences = catalogue_differences(used, catalogue);
  verified.signer = std::move(bundle.signer);
  verified.root = root_of(bundle.text);
  verified.contents = std::move(bundle.contents);
  return verified;
}

}  // namespace cloister::posture
