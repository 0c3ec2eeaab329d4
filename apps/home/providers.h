// The providers behind the roots of a home: tokens, and key management that lives elsewhere.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "home/home_config.h"
#include "kms/evidence.h"
#include "kms/provider.h"

namespace cloister::home {

// Where credentials begin, for kinds that have them there: the program's own environment.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

struct ProviderContext {
  std::optional<crypto::Secret> pin;                      // of a token
  std::shared_ptr<kms::EvidenceSink> evidence = nullptr;  // may be null
  Environment environment = process_environment();
};

// Whether roots of that kind are keys of a provider, opened as kms::ProviderKey.
bool is_provider_kind(std::string_view kind);

// kUnsupported for a key file, behind which there is nobody to ask; kInvalid for options that make no sense. Asks
// nothing yet, but for a token.
Result<std::shared_ptr<kms::Provider>> open_provider(const RootConfig& root, ProviderContext context);
// The key, as the provider takes it.
const std::string& provider_key(const RootConfig& root);

}  // namespace cloister::home
