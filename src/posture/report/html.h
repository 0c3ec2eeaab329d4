// The report as one HTML file that needs nothing else: no network, no fonts, no script to be read. First what a
// security lead reads in two minutes, then what an auditor needs, down to every fact. Prints.
#pragma once

#include <string>

#include "posture/posture.h"

namespace cloister::posture::report {

// With `before`, an earlier run of the same estate is in it too: what changed in front, and that run behind. Everything
// that came from outside is text, whatever it holds, and the page may load and run nothing that isn't in it.
std::string html_report(const Posture& now, const Posture* before = nullptr);

}  // namespace cloister::posture::report
