#include "verifier_key.h"

#include "base/file.h"
#include "identity_text.h"

namespace cloister::cli {

Result<audit::VerifierKey> read_verifier_key(const std::string& text_or_path) {
  if (text_or_path.find('+') != text_or_path.rfind('+')) return audit::VerifierKey::parse(text_or_path);
  CLOISTER_TRY(const Bytes content, read_file(text_or_path, 4096));
  return audit::VerifierKey::parse(only_line(as_text(content))).with_context("read " + text_or_path);
}

}  // namespace cloister::cli
