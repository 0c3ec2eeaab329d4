// The matrix of a report for a terminal.
#pragma once

#include <string>

#include "probe/path/verdict.h"

namespace cloister::probe::path {

// The sign of a cell: the verdict's letter and the outcome's mark. "E+", "O?", "X!".
std::string cell_sign(Verdict verdict, Outcome outcome);
// "8443", "30000-30099", "rdma", "51820/udp".
std::string port_text(const Row& row);

// Rows are clients, columns servers by their number; below it, every edge with its reasons. Plain ASCII.
std::string matrix_text(const Report& report);

}  // namespace cloister::probe::path
