# One precompiled header of the standard library, which costs a quarter of what a small source takes to compile. Off in the
# asan preset, so that a source that forgets an include is found. ccache shares less between folders where it is on.
option(CLOISTER_PCH "Precompile the standard library's headers" OFF)

# Of test programs alone: what is tested is compiled as it is released.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CLOISTER_TEST_OPTIONS -O0 -U_FORTIFY_SOURCE)
endif()

set(CLOISTER_PRECOMPILED
    <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <cstring> <deque> <filesystem> <fstream> <functional> <map>
    <memory> <mutex> <optional> <set> <span> <sstream> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>)

# Three carriers: code of programs and of libraries is compiled with -fPIE and -fPIC, and a header serves one of them; tests
# are compiled without optimisation and all include googletest.
function(cloister_precompile_all folder)
  if(NOT CLOISTER_PCH)
    return()
  endif()
  if(NOT TARGET precompiled_for_libraries)
    set(source "${CMAKE_BINARY_DIR}/generated/precompiled.cc")
    file(CONFIGURE OUTPUT "${source}" CONTENT "int main() { return 0; }\n")
    add_library(precompiled_for_libraries STATIC "${source}")
    add_executable(precompiled_for_programs "${source}")
    target_precompile_headers(precompiled_for_libraries PRIVATE ${CLOISTER_PRECOMPILED})
    target_precompile_headers(precompiled_for_programs PRIVATE ${CLOISTER_PRECOMPILED})
    find_package(GTest REQUIRED)
    add_executable(precompiled_for_tests "${source}")
    target_precompile_headers(precompiled_for_tests PRIVATE ${CLOISTER_PRECOMPILED} <gtest/gtest.h>)
    target_compile_options(precompiled_for_tests PRIVATE ${CLOISTER_TEST_OPTIONS})
    target_link_libraries(precompiled_for_tests PRIVATE GTest::gtest Threads::Threads)
    target_link_libraries(precompiled_for_libraries PRIVATE Threads::Threads)
    target_link_libraries(precompiled_for_programs PRIVATE Threads::Threads)
  endif()
  get_property(targets DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    get_target_property(own ${target} PRECOMPILE_HEADERS)
    if(own OR target MATCHES "^precompiled_for_")
      continue()
    elseif(type STREQUAL "STATIC_LIBRARY")
      target_precompile_headers(${target} REUSE_FROM precompiled_for_libraries)
    elseif(target MATCHES "_test$")
      target_precompile_headers(${target} REUSE_FROM precompiled_for_tests)
    elseif(type STREQUAL "EXECUTABLE")
      target_precompile_headers(${target} REUSE_FROM precompiled_for_programs)
    endif()
  endforeach()
  get_property(folders DIRECTORY "${folder}" PROPERTY SUBDIRECTORIES)
  foreach(folder IN LISTS folders)
    cloister_precompile_all("${folder}")
  endforeach()
endfunction()

if(CLOISTER_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")  # ccache knows the header by what is in it
endif()
