#include "service/kbs/secrets.h"

#include <algorithm>

#include "seal/reader.h"

namespace cloister::service {
namespace {

constexpr std::size_t kSegmentSizeMax = 128;

}  // namespace

bool is_kbs_segment(std::string_view segment) {
  if (segment.empty() || segment.size() > kSegmentSizeMax || segment == "." || segment == "..") return false;
  return std::ranges::all_of(segment, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  });
}

Result<Target> kbs_target(std::string_view repository, std::string_view type) {
  if (!is_kbs_segment(repository) || !is_kbs_segment(type)) {
    return Error(Code::kInvalid, "a resource is <repository>/<type>/<tag>, of letters, digits, '_', '.' and '-'");
  }
  const std::size_t dot = std::min(repository.find('.'), repository.size());
  Target target;
  target.tenant = repository.substr(0, dot);
  target.environment = repository.substr(std::min(dot + 1, repository.size()));
  target.dataset = type;
  return target;
}

Result<crypto::Secret> open_kbs_secret(const Path& folder, std::string_view repository, std::string_view type,
                                       std::string_view tag, crypto::KeyWrapper& wrapper) {
  CLOISTER_CHECK(is_kbs_segment(repository) && is_kbs_segment(type));
  if (!is_kbs_segment(tag)) return Error(Code::kNotFound, "there is no such resource");
  auto file = File::open(folder / repository / type / tag);
  if (!file.ok()) {
    if (file.error().code() == Code::kNotFound) return Error(Code::kNotFound, "there is no such resource");
    return file.error();
  }
  crypto::KeyWrapper* const wrappers[] = {&wrapper};
  auto opened = seal::ObjectReader::open(std::move(file).value(), wrappers);
  if (!opened.ok() && opened.error().code() == Code::kDenied) {
    return Error(Code::kDenied, "the resource isn't sealed under its dataset's keys, or under one that is disabled");
  }
  if (!opened.ok()) return opened.error();
  const seal::ObjectReader object = std::move(opened).value();
  if (object.size() > kKbsSecretSizeMax) return Error(Code::kInvalid, "the resource is too large to be handed out");
  crypto::Secret secret(static_cast<std::size_t>(object.size()));
  CLOISTER_RETURN_IF_ERROR(object.read_at(0, secret.expose_mutable()));
  return secret;
}

}  // namespace cloister::service
