// cloister rewrap: who can open an object, without touching its data.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

#include "base/parallel.h"
#include "commands.h"
#include "crypto/hpke.h"
#include "crypto/passphrase.h"
#include "objects.h"
#include "seal/rewrap.h"
#include "secret_input.h"

namespace cloister::cli {
namespace {

struct RewrapRequest {
  std::vector<std::string> paths;
  KeyOptions keys;
  std::string add_recipient, add_passphrase_file, remove_type, remove_key;
  bool edits() const { return adds() || removes(); }
  bool adds() const { return !add_recipient.empty() || !add_passphrase_file.empty(); }
  bool removes() const { return !remove_type.empty() || !remove_key.empty(); }
};

constexpr const char* kManual = R"(EXAMPLES
  cloister rewrap train.sealed
      after `dataset rotate-key`: every slot to the newest dataset key
  cloister rewrap model.sealed --add-recipient auditor.pub
  cloister rewrap model.sealed --remove-key x25519:0011223344556677

NOTES
  Only key slots are written: 4 KiB or so an object, whatever its size. Killed
  at any moment, an object opens by its old slots or its new ones. A slot that
  is gone doesn't revoke a key that leaked: who kept a copy of the file, or the
  data key, still has it. That takes a new data key: `cloister rekey`.
)";

struct Total {
  std::mutex mutex;
  std::uint64_t objects = 0;
  seal::RewrapSummary sum;

  void add(const seal::RewrapSummary& one) {
    const std::lock_guard lock(mutex);
    ++objects;
    sum.slot_tables += one.slot_tables;
    sum.slots_changed += one.slots_changed;
    sum.bytes_written += one.bytes_written;
  }
};

// Slot edits on one file, opened with whatever the options and the home give.
Status edit_slots(Session& session, KeyChain& chain, const RewrapRequest& request, const Path& path, Total& total) {
  CLOISTER_TRY(const Sealed sealed, look_at(path));
  CLOISTER_TRY(const File file, File::open(path, File::Access::kReadWrite));
  const AuditNote note = note_for("object.rewrap", sealed);
  if (request.adds()) {
    CLOISTER_TRY(const Wrappers openers, chain.for_opening(sealed.outline.preamble, sealed.outline.slots.newest));
    std::unique_ptr<crypto::KeyWrapper> addition;
    std::string who = "a passphrase";
    if (!request.add_recipient.empty()) {
      CLOISTER_TRY(auto recipient, parse_recipient(request.add_recipient));
      who = recipient.key_id();
      addition = std::make_unique<crypto::HpkeSealer>(std::move(recipient), session.random());
    } else {
      CLOISTER_TRY(crypto::Secret passphrase, read_secret_file(request.add_passphrase_file));
      CLOISTER_TRY(auto wrapper,
                   crypto::PassphraseWrapper::create(std::move(passphrase), crypto::Argon2Cost{}, session.random()));
      addition = std::make_unique<crypto::PassphraseWrapper>(std::move(wrapper));
    }
    CLOISTER_RETURN_IF_ERROR(session.record(note.action, note.tenant, note.subject, "adds a slot for " + who));
    CLOISTER_TRY(const seal::RewrapSummary added, seal::add_slot(file, openers.list, *addition));
    total.add(added);
  }
  if (request.removes()) {
    CLOISTER_RETURN_IF_ERROR(session.record(note.action, note.tenant, note.subject,
                                            "removes slots " + request.remove_type + request.remove_key));
    const auto matches = [&request](const seal::Slot& slot) {
      return (request.remove_type.empty() || seal::slot_type_name(slot.wrapped.type) == request.remove_type) &&
             (request.remove_key.empty() || slot.wrapped.key_id == request.remove_key);
    };
    CLOISTER_TRY(const seal::RewrapSummary removed, seal::remove_slots(file, matches));
    if (removed.slots_changed == 0) {
      return Error(Code::kNotFound, "rewrap " + path.string() + ": it has no such slot");
    }
    total.add(removed);
  }
  return {};
}

// The keys that rewrap: those named, key services among them, else the dataset's.
Result<std::vector<crypto::KeyWrapper*>> rewrappers(KeyChain& chain, const RewrapRequest& request, const Path& path) {
  std::vector<crypto::KeyWrapper*> list;
  for (const auto& named : chain.named()) list.push_back(named.get());
  if (!list.empty() && request.keys.dataset.empty() && request.keys.brokers.empty()) return list;
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_TRY(const seal::ObjectOutline outline, seal::read_outline(file));
  CLOISTER_TRY(const Wrappers wrappers, chain.for_opening(outline.preamble, outline.slots.newest));
  return wrappers.list;
}

Status rewrap_file(const Path& path, const std::vector<crypto::KeyWrapper*>& wrappers, seal::SyncWrites sync,
                   Total& total) {
  CLOISTER_TRY(const File file, File::open(path, File::Access::kReadWrite));
  // The second key's rewrap must find the first one's on disk.
  const auto each = wrappers.size() > 1 ? seal::SyncWrites::kYes : sync;
  std::optional<Error> refused;
  bool any = false;
  for (crypto::KeyWrapper* wrapper : wrappers) {
    const auto one = seal::rewrap_slots(file, *wrapper, each);
    if (one.ok()) {
      total.add(*one);
      any = true;
    } else if (one.error().code() == Code::kDenied) {
      if (!refused) refused = one.error();  // not one of this key's: another may be
    } else {
      return one.error();
    }
  }
  return any || !refused ? ok_status() : Status(*refused);
}

Status sync_file_system(const Path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return error_from_errno(errno, "open " + path.string());
  const int result = ::syncfs(descriptor);
  const int error_number = errno;
  ::close(descriptor);
  return result == 0 ? ok_status() : Status(error_from_errno(error_number, "sync " + path.string()));
}

// A path of the command line and the sealed files there.
struct Found {
  Path path;
  std::vector<Path> files;
};

// All files of one path, in parallel. Keys are unlocked by the first object of each dataset.
Status rewrap_path(Session& session, KeyChain& chain, const RewrapRequest& request, const Found& found, Total& total) {
  const std::vector<Path>& files = found.files;
  std::mutex chain_mutex;
  const auto sync = files.size() > 1 ? seal::SyncWrites::kNo : seal::SyncWrites::kYes;
  const auto make_worker = [&]() -> PieceWorker {
    return [&](std::uint64_t i) -> Status {
      if (session.progress().stop_requested()) return Error(Code::kUnavailable, "rewrap: interrupted");
      std::vector<crypto::KeyWrapper*> wrappers;
      {
        const std::lock_guard lock(chain_mutex);
        CLOISTER_TRY(wrappers, rewrappers(chain, request, files[i]));
      }
      CLOISTER_RETURN_IF_ERROR(rewrap_file(files[i], wrappers, sync, total));
      session.progress().add_object();
      return {};
    };
  };
  // A passphrase wrapper allows one thread at a time.
  const unsigned threads = chain.named().empty() ? thread_count(session.globals().threads) : 1;
  CLOISTER_RETURN_IF_ERROR(parallel_pieces(threads, files.size(), make_worker));
  return sync == seal::SyncWrites::kNo ? sync_file_system(found.path) : ok_status();
}

Status edit_path(Session& session, KeyChain& chain, const RewrapRequest& request, const Found& found, Total& total) {
  for (const Path& file : found.files) {
    if (session.progress().stop_requested()) return Error(Code::kUnavailable, "rewrap: interrupted");
    CLOISTER_RETURN_IF_ERROR(edit_slots(session, chain, request, file, total));
    session.progress().add_object();
  }
  return {};
}

AuditNote note_for_path(const Path& path) {
  const auto sealed = look_at(path);
  if (sealed.ok()) return note_for("object.rewrap", sealed.value());
  return {"object.rewrap", "", path.filename().string()};
}

Result<Outcome> rewrap(Session& session, const RewrapRequest& request) {
  CLOISTER_TRY(KeyChain chain, KeyChain::create(session, request.keys, "rewrap"));
  if (!request.add_recipient.empty() && !request.add_passphrase_file.empty()) {
    return invalid("--add-recipient and --add-passphrase-file: one at a time");
  }
  Total total;
  const double started = monotonic_seconds();
  session.watch().begin("rewrap");
  std::vector<Found> all;
  for (const std::string& path : request.paths) {
    CLOISTER_TRY(std::vector<Path> files, find_sealed_files(path));
    session.progress().expect_objects(files.size());
    all.push_back({path, std::move(files)});
  }
  for (const Found& found : all) {
    const Status status = request.edits() ? edit_path(session, chain, request, found, total)
                                          : rewrap_path(session, chain, request, found, total);
    const AuditNote note = note_for_path(found.path);
    if (!status.ok()) return session.record_failure(note.action, note.tenant, note.subject, status.error());
    CLOISTER_RETURN_IF_ERROR(session.record(note.action, note.tenant, note.subject,
                                            std::to_string(total.sum.slots_changed) + " slots changed so far"));
  }
  session.watch().end();
  const double seconds = monotonic_seconds() - started;
  Outcome outcome;
  outcome.terse = true;
  outcome.text = "rewrapped " + count_text(total.objects, "object") + ", " +
                 count_text(total.sum.slots_changed, "slot") + " changed, no data touched\n" +
                 cost_line(total.objects, total.sum.bytes_written, seconds);
  outcome.json = {{"objects", total.objects},
                  {"slot_tables", total.sum.slot_tables},
                  {"slots_changed", total.sum.slots_changed},
                  {"cost", cost_json(total.objects, total.sum.bytes_written, seconds)}};
  return outcome;
}

}  // namespace

void add_rewrap(CLI::App& app, Run& run) {
  auto request = std::make_shared<RewrapRequest>();
  CLI::App* verb = add_verb(app, "rewrap", "bring key slots to the newest key, add or remove slots", kManual);
  verb->add_option("PATH", request->paths, "objects, logs, directories")->required();
  add_opening_key_options(*verb, request->keys);
  verb->add_option("--add-recipient", request->add_recipient, "add a slot for this public key")->type_name("KEY");
  verb->add_option("--add-passphrase-file", request->add_passphrase_file, "add a slot for this passphrase")
      ->type_name("FILE");
  verb->add_option("--remove-type", request->remove_type, "remove slots of this type")
      ->check(CLI::IsMember({"dataset-key", "software-key", "pkcs11", "passphrase", "hpke-x25519", "hpke-xwing"}));
  verb->add_option("--remove-key", request->remove_key, "remove slots of this key id")->type_name("ID");
  set_action(verb, run, request, rewrap);
}

}  // namespace cloister::cli
