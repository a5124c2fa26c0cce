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
};
// Exit code: 0 all passed, 1 some failed, 2 the file has errors.
int RunTest(const TestOptions& options);

}  // namespace ebb
