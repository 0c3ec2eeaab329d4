// cloister posture fix: seals the plaintext that lies in local locations, beside it, or writes how to.
#include <sys/stat.h>

#include "home/content_keys.h"
#include "key_chain.h"
#include "objects.h"
#include "posture/collect/content/content_collector.h"
#include "posture/collect/content/walker.h"
#include "posture/fix/plan.h"
#include "posture/fix/recheck.h"
#include "posture/shell_word.h"
#include "posture_run.h"
#include "posture_verbs.h"
#include "seal/writer.h"

namespace cloister::cli {
namespace {

namespace fix = posture::fix;

struct FixRequest {
  std::string estate;
  std::vector<std::string> locations;
  KeyOptions keys;
  bool apply = false;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister posture fix --estate estate.toml --location corpus --dataset acme/corpus
      writes the commands: seal, verify, remove; touches nothing
  cloister posture fix --estate estate.toml --location corpus --dataset acme/corpus --apply
      seals every readable file as NAME.sealed beside it, opens each again and
      compares it byte by byte, and then says how to remove what is left in plain

NOTES
  Originals are never removed by this. What was sealed by an earlier run, and
  still is the same, is compared and left as it is. Keys that lie in the clear
  are named and not sealed: whoever read them has them, so they are replaced.
)";

class Facts final : public posture::FactSink {
 public:
  void add(posture::Fact fact) override { facts.push_back(std::move(fact)); }
  std::vector<posture::Fact> facts;
};

Result<std::vector<posture::Location>> chosen(const posture::Estate& estate, const FixRequest& request) {
  std::vector<posture::Location> out;
  for (const std::string& name : request.locations) {
    const auto found = std::ranges::find(estate.locations, name, &posture::Location::name);
    if (found == estate.locations.end()) return invalid("the estate has no location " + printable(name));
    out.push_back(*found);
  }
  return out;
}

Result<std::vector<posture::Fact>> look(Session& session, const posture::Estate& estate) {
  posture::content::ContentOptions options;
  options.objects_max = 10'000'000;
  CLOISTER_TRY(const bool home, session.has_home());
  if (home) {
    CLOISTER_TRY(keys::Store* const store, session.store());
    CLOISTER_TRY(options.keys, home::known_keys(*store));
  }
  for (const posture::DeclaredKey& key : estate.keys) options.keys.names.insert(key.name);
  posture::content::ContentCollector collector(std::move(options), session.random());
  posture::CollectContext context;
  context.estate = &estate;
  context.now = session.caller().now;
  context.progress = &session.progress();
  context.threads = session.globals().threads;
  Facts sink;
  collector.collect(context, sink);
  return std::move(sink.facts);
}

// The same bytes, read from the object and from the original.
Status compare(const seal::ObjectReader& object, const File& source, Session& session) {
  CLOISTER_TRY(const std::uint64_t size, source.size());
  if (size != object.size()) return Error(Code::kCorrupt, "the object's payload has another length");
  Bytes original;
  Progress progress;
  return object.read_all(
      session.globals().threads,
      [&](std::uint64_t offset, ByteView piece) -> Status {
        if (session.progress().stop_requested()) return Error(Code::kUnavailable, "interrupted");
        original.resize(piece.size());
        CLOISTER_RETURN_IF_ERROR(source.read_at(offset, original));
        if (equal(original, piece)) return {};
        return Error(Code::kCorrupt, "the object's payload isn't what the file has");
      },
      progress);
}

class Sealer {
 public:
  Sealer(Session& session, const Wrappers& wrappers, seal::SealOptions options)
      : session_(session), wrappers_(wrappers), options_(std::move(options)) {}

  enum class Done { kSealed, kKept };
  Result<Done> seal(const fix::Step& step) {
    struct stat info{};
    CLOISTER_TRY(const File root, File::open_directory(step.root));
    CLOISTER_TRY(const File folder, posture::content::open_beneath(root, step.folder));
    CLOISTER_TRY(const File source, open_source(folder, step.source.filename(), info));
    CLOISTER_RETURN_IF_ERROR(fix::check_as_scanned(step, source));
    const Path name = step.target().filename();
    auto there = posture::content::open_regular(folder.descriptor(), name);
    if (there.ok()) {
      CLOISTER_RETURN_IF_ERROR(check(std::move(*there), source).with_context(step.target().string() + " is there"));
      return Done::kKept;
    }
    if (there.error().code() != Code::kNotFound) {
      return Error(there.error()).with_context(step.target().string() + " is there");
    }
    options_.meta.name = step.source.filename().string();
    options_.meta.mode = info.st_mode & 07777;
    options_.meta.modified_at =
        Time{static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1000 + info.st_mtim.tv_nsec / 1'000'000};
    CLOISTER_TRY(FileReplacement target,
                 FileReplacement::begin(within(folder, name), Overwrite::kRefuse, info.st_mode & 0666));
    CLOISTER_TRY(const seal::SealedSummary summary, seal::seal_payload(source, target.file(), options_, wrappers_.list,
                                                                       session_.random(), session_.progress()));
    CLOISTER_RETURN_IF_ERROR(
        check(File::from_descriptor(target.file().descriptor(), step.target(), File::Owned::kNo), source));
    const seal::PublicContext& context = options_.context;
    CLOISTER_RETURN_IF_ERROR(
        session_.record("object.seal", context.tenant,
                        "object " + id_text(summary.object_id) + " of " + context.tenant + "/" + context.dataset,
                        std::to_string(summary.plaintext_bytes) + " bytes"));
    CLOISTER_RETURN_IF_ERROR(target.commit());
    return Done::kSealed;
  }

 private:
  static Result<File> open_source(const File& folder, const Path& name, struct stat& info) {
    CLOISTER_TRY(File file, posture::content::open_regular(folder.descriptor(), name));
    if (::fstat(file.descriptor(), &info) != 0) return error_from_errno(errno, "look at it");
    if (!S_ISREG(info.st_mode)) return invalid("it is no file any more");
    return file;
  }

  // By the descriptor, which stays the same folder whatever is put under that folder's name.
  static Path within(const File& folder, const Path& name) {
    return Path("/proc/self/fd") / std::to_string(folder.descriptor()) / name;
  }

  Status check(File sealed, const File& source) {
    CLOISTER_TRY(const seal::ObjectReader object, seal::ObjectReader::open(std::move(sealed), wrappers_.list));
    return compare(object, source, session_);
  }

  Session& session_;
  const Wrappers& wrappers_;
  seal::SealOptions options_;
};

Outcome show_plan(const fix::Plan& plan, const FixRequest& request) {
  Outcome outcome;
  const std::string lines = fix::commands(plan, request.keys.dataset.empty() ? "TENANT/DATASET" : request.keys.dataset);
  outcome.text = !plan.steps.empty() ? lines
                 : plan.complete     ? "nothing that can be read lies there\n"
                                     : "nothing that can be read was found, and not all of it could be looked at\n";
  outcome.json["commands"] = Json::array();
  for (const fix::Step& step : plan.steps) {
    outcome.json["commands"].push_back(
        {{"source", printable(step.source.native())}, {"type", step.type}, {"bytes", step.bytes}});
  }
  return outcome;
}

Result<Outcome> apply(Session& session, const fix::Plan& plan, const FixRequest& request) {
  CLOISTER_TRY(KeyChain chain, KeyChain::create(session, request.keys, "seal"));
  CLOISTER_TRY(const Wrappers wrappers, chain.for_sealing());
  seal::SealOptions options;
  CLOISTER_TRY(options.context, chain.context());
  options.threads = session.globals().threads;
  options.meta.sealed_at = session.caller().now;
  Sealer sealer(session, wrappers, std::move(options));
  Outcome outcome;
  std::uint64_t sealed = 0, kept = 0;
  std::string remove;
  outcome.json["failed"] = Json::array();
  session.watch().begin("seal what can be read");
  for (const fix::Step& step : plan.steps) {
    const auto done = sealer.seal(step);
    if (!done.ok()) {
      outcome.text +=
          "not sealed: " + posture::shell_word(step.source.native()) + ": " + printable(done.error().message()) + "\n";
      outcome.json["failed"].push_back(printable(step.source.native()));
      if (!outcome.failure) outcome.failure = done.error();
      if (session.progress().stop_requested()) break;
      continue;
    }
    ++(*done == Sealer::Done::kSealed ? sealed : kept);
    remove += "rm " + posture::shell_word(step.source.native()) + "\n";
  }
  session.watch().end();
  outcome.text += "sealed " + count_text(sealed, "file") + ", and read each again" +
                  (kept == 0 ? "" : "; " + std::to_string(kept) + " were sealed already") + "\n";
  if (!remove.empty()) outcome.text += "the originals are still there; to remove them:\n" + remove;
  outcome.json["sealed"] = sealed;
  outcome.json["kept"] = kept;
  return outcome;
}

Result<Outcome> run_fix(Session& session, const FixRequest& request) {
  if (request.apply && request.keys.dataset.empty()) return invalid("--apply: name the --dataset to seal into");
  CLOISTER_TRY(const EstateFile file, read_estate(request.estate));
  CLOISTER_TRY(const std::vector<posture::Location> locations, chosen(file.estate, request));
  CLOISTER_TRY(const std::vector<posture::Fact> facts, look(session, file.estate));
  fix::Plan all;
  for (const posture::Location& location : locations) {
    CLOISTER_TRY(fix::Plan plan, fix::plan_for(location, facts));
    std::ranges::move(plan.steps, std::back_inserter(all.steps));
    std::ranges::move(plan.left, std::back_inserter(all.left));
    all.complete = all.complete && plan.complete;
  }
  CLOISTER_TRY(Outcome outcome, request.apply ? apply(session, all, request) : Result(show_plan(all, request)));
  for (const std::string& line : all.left) outcome.text += "look at it yourself: " + line + "\n";
  outcome.json["left"] = all.left;
  outcome.json["complete"] = all.complete;
  return outcome;
}

}  // namespace

void add_posture_fix(CLI::App& group, Run& run) {
  auto request = std::make_shared<FixRequest>();
  CLI::App* verb = add_verb(group, "fix", "seal the plaintext of local locations, or write how to", kManual);
  verb->add_option("--estate", request->estate, "the declared inventory (TOML or YAML)")->type_name("FILE")->required();
  add_repeatable(*verb, "--location", request->locations, "a local location of the estate")
      ->type_name("NAME")
      ->required();
  verb->add_option("--dataset", request->keys.dataset, "seal as part of this dataset, under its key")
      ->type_name("TENANT[/ENV]/NAME");
  verb->add_flag("--apply", request->apply, "seal and compare; without it the commands are written");
  set_action(verb, run, request, run_fix);
}

}  // namespace cloister::cli
