#include "audit_log_commands.h"

#include <algorithm>

#include "audit/checkpoint.h"
#include "audit/export.h"
#include "audit/ocsf.h"
#include "audit/origin.h"
#include "audit/witness_request.h"
#include "identity_text.h"
#include "payload_output.h"
#include "secret_input.h"
#include "witness_key.h"

namespace cloister::cli {
namespace {

constexpr std::size_t kKeyTextMax = 4096;
constexpr std::size_t kRequestSizeMax = audit::kNoteSizeMax + 8192;

struct LogRequest {
  std::string tenant, file, checkpoint, request;
  std::uint64_t since = 0;
  bool ocsf = false;
  bool force = false;
};

struct WitnessOptions {
  std::string name, key_file, request, log_key, state;
  bool first = false;
};

// A verifier key's text itself, or the path of a file that holds it.
Result<audit::VerifierKey> read_verifier_key(const std::string& text_or_path) {
  if (text_or_path.starts_with("PRIVATE+KEY+")) {
    return invalid("that is a private key: it doesn't belong on a command line, take it out of use");
  }
  // A path rarely has two.
  if (std::ranges::count(text_or_path, '+') >= 2) return audit::VerifierKey::parse(text_or_path);
  CLOISTER_TRY(const Bytes content, read_file(text_or_path, kKeyTextMax));
  return audit::VerifierKey::parse(only_line(as_text(content))).with_context("read " + text_or_path);
}

// The origin of a tenant's tree, which has records.
Result<std::string> origin_of(keys::Store& store, const std::string& tenant) {
  if (tenant != "-") {
    CLOISTER_TRY(const keys::TenantName name, keys::parse_tenant_name(tenant));
    if (!name.environment.empty()) {
      return invalid("a tenant's log holds that of its environments: name " + name.tenant + " alone");
    }
  }
  CLOISTER_TRY(const std::string server, store.log_server());
  CLOISTER_TRY(std::string origin, audit::tree_origin(server, tenant == "-" ? "" : tenant));
  CLOISTER_TRY(const audit::TreeHead head, store.tree_head(origin));
  if (head.size == 0) return Error(Code::kNotFound, "the audit log has no records of tenant " + tenant);
  return origin;
}

// To a file that appears whole, or to standard output.
class Target {
 public:
  static Result<Target> open(const std::string& path, bool force) {
    Target target;
    if (path == "-") {
      target.output_ = std::make_unique<PayloadOutput>(BinaryToTerminal::kAllow);
    } else {
      CLOISTER_TRY(auto file, FileReplacement::begin(path, force ? Overwrite::kReplace : Overwrite::kRefuse, 0600));
      target.file_ = std::make_unique<FileReplacement>(std::move(file));
    }
    return target;
  }
  Status write(ByteView bytes) {
    bytes_ += bytes.size();
    return output_ ? output_->write(bytes) : file_->file().write_all(bytes);
  }
  Status commit() { return file_ ? file_->commit() : ok_status(); }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::unique_ptr<PayloadOutput> output_;
  std::unique_ptr<FileReplacement> file_;
  std::uint64_t bytes_ = 0;
};

Result<audit::Checkpoint> checkpoint_of(const std::string& note) {
  CLOISTER_TRY(const audit::SignedNote parsed, audit::parse_note(note));
  return audit::parse_checkpoint(parsed.text);
}

// Signed now, or signed before and cosigned since.
Result<std::string> checkpoint_for(Session& session, const LogRequest& request, const std::string& origin) {
  if (request.checkpoint.empty()) {
    CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
    return hierarchy->sign_checkpoint(origin, session.caller().now);
  }
  CLOISTER_TRY(const Bytes bytes, read_file(request.checkpoint, audit::kNoteSizeMax));
  return std::string(as_text(bytes));
}

Result<std::uint64_t> write_log(Session& session, const LogRequest& request, keys::Store& store,
                                const std::string& origin, Target& target) {
  CLOISTER_TRY(const std::string note, checkpoint_for(session, request, origin));
  CLOISTER_TRY(const audit::Checkpoint checkpoint, checkpoint_of(note).with_context("read the checkpoint"));
  CLOISTER_TRY(auto writer,
               audit::ExportWriter::begin([&target](ByteView bytes) { return target.write(bytes); }, origin));
  const auto add = [&writer](const audit::LogRecord& record) { return writer.add(record); };
  CLOISTER_RETURN_IF_ERROR(store.for_each_record(origin, 0, checkpoint.head.size, add));
  if (request.checkpoint.empty() && writer.frontier().root() != checkpoint.head.root) {
    return Error(Code::kCorrupt, "its records aren't those that its head is of: `cloister audit verify` names the row");
  }
  CLOISTER_RETURN_IF_ERROR(writer.finish(note));
  return checkpoint.head.size;
}

Result<std::uint64_t> write_ocsf(keys::Store& store, const std::string& origin, Target& target) {
  const audit::OcsfOptions options{origin, CLOISTER_VERSION};
  CLOISTER_TRY(const audit::TreeHead head, store.tree_head(origin));
  CLOISTER_RETURN_IF_ERROR(store.for_each_record(origin, 0, head.size, [&](const audit::LogRecord& record) {
    return target.write(as_bytes(audit::ocsf_api_activity(record, options) + "\n"));
  }));
  return head.size;
}

Result<Outcome> export_log(Session& session, const LogRequest& request) {
  if (request.ocsf && !request.checkpoint.empty()) return invalid("OCSF has no place for a checkpoint");
  CLOISTER_TRY(keys::Store * store, session.store());
  CLOISTER_TRY(const std::string origin, origin_of(*store, request.tenant));
  CLOISTER_TRY(Target target, Target::open(request.file, request.force));
  // Whoever reads it learns who used which key when.
  CLOISTER_RETURN_IF_ERROR(session.record("audit.export", request.tenant == "-" ? "" : request.tenant, origin,
                                          request.ocsf ? "as OCSF" : ""));
  const auto records =
      request.ocsf ? write_ocsf(*store, origin, target) : write_log(session, request, *store, origin, target);
  if (!records.ok()) return Error(records.error()).with_context("export " + origin);
  CLOISTER_RETURN_IF_ERROR(target.commit());
  Outcome outcome;
  outcome.terse = true;
  outcome.payload_on_stdout = request.file == "-";
  outcome.text = "exported " + count_text(*records, "record") + " of " + origin + ", " + bytes_text(target.bytes()) +
                 (request.ocsf ? "\n" : "; to verify them: the key `cloister audit key` prints\n");
  outcome.json = {{"origin", origin}, {"records", *records}, {"bytes", target.bytes()}};
  return outcome;
}

Result<Outcome> show_key(Session& session, const LogRequest& request) {
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(const std::string origin, origin_of(hierarchy->store(), request.tenant));
  // The first checkpoint makes the key, if init didn't.
  CLOISTER_TRY([[maybe_unused]] const std::string note, hierarchy->sign_checkpoint(origin, session.caller().now));
  CLOISTER_TRY(const audit::VerifierKey key, hierarchy->log_key(origin));
  Outcome outcome;
  outcome.text = key.text() + "\n";
  outcome.json = {{"origin", origin}, {"key", key.text()}};
  return outcome;
}

Status write_request(const LogRequest& options, keys::Store& store, const audit::Checkpoint& checkpoint,
                     const std::string& note) {
  audit::WitnessRequest request{options.since, {}, note};
  if (options.since != 0) {
    CLOISTER_TRY(request.proof,
                 audit::consistency_proof(options.since, checkpoint.head.size, [&](const audit::NodeId& id) {
                   return store.tree_node(checkpoint.origin, id);
                 }));
  }
  return write_file(options.request, as_bytes(audit::write_witness_request(request)),
                    options.force ? Overwrite::kReplace : Overwrite::kRefuse, 0644);
}

Result<Outcome> show_checkpoint(Session& session, const LogRequest& request) {
  if (request.request.empty() && request.since != 0) return invalid("--since belongs to --request");
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(const std::string origin, origin_of(hierarchy->store(), request.tenant));
  CLOISTER_TRY(const std::string note, hierarchy->sign_checkpoint(origin, session.caller().now));
  CLOISTER_TRY(const audit::Checkpoint checkpoint, checkpoint_of(note));
  if (!request.request.empty()) {
    CLOISTER_RETURN_IF_ERROR(
        write_request(request, hierarchy->store(), checkpoint, note).with_context("write " + request.request));
  }
  Outcome outcome;
  outcome.text = note;
  outcome.json = {
      {"origin", origin}, {"size", checkpoint.head.size}, {"root", to_hex(checkpoint.head.root)}, {"checkpoint", note}};
  return outcome;
}

Result<Outcome> new_witness(Session& session, const WitnessOptions& options) {
  const auto key = crypto::SigningKey::generate(session.random());
  CLOISTER_TRY(const auto verifier,
               audit::VerifierKey::make(options.name, audit::NoteKeyType::kCosignatureV1, key.public_key()));
  CLOISTER_RETURN_IF_ERROR(
      write_file(options.key_file, witness_key_text(options.name, key).expose(), Overwrite::kRefuse, 0600));
  Outcome outcome;
  outcome.text = verifier.text() + "\n";
  outcome.json = {{"file", options.key_file}, {"key", verifier.text()}};
  return outcome;
}

// What this witness cosigned last, by its own memory.
Result<std::optional<audit::Checkpoint>> read_state(const WitnessOptions& options) {
  const auto bytes = read_file(options.state, audit::kNoteSizeMax);
  if (!bytes.ok() && bytes.error().code() == Code::kNotFound) {
    if (options.first) return std::optional<audit::Checkpoint>();
    return Error(Code::kNotFound,
                 "there is no " + options.state + ": --first says that this witness has never cosigned this log");
  }
  if (!bytes.ok()) return bytes.error();
  if (options.first) return Error(Code::kExists, options.state + " is there: this witness has cosigned before");
  CLOISTER_TRY(audit::Checkpoint last, audit::parse_checkpoint(as_text(*bytes)).with_context("read " + options.state));
  return std::optional(std::move(last));
}

Result<Outcome> cosign(Session& session, const WitnessOptions& options) {
  CLOISTER_TRY(const audit::VerifierKey log_key, read_verifier_key(options.log_key));
  CLOISTER_TRY(const crypto::Secret content, read_secret_file(options.key_file));
  CLOISTER_TRY(const WitnessKey key, parse_witness_key(content.expose()).with_context("read " + options.key_file));
  CLOISTER_TRY(const auto signer, audit::NoteSigner::make(key.name, audit::NoteKeyType::kCosignatureV1, key.key));
  CLOISTER_TRY(const Bytes bytes, read_file(options.request, kRequestSizeMax));
  CLOISTER_TRY(const audit::WitnessRequest request,
               audit::parse_witness_request(as_text(bytes)).with_context("read " + options.request));

  // ML-17: comparing and storing are one step. Nobody else with this key cosigns meanwhile.
  CLOISTER_TRY(const File turn, File::open(options.key_file));
  CLOISTER_RETURN_IF_ERROR(turn.lock_exclusive());
  CLOISTER_TRY(const auto last, read_state(options));
  const std::uint64_t known = last ? last->head.size : 0;
  if (request.older != known) {
    return Error(Code::kDenied, "the request continues a log of " + count_text(request.older, "record") +
                                    ", this witness cosigned " + std::to_string(known) +
                                    " last: ask again with --since " + std::to_string(known));
  }
  CLOISTER_TRY(const audit::WitnessAnswer answer,
               audit::cosign_checkpoint(request.note, log_key, last, request.proof, signer, session.caller().now));
  CLOISTER_TRY(const std::string text, audit::checkpoint_text(answer.cosigned));
  CLOISTER_RETURN_IF_ERROR(write_file(options.state, as_bytes(text), Overwrite::kReplace, 0600));
  Outcome outcome;
  outcome.text = audit::write_note_signature(answer.signature);
  outcome.json = {{"origin", answer.cosigned.origin},
                  {"size", answer.cosigned.head.size},
                  {"root", to_hex(answer.cosigned.head.root)},
                  {"signature", outcome.text}};
  return outcome;
}

void add_tenant_option(CLI::App& verb, LogRequest& request) {
  verb.add_option("TENANT", request.tenant, "whose log; - for what concerns no tenant")->required();
}

}  // namespace

Result<Outcome> verify_exported_log(const std::string& path, const ExportTrust& trust) {
  if (trust.log_key.empty()) return invalid("--key is needed: the log's key, as `cloister audit key` printed it");
  CLOISTER_TRY(const audit::VerifierKey log_key, read_verifier_key(trust.log_key));
  audit::CheckpointTrust keys{log_key};
  for (const std::string& witness : trust.witnesses) {
    CLOISTER_TRY(audit::VerifierKey key, read_verifier_key(witness));
    keys.witnesses.push_back(std::move(key));
  }
  keys.quorum = trust.quorum;
  CLOISTER_TRY(const File file, File::open(path));
  const auto source = [&file](MutableByteView out) { return file.read_some(out); };
  CLOISTER_TRY(const audit::ExportSummary summary, audit::verify_export(source, keys).with_context("verify " + path));
  const audit::Checkpoint& checkpoint = summary.checkpoint.checkpoint;
  Json witnesses = Json::array();
  std::string cosigned;
  for (const audit::Cosignature& cosignature : summary.checkpoint.cosignatures) {
    const Time at{static_cast<std::int64_t>(std::min<std::uint64_t>(cosignature.unix_seconds, 253'402'300'799)) * 1000};
    witnesses.push_back({{"witness", cosignature.witness}, {"time", to_rfc3339(at)}});
    cosigned += "cosigned by " + printable(cosignature.witness) + " at " + to_rfc3339(at) + "\n";
  }
  Outcome outcome;
  outcome.text = "the log is whole: " + count_text(checkpoint.head.size, "record") + " of " +
                 printable(checkpoint.origin) + ", root " + to_hex(checkpoint.head.root) + "\n" + cosigned;
  if (summary.earliest && summary.latest) {
    outcome.text += "from " + to_rfc3339(*summary.earliest) + " to " + to_rfc3339(*summary.latest) + "\n";
  }
  outcome.json = {{"origin", checkpoint.origin},
                  {"records", checkpoint.head.size},
                  {"root", to_hex(checkpoint.head.root)},
                  {"cosignatures", witnesses}};
  return outcome;
}

void add_audit_log(CLI::App& group, Run& run) {
  auto request = std::make_shared<LogRequest>();
  CLI::App* exporting = add_verb(group, "export", "a tenant's log into a file, with a signed checkpoint", "");
  add_tenant_option(*exporting, *request);
  exporting->add_option("FILE", request->file, "where to; - for standard output")->required();
  exporting->add_option("--checkpoint", request->checkpoint, "up to this checkpoint, which may be cosigned")
      ->type_name("FILE");
  exporting->add_flag("--ocsf", request->ocsf, "for tools that read OCSF: one event a line, nothing signed");
  exporting->add_flag("--force", request->force, "replace FILE");
  set_action(exporting, run, request, export_log);
  CLI::App* key = add_verb(group, "key", "print the key that a tenant's log is verified with", "");
  add_tenant_option(*key, *request);
  set_action(key, run, request, show_key);
  CLI::App* heading = add_verb(group, "checkpoint", "print a tenant's log as it stands, signed", "");
  add_tenant_option(*heading, *request);
  heading->add_option("--request", request->request, "write into FILE what a witness is asked")->type_name("FILE");
  heading->add_option("--since", request->since, "records that the witness cosigned last; 0 for none")
      ->type_name("N")
      ->capture_default_str();
  heading->add_flag("--force", request->force, "replace the --request FILE");
  set_action(heading, run, request, show_checkpoint);

  auto witness = std::make_shared<WitnessOptions>();
  CLI::App* making = add_verb(group, "new-witness", "make a witness's key in a file, print its public key", "");
  making->add_option("NAME", witness->name, "like witness.example.org/w1")->required();
  making->add_option("FILE", witness->key_file, "where to; never replaced")->required();
  set_action(making, run, witness, new_witness);
  CLI::App* cosigning = add_verb(group, "cosign", "as a witness: cosign what continues what was cosigned before", "");
  cosigning->add_option("REQUEST", witness->request, "from `audit checkpoint --request`")->required();
  cosigning->add_option("--log-key", witness->log_key, "the log's key, or a file that holds it")
      ->type_name("KEY")
      ->required();
  cosigning->add_option("--witness-key", witness->key_file, "this witness's own key")->type_name("FILE")->required();
  cosigning->add_option("--state", witness->state, "what it cosigned last: a file for each log")
      ->type_name("FILE")
      ->required();
  cosigning->add_flag("--first", witness->first, "there is no state yet");
  set_action(cosigning, run, witness, cosign);
}

}  // namespace cloister::cli
