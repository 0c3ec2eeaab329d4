// cloister seal: a file, a directory or standard input.
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <map>

#include "commands.h"
#include "objects.h"

namespace cloister::cli {
namespace {

namespace fs = std::filesystem;

struct SealRequest {
  std::string source, target;
  KeyOptions keys;
  bool force = false;
  bool digest = false;
  bool hide_names = false;
  bool skip_special = false;
  std::string suite = "aes-256-gcm";
  std::string chunk = "1M";
  std::string content_type;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister seal model.safetensors --dataset acme/models
      writes model.safetensors.sealed
  cloister seal train/ /data/train.sealed --dataset acme/production/mnist
      one sealed object per file, and a signed manifest; interrupted, the same
      command goes on where it stopped
  pg_dump features | cloister seal - features.sealed --dataset acme/features
  cloister seal notes.txt --tenant acme --passphrase-file phrase.txt
      needs no home
  cloister seal model.gguf --dataset acme/models --threshold 2 \
      --broker eu.service --broker us.service --broker lab.service
      each of three key services gets a share of the key; two open it

NOTES
  --chunk is the unit of random access: 64K suits small samples, 1M everything
  else. --digest adds a SHA-256 of the whole payload, kept encrypted; it costs
  a pass of SHA-256. A target is replaced only with --force, a symbolic link or
  a device in a directory is refused unless --skip-special.
)";

Result<std::uint8_t> parse_chunk(const std::string& text) {
  static const std::map<std::string, std::uint8_t> sizes{{"16K", 14},  {"32K", 15},  {"64K", 16},
                                                         {"128K", 17}, {"256K", 18}, {"512K", 19},
                                                         {"1M", 20},   {"2M", 21},   {"4M", 22}};
  const auto found = sizes.find(text);
  if (found != sizes.end()) return found->second;
  return invalid("--chunk " + text + ": one of 16K, 32K, 64K, 128K, 256K, 512K, 1M, 2M, 4M");
}

Result<seal::SealOptions> make_options(Session& session, const SealRequest& request, KeyChain& chain) {
  seal::SealOptions options;
  options.suite = request.suite == "aes-256-gcm" ? seal::Suite::kAes256Gcm : seal::Suite::kChaCha20Poly1305;
  CLOISTER_TRY(options.chunk_log2, parse_chunk(request.chunk));
  options.payload_digest = request.digest ? seal::PayloadDigest::kSha256 : seal::PayloadDigest::kNone;
  options.threads = session.globals().threads;
  CLOISTER_TRY(options.context, chain.context());
  options.share_threshold = request.keys.threshold;
  if (!request.content_type.empty()) options.meta.content_type = request.content_type;
  options.meta.sealed_at = session.caller().now;
  return options;
}

// "folder/" and "folder" are the same source.
Path trimmed(const Path& path) { return path.has_filename() ? path : path.parent_path(); }

Result<Path> choose_target(const SealRequest& request, bool from_input) {
  std::error_code ignored;
  if (request.target == "-") {
    return invalid(
        "a sealed object can't be written to standard output: its header is finished last, by position; name a file");
  }
  if (from_input && request.target.empty()) return invalid("sealing standard input needs a target: seal - TARGET");
  const Path source = trimmed(request.source);
  if (!request.target.empty()) {
    const bool into_folder =
        !from_input && fs::is_directory(request.target, ignored) && !fs::is_directory(source, ignored);
    return into_folder ? Path(request.target) / (source.filename().string() + ".sealed") : Path(request.target);
  }
  if (source.filename() == "." || source.filename() == "..")
    return invalid("seal " + source.string() + ": name a target");
  return Path(source.string() + ".sealed");
}

Outcome summary(const std::string& source, const Path& target, const seal::DirectorySummary& s, double seconds) {
  Outcome outcome;
  outcome.terse = true;
  outcome.text = "sealed " + source + " -> " + target.string() + "  " + count_text(s.objects_sealed, "object") + ", " +
                 bytes_text(s.plaintext_bytes) + " in " + seconds_text(seconds) + " (" +
                 rate_text(s.plaintext_bytes, seconds) + ")";
  if (s.objects_kept > 0) outcome.text += ", " + std::to_string(s.objects_kept) + " done already";
  if (s.objects_removed > 0) outcome.text += ", " + std::to_string(s.objects_removed) + " removed";
  outcome.text += "\n";
  outcome.json = {{"target", target.string()},
                  {"kind", "directory"},
                  {"objects_sealed", s.objects_sealed},
                  {"objects_kept", s.objects_kept},
                  {"objects_removed", s.objects_removed},
                  {"plaintext_bytes", s.plaintext_bytes},
                  {"object_bytes", s.object_bytes},
                  {"seconds", seconds}};
  return outcome;
}

Result<Outcome> seal_folder(Session& session, const SealRequest& request, const Path& target) {
  if (!request.keys.brokers.empty()) return invalid("--broker is for files: a directory's manifest has one signer");
  CLOISTER_TRY(KeyChain chain, KeyChain::create(session, request.keys, "seal"));
  CLOISTER_TRY(const Wrappers wrappers, chain.for_sealing());
  CLOISTER_TRY(const DirectoryKeySet keys, directory_keys(wrappers, Signing::kYes));
  seal::DirectorySealOptions options;
  CLOISTER_TRY(options.object, make_options(session, request, chain));
  options.stored_names = request.hide_names ? seal::StoredNames::kRandom : seal::StoredNames::kOriginal;
  options.skip_special = request.skip_special;
  options.now = session.caller().now;

  const double started = monotonic_seconds();
  const Path source = trimmed(request.source);
  session.watch().begin("seal " + source.string());
  const auto sealed = seal::seal_directory(source, target, options, keys.keys(), session.random(), session.progress());
  session.watch().end();
  const std::string& tenant = options.object.context.tenant;
  if (!sealed.ok()) {
    return session.record_failure("directory.seal", tenant, wrappers.dataset->name.text(), sealed.error());
  }
  CLOISTER_RETURN_IF_ERROR(session.record("directory.seal", tenant, wrappers.dataset->name.text(),
                                          count_text(sealed.value().objects_sealed, "object") + ", " +
                                              std::to_string(sealed.value().plaintext_bytes) + " bytes"));
  return summary(source.string(), target, sealed.value(), monotonic_seconds() - started);
}

Result<File> open_source(const SealRequest& request, seal::Meta& meta) {
  if (request.source == "-") return File::from_descriptor(STDIN_FILENO, "standard input", File::Owned::kNo);
  CLOISTER_TRY(File file, File::open(request.source));
  struct stat info{};
  if (::fstat(file.descriptor(), &info) != 0) return error_from_errno(errno, "look at " + request.source);
  meta.name = Path(request.source).filename().string();
  meta.mode = info.st_mode & 07777;
  meta.modified_at = Time{static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1000 + info.st_mtim.tv_nsec / 1'000'000};
  return file;
}

Result<Outcome> seal_file(Session& session, const SealRequest& request, const Path& target) {
  const auto overwrite = request.force ? Overwrite::kReplace : Overwrite::kRefuse;
  seal::Meta source_meta;
  CLOISTER_TRY(const File source, open_source(request, source_meta));
  CLOISTER_TRY(KeyChain chain, KeyChain::create(session, request.keys, "seal"));
  CLOISTER_TRY(auto replacement, begin_target(target, overwrite));
  CLOISTER_TRY(const Wrappers wrappers, chain.for_sealing());
  CLOISTER_TRY(seal::SealOptions options, make_options(session, request, chain));
  options.meta.name = source_meta.name;
  options.meta.mode = source_meta.mode;
  options.meta.modified_at = source_meta.modified_at;

  const double started = monotonic_seconds();
  CLOISTER_TRY(const bool regular, source.is_regular());
  if (regular) {
    CLOISTER_TRY(const std::uint64_t size, source.size());
    session.progress().expect(size);
  }
  session.watch().begin("seal " + source.path().string());
  auto sealed =
      seal::seal_payload(source, replacement.file(), options, wrappers.list, session.random(), session.progress());
  // An interrupted read of standard input looks like its end.
  if (sealed.ok() && session.progress().stop_requested()) sealed = Error(Code::kUnavailable, "interrupted");
  session.watch().end();
  const std::string owner =
      options.context.dataset.empty() ? "" : " of " + options.context.tenant + "/" + options.context.dataset;
  if (!sealed.ok()) {
    return session.record_failure("object.seal", options.context.tenant, "new object" + owner,
                                  sealed.error().with_context("seal " + source.path().string()));
  }
  CLOISTER_RETURN_IF_ERROR(session.record("object.seal", options.context.tenant,
                                          "object " + id_text(sealed->object_id) + owner,
                                          std::to_string(sealed->plaintext_bytes) + " bytes"));
  CLOISTER_RETURN_IF_ERROR(replacement.commit());

  const double seconds = monotonic_seconds() - started;
  Outcome outcome;
  outcome.terse = true;
  outcome.text = "sealed " + source.path().string() + " -> " + target.string() + "  " +
                 bytes_text(sealed->plaintext_bytes) + " in " + seconds_text(seconds) + " (" +
                 rate_text(sealed->plaintext_bytes, seconds) + ")\n";
  outcome.json = {{"target", target.string()},
                  {"kind", "object"},
                  {"object_id", id_text(sealed->object_id)},
                  {"plaintext_bytes", sealed->plaintext_bytes},
                  {"object_bytes", sealed->object_bytes},
                  {"object_digest", to_hex(sealed->object_digest)},
                  {"seconds", seconds}};
  return outcome;
}

Result<Outcome> seal_anything(Session& session, const SealRequest& request) {
  const bool from_input = request.source == "-";
  CLOISTER_TRY(const Path target, choose_target(request, from_input));
  if (from_input && ::isatty(STDIN_FILENO) == 1) return invalid("seal -: standard input is a terminal, not a payload");
  std::error_code ignored;
  if (!from_input && fs::is_directory(request.source, ignored)) {
    if (request.force) {
      return invalid("--force is for files: a sealed directory is never replaced; remove " + target.string() +
                     " first, or name another target");
    }
    return seal_folder(session, request, target);
  }
  if (request.hide_names || request.skip_special) return invalid("--hide-names and --skip-special are for directories");
  return seal_file(session, request, target);
}

}  // namespace

void add_seal(CLI::App& app, Run& run) {
  auto request = std::make_shared<SealRequest>();
  CLI::App* verb = add_verb(app, "seal", "seal a file, a directory or standard input", kManual);
  verb->add_option("SOURCE", request->source, "a file, a directory, or - for standard input")->required();
  verb->add_option("TARGET", request->target, "where to; SOURCE.sealed if left out");
  add_sealing_key_options(*verb, request->keys);
  add_sharing_options(*verb, request->keys);
  verb->add_flag("-f,--force", request->force, "files: replace the target");
  verb->add_flag("--digest", request->digest, "keep a digest of the whole payload in the object");
  verb->add_flag("--hide-names", request->hide_names,
                 "directories: random file names; the manifest knows the real ones");
  verb->add_flag("--skip-special", request->skip_special, "directories: leave out links, devices and the like");
  verb->add_option("--suite", request->suite, "the cipher")
      ->check(CLI::IsMember({"aes-256-gcm", "chacha20-poly1305"}))
      ->capture_default_str();
  verb->add_option("--chunk", request->chunk, "unit of random access, 16K to 4M")
      ->type_name("SIZE")
      ->capture_default_str();
  verb->add_option("--content-type", request->content_type, "what the payload is, kept encrypted")->type_name("TYPE");
  set_action(verb, run, request, seal_anything);
}

}  // namespace cloister::cli
