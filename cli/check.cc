// Loading, building, saying so.
#include "cli/check.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "cli/replay.h"
#include "cli/terminal.h"
#include "config/run_tests.h"
#include "config/update_tests.h"
#include "engine/base/status_macros.h"
#include "engine/observe/json_text.h"

namespace ebb {
namespace {

std::string Counted(size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

void PrintGood(const PipelineFile& file, bool json) {
  const Plan& plan = file.plan;
  if (!json) {
    fmt::print("{}: ok ({}, {}, {}, {}, {})\n", file.path, Counted(file.sources.size(), "source"),
               Counted(plan.features.size(), "feature"), Counted(plan.scores.size(), "score"),
               Counted(plan.alerts.size(), "alert"), Counted(file.tests.size(), "test"));
    return;
  }
  std::string out = "{\"file\":";
  AppendJsonString(file.path, &out);
  out += ",\"errors\":[],\"left_out\":0,\"pipeline\":";
  AppendJsonString(plan.pipeline, &out);
  fmt::print("{},\"fingerprint\":\"{}\",\"sources\":{},\"features\":{},\"scores\":{},\"alerts\":{},\"tests\":{}}}\n",
             out, plan.fingerprint, file.sources.size(), plan.features.size(), plan.scores.size(), plan.alerts.size(),
             file.tests.size());
}

void PrintOutcome(const PipelineFile& file, const TestOutcome& outcome, const TestOptions& options) {
  const bool colour = ColourOnStdout();
  const std::string mark = outcome.passed() ? Styled("✓", Style::kGreen, colour) : Styled("✗", Style::kRed, colour);
  fmt::print("{} {}{}\n", mark, outcome.test->name, options.thorough ? fmt::format(" ({})", outcome.variation) : "");
  for (const ExpectationOutcome& e : outcome.expectations) {
    if (e.passed && !options.verbose) continue;
    fmt::print("    {}:{}: {}{}\n", file.path, e.expectation->line, e.passed ? "" : "expected ", e.expected);
    for (const std::string& fact : e.happened) {
      fmt::print("        {}\n", e.passed ? Styled(fact, Style::kDim, colour) : fact);
    }
  }
}

void AppendOutcome(const TestOutcome& outcome, std::string* out) {
  *out += "{\"name\":";
  AppendJsonString(outcome.test->name, out);
  *out += fmt::format(",\"line\":{},\"run\":\"{}\",\"passed\":{},\"expectations\":[", outcome.test->line,
                      outcome.variation, outcome.passed());
  for (size_t i = 0; i < outcome.expectations.size(); ++i) {
    const ExpectationOutcome& e = outcome.expectations[i];
    *out += fmt::format("{}{{\"line\":{},\"passed\":{},\"expected\":", i > 0 ? "," : "", e.expectation->line, e.passed);
    AppendJsonString(e.expected, out);
    *out += ",\"happened\":[";
    for (size_t h = 0; h < e.happened.size(); ++h) {
      if (h > 0) *out += ',';
      AppendJsonString(e.happened[h], out);
    }
    *out += "]}";
  }
  *out += "]}";
}

// Exit code of the tests.
int PrintOutcomes(const PipelineFile& file, const std::vector<TestOutcome>& outcomes, const TestOptions& options) {
  const auto failed = std::count_if(outcomes.begin(), outcomes.end(), [](const TestOutcome& o) { return !o.passed(); });
  if (options.json) {
    std::string out = "{\"file\":";
    AppendJsonString(file.path, &out);
    out += fmt::format(",\"failed\":{},\"tests\":[", failed);
    for (size_t i = 0; i < outcomes.size(); ++i) {
      if (i > 0) out += ',';
      AppendOutcome(outcomes[i], &out);
    }
    fmt::print("{}]}}\n", out);
    return failed == 0 ? 0 : 1;
  }
  for (const TestOutcome& outcome : outcomes) PrintOutcome(file, outcome, options);
  const auto total = static_cast<int64_t>(outcomes.size());
  if (total == 0) {
    fmt::print("{}: there are no tests\n", file.path);
  } else {
    fmt::print("{} of {} passed\n", total - failed, Counted(outcomes.size(), options.thorough ? "run" : "test"));
  }
  return failed == 0 ? 0 : 1;
}

int ComplainOfErrors(const Diagnostics& diagnostics, bool json) {
  fmt::print(json ? stdout : stderr, "{}", json ? RenderJson(diagnostics) : RenderText(diagnostics));
  return 2;
}

// Rewrites the file, of which `text` was read, and says what changed; false when there was nothing to change.
absl::StatusOr<bool> Update(const std::string& path, const std::string& text,
                            const std::vector<TestOutcome>& outcomes) {
  const TestUpdate update = UpdateTests(text, outcomes);
  if (update.changes.empty()) return false;
  EBB_RETURN_IF_ERROR(ReplaceFileText(path, text, update.text));
  for (const TestChange& change : update.changes) {
    fmt::print("{}:{}: {} -> {}\n", path, change.line, change.before, change.after);
  }
  return true;
}

}  // namespace

int RunCheck(const std::vector<std::string>& files, bool json) {
  int code = 0;
  for (const std::string& path : files) {
    const std::optional<PipelineFile> file = LoadOrComplain(path, json);
    if (!file) {
      code = 2;
      continue;
    }
    // What is right word for word may still be too large for a row.
    if (absl::Status status = Pipeline::Build(file->plan).status(); !status.ok()) {
      Complain(fmt::format("{}: {}", path, std::string_view(status.message().data(), status.message().size())));
      code = 2;
      continue;
    }
    PrintGood(*file, json);
  }
  return code;
}

int RunTest(const TestOptions& options) {
  const LoadResult loaded = LoadPipelineFile(options.pipeline);
  if (!loaded.pipeline) return ComplainOfErrors(loaded.diagnostics, options.json);
  const auto outcomes = RunTests(*loaded.pipeline, options.thorough);
  if (!outcomes.ok()) {
    Complain(outcomes.status());
    return ExitCodeOf(outcomes.status());
  }
  if (options.update) {
    const absl::StatusOr<bool> updated = Update(options.pipeline, loaded.diagnostics.text(), *outcomes);
    if (!updated.ok()) {
      Complain(updated.status());
      return ExitCodeOf(updated.status());
    }
    TestOptions again = options;
    again.update = false;
    if (*updated) return RunTest(again);
  }
  return PrintOutcomes(*loaded.pipeline, *outcomes, options);
}

}  // namespace ebb
