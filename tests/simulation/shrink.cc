// 1. Each size is made as small as it can be, else half as large, as long as a violation of the same sort is found.
//    Other sizes bring other chance, so each is tried several times.
// 2. That is done again until nothing gets smaller.
// 3. Of many histories with these sizes the shortest is taken.
#include "tests/simulation/shrink.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "engine/base/check.h"

namespace ebb {
namespace {

constexpr int kTries = 30;
constexpr int kLastTries = 300;

// What the child leaves behind.
struct Report {
  bool complete;
  int64_t steps, records;
  char violation[2048];
};

Report* SharedReport() {
  static void* const page = mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  EBB_CHECK(page != MAP_FAILED, "no memory to share with a child");
  return static_cast<Report*>(page);
}

// Without numbers, and without what was found and expected.
std::string SortOf(std::string violation) {
  violation.resize(std::min(violation.size(), violation.find('\'')));
  std::erase_if(violation, [](unsigned char c) { return std::isdigit(c) != 0 || c == '-'; });
  return violation;
}

std::optional<Violated> FindAgain(uint64_t seed, Sizes most, const std::string& sort) {
  const int64_t now = most.contains(kAgain) ? most[kAgain] : 0;
  for (int64_t n = 0; n < kTries; ++n) {
    most[kAgain] = n == 0 ? now : n;
    std::optional<Violated> found = RunApart(seed, most);
    if (found.has_value() && SortOf(found->violation) == sort) return found;
  }
  return std::nullopt;
}

bool IsCount(const std::string& name) {
  return std::any_of(std::begin(kCounts), std::end(kCounts), [&](const char* count) { return name == count; });
}

std::optional<Violated> Smaller(uint64_t seed, const Violated& best, const std::string& name, int64_t size,
                                const std::string& sort) {
  const int64_t least = IsCount(name) ? 1 : 0;
  for (const int64_t less : {least, (least + size) / 2}) {
    if (less >= size) continue;
    Sizes most = best.most;
    most[name] = less;
    if (std::optional<Violated> found = FindAgain(seed, most, sort)) return found;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Violated> RunApart(uint64_t seed, const Sizes& most) {
  Report* const report = SharedReport();
  *report = {};
  const pid_t child = fork();
  EBB_CHECK(child >= 0, "a child can't be started");
  if (child == 0) {
    fclose(stderr);
    const HistoryResult result = RunHistory(seed, most, false);
    report->steps = result.steps;
    report->records = result.records;
    std::strncpy(report->violation, result.violation.c_str(), sizeof(report->violation) - 1);
    report->complete = true;
    _exit(0);
  }
  int status = 0;
  EBB_CHECK(waitpid(child, &status, 0) == child);
  if (!report->complete) return Violated{most, fmt::format("the process ended by signal {}", WTERMSIG(status))};
  if (report->violation[0] == '\0') return std::nullopt;
  return Violated{most, report->violation, report->steps, report->records};
}

Violated Shrink(uint64_t seed, const Violated& found) {
  const std::string sort = SortOf(found.violation);
  Violated best = found;
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (const auto& [name, size] : HistorySizes(seed, best.most)) {
      std::optional<Violated> less = Smaller(seed, best, name, size, sort);
      if (!less.has_value()) continue;
      best = *std::move(less);
      smaller = true;
    }
  }
  for (int64_t n = 1; n <= kLastTries; ++n) {
    Sizes most = best.most;
    most[kAgain] = n;
    const std::optional<Violated> other = RunApart(seed, most);
    if (other.has_value() && SortOf(other->violation) == sort && other->steps < best.steps) best = *other;
  }
  return best;
}

std::string SizesText(const Sizes& sizes) {
  std::string text;
  for (const auto& [name, size] : sizes) text += fmt::format("{}{}={}", text.empty() ? "" : ",", name, size);
  return text;
}

std::optional<Sizes> ParseSizes(const std::string& text) {
  Sizes sizes;
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(text, ',', absl::SkipEmpty()))) {
    const std::pair<std::string, std::string> pair = absl::StrSplit(part, absl::MaxSplits('=', 1));
    if (!absl::SimpleAtoi(pair.second, &sizes[pair.first])) return std::nullopt;
  }
  return sizes;
}

}  // namespace ebb
