// Places are lines and characters, files are bytes; both are walked once, side by side.
#include "config/update_tests.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "config/diagnostic.h"
#include "config/include.h"

namespace ebb {
namespace {

namespace fs = std::filesystem;

// The byte at which a place begins; lines end as in config/yaml_source.h.
size_t ByteOf(const std::string& text, Position place) {
  size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  for (int line = 1; line < place.line && at < text.size(); ++line) {
    at = std::min(text.find_first_of("\r\n", at), text.size());
    at = std::min(at + (text.compare(at, 2, "\r\n") == 0 ? 2 : 1), text.size());
  }
  for (int column = 1; column < place.column && at < text.size(); ++column) {
    do ++at;
    while (at < text.size() && IsContinuation(text[at]));
  }
  return at;
}

}  // namespace

TestUpdate UpdateTests(const std::string& text, const std::vector<TestOutcome>& outcomes) {
  std::vector<NewValue> values;
  const PipelineTest* seen = nullptr;
  for (const TestOutcome& outcome : outcomes) {
    if (outcome.test == seen) continue;
    seen = outcome.test;
    for (const ExpectationOutcome& expectation : outcome.expectations) {
      values.insert(values.end(), expectation.instead.begin(), expectation.instead.end());
    }
  }
  std::sort(values.begin(), values.end(),
            [](const NewValue& a, const NewValue& b) { return a.place.begin < b.place.begin; });
  TestUpdate update;
  size_t copied = 0;
  for (const NewValue& value : values) {
    const size_t begin = ByteOf(text, value.place.begin);
    const size_t end = ByteOf(text, value.place.end);
    const std::string before = text.substr(begin, end - begin);
    if (before.find("${") != std::string::npos || before == value.text) continue;
    update.text.append(text, copied, begin - copied);
    update.text += value.text;
    update.changes.push_back({value.place.begin.line, before, value.text});
    copied = end;
  }
  update.text.append(text, copied);
  return update;
}

absl::Status ReplaceFileText(const std::string& path, const std::string& before, const std::string& after) {
  std::error_code error;
  const std::string target = fs::canonical(path, error).string();  // a link stays a link
  if (error || ReadFileText(target).text != before) {
    return absl::AbortedError(fmt::format("{} has changed meanwhile, and was left as it is", path));
  }
  const std::string fresh = target + ".new";
  std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
  file << after;
  file.close();
  if (!file) {
    fs::remove(fresh, error);
    return absl::UnavailableError(fmt::format("cannot write {}", fresh));
  }
  fs::permissions(fresh, fs::status(target, error).permissions(), error);
  fs::rename(fresh, target, error);
  if (!error) return absl::OkStatus();
  const std::string problem = error.message();
  fs::remove(fresh, error);
  return absl::UnavailableError(fmt::format("cannot replace {}: {}", path, problem));
}

}  // namespace ebb
