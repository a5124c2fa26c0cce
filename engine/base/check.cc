// What a failed check prints before the process ends.
#include "engine/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace ebb {

void CheckFailed(const char* file, int line, const char* condition, const std::string& message) {
  std::fprintf(stderr, "%s:%d: check failed: %s%s%s\n", file, line, condition, message.empty() ? "" : ": ",
               message.c_str());
  std::abort();
}

}  // namespace ebb
