// One string a picture: the cursor goes to the upper left corner, and each line is cleared behind its end, so nothing
// flickers.
#include "cli/watch.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <fmt/format.h>

#include "cli/terminal.h"
#include "engine/stream/time.h"
#include "engine/task/operator.h"

namespace ebb {
namespace {

constexpr size_t kKeptWarnings = 5;
constexpr auto kRedraw = std::chrono::milliseconds(500);

int64_t RecordsOf(const TaskStatus& task) {
  int64_t records = 0;
  for (const SourceStatus& source : task.sources) records += source.records;
  return records;
}

// Records that wait; empty when one of the sources doesn't know.
std::string LagOf(const TaskStatus& task) {
  int64_t lag = 0;
  for (const SourceStatus& source : task.sources) {
    if (source.lag < 0) return "";
    lag += source.lag;
  }
  return task.sources.empty() ? "" : Thousands(lag);
}

std::string Behind(TimeMs watermark, int64_t wall_ms) {
  if (watermark <= kEarliestTime || watermark >= kLatestTime) return "";
  const DurationMs behind = std::max<DurationMs>(0, wall_ms - watermark);
  const DurationMs unit = behind >= 2 * kDay      ? kDay
                          : behind >= 2 * kHour   ? kHour
                          : behind >= 2 * kMinute ? kMinute
                                                  : kSecond;
  return FormatDuration(behind / unit * unit);
}

std::string Rate(const WatchMoment& before, const WatchMoment& now, int32_t number, const TaskStatus& task) {
  const auto earlier = before.status.tasks.find(number);
  const int64_t ms = now.wall_ms - before.wall_ms;
  if (earlier == before.status.tasks.end() || ms <= 0) return "";
  return Thousands(std::max<int64_t>(0, RecordsOf(task) - RecordsOf(earlier->second)) * 1000 / ms);
}

Style StyleOf(TaskPhase phase) {
  switch (phase) {
    case TaskPhase::kLive:
      return Style::kGreen;
    case TaskPhase::kRefused:
      return Style::kRed;
    default:
      return Style::kYellow;
  }
}

}  // namespace

std::string WatchText(const PipelineFile& file, const WatchMoment& before, const WatchMoment& now,
                      const std::deque<std::string>& warnings, int width, bool colour) {
  std::string out;
  const auto cut = [width](std::string text) {
    if (text.size() > static_cast<size_t>(width)) text.resize(static_cast<size_t>(width));
    return text;
  };
  const std::vector<std::string> reasons = now.status.NotReady();
  out += fmt::format(
      "{}  {}\n", Styled(file.plan.pipeline, Style::kBold, colour),
      reasons.empty() ? Styled("ready", Style::kGreen, colour) : Styled("not ready", Style::kYellow, colour));
  for (const std::string& reason : reasons) out += cut("  " + reason) + "\n";
  out += "\n" +
         Styled(cut(fmt::format("{:>5} {:<11} {:>10} {:>9} {:>10} {:>12} {:>10} {:>11}", "task", "phase", "epoch",
                                "lag", "records/s", "behind now", "alerts", "customers")),
                Style::kDim, colour) +
         "\n";
  for (const auto& [number, task] : now.status.tasks) {
    const std::string phase = fmt::format("{:<11}", TaskPhaseName(task.phase));
    const int64_t alerts = task.lines.empty() ? 0 : task.lines[static_cast<int>(Stream::kAlerts)];
    out += fmt::format("{:>5} {} ", number, Styled(phase, StyleOf(task.phase), colour));
    out += fmt::format("{:>10} {:>9} {:>10} {:>12} {:>10} {:>11}\n", Thousands(task.epoch), LagOf(task),
                       Rate(before, now, number, task), Behind(task.watermark, now.wall_ms), Thousands(alerts),
                       Thousands(task.customers));
  }
  if (!warnings.empty()) out += "\n";
  for (const std::string& warning : warnings) out += cut(warning) + "\n";
  return out;
}

WatchView::WatchView(const PipelineFile& file, const StatusBoard& board)
    : file_(file), board_(board), thread_([this] { Run(); }) {}

WatchView::~WatchView() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void WatchView::Take(LogLevel level, const std::string& line) {
  if (level == LogLevel::kInfo) return;
  const std::lock_guard lock(mutex_);
  warnings_.push_back(line.substr(0, line.find('\n')));
  if (warnings_.size() > kKeptWarnings) warnings_.pop_front();
}

void WatchView::Run() {
  WatchMoment before{board_.Get(), WallMs()};
  std::unique_lock lock(mutex_);
  fmt::print(stderr, "\x1b[2J");
  while (!stop_) {
    wake_.wait_for(lock, kRedraw, [this] { return stop_; });
    WatchMoment now{board_.Get(), WallMs()};
    const std::string text = WatchText(file_, before, now, warnings_, WidthOfStderr(), ColourOnStderr());
    std::string picture = "\x1b[H";
    for (char c : text) picture += c == '\n' ? "\x1b[K\n" : std::string(1, c);
    fmt::print(stderr, "{}\x1b[J", picture);
    before = std::move(now);
  }
}

}  // namespace ebb
