#include "model/check.h"

#include <algorithm>

#include "base/json.h"
#include "base/reader.h"
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

// Files that are programs, or that engines run as some.
constexpr std::string_view kPrograms[] = {".py", ".pyc", ".so",  ".dll",   ".dylib",
                                          ".sh", ".js",  ".exe", ".ipynb", ".jinja"};
// Loaders take these for pickles, whatever they begin with.
constexpr std::string_view kPickles[] = {".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".bin"};
constexpr std::string_view kTexts[] = {".txt",  ".md",    ".csv",      ".yaml", ".yml",
                                       ".toml", ".model", ".tiktoken", ".jsonl"};

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
    names += (i == 0 ? " " : ", ") + report.imports[i];
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
  if (!member.name.ends_with(".pkl") && !member.name.ends_with(".pickle")) return {};
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

Status check_zip(const File& file, FileCheck& check) {
  check.format = "zip";
  const auto members = read_zip_members(file);
  CLOISTER_RETURN_IF_ERROR(taken(members, check));
  if (!members.ok()) return {};
  const auto is_array = [](const ZipMember& member) { return member.name.ends_with(".npy"); };
  const auto is_pickle = [](const ZipMember& member) { return member.name.ends_with("data.pkl"); };
  if (std::ranges::any_of(*members, is_pickle)) check.format = "PyTorch checkpoint";
  if (!members->empty() && std::ranges::all_of(*members, is_array)) {
    check.format = "NumPy archive";
    check.notes.emplace_back("arrays of objects are pickles: load it with allow_pickle=False");
  }
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
  if (json->find("auto_map") != nullptr)
    check.runs_code.emplace_back("auto_map: a loader that trusts it runs its code");
  if (json->find("chat_template") != nullptr) {
    check.notes.emplace_back("it has a chat template, which engines run: it needs a sandbox");
  }
  return {};
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
    if (ends_with_any(name, kPickles)) check.runs_code.emplace_back("its name makes loaders take it for a pickle");
    const auto map = read_gguf(file);
    CLOISTER_RETURN_IF_ERROR(taken(map, check));
    if (map.ok() && map->chat_template) {
      check.notes.emplace_back("it has a chat template, which engines run: it needs a sandbox");
    }
  } else if (name.ends_with(".safetensors") || (size > 9 && text.substr(8).starts_with("{\""))) {
    check.format = "safetensors";
    if (ends_with_any(name, kPickles)) check.runs_code.emplace_back("its name makes loaders take it for a pickle");
    CLOISTER_RETURN_IF_ERROR(taken(read_safetensors(file), check));
  } else if (text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06")) {
    CLOISTER_RETURN_IF_ERROR(check_zip(file, check));
  } else if (size >= 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5) {
    CLOISTER_RETURN_IF_ERROR(check_pickle(file, size, check));
  } else if (name.ends_with(".onnx")) {
    CLOISTER_RETURN_IF_ERROR(check_onnx(file, size, check));
  } else if (name.ends_with(".pkl") || name.ends_with(".pickle") || name.ends_with(".joblib")) {
    CLOISTER_RETURN_IF_ERROR(check_pickle(file, size, check));
  } else if (name.ends_with(".json") || ends_with_any(name, kTexts)) {
    CLOISTER_RETURN_IF_ERROR(check_text(file, size, name, check));
  }
  return check;
}

}  // namespace cloister::model
