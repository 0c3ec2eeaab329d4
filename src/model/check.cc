#include "model/check.h"

#include <algorithm>

#include "base/json.h"
#include "base/reader.h"
#include "model/bundle.h"
#include "model/gguf.h"
#include "model/onnx.h"
#include "model/pickle.h"
#include "model/zip_members.h"

namespace cloister::model {
namespace {

constexpr std::size_t kHeadSize = 512;
constexpr std::uint64_t kPickleMax = std::uint64_t{64} << 20;
constexpr std::uint64_t kTextMax = std::uint64_t{16} << 20;
constexpr std::size_t kListedMax = 32;
constexpr std::size_t kNameShownMax = 256;
constexpr std::size_t kArrayHeadSize = 4096;

// Files that are programs, or that engines run as some.
constexpr std::string_view kPrograms[] = {".py", ".pyc", ".so",  ".dll",   ".dylib",
                                          ".sh", ".js",  ".exe", ".ipynb", ".jinja"};
// Loaders take these for pickles, whatever they begin with.
constexpr std::string_view kPickles[] = {".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin"};
constexpr const char* kTakenForPickle = "its name makes loaders take it for a pickle";
constexpr std::string_view kTexts[] = {".txt",  ".md",    ".csv",      ".yaml", ".yml",
                                       ".toml", ".model", ".tiktoken", ".jsonl"};
// Members of configurations that name a module to be imported, of this model or another.
constexpr std::string_view kRunningMembers[] = {"auto_map", "custom_pipelines"};

// Beside models, and read by people.
constexpr std::string_view kTextNames[] = {"LICENSE", "LICENCE", "NOTICE", "README", ".gitattributes", ".gitignore"};

bool is_text_name(std::string_view name) {
  return std::ranges::find(kTextNames, name.substr(name.rfind('/') + 1)) != std::end(kTextNames);
}

bool ends_with_any(std::string_view name, std::span<const std::string_view> ends) {
  return std::ranges::any_of(ends, [&](std::string_view end) { return name.ends_with(end); });
}

// The reason of an error about the file itself; errors of reading go on.
template <typename T>
Status taken(const Result<T>& result, FileCheck& check) {
  if (result.ok()) return {};
  const Code code = result.error().code();
  if (code != Code::kCorrupt && code != Code::kUnsupported) return result.error();
  check.refused.push_back(result.error().message());
  return {};
}

void add_pickle(const PickleReport& report, const std::string& where, FileCheck& check) {
  if (report.imports.empty() && !report.calls) return;
  std::string names;
  for (std::size_t i = 0; i < std::min(report.imports.size(), kListedMax); ++i) {
    const std::string& name = report.imports[i];
    names += i == 0 ? " " : ", ";
    names += name.size() <= kNameShownMax ? name : "a name of " + std::to_string(name.size()) + " bytes";
  }
  if (report.imports.size() > kListedMax) names += " and more";
  check.runs_code.push_back(where + " imports" + (names.empty() ? " something" : names) +
                            (report.calls ? ", and calls it" : ""));
}

Status check_pickle(const File& file, std::uint64_t size, FileCheck& check) {
  check.format = "pickle";
  if (size > kPickleMax) {
    check.runs_code.emplace_back("a pickle that is too long to be looked through");
    return {};
  }
  Bytes bytes(static_cast<std::size_t>(size));
  CLOISTER_RETURN_IF_ERROR(file.read_at(0, bytes));
  const auto report = scan_pickle(bytes);
  CLOISTER_RETURN_IF_ERROR(taken(report, check));
  if (report.ok()) add_pickle(*report, "the pickle", check);
  // The numbers of old checkpoints follow their pickles.
  if (!report.ok()) check.runs_code.emplace_back("a pickle that can't be followed to its end");
  return {};
}

Status check_member(const File& file, const ZipMember& member, FileCheck& check) {
  const bool program = ends_with_any(member.name, kPrograms) || member.name.find("/code/") != std::string::npos;
  if (program) check.runs_code.push_back(member.name + " is a program");
  if (!ends_with_any(member.name, kPickles)) return {};
  const auto bytes = read_stored(file, member, kPickleMax);
  CLOISTER_RETURN_IF_ERROR(taken(bytes, check));
  if (!bytes.ok()) {
    check.runs_code.push_back(member.name + " is a pickle that can't be looked through");
    return {};
  }
  const auto report = scan_pickle(*bytes);
  CLOISTER_RETURN_IF_ERROR(taken(report, check));
  if (report.ok()) add_pickle(*report, member.name, check);
  return {};
}

// As NumPy itself writes the header of an array of plain numbers or texts. Whatever is written otherwise may be an
// array of objects, and those are pickles.
bool is_plain_array(std::string_view start) {
  constexpr std::string_view kMagic("\x93NUMPY\x01\x00", 8), kDescription("{'descr': '"), kNext("', 'fortran_order': ");
  constexpr std::string_view kOrders("<>|="), kKinds("bcfiuSUV"), kDigits("0123456789");
  constexpr std::string_view kRest("FTaefhlprsu':,() 0123456789}\n");
  if (start.size() < kMagic.size() + 2 || !start.starts_with(kMagic)) return false;
  const std::size_t size = load_le<std::uint16_t>(as_bytes(start).data() + kMagic.size());
  std::string_view header = start.substr(kMagic.size() + 2, size);
  if (header.size() != size || !header.starts_with(kDescription)) return false;
  header.remove_prefix(kDescription.size());
  if (header.find_first_of(kOrders) != 0) return false;
  header.remove_prefix(1);
  if (header.find_first_of(kKinds) != 0) return false;
  header.remove_prefix(1);
  header.remove_prefix(std::min(header.find_first_not_of(kDigits), header.size()));
  if (!header.starts_with(kNext)) return false;
  header.remove_prefix(kNext.size());
  return header.find_first_not_of(kRest) == std::string_view::npos;
}

Status check_array(const File& file, const ZipMember& member, FileCheck& check) {
  const auto start = read_stored_start(file, member, kArrayHeadSize);
  CLOISTER_RETURN_IF_ERROR(taken(start, check));
  if (start.ok() && !is_plain_array(as_text(*start))) {
    check.runs_code.push_back(member.name + " may be an array of objects, which is a pickle");
  }
  return {};
}

// Everything in one folder, and the pickle at its top: as PyTorch writes it.
bool is_checkpoint(const std::vector<ZipMember>& members) {
  constexpr std::string_view kPickle = "data.pkl";
  for (const ZipMember& member : members) {
    const std::size_t slash = member.name.find('/');
    if (slash == std::string::npos || std::string_view(member.name).substr(slash + 1) != kPickle) continue;
    const std::string_view folder = std::string_view(member.name).substr(0, slash + 1);
    return std::ranges::all_of(members, [&](const ZipMember& other) { return other.name.starts_with(folder); });
  }
  return false;
}

Status check_zip(const File& file, const std::string& name, FileCheck& check) {
  const auto members = read_zip_members(file);
  CLOISTER_RETURN_IF_ERROR(taken(members, check));
  if (!members.ok()) {
    check.format = "zip";
    return {};
  }
  const auto is_array = [](const ZipMember& member) { return member.name.ends_with(".npy"); };
  if (!members->empty() && std::ranges::all_of(*members, is_array)) {
    check.format = "NumPy archive";
    for (const ZipMember& member : *members) CLOISTER_RETURN_IF_ERROR(check_array(file, member, check));
  } else if (is_checkpoint(*members)) {
    check.format = "PyTorch checkpoint";
  } else {
    check.notes.emplace_back("an archive that is neither a PyTorch checkpoint nor one of NumPy arrays alone");
  }
  if (check.format != "PyTorch checkpoint" && ends_with_any(name, kPickles))
    check.runs_code.emplace_back(kTakenForPickle);
  for (const ZipMember& member : *members) CLOISTER_RETURN_IF_ERROR(check_member(file, member, check));
  return {};
}

Status check_onnx(const File& file, std::uint64_t size, FileCheck& check) {
  check.format = "ONNX";
  if (size > kOnnxSizeMax) {
    check.refused.emplace_back("it is too long to be looked through");
    return {};
  }
  Bytes bytes(static_cast<std::size_t>(size));
  CLOISTER_RETURN_IF_ERROR(file.read_at(0, bytes));
  const auto report = scan_onnx(bytes);
  CLOISTER_RETURN_IF_ERROR(taken(report, check));
  if (!report.ok()) return {};
  for (const std::string& name : report->leads_out) {
    check.refused.push_back("it reads a file outside of the model: " + (is_plain_utf8(name) ? name : "(no text)"));
  }
  check.reads = report->external;
  return {};
}

// At any depth: configurations hold those of their parts.
bool has_member(const JsonValue& value, std::string_view name) {
  if (const JsonValue::Array* const array = value.array(); array != nullptr) {
    return std::ranges::any_of(*array, [&](const JsonValue& part) { return has_member(part, name); });
  }
  const JsonValue::Object* const object = value.object();
  return object != nullptr && std::ranges::any_of(*object, [&](const JsonValue::Member& member) {
           return member.first == name || has_member(member.second, name);
         });
}

Status check_text(const File& file, std::uint64_t size, const std::string& name, FileCheck& check) {
  if (size > kTextMax) return {};
  Bytes bytes(static_cast<std::size_t>(size));
  CLOISTER_RETURN_IF_ERROR(file.read_at(0, bytes));
  if (!name.ends_with(".json")) {
    check.format = "text";
    return {};
  }
  check.format = "JSON";
  const auto json = parse_json(as_text(bytes), {.size = kTextMax, .depth = 64, .values = 4'000'000});
  if (!json.ok()) {
    check.refused.push_back("it " + json.error().message());
    return {};
  }
  for (const std::string_view member : kRunningMembers) {
    if (!has_member(*json, member)) continue;
    check.runs_code.push_back(std::string(member) + ": a loader that trusts it runs its code");
  }
  if (json->find("chat_template") != nullptr) {
    check.notes.emplace_back("it has a chat template, which engines run: it needs a sandbox");
  }
  return {};
}

Status check_signature(const File& file, std::uint64_t size, FileCheck& check) {
  check.format = "signature";
  Bytes bytes(static_cast<std::size_t>(std::min<std::uint64_t>(size, kBundleSizeMax + 1)));
  CLOISTER_RETURN_IF_ERROR(file.read_at(0, bytes));
  return taken(parse_bundle(as_text(bytes)), check);
}

}  // namespace

Result<FileCheck> check_file(const File& file, const std::string& name) {
  CLOISTER_TRY(const std::uint64_t size, file.size());
  Bytes head(static_cast<std::size_t>(std::min<std::uint64_t>(size, kHeadSize)));
  CLOISTER_RETURN_IF_ERROR(file.read_at(0, head));
  const std::string_view text = as_text(head);
  FileCheck check{"unknown", {}, {}, {}, {}};
  if (ends_with_any(name, kPrograms) || text.starts_with("#!") ||
      text.starts_with("\x7f"
                       "ELF")) {
    check.format = "program";
    check.runs_code.push_back(name + " is a program");
  } else if (text.starts_with("GGUF")) {
    check.format = "GGUF";
    if (ends_with_any(name, kPickles)) check.runs_code.emplace_back(kTakenForPickle);
    const auto map = read_gguf(file);
    CLOISTER_RETURN_IF_ERROR(taken(map, check));
    if (map.ok() && map->chat_template) {
      check.notes.emplace_back("it has a chat template, which engines run: it needs a sandbox");
    }
  } else if (name.ends_with(".safetensors") || (size > 9 && text.substr(8).starts_with("{\""))) {
    check.format = "safetensors";
    if (ends_with_any(name, kPickles)) check.runs_code.emplace_back(kTakenForPickle);
    CLOISTER_RETURN_IF_ERROR(taken(read_safetensors(file), check));
  } else if (text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06")) {
    CLOISTER_RETURN_IF_ERROR(check_zip(file, name, check));
  } else if (size >= 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5) {
    CLOISTER_RETURN_IF_ERROR(check_pickle(file, size, check));
  } else if (name.ends_with(".onnx")) {
    CLOISTER_RETURN_IF_ERROR(check_onnx(file, size, check));
  } else if (name.ends_with(".pkl") || name.ends_with(".pickle") || name.ends_with(".joblib")) {
    CLOISTER_RETURN_IF_ERROR(check_pickle(file, size, check));
  } else if (name.ends_with(".json") || ends_with_any(name, kTexts) || is_text_name(name)) {
    CLOISTER_RETURN_IF_ERROR(check_text(file, size, name, check));
  } else if (name.ends_with(".sig") && text.starts_with('{')) {
    CLOISTER_RETURN_IF_ERROR(check_signature(file, size, check));
  }
  return check;
}

}  // namespace cloister::model
