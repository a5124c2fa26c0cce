// The closed table of everything that can be wrong with a pipeline file. Codes are stable: they are never renumbered,
// and a code that goes out of use is not given to another error. Every code here is raised by a test.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ebb {

// Immutable after construction.
struct ErrorCode {
  std::string_view code;   // "E0104"
  std::string_view title;  // a few words, without a full stop
  std::string_view text;   // what it means, an example of the mistake, how to mend it
};

// In order of code.
std::span<const ErrorCode> ErrorCodes();
// Null when there is no such code.
const ErrorCode* FindErrorCode(std::string_view code);
// What `ebb explain E0104` prints: code and title, an empty line, the text.
std::string ExplainErrorCode(const ErrorCode& code);

}  // namespace ebb
