// cloister rekey: a new data key, so the data is sealed again.
#include <algorithm>

#include "commands.h"
#include "objects.h"

namespace cloister::cli {
namespace {

struct RekeyRequest {
  std::vector<std::string> paths;
  KeyOptions keys;
  bool drop_slots = false;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister rekey model.safetensors.sealed
  cloister rekey train.sealed
  cloister rekey model.sealed --recipient auditor.pub

NOTES
  The payload is opened, sealed again aside under a new data key and renamed
  into place: readers of the old file go on undisturbed. This is what revokes
  a data key, or a wrapping key, that leaked. A directory goes on where it
  stopped. The new object has slots for the dataset's key and the keys named;
  where one of the old slots would be lost, it refuses unless --drop-slots.
)";

struct Total {
  std::uint64_t objects = 0, kept = 0, payload_bytes = 0, object_bytes = 0;
};

std::string lost_slots(const seal::SlotTable& before, const seal::SlotTable& after) {
  std::string lost;
  for (const seal::Slot& old : before.slots) {
    const bool stays = std::ranges::any_of(after.slots, [&old](const seal::Slot& slot) {
      return slot.wrapped.type == old.wrapped.type && slot.wrapped.key_id == old.wrapped.key_id;
    });
    if (!stays)
      lost +=
          (lost.empty() ? "" : ", ") + std::string(seal::slot_type_name(old.wrapped.type)) + " " + old.wrapped.key_id;
  }
  return lost;
}

// Wraps a key that is thrown away, to learn which slots there will be.
Status check_slots(Session& session, const Sealed& sealed, const Wrappers& wrappers) {
  CLOISTER_TRY(const seal::SlotTable after,
               seal::make_slots(sealed.outline.preamble, crypto::Dek::random(session.random()), wrappers.list));
  const std::string lost = lost_slots(sealed.outline.slots.newest, after);
  if (lost.empty()) return {};
  return invalid("re-key " + sealed.path.string() + ": these slots would be lost: " + lost +
                 "; name their keys (--recipient, …), or use --drop-slots");
}

Status rekey_one(Session& session, const RekeyRequest& request, KeyChain& chain, const Sealed& sealed, Total& total) {
  if (sealed.kind == Kind::kLog) {
    return invalid("re-key " + sealed.path.string() + ": every run of a log has its own data key; rewrap it instead");
  }
  if (seal::shares_needed(sealed.outline.slots.newest.slots) != 0) {
    return Error(Code::kUnsupported, "re-key " + sealed.path.string() +
                                         ": its key is shared, and would not be after this: open it and seal it again");
  }
  CLOISTER_TRY(const Wrappers wrappers, chain.for_opening(sealed.outline.preamble, sealed.outline.slots.newest));
  if (!request.drop_slots) CLOISTER_RETURN_IF_ERROR(check_slots(session, sealed, wrappers));
  seal::SealOptions options;
  options.context = sealed.outline.preamble.context;
  options.context.keyring_id.reset();
  if (wrappers.dataset != nullptr) options.context.keyring_id = wrappers.dataset->keyring_id;
  options.chunk_log2 = sealed.outline.preamble.chunk_log2;
  options.suite = sealed.outline.preamble.suite;
  options.threads = session.globals().threads;

  if (sealed.kind == Kind::kDirectory) {
    CLOISTER_TRY(const DirectoryKeySet keys, directory_keys(wrappers, Signing::kYes));
    CLOISTER_TRY(const seal::DirectorySummary s,
                 seal::rekey_directory(sealed.path, options, keys.keys(), session.caller().now, session.random(),
                                       session.progress()));
    total.objects += s.objects_sealed;
    total.kept += s.objects_kept;
    total.payload_bytes += s.plaintext_bytes;
    total.object_bytes += s.object_bytes;
    return {};
  }
  const seal::DirectoryKeys keys{wrappers.list, nullptr, {}};
  CLOISTER_TRY(const seal::SealedSummary s,
               seal::rekey_object(sealed.path, options, keys, session.random(), session.progress()));
  ++total.objects;
  total.payload_bytes += s.plaintext_bytes;
  total.object_bytes += s.object_bytes;
  return {};
}

Result<Outcome> rekey(Session& session, const RekeyRequest& request) {
  CLOISTER_TRY(KeyChain chain, KeyChain::create(session, request.keys, "rekey"));
  Total total;
  const double started = monotonic_seconds();
  session.watch().begin("rekey");
  for (const std::string& path : request.paths) {
    CLOISTER_TRY(const Sealed sealed, look_at(path));
    const AuditNote note = note_for("object.rekey", sealed);
    CLOISTER_RETURN_IF_ERROR(session.record(note.action, note.tenant, note.subject, "begins"));
    const Status status = rekey_one(session, request, chain, sealed, total);
    if (!status.ok()) return session.record_failure(note.action, note.tenant, note.subject, status.error());
    const auto renewed = look_at(path);
    CLOISTER_RETURN_IF_ERROR(
        session.record(note.action, note.tenant, note.subject,
                       renewed.ok() ? "ends: now " + id_text(renewed.value().outline.preamble.object_id) : "ends"));
  }
  session.watch().end();
  const double seconds = monotonic_seconds() - started;
  Outcome outcome;
  outcome.terse = true;
  outcome.text = "re-keyed " + count_text(total.objects, "object") + ", " + bytes_text(total.payload_bytes) + " (" +
                 rate_text(total.payload_bytes, seconds) + ")";
  if (total.kept > 0) outcome.text += ", " + std::to_string(total.kept) + " done already";
  outcome.text += "\n" + cost_line(total.objects, total.object_bytes, seconds);
  outcome.json = {{"objects", total.objects},
                  {"objects_kept", total.kept},
                  {"plaintext_bytes", total.payload_bytes},
                  {"cost", cost_json(total.objects, total.object_bytes, seconds)}};
  return outcome;
}

}  // namespace

void add_rekey(CLI::App& app, Run& run) {
  auto request = std::make_shared<RekeyRequest>();
  CLI::App* verb = add_verb(app, "rekey", "seal objects again under new data keys, in place", kManual);
  verb->add_option("PATH", request->paths, "objects or directories")->required();
  add_opening_key_options(*verb, request->keys);
  add_repeatable(*verb, "--recipient", request->keys.recipients, "a public key that gets a slot")->type_name("KEY");
  verb->add_flag("--drop-slots", request->drop_slots, "slots whose keys aren't named may go");
  set_action(verb, run, request, rekey);
}

}  // namespace cloister::cli
