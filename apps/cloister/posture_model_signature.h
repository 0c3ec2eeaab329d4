// What the signature of a model that isn't sealed says, as values of the fact model.signature.
#pragma once

#include "model/verify.h"
#include "posture/fact.h"

namespace cloister::cli {

// Where the model's signature lies, if it has one.
std::optional<Path> signature_of_model(const Path& model);

// kInvalid when nobody is named whose signature counts; the codes of reading. A signature that is damaged, of somebody
// else, or over other files is an answer.
Status look_at_signature(const Path& model, const Path& signature, std::span<const model::TrustedSigner> signers,
                         Time now, unsigned threads, Progress& progress, posture::Fact& fact);

}  // namespace cloister::cli
