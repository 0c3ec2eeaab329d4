// The matrix of a report as a picture: one HTML file that needs nothing else, with the SVG in it.
#pragma once

#include <string>

#include "probe/path/verdict.h"

namespace cloister::probe::path {

// The grid alone. Legible up to 40 components; every cell says in words what its colour says.
std::string matrix_svg(const Report& report);
// The grid, the legend, and a table of all edges with their reasons and evidence. No script, nothing loaded.
std::string matrix_html(const Report& report);

}  // namespace cloister::probe::path
