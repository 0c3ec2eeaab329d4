// What the program of [engine] reaches: less than the worker that starts it.
#pragma once

#include <array>

#include "cloister-worker/config.h"

namespace cloister::worker {

// Where programs find what they are linked with.
inline constexpr std::array<std::string_view, 5> kLibraryPaths = {"/lib", "/lib64", "/usr/lib", "/usr/lib64",
                                                                  "/etc/ld.so.cache"};
// Where they find what hosts are called.
inline constexpr std::array<std::string_view, 5> kNameServicePaths = {
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf"};

// The paths and ports that [lockdown] lists, its own program with the libraries, and the folder of its socket: neither
// the worker's identity nor the attester, nor the port of the key service unless it is listed too.
LandlockRules engine_reach(const WorkerConfig& config);

}  // namespace cloister::worker
