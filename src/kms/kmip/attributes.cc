#include "kms/kmip/attributes.h"

#include <algorithm>
#include <array>
#include <set>

#include "kms/kmip/operations.h"

namespace cloister::kms::kmip {
namespace {

constexpr std::int64_t kSecondsMax = std::int64_t{1} << 38;  // some 8,700 years

struct NamedTag {
  std::string_view name;  // in 1.x
  Tag tag;
};

constexpr std::array kNames{
    NamedTag{"Object Type", tag::kObjectType},
    NamedTag{"State", tag::kState},
    NamedTag{"Cryptographic Algorithm", tag::kCryptographicAlgorithm},
    NamedTag{"Cryptographic Length", tag::kCryptographicLength},
    NamedTag{"Cryptographic Usage Mask", tag::kCryptographicUsageMask},
    NamedTag{"Initial Date", tag::kInitialDate},
    NamedTag{"Activation Date", tag::kActivationDate},
    NamedTag{"Deactivation Date", tag::kDeactivationDate},
    NamedTag{"Extractable", tag::kExtractable},
    NamedTag{"Link", tag::kLink},
};

Error bad(const std::string& what) { return Error(Code::kCorrupt, "a KMIP answer has " + what); }

class Collector {
 public:
  Status take(Tag tag, const Item& value) {
    switch (tag) {
      case tag::kObjectType: return number(tag, value, Type::kEnumeration, attributes_.object_type);
      case tag::kState: return number(tag, value, Type::kEnumeration, attributes_.state);
      case tag::kCryptographicAlgorithm: return number(tag, value, Type::kEnumeration, attributes_.algorithm);
      case tag::kCryptographicLength: return number(tag, value, Type::kInteger, attributes_.length);
      case tag::kCryptographicUsageMask: return number(tag, value, Type::kInteger, attributes_.usage_mask);
      case tag::kProtectionStorageMask: return number(tag, value, Type::kInteger, attributes_.storage_mask);
      case tag::kInitialDate: return date(tag, value, attributes_.initial);
      case tag::kActivationDate: return date(tag, value, attributes_.activation);
      case tag::kDeactivationDate: return date(tag, value, attributes_.deactivation);
      case tag::kExtractable: return number(tag, value, Type::kBoolean, attributes_.extractable);
      case tag::kLink: return link(value);
      case tag::kRotateAutomatic: return number(tag, value, Type::kBoolean, attributes_.rotate_automatic);
      case tag::kRotateInterval: return interval(tag, value);
      case tag::kRotateDate: return date(tag, value, attributes_.rotate_date);
      case tag::kRotateGeneration: return number(tag, value, Type::kInteger, attributes_.rotate_generation);
      default: return {};
    }
  }

  KeyAttributes done() { return std::move(attributes_); }

 private:
  Status once(Tag tag, const Item& value, Type type) {
    if (value.type != type) return bad("attribute " + std::to_string(tag) + " of another type than the standard's");
    if (!seen_.insert(tag).second) return bad("attribute " + std::to_string(tag) + " twice");
    return {};
  }

  template <typename Value>
  Status number(Tag tag, const Item& value, Type type, std::optional<Value>& out) {
    CLOISTER_RETURN_IF_ERROR(once(tag, value, type));
    out = static_cast<Value>(value.number);
    return {};
  }

  Status date(Tag tag, const Item& value, std::optional<Time>& out) {
    CLOISTER_RETURN_IF_ERROR(once(tag, value, Type::kDateTime));
    if (value.number < 0 || value.number > kSecondsMax) return bad("a date that is none");
    out = Time{value.number * 1000};
    return {};
  }

  Status interval(Tag tag, const Item& value) {
    CLOISTER_RETURN_IF_ERROR(once(tag, value, Type::kInterval));
    attributes_.rotate_interval = seconds(value.number);
    return {};
  }

  // There may be many, of kinds that say nothing about rotation. In 2.x the object may be named in other ways than by
  // its identifier: those aren't followed.
  Status link(const Item& value) {
    const Item* kind = value.find(tag::kLinkType, Type::kEnumeration);
    if (value.type != Type::kStructure || kind == nullptr) return bad("a malformed link");
    const Item* target = value.find(tag::kLinkedObjectIdentifier, Type::kTextString);
    if (target == nullptr || target->bytes.empty() || target->bytes.size() > kIdentifierMax) return {};
    if (kind->number == kReplacedObject) attributes_.replaced = as_text(target->bytes);
    if (kind->number == kReplacementObject) attributes_.replacement = as_text(target->bytes);
    return {};
  }

  KeyAttributes attributes_;
  std::set<Tag> seen_;
};

// Of 1.x: {AttributeName, AttributeIndex?, AttributeValue}.
Status take_named(Collector& collector, const Item& attribute) {
  const Item* name = attribute.find(tag::kAttributeName, Type::kTextString);
  const Item* value = attribute.find(tag::kAttributeValue);
  if (name == nullptr) return bad("an attribute without a name");
  const auto* known = std::ranges::find(kNames, as_text(name->bytes), &NamedTag::name);
  if (known == kNames.end()) return {};
  if (value == nullptr) return bad("an attribute without a value");
  return collector.take(known->tag, *value);
}

}  // namespace

Result<KeyAttributes> parse_attributes(const Answer& answer, const std::string& identifier) {
  CLOISTER_RETURN_IF_ERROR(parse_object(answer, identifier));
  Collector collector;
  for (const Item& child : answer.payload()->children) {
    if (child.tag == tag::kAttribute) CLOISTER_RETURN_IF_ERROR(take_named(collector, child));
    if (child.tag != tag::kAttributes) continue;
    for (const Item& attribute : child.children) CLOISTER_RETURN_IF_ERROR(collector.take(attribute.tag, attribute));
  }
  return collector.done();
}

}  // namespace cloister::kms::kmip
