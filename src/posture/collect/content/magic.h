// Formats of AI data and models that anybody can read, known by their first bytes and as much of their structure as
// tells them from chance.
#pragma once

#include <optional>
#include <string_view>

#include "posture/collect/content/sample.h"

namespace cloister::posture::content {

// "safetensors", "gguf", "torch-zip", "pickle", …; nothing where none is recognised. Parquet and compressors aren't
// among them: parquet.h, compressed.h.
std::optional<std::string_view> plaintext_format(const Sample& sample);

// A zip archive: "torch-zip", "npz", or "zip"; "zip-encrypted" where its first member says that it is; nothing for what
// isn't one.
std::optional<std::string_view> zip_format(ByteView head);

}  // namespace cloister::posture::content
