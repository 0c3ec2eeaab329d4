#include "posture/collect/content/scan_journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "base/json.h"
#include "crypto/hash.h"

namespace cloister::posture::content {
namespace {

constexpr std::string_view kFormat = "cloister-content-journal/1";
constexpr std::uint64_t kJournalMax = std::uint64_t{1} << 30;
constexpr JsonLimits kLineLimits{.size = std::size_t{1} << 20, .depth = 6, .values = 65536};

// Names are any bytes; JSON takes text.
std::string hex_of(std::string_view text) { return to_hex(as_bytes(text)); }

JsonValue::Array texts_json(const std::set<std::string>& texts) {
  JsonValue::Array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

JsonValue seal_json(const SealTally& seal) {
  JsonValue::Array counts;
  for (const std::uint64_t count : {seal.objects, seal.active, seal.retired, seal.gone, seal.unresolved})
    counts.emplace_back(count);
  JsonValue::Array wraps;
  for (const auto& [wrap, object] : seal.wraps) wraps.emplace_back(JsonValue::Array{wrap, object});
  return JsonValue::Object{{"counts", std::move(counts)},           {"tenants", texts_json(seal.tenants)},
                           {"keyrings", texts_json(seal.keyrings)}, {"keks", texts_json(seal.keks)},
                           {"suites", texts_json(seal.suites)},     {"slot_keys", texts_json(seal.slot_keys)},
                           {"reused", texts_json(seal.reused)},     {"wraps", std::move(wraps)}};
}

Error malformed() { return Error(Code::kInvalid, "a journal's line is malformed"); }

Result<const JsonValue::Array*> array_of(const JsonValue* json) {
  if (json == nullptr || json->array() == nullptr) return malformed();
  return json->array();
}

Result<std::string> text_of(const JsonValue* json) {
  if (json == nullptr || json->string() == nullptr) return malformed();
  return *json->string();
}

Result<std::uint64_t> number_of(const JsonValue* json) {
  if (json == nullptr || !json->unsigned_integer()) return malformed();
  return *json->unsigned_integer();
}

Result<std::string> name_of_hex(const JsonValue* json) {
  CLOISTER_TRY(const std::string hex, text_of(json));
  CLOISTER_TRY(const Bytes bytes, from_hex(hex));
  return std::string(as_text(bytes));
}

Status take_texts(const JsonValue* json, std::set<std::string>& out) {
  CLOISTER_TRY(const JsonValue::Array* items, array_of(json));
  for (const JsonValue& item : *items) {
    CLOISTER_TRY(std::string text, text_of(&item));
    out.insert(std::move(text));
  }
  return {};
}

Status take_seal(const JsonValue* json, SealTally& seal) {
  if (json == nullptr) return malformed();
  CLOISTER_TRY(const JsonValue::Array* counts, array_of(json->find("counts")));
  const std::array<std::uint64_t*, 5> targets = {&seal.objects, &seal.active, &seal.retired, &seal.gone,
                                                 &seal.unresolved};
  if (counts->size() != targets.size()) return malformed();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    CLOISTER_TRY(*targets[i], number_of(&(*counts)[i]));
  }
  CLOISTER_RETURN_IF_ERROR(take_texts(json->find("tenants"), seal.tenants));
  CLOISTER_RETURN_IF_ERROR(take_texts(json->find("keyrings"), seal.keyrings));
  CLOISTER_RETURN_IF_ERROR(take_texts(json->find("keks"), seal.keks));
  CLOISTER_RETURN_IF_ERROR(take_texts(json->find("suites"), seal.suites));
  CLOISTER_RETURN_IF_ERROR(take_texts(json->find("slot_keys"), seal.slot_keys));
  CLOISTER_RETURN_IF_ERROR(take_texts(json->find("reused"), seal.reused));
  CLOISTER_TRY(const JsonValue::Array* wraps, array_of(json->find("wraps")));
  for (const JsonValue& wrap : *wraps) {
    if (wrap.array() == nullptr || wrap.array()->size() != 2) return malformed();
    CLOISTER_TRY(const std::string digest, text_of(&(*wrap.array())[0]));
    CLOISTER_TRY(const std::string object, text_of(&(*wrap.array())[1]));
    seal.add_wrap(digest, object);
  }
  return {};
}

Result<ObjectFinding> take_object(const JsonValue& json) {
  if (json.array() == nullptr || json.array()->size() != 6) return malformed();
  const JsonValue::Array& parts = *json.array();
  ObjectFinding object;
  CLOISTER_TRY(object.name, name_of_hex(&parts[0]));
  CLOISTER_TRY(const std::uint64_t verdict, number_of(&parts[1]));
  if (verdict >= kVerdictCount) return malformed();
  object.verdict = static_cast<Verdict>(verdict);
  CLOISTER_TRY(object.type, text_of(&parts[2]));
  CLOISTER_TRY(object.reason, name_of_hex(&parts[3]));
  CLOISTER_TRY(object.bytes, number_of(&parts[4]));
  CLOISTER_TRY(object.sha256_head, text_of(&parts[5]));
  return object;
}

}  // namespace

std::string batch_name(const FileBatch& batch) {
  crypto::Sha256 hash;
  const auto part = [&](std::string_view text) {
    hash.update(as_bytes(text));
    hash.update(as_bytes(std::string_view("\0", 1)));
  };
  part(batch.folder);
  for (const std::string& name : batch.names) {
    part(name);
    struct stat info{};
    if (batch.directory == nullptr) continue;
    if (::fstatat(batch.directory->descriptor(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const std::int64_t state[] = {static_cast<std::int64_t>(info.st_ino),
                                  info.st_size,
                                  info.st_mtim.tv_sec,
                                  info.st_mtim.tv_nsec,
                                  info.st_ctim.tv_sec,
                                  info.st_ctim.tv_nsec};
    for (const std::int64_t value : state) part(std::to_string(value));
  }
  return to_hex(ByteView(hash.finish()).first(16));
}

std::string tally_json(const std::string& batch, const LocationTally& tally) {
  JsonValue::Array verdicts, objects, keys;
  for (const std::uint64_t count : tally.verdicts) verdicts.emplace_back(count);
  for (const ObjectFinding& object : tally.objects) {
    objects.emplace_back(JsonValue::Array{hex_of(object.name), static_cast<std::uint64_t>(object.verdict), object.type,
                                          hex_of(object.reason), object.bytes, object.sha256_head});
  }
  for (const std::string& place : tally.raw_key_places) keys.emplace_back(hex_of(place));
  return JsonValue(JsonValue::Object{{"batch", batch},
                                     {"verdicts", std::move(verdicts)},
                                     {"bytes", tally.bytes},
                                     {"objects", std::move(objects)},
                                     {"left_out", tally.objects_left_out},
                                     {"raw_keys", tally.raw_keys},
                                     {"places", std::move(keys)},
                                     {"special", tally.special},
                                     {"seal", seal_json(tally.seal)}})
      .serialize();
}

Result<JournalLine> parse_journal_line(std::string_view line) {
  CLOISTER_TRY(const JsonValue json, parse_json(line, kLineLimits));
  JournalLine out;
  CLOISTER_TRY(out.batch, text_of(json.find("batch")));
  CLOISTER_TRY(const JsonValue::Array* verdicts, array_of(json.find("verdicts")));
  if (verdicts->size() != kVerdictCount) return malformed();
  for (std::size_t i = 0; i < kVerdictCount; ++i) {
    CLOISTER_TRY(out.tally.verdicts[i], number_of(&(*verdicts)[i]));
  }
  CLOISTER_TRY(out.tally.bytes, number_of(json.find("bytes")));
  CLOISTER_TRY(const JsonValue::Array* objects, array_of(json.find("objects")));
  for (const JsonValue& object : *objects) {
    CLOISTER_TRY(ObjectFinding finding, take_object(object));
    out.tally.objects.push_back(std::move(finding));
  }
  CLOISTER_TRY(out.tally.objects_left_out, number_of(json.find("left_out")));
  CLOISTER_TRY(out.tally.raw_keys, number_of(json.find("raw_keys")));
  CLOISTER_TRY(const JsonValue::Array* places, array_of(json.find("places")));
  for (const JsonValue& place : *places) {
    CLOISTER_TRY(std::string text, name_of_hex(&place));
    out.tally.raw_key_places.push_back(std::move(text));
  }
  CLOISTER_TRY(out.tally.special, number_of(json.find("special")));
  CLOISTER_RETURN_IF_ERROR(take_seal(json.find("seal"), out.tally.seal));
  return out;
}

Result<std::unique_ptr<ScanJournal>> ScanJournal::open(const Path& path, const std::string& what, Time now) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) return error_from_errno(errno, "open " + path.string());
  File file = File::from_descriptor(descriptor, path, File::Owned::kYes);
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kUnwritten));
  CLOISTER_RETURN_IF_ERROR(file.lock_exclusive());
  std::unique_ptr<ScanJournal> journal(new ScanJournal(std::move(file), path));
  CLOISTER_RETURN_IF_ERROR(journal->load(what, now));
  return journal;
}

Status ScanJournal::load(const std::string& what, Time now) {
  const auto bytes = read_file(path_, kJournalMax);
  std::string_view rest = bytes.ok() ? as_text(*bytes) : std::string_view();
  const auto next_line = [&rest]() -> std::optional<std::string_view> {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return line;
  };
  const std::string head = std::string(kFormat) + " " + what + " ";
  const auto first = next_line();
  const auto begun = first && first->starts_with(head) ? parse_rfc3339(first->substr(head.size()))
                                                       : Result<Time>(Error(Code::kInvalid, "another scan's"));
  if (!begun.ok() || *begun > now || now - *begun > kJournalValid) {
    CLOISTER_RETURN_IF_ERROR(file_.truncate(0));
    const std::string line = head + to_rfc3339(now) + "\n";
    CLOISTER_RETURN_IF_ERROR(file_.write_at(0, as_bytes(line)));
    end_ = line.size();
    return {};
  }
  end_ = first->size() + 1;
  while (const auto line = next_line()) {
    auto parsed = parse_journal_line(*line);
    if (!parsed.ok()) break;
    done_.insert_or_assign(std::move(parsed->batch), std::move(parsed->tally));
    end_ += line->size() + 1;
  }
  return file_.truncate(end_);
}

std::optional<LocationTally> ScanJournal::take(const std::string& batch) {
  const std::lock_guard lock(mutex_);
  const auto found = done_.find(batch);
  if (found == done_.end()) return std::nullopt;
  LocationTally tally = std::move(found->second);
  done_.erase(found);
  ++resumed_;
  return tally;
}

Status ScanJournal::add(const std::string& batch, const LocationTally& tally) {
  const std::string line = tally_json(batch, tally) + "\n";
  const std::lock_guard lock(mutex_);
  if (end_ + line.size() > kJournalMax) return Error(Code::kUnavailable, "the scan's journal is full");
  CLOISTER_RETURN_IF_ERROR(file_.write_at(end_, as_bytes(line)));
  end_ += line.size();
  return {};
}

void ScanJournal::remove() { ::unlink(path_.c_str()); }

}  // namespace cloister::posture::content
