// Between a scan and what is done about it a file may become another one: this looks again.
#pragma once

#include "posture/fix/plan.h"

namespace cloister::posture::fix {

// kCorrupt unless `source` is as long as what was scanned and begins with the same bytes: what a verdict was about
// isn't there any more, and another file's content isn't to be sealed as its.
cloister::Status check_as_scanned(const Step& step, const File& source);

}  // namespace cloister::posture::fix
