#include "brokers.h"

namespace cloister::cli {

Result<crypto::WrappedKey> BrokerKey::wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) {
  if (!opened_.ok()) return said(opened_.error());
  auto wrapped = (*opened_)->wrap(key, context);
  return wrapped.ok() ? std::move(wrapped) : said(wrapped.error());
}

// Which slots a service without an answer has can't be known: it is asked for each dataset key's, in vain.
Result<crypto::KeyMaterial> BrokerKey::unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) {
  if (!opened_.ok()) {
    if (wrapped.type != crypto::WrapType::kDatasetKey) return Error(Code::kNotFound, "the slot isn't a dataset key's");
    return said(opened_.error());
  }
  auto key = (*opened_)->unwrap(wrapped, context);
  return key.ok() ? std::move(key) : said(key.error());
}

Result<crypto::WrappedKey> BrokerKey::rewrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) {
  if (!opened_.ok()) return said(opened_.error());
  auto again = (*opened_)->rewrap(wrapped, context);
  return again.ok() ? std::move(again) : said(again.error());
}

}  // namespace cloister::cli
