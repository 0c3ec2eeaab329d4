#include "home/collateral_folder.h"

#include <algorithm>

#include "attest/collateral/merge.h"

namespace cloister::home {
namespace {

using attest::CollateralKind;

constexpr std::string_view kChainEnd = ".chain.pem";

std::string_view extension_of(CollateralKind kind) {
  switch (kind) {
    case CollateralKind::kIntelTcbInfo:
    case CollateralKind::kIntelQeIdentity: return ".json";
    case CollateralKind::kAmdChain: return ".pem";
    case CollateralKind::kNvidiaRim: return ".xml";
    case CollateralKind::kIntelCrl:
    case CollateralKind::kAmdCertificate:
    case CollateralKind::kAmdCrl:
    case CollateralKind::kNvidiaOcsp:
    case CollateralKind::kCcaEndorsement:
    case CollateralKind::kTpmEndorsement:
    case CollateralKind::kTpmCrl: return ".der";
  }
  CLOISTER_CHECK(false);
  return {};
}

// Relative names of all files below, in order.
Result<std::vector<std::string>> files_of(const Path& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  std::filesystem::recursive_directory_iterator at(folder, failure), end;
  for (; !failure && at != end; at.increment(failure)) {
    if (!at->is_directory(failure)) names.push_back(at->path().lexically_relative(folder).generic_string());
    if (names.size() > 2 * attest::kCollateralItemsMax) return Error(Code::kInvalid, "there are too many files");
  }
  if (failure) return error_from_errno(failure.value(), "read the folder " + folder.string());
  std::ranges::sort(names);
  return names;
}

std::optional<attest::CollateralNeed> named_by(std::string_view file) {
  const std::size_t slash = file.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto kind = attest::collateral_kind_of(file.substr(0, slash));
  if (!kind || !file.ends_with(extension_of(*kind))) return std::nullopt;
  file.remove_suffix(extension_of(*kind).size());
  return attest::CollateralNeed{*kind, std::string(file.substr(slash + 1))};
}

Path file_of(const Path& folder, const std::string& name, std::string_view end) {
  return folder / (name + std::string(end));
}

}  // namespace

Result<attest::Collateral> read_collateral_folder(const Path& folder, Time fetched) {
  CLOISTER_TRY(const std::vector<std::string> files, files_of(folder));
  attest::Collateral collateral;
  std::size_t chains = 0, used = 0;
  for (const std::string& file : files) {
    if (file.ends_with(kChainEnd)) {
      ++chains;
      continue;
    }
    const auto need = named_by(file);
    if (!need) return Error(Code::kInvalid, folder.string() + ": " + file + " is named like no kind of collateral");
    CLOISTER_TRY(Bytes body, read_file(folder / file, attest::kCollateralItemSizeMax));
    std::string chain;
    const auto text = read_file(file_of(folder, need->name(), kChainEnd), attest::kIssuerChainSizeMax);
    if (text.ok()) {
      chain = as_text(*text);
      ++used;
    } else if (text.error().code() != Code::kNotFound) {
      return text.error();
    }
    CLOISTER_TRY(attest::CollateralItem item,
                 attest::make_collateral(*need, std::move(body), std::move(chain), fetched).with_context(file));
    collateral.add(std::move(item));
  }
  if (used != chains) return Error(Code::kInvalid, folder.string() + ": a chain is there without what it is of");
  return collateral;
}

Status write_collateral_folder(const Path& folder, const attest::Collateral& collateral) {
  for (const auto& [name, item] : collateral.items()) {
    if (!attest::is_collateral_key(item.key)) return Error(Code::kInvalid, name + " is no name of collateral");
    const Path file = file_of(folder, name, extension_of(item.kind));
    CLOISTER_RETURN_IF_ERROR(cloister::create_directories(file.parent_path()));
    CLOISTER_RETURN_IF_ERROR(write_file(file, item.body, Overwrite::kRefuse));
    if (item.issuer_chain.empty()) continue;
    CLOISTER_RETURN_IF_ERROR(
        write_file(file_of(folder, name, kChainEnd), as_bytes(item.issuer_chain), Overwrite::kRefuse));
  }
  return {};
}

}  // namespace cloister::home
