// What `cloister posture` prints for people.
#pragma once

#include <string>

#include "posture/posture.h"

namespace cloister::cli {

std::string posture_text(const posture::Posture& posture);

}  // namespace cloister::cli
