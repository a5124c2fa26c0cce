// `ebb check` and `ebb test`: what can be said of a pipeline file without data.
#pragma once

#include <string>
#include <vector>

namespace ebb {

// Prints "FILE: ok (...)" on standard output or the file's errors on standard error; with `json` one object per file on
// standard output. Exit code: 0 all good, 2 otherwise.
int RunCheck(const std::vector<std::string>& files, bool json);

struct TestOptions {
  std::string pipeline;
  bool verbose = false;   // shows every expectation with what happened
  bool thorough = false;  // runs each test in several ways, which must agree
  bool json = false;
  bool update = false;  // writes what happened into the file, in the place of what failing tests expect
};
// Exit code: 0 all passed (with `update`: afterwards), 1 some failed, 2 the file has errors.
int RunTest(const TestOptions& options);

}  // namespace ebb
