// `ebb explain`: a pipeline file in words, as data or as a picture, or what an error code means.
#pragma once

#include <string>

namespace ebb {

struct ExplainOptions {
  std::string what;  // a file, or the code of an error ("E0104", also in small letters)
  bool json = false;
  bool svg = false;
  int records_a_day = 5;  // of the customer whose row is measured
};
// Exit code: 0, or 2 when `what` is neither.
int RunExplain(const ExplainOptions& options);

}  // namespace ebb
