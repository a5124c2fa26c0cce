// The runner of a pipeline file's `tests:`: a test's records go through a real job, computed fields, order and timers
// included, and what comes out is held against what the test expects. Event time begins at kTestStart.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/pipeline.h"

namespace ebb {

// 2026-01-01T00:00:00Z: `at: 0d` in a test.
inline constexpr TimeMs kTestStart = 1767225600000;

// A value of a test, and what should stand in its place for the test to pass.
struct NewValue {
  Span place;
  std::string text;
};

struct ExpectationOutcome {
  const TestExpectation* expectation = nullptr;
  bool passed = false;
  std::string expected;               // in words
  std::vector<std::string> happened;  // in words, one fact each
  // When it failed: other values with which it would pass. Empty when no value of it can say what happened, as when an
  // alert came that shouldn't, or didn't.
  std::vector<NewValue> instead;
};

struct TestOutcome {
  const PipelineTest* test = nullptr;
  std::string variation;  // how it was run: "straight", "batches of 1", ...
  std::vector<ExpectationOutcome> expectations;

  bool passed() const;
};

// Runs every test of the file, in its order; `thorough` runs each also record by record, on four tasks, and stopped and
// resumed again and again, which must change nothing. An alert that a holdout keeps back counts as written: whom a
// holdout meets is chance, not a rule. `file` outlives the result. InvalidArgument when the pipeline can't be built.
absl::StatusOr<std::vector<TestOutcome>> RunTests(const PipelineFile& file, bool thorough);

}  // namespace ebb
