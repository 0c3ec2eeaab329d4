// Evidence with one byte changed, for every byte of it: none may pass for what the evidence was.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "attest/verifier.h"

namespace cloister::testing {

// Bytes of a part that no signature covers and no claim comes from, each with the reason.
struct Uncovered {
  std::string part;
  std::size_t first = 0;
  std::size_t end = 0;  // behind the last one
  std::string why;
};

using Judge = std::function<attest::Verdict(const attest::Evidence&)>;

// Whether `changed` is as good as `before`: every check that had passed passes, and none fails that hadn't.
bool as_good_as(const attest::Verdict& before, const attest::Verdict& changed);

// Every byte of every part, with each of these masks put over it in turn. Expects that no change is judged to be as
// good as the evidence itself, unless its byte is in a range above and the claims are the same. And that each range
// holds at least one such byte: a list that names too much hides what it shouldn't.
void expect_every_flip_noticed(const attest::Evidence& evidence, const Judge& judge,
                               const std::vector<Uncovered>& uncovered = {},
                               std::initializer_list<std::uint8_t> masks = {0x01, 0x80});

}  // namespace cloister::testing
