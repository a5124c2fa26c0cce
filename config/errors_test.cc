// Every broken file in tests/golden/errors gives exactly the text beside it; carets stand under the right text; every
// code of the table is raised by a file or by a test of this binary. EBB_UPDATE_GOLDEN=1 writes the texts anew.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/error_codes.h"
#include "config/pipeline.h"
#include "engine/base/random.h"

namespace ebb {
namespace {

const char kFolder[] = EBB_SOURCE_DIR "/tests/golden/errors";

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

LoadResult Load(const std::string& text, const std::string& name) {
  return LoadPipelineText(text, name,
                          {[](const std::string& variable) -> std::optional<std::string> {
                             if (variable == "EBB_TEST_AGG") return "cuont";
                             return std::nullopt;
                           },
                           kFolder});
}

std::vector<std::filesystem::path> BrokenFiles() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The source text from one place to another of the same line.
std::string TextUnder(const std::string& text, Span span) {
  std::stringstream lines(text);
  std::string line;
  for (int i = 0; i < span.begin.line; ++i) std::getline(lines, line);
  if (span.end.line != span.begin.line) return "(several lines)";
  return line.substr(static_cast<size_t>(span.begin.column) - 1,
                     static_cast<size_t>(span.end.column - span.begin.column));
}

TEST(ErrorsTest, GoldenTexts) {
  std::vector<std::filesystem::path> files = BrokenFiles();
  EXPECT_GE(files.size(), 60u);
  for (const std::filesystem::path& path : files) {
    LoadResult loaded = Load(ReadFile(path), path.filename().string());
    EXPECT_FALSE(loaded.pipeline) << path;
    std::filesystem::path expected = path;
    expected.replace_extension(".txt");
    std::string rendered = RenderText(loaded.diagnostics);
    if (std::getenv("EBB_UPDATE_GOLDEN") != nullptr) std::ofstream(expected, std::ios::binary) << rendered;
    EXPECT_EQ(rendered, ReadFile(expected)) << path;
  }
}

TEST(ErrorsTest, EveryCodeIsRaised) {
  // Raised by files that can't be golden: see yaml_test.cc and pipeline_test.cc.
  std::set<std::string> raised = {"E0001", "E0002", "E0003"};
  for (const std::filesystem::path& path : BrokenFiles()) {
    for (const Diagnostic& d : Load(ReadFile(path), "x").diagnostics.Sorted()) raised.insert(d.code);
  }
  for (const ErrorCode& code : ErrorCodes()) EXPECT_TRUE(raised.contains(std::string(code.code))) << code.code;
}

TEST(ErrorsTest, CaretsStandUnderTheRightText) {
  struct Case {
    std::string file, code, under;
  };
  const Case kCases[] = {
      {"unknown_key_top", "E0101", "featurs"},
      {"unknown_key_source", "E0101", "feilds"},
      {"unknown_key_field", "E0101", "typ"},
      {"unknown_key_field", "E0102", "duration"},
      {"unknown_key_alert", "E0101", "cooldwon"},
      {"unknown_key_point", "E0101", "raeson"},
      {"unknown_aggregation", "E0104", "cuont"},
      {"unknown_aggregation", "E0104", "avg"},
      {"unknown_field", "E0107", "durration"},
      {"unknown_field", "E0404", "droped"},
      {"unknown_window", "E0106", "weak"},
      {"unknown_feature", "E0404", "calls_wek"},
      {"unknown_feature", "E0404", "chrun"},
      {"unknown_feature", "E0109", "calls_dya"},
      {"unknown_score", "E0108", "chrn"},
      {"unknown_source", "E0105", "call"},
      {"missing_unit", "E0408", "7"},
      {"missing_unit", "E0408", "3"},
      {"missing_unit", "E0201", "14"},
      {"types_mixed", "E0407", "calls_week + silence"},
      {"duplicate_key", "E0007", "calls"},
      {"open_quote", "E0005", "\""},
      {"open_quote_at_end", "E0005", "'"},
      {"tab", "E0004", "\t"},
      {"cycle", "E0307", "\"b + 1\""},
      {"argument_count", "E0406", "safe_div(calls_day)"},
      {"field_type", "E0303", "dropped"},
      {"of_superfluous", "E0302", "of"},
      {"window_tiles", "E0207", "5h"},
      {"holdout", "E0211", "80%"},
      {"bad_percent", "E0204", "two%"},
      {"reason_code", "E0206", "engagement drop"},
      {"variables", "E0013", "${EBB_TEST_MISSING}"},
      {"expression_quoting", "E0404", "calls_weekk"},
      {"too_many_fields", "E0209", "f64"},
  };
  for (const Case& c : kCases) {
    std::string text = ReadFile(std::filesystem::path(kFolder) / (c.file + ".yaml"));
    std::vector<std::string> found;
    for (const Diagnostic& d : Load(text, "x").diagnostics.Sorted())
      found.push_back(d.code + " " + TextUnder(text, d.span));
    EXPECT_THAT(found, testing::Contains(c.code + " " + c.under)) << c.file;
  }
}

TEST(ErrorsTest, OneMistakeIsOneError) {
  for (std::string file : {"unknown_window", "unknown_score", "of_missing", "holdout", "reason_code", "tab",
                           "open_quote", "unknown_unit", "unknown_key_top", "anchors"}) {
    LoadResult loaded = Load(ReadFile(std::filesystem::path(kFolder) / (file + ".yaml")), file);
    EXPECT_EQ(loaded.diagnostics.size(), file == "anchors" ? 2u : 1u) << RenderText(loaded.diagnostics);
  }
}

TEST(ErrorsTest, SecretsNeverShow) {
  std::string secret = testing::TempDir() + "/ebb_secret_in_error";
  std::ofstream(secret) << "hunter2";
  const std::string value = "\"${file:" + secret + "}\"";
  const std::string text =
      "pipeline: " + value + "\nentity: {key: k}\nsources:\n  s:\n    file: f\n    format: " + value +
      "\n    time: {field: t, unit: " + value + ", disorder: " + value + "}\n    fields:\n      a: {type: " + value +
      ", missing: " + value + "}\nwindows: {w: " + value + "}\nfeatures:\n  x: {from: " + value + ", agg: " + value +
      ", over: " + value + ", where: " + value + "}\n  y: {expr: " + value + "}\naccuracy: {max_edge_error: " + value +
      "}\nscores:\n  c:\n    model: " + value + "\n    intercept: " + value +
      "\n    points: [{when: \"x > 1\", add: " + value + ", reason: " + value +
      "}]\nalerts:\n  a: {when: \"c > 1\", holdout: " + value + ", confirm: " + value + ", explain: " + value +
      ", revisions: " + value + "}\n";
  LoadResult loaded = Load(text, "x");
  EXPECT_GE(loaded.diagnostics.size(), 15u);
  EXPECT_THAT(RenderText(loaded.diagnostics), testing::Not(testing::HasSubstr("hunter2")));
  EXPECT_THAT(RenderJson(loaded.diagnostics), testing::Not(testing::HasSubstr("hunter2")));
}

// A damaged file is answered by errors or a plan, never by a crash.
TEST(ErrorsTest, MutatedFilesNeverCrash) {
  std::vector<std::string> seeds = {ReadFile(EBB_SOURCE_DIR "/config/pipelines/bench.yaml")};
  for (const std::filesystem::path& path : BrokenFiles()) {
    if (std::filesystem::file_size(path) < 4000) seeds.push_back(ReadFile(path));
  }
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    Random random(seed);
    std::string text = seeds[random.Below(seeds.size())];
    for (uint64_t edits = 1 + random.Below(5); edits > 0 && !text.empty(); --edits) {
      size_t at = random.Below(text.size());
      const std::string& other = seeds[random.Below(seeds.size())];
      size_t from = random.Below(other.size());
      switch (random.Below(4)) {
        case 0:
          text.erase(at, 1 + random.Below(12));
          break;
        case 1:
          text.insert(at, other, from, 1 + random.Below(12));
          break;
        case 2:
          text[at] = other[from];
          break;
        default:
          text.replace(at, 1, "9");
          break;
      }
    }
    LoadResult loaded = Load(text, "x");
    EXPECT_EQ(loaded.pipeline.has_value(), loaded.diagnostics.empty()) << "seed " << seed;
    for (const Diagnostic& d : loaded.diagnostics.Sorted()) EXPECT_FALSE(d.message.empty());
    RenderText(loaded.diagnostics);
  }
}

}  // namespace
}  // namespace ebb
