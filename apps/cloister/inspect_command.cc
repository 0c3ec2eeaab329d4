// cloister inspect: what a sealed thing says of itself, and how much of that is proven.
#include <algorithm>

#include "commands.h"
#include "objects.h"

namespace cloister::cli {
namespace {

struct InspectRequest {
  std::string path;
  KeyOptions keys;
  bool use_keys = false;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister inspect model.safetensors.sealed
  cloister inspect model.safetensors.sealed --open
  cloister inspect train.sealed --open
  cloister inspect mnist.keyring

NOTES
  Without a key, everything shown is what the file claims: anyone who could
  write to it could have written that. With --open the home's keys (or those
  named) are used, and what is shown below "authenticated" was verified. The
  payload itself isn't read: that is `cloister verify`.
)";

constexpr std::string_view kKeyringMagic = "CLSRKRG1";
constexpr std::uint64_t kKeyringMax = 64 << 20;

// Rows of "name: value", kept as text and as JSON.
class Facts {
 public:
  void add(const char* name, const std::string& text) {
    table_ += line(name, printable(text)), json_[key(name)] = text;
  }
  void add(const char* name, const std::string& text, Json value) {
    table_ += line(name, printable(text)), json_[key(name)] = std::move(value);
  }
  void heading(const std::string& text) { table_ += text + "\n"; }
  const std::string& text() const { return table_; }
  Json& json() { return json_; }

 private:
  static std::string line(const char* name, const std::string& text) {
    std::string label = "  " + std::string(name) + ":";
    label.resize(std::max<std::size_t>(label.size() + 1, 22), ' ');
    return label + text + "\n";
  }
  static std::string key(std::string name) {
    std::ranges::replace(name, ' ', '_');
    return name;
  }
  std::string table_;
  Json json_ = Json::object();
};

Json slots_json(const seal::SlotTable& table) {
  Json slots = Json::array();
  for (const seal::Slot& slot : table.slots) {
    slots.push_back({{"type", seal::slot_type_name(slot.wrapped.type)},
                     {"tenant", slot.tenant},
                     {"key_id", slot.wrapped.key_id},
                     {"key_version", slot.wrapped.key_version}});
    if (slot.is_share()) slots.back()["share"] = {{"index", slot.share.index}, {"threshold", slot.share.threshold}};
  }
  return slots;
}

void add_outline(Facts& facts, const seal::ObjectOutline& outline) {
  const seal::Preamble& p = outline.preamble;
  facts.add("object id", id_text(p.object_id));
  facts.add("tenant", p.context.tenant);
  if (!p.context.dataset.empty()) facts.add("dataset", p.context.dataset);
  if (p.context.keyring_id) facts.add("keyring", id_text(*p.context.keyring_id));
  facts.add("suite", p.suite == seal::Suite::kAes256Gcm ? "AES-256-GCM" : "ChaCha20-Poly1305");
  facts.add("chunk", bytes_text(p.chunk_size()), p.chunk_size());
  facts.add("file size", bytes_text(outline.file_size), outline.file_size);
  if (p.plaintext_len != seal::kLengthUnknown) facts.add("payload", bytes_text(p.plaintext_len), p.plaintext_len);
  facts.add("slots", seal::describe_slots(outline.slots.newest), slots_json(outline.slots.newest));
  if (const unsigned needed = seal::shares_needed(outline.slots.newest.slots); needed != 0) {
    const auto shares = std::ranges::count_if(outline.slots.newest.slots, &seal::Slot::is_share);
    facts.add("shares", std::to_string(needed) + " of " + std::to_string(shares) + " open it",
              Json{{"threshold", needed}, {"shares", shares}});
  }
  if (!outline.slots.newest.unknown.empty()) {
    facts.add("unknown slots", std::to_string(outline.slots.newest.unknown.size()),
              outline.slots.newest.unknown.size());
  }
  facts.add("slot sequence", std::to_string(outline.slots.newest.seq), outline.slots.newest.seq);
  if (outline.slots.copy_damaged) facts.add("slot copies", "one is damaged; rewrap repairs it");
}

Status add_log(Facts& facts, const Path& path) {
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_TRY(const seal::LogOutline log, seal::read_log_outline(file));
  Json runs = Json::array();
  std::uint64_t frames = 0;
  for (const seal::LogRun& run : log.runs) {
    runs.push_back({{"run", run.number}, {"offset", run.offset}, {"frames", run.frames}, {"ended", run.ended}});
    frames += run.frames;
  }
  const auto open_runs = std::ranges::count_if(log.runs, [](const seal::LogRun& run) { return !run.ended; });
  facts.add("runs", std::to_string(log.runs.size()) + ", " + std::to_string(open_runs) + " without an end", runs);
  facts.add("frames", std::to_string(frames), frames);
  facts.add("log ended", log.log_ended ? "yes" : "no: frames missing at its end couldn't be noticed", log.log_ended);
  if (log.torn_bytes > 0) facts.add("torn tail", bytes_text(log.torn_bytes), log.torn_bytes);
  return {};
}

void add_opened(Facts& facts, const seal::ObjectReader& reader) {
  const seal::Meta& meta = reader.meta();
  if (meta.name) facts.add("name", *meta.name);
  if (meta.content_type) facts.add("content type", *meta.content_type);
  if (meta.sealed_at) facts.add("sealed at", to_rfc3339(*meta.sealed_at));
  if (meta.modified_at) facts.add("modified at", to_rfc3339(*meta.modified_at));
  if (meta.mode) facts.add("mode", mode_text(*meta.mode));
  facts.add("payload", bytes_text(reader.size()), reader.size());
  facts.add("chunks", std::to_string(reader.footer().chunk_count), reader.footer().chunk_count);
  facts.add("payload digest", reader.footer().encrypted_digest ? "SHA-256, kept encrypted" : "none");
  facts.add("object digest", to_hex(reader.object_digest()));
}

Status add_manifest(Facts& facts, const Path& path, const Wrappers& wrappers) {
  CLOISTER_TRY(const DirectoryKeySet keys, directory_keys(wrappers, Signing::kNo));
  CLOISTER_TRY(const seal::Manifest manifest, seal::read_manifest(path, keys.keys()));
  Json files = Json::array();
  Table table({"  NAME", "SIZE", "MODE", "STORED AS"});
  std::uint64_t bytes = 0;
  for (const seal::ManifestEntry& entry : manifest.entries) {
    table.row({"  " + printable(entry.original_name), bytes_text(entry.plaintext_len), mode_text(entry.mode),
               printable(entry.stored_name)});
    files.push_back({{"name", entry.original_name},
                     {"stored_name", entry.stored_name},
                     {"bytes", entry.plaintext_len},
                     {"mode", mode_text(entry.mode)},
                     {"object_id", id_text(entry.object_id)}});
    bytes += entry.plaintext_len;
  }
  facts.add("manifest sequence", std::to_string(manifest.sequence), manifest.sequence);
  facts.add("manifest made", to_rfc3339(manifest.created));
  facts.add("files", count_text(manifest.entries.size(), "file") + ", " + bytes_text(bytes), files);
  facts.heading(table.text());
  return {};
}

// With keys: only what was verified.
Result<Facts> authenticated_facts(Session& session, const InspectRequest& request, const Sealed& sealed) {
  Facts facts;
  CLOISTER_TRY(KeyChain chain, KeyChain::create(session, request.keys, "inspect"));
  CLOISTER_TRY(const Wrappers wrappers, chain.for_opening(sealed.outline.preamble, sealed.outline.slots.newest));
  if (sealed.kind == Kind::kLog)
    return invalid("the runs of a log are opened by `cloister verify`; inspect it without --open");
  if (sealed.kind == Kind::kDirectory) {
    CLOISTER_RETURN_IF_ERROR(add_manifest(facts, sealed.path, wrappers));
  } else {
    CLOISTER_TRY(File file, File::open(sealed.path));
    CLOISTER_TRY(const seal::ObjectReader reader, seal::ObjectReader::open(std::move(file), wrappers.list));
    add_opened(facts, reader);
  }
  const AuditNote note = note_for("object.inspect", sealed);
  CLOISTER_RETURN_IF_ERROR(session.record(note.action, note.tenant, note.subject, ""));
  return facts;
}

Outcome inspect_keyring(const std::string& path, const seal::KeyringOutline& ring) {
  Facts facts;
  facts.heading(path + ": an exported keyring\nunauthenticated, as the file claims:");
  facts.add("keyring", id_text(ring.keyring_id));
  facts.add("dataset", ring.owner.tenant_name() + "/" + ring.owner.dataset);
  facts.add("sequence", std::to_string(ring.sequence), ring.sequence);
  facts.add("opened by", std::string(seal::slot_type_name(ring.ring_key.type)) + " " + ring.ring_key.key_id);
  facts.add("dataset keys", std::to_string(ring.keys.size()), ring.keys.size());
  facts.add("recipients", std::to_string(ring.recipients.size()), ring.recipients.size());
  return {facts.text(), {{"kind", "keyring"}, {"unauthenticated", facts.json()}}, std::nullopt, false};
}

bool is_keyring(const Path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return false;
  const auto file = File::open(path);
  Bytes head(kKeyringMagic.size());
  if (!file.ok()) return false;
  const auto count = file->read_some(head);
  return count.ok() && *count == head.size() && as_text(head) == kKeyringMagic;
}

Result<Outcome> inspect(Session& session, const InspectRequest& request) {
  if (is_keyring(request.path)) {
    CLOISTER_TRY(const Bytes bytes, read_file(request.path, kKeyringMax));
    CLOISTER_TRY(const seal::KeyringOutline ring, seal::parse_keyring(bytes).with_context("inspect " + request.path));
    return inspect_keyring(request.path, ring);
  }
  CLOISTER_TRY(const Sealed sealed, look_at(request.path));
  const std::string kind = sealed.kind == Kind::kObject      ? "a sealed object"
                           : sealed.kind == Kind::kDirectory ? "a sealed directory; of its manifest:"
                                                             : "an append log";
  Facts claimed;
  claimed.heading(request.path + ": " + kind + "\nunauthenticated, as the file claims:");
  add_outline(claimed, sealed.outline);
  if (sealed.kind == Kind::kLog) CLOISTER_RETURN_IF_ERROR(add_log(claimed, sealed.path));

  Outcome outcome;
  outcome.text = claimed.text();
  outcome.json = {{"kind", kind_name(sealed.kind)}, {"unauthenticated", claimed.json()}};
  if (!request.use_keys) return outcome;
  auto proven = authenticated_facts(session, request, sealed);
  if (!proven.ok()) {
    const AuditNote note = note_for("object.inspect", sealed);
    outcome.failure = session.record_failure(note.action, note.tenant, note.subject, proven.error());
    return outcome;
  }
  outcome.text += "authenticated, by its keys:\n" + proven->text();
  outcome.json["authenticated"] = proven->json();
  return outcome;
}

}  // namespace

void add_inspect(CLI::App& app, Run& run) {
  auto request = std::make_shared<InspectRequest>();
  CLI::App* verb =
      add_verb(app, "inspect", "show what an object, log, directory or keyring file says of itself", kManual);
  verb->add_option("PATH", request->path, "what to look at")->required();
  verb->add_flag("--open", request->use_keys, "use keys: name, times, manifest, authenticated");
  add_opening_key_options(*verb, request->keys);
  set_action(verb, run, request, inspect);
}

}  // namespace cloister::cli
