#include "attest/nvidia/evidence_json.h"

#include "base/base64.h"
#include "base/json.h"

namespace cloister::attest::nvidia {
namespace {

std::optional<Bytes> base64_member(const JsonValue& object, std::string_view name) {
  const JsonValue* member = object.find(name);
  const std::string* text = member == nullptr ? nullptr : member->string();
  if (text == nullptr) return std::nullopt;
  auto bytes = from_base64(*text);
  if (!bytes.ok() || bytes->empty() || bytes->size() > kEvidencePartSizeMax) return std::nullopt;
  return std::move(bytes).value();
}

std::optional<Evidence> device_of(const JsonValue& object) {
  const JsonValue* arch = object.find("arch");
  auto report = base64_member(object, "evidence");
  auto chain = base64_member(object, "certificate");
  if (arch == nullptr || arch->string() == nullptr || !report || !chain) return std::nullopt;
  // What the file says is no more than a first guess: the verifier holds it against the certificate.
  const bool is_switch = arch->string()->starts_with("LS") || arch->string()->starts_with("ls");
  const Kind kind = is_switch ? Kind::kNvidiaSwitch : Kind::kNvidiaGpu;
  return Evidence{kind, {{"report", *std::move(report)}, {"chain", *std::move(chain)}}};
}

}  // namespace

std::optional<EvidenceSet> recognise_json(ByteView file) {
  if (file.empty() || (file[0] != '[' && file[0] != '{')) return std::nullopt;
  const auto json = parse_json(as_text(file), {kEvidenceSizeMax, 4, 4096});
  if (!json.ok()) return std::nullopt;
  const JsonValue* list = json->find("device_evidence_list");
  const JsonValue::Array* array = list == nullptr ? json->array() : list->array();
  if (array == nullptr || array->empty() || array->size() > kDevicesMax + 1) return std::nullopt;
  std::vector<Evidence> devices;
  for (const JsonValue& one : *array) {
    auto device = device_of(one);
    if (!device) return std::nullopt;
    devices.push_back(*std::move(device));
  }
  EvidenceSet set{std::move(devices.front()), {}};
  set.devices.assign(std::make_move_iterator(devices.begin() + 1), std::make_move_iterator(devices.end()));
  return set;
}

}  // namespace cloister::attest::nvidia
