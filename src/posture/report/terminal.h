// A report for a terminal: the level and what stands before the next, what fails, what nobody looked at.
#pragma once

#include <string>

#include "posture/posture.h"

namespace cloister::posture::report {

struct TerminalOptions {
  std::size_t width = 100;        // columns that text is broken at
  std::size_t subjects_max = 10;  // lines of each list; the rest is counted
};

// Whole lines of plain text, without colours; nothing from outside reaches the terminal as a command.
std::string terminal_report(const Posture& posture, const TerminalOptions& options = {});

}  // namespace cloister::posture::report
