// A smaller history with the violation of a larger one, for whoever has to understand it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/simulation/history.h"

namespace ebb {

// A history that was violated.
struct Violated {
  Sizes most;  // as RunHistory takes them
  std::string violation;
  int64_t steps = 0, records = 0;  // 0: the process ended in it
};

// Runs the history in a process of its own, so that it may end that; none when nothing is violated.
std::optional<Violated> RunApart(uint64_t seed, const Sizes& most);
// Violates the same but for the numbers in it. Takes some thousand histories.
Violated Shrink(uint64_t seed, const Violated& found);

// `name=number,...`; none when it isn't that.
std::string SizesText(const Sizes& sizes);
std::optional<Sizes> ParseSizes(const std::string& text);

}  // namespace ebb
