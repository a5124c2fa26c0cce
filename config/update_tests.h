// `ebb test --update`: what happened takes the place of what failing tests of a pipeline file expect. Only those values
// change; every other byte of the file stays as it is.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "config/run_tests.h"

namespace ebb {

struct TestChange {
  int line = 0;               // of the file
  std::string before, after;  // as they stand there
};

struct TestUpdate {
  std::string text;                 // of the whole file
  std::vector<TestChange> changes;  // in the order of the file
};

// `text` is the file that the outcomes are of; tests stand in that file itself, never in one that it includes. Values
// with ${...} in them stay. Of a test that was run in several ways the first one counts.
TestUpdate UpdateTests(const std::string& text, const std::vector<TestOutcome>& outcomes);

// Replaces the file at once, with the permissions that it has. Aborted when it no longer holds `before`.
absl::Status ReplaceFileText(const std::string& path, const std::string& before, const std::string& after);

}  // namespace ebb
