// Signals of a program with threads: taken in turn by the one that waits for them, and by no handler.
#pragma once

#include <signal.h>

#include <initializer_list>

namespace cloister::daemon {

// To be called before there is any other thread: all of them leave these signals to who waits for the set. A peer that
// is gone is an error of its write, not a signal.
sigset_t block_signals(std::initializer_list<int> signals);

}  // namespace cloister::daemon
