// Postures for tests of reports: a platform before and after sealing, with hostile names in it, and one as large as
// wanted.
#pragma once

#include "posture/posture.h"

namespace cloister::testing {

// Names that try to be markup, a terminal's command, another name and no text at all; each stands in the samples.
inline constexpr std::string_view kHostileMarkup = "\"><img src=x onerror=alert(1)></td><script>alert(2)</script>";
inline constexpr std::string_view kHostileTerminal = "\x1b]0;pwned\x07\x1b[2J";
inline constexpr std::string_view kHostileDirection =
    "gpj\xe2\x80\xae"
    "exe.safetensors";
inline constexpr std::string_view kHostileBytes = "weights-\xff\xfe\x80";
inline constexpr std::string_view kHostileFormula = "=HYPERLINK(\"http://example.org\")";

// An estate of several tenants with most of what a report can show: plaintext, a platform's key, an unread bucket, an
// exception, a simulated TEE.
posture::Posture sample_before();
// The same a week later: sealed, with the trend and the changes since.
posture::Posture sample_after();

// As many verdicts of objects, a quarter each of the ways they can come out, each with its fact.
posture::Posture large_posture(std::size_t findings);

}  // namespace cloister::testing
