// EBB_CHECK: assertions about ourselves, on in release too. When one fails, the program is wrong, not the data: it
// prints the condition, the place and the values, and aborts. Wrong data is quarantined; a failed operation is an
// absl::Status.
#pragma once

#include <string>

#include <fmt/format.h>

namespace ebb {

// Prints "file:line: check failed: condition: message" to stderr and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition, const std::string& message);

}  // namespace ebb

// EBB_CHECK(n >= 0, "n is {}", n): the message takes fmt's format and may be left out.
#define EBB_CHECK(condition, ...)                                                        \
  do {                                                                                   \
    if (!(condition)) [[unlikely]] {                                                     \
      ::ebb::CheckFailed(__FILE__, __LINE__, #condition, ::fmt::format("" __VA_ARGS__)); \
    }                                                                                    \
  } while (false)
