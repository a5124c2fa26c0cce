// Lines of output and their order.
#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "engine/task/operator.h"

namespace ebb {

std::string_view StreamName(Stream stream) {
  static constexpr std::string_view kNames[kStreamCount] = {"alerts", "scores", "quarantine", "shadow"};
  return kNames[static_cast<int>(stream)];
}

void Outputs::AtRecord(const Record& record) {
  at_ = Line{};
  at_.time = record.effective;
  at_.source = record.source;
  at_.log = record.log;
  at_.offset = record.offset;
  key_ = record.key();
}

void Outputs::AtTimer(TimeMs time, std::string_view key) {
  at_ = Line{};
  at_.time = time;
  at_.timer = true;
  timer_key_ = key;
  key_ = timer_key_;
}

void Outputs::AtMeeting(TimeMs time, std::string_view key, int64_t rank) {
  AtTimer(time, key);
  at_.meeting = true;
  at_.offset = rank;
}

void Outputs::Emit(Stream stream, std::string_view text) {
  Line line = at_;
  line.stream = stream;
  line.key_at = static_cast<uint32_t>(bytes_.size());
  line.key_bytes = static_cast<uint32_t>(key_.size());
  bytes_ += key_;
  line.text_at = static_cast<uint32_t>(bytes_.size());
  line.text_bytes = static_cast<uint32_t>(text.size());
  bytes_ += text;
  lines_.push_back(line);
  ++at_.number;
}

void Outputs::Clear() {
  lines_.clear();
  bytes_.clear();
}

bool ComesBefore(const PlacedLine& a, const PlacedLine& b) {
  const Outputs::Line& x = *a.line;
  const Outputs::Line& y = *b.line;
  const auto place = [](const Outputs::Line& l) {
    return std::tie(l.time, l.timer, l.meeting, l.source, l.log, l.offset);
  };
  if (place(x) != place(y)) return place(x) < place(y);
  if (x.timer) {
    int keys = a.outputs->key(x).compare(b.outputs->key(y));
    if (keys != 0) return keys < 0;
  }
  return x.number < y.number;
}

std::vector<PlacedLine> InOneOrder(const std::vector<const Outputs*>& outputs) {
  std::vector<PlacedLine> lines;
  for (const Outputs* of_task : outputs) {
    for (const Outputs::Line& line : of_task->lines()) lines.push_back({of_task, &line});
  }
  if (!std::is_sorted(lines.begin(), lines.end(), ComesBefore)) std::sort(lines.begin(), lines.end(), ComesBefore);
  return lines;
}

void Operator::AddCounters(Counters* sums) const {
  for (size_t c = 0; c < sums->size(); ++c) (*sums)[c].second += counters()[c];
}

void AppendNumbered(const PlacedLine& line, int64_t task, int64_t number, std::string* text) {
  *text += line.outputs->text(*line.line);
  const Stream stream = line.line->stream;
  if (stream != Stream::kAlerts && stream != Stream::kShadow) return;
  *text += fmt::format(",\"task\":{},\"seq\":{}}}", task, number);
}

}  // namespace ebb
