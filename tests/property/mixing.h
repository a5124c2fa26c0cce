// An operator whose results depend on the order of everything, and a model of it that shares no code with the engine
// but the types. Property tests compare the two.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/task/operator.h"

namespace ebb {

// What is done to a customer: numbers that depend on the order of everything. Timer rule: a value below 40 sets a timer
// that many milliseconds ahead, one of 40 to 49 unsets it; a timer that fires is set again twice.
constexpr int64_t Mix(int64_t hash, int64_t a, int64_t b) {
  const uint64_t mixed = static_cast<uint64_t>(hash) ^ static_cast<uint64_t>(a * 1000003 + b);
  return static_cast<int64_t>(mixed * 0x9E3779B97F4A7C15ull);
}
enum MixingCell { kHash, kTimersLeft, kMixingCells };

inline std::string RecordLine(std::string_view key, TimeMs effective, int source, int log, int64_t offset, bool late,
                              int64_t hash) {
  return fmt::format("{} {} {}.{}.{} {} {}", effective, key, source, log, offset, late, hash);
}
inline std::string TimerLine(std::string_view key, TimeMs time, int64_t hash) {
  return fmt::format("{} {} timer {}", time, key, hash);
}

// An alert's line without number and end; a value that 7 divides gives one.
inline std::string AlertStart(std::string_view key, int64_t hash) {
  return fmt::format("{{\"customer\":\"{}\",\"hash\":{}", key, hash);
}

// Confined to its task's thread.
class MixingOperator : public Operator {
 public:
  // Notes the lines in the order of processing, before anybody sorts them, unless null.
  explicit MixingOperator(std::vector<std::string>* processed) : processed_(processed), counters_(1, 0) {}

  Effect OnRecord(const Record& record, RowRef* row, Outputs* outputs) override {
    EXPECT_EQ(row->key(), record.key());
    EXPECT_EQ(HashKey(record.key()), record.key_hash);
    const int64_t value = record.slots()[0];
    int64_t* cell = row->cells();
    cell[kHash] = Mix(cell[kHash], record.effective, value);
    if (value < 40) {
      (*row)->next_timer = record.effective + 1 + value;
      cell[kTimersLeft] = 2;
    } else if (value < 50) {
      (*row)->next_timer = kAfterTime;
    }
    if (row->count(0) == 30) row->PopFront(0);
    row->PushBack(0)[0] = value;
    ++counters_[0];
    Write(RecordLine(row->key(), record.effective, record.source, record.log, record.offset, record.late,
                     row->cells()[kHash]),
          outputs);
    if (value % 7 == 0) outputs->Emit(Stream::kAlerts, AlertStart(row->key(), row->cells()[kHash]));
    return Effect::kUsed;
  }
  void OnTimer(TimeMs now, RowRef* row, Outputs* outputs) override {
    EXPECT_EQ(now, (*row)->next_timer);
    int64_t* cell = row->cells();
    cell[kHash] = Mix(cell[kHash], now, -1);
    (*row)->next_timer = cell[kTimersLeft]-- > 0 ? now + 7 : kAfterTime;
    Write(TimerLine(row->key(), now, cell[kHash]), outputs);
  }
  void Prefetch(const Record&, const RowRef&) const override {}
  std::vector<std::string> CounterNames() const override { return {"records"}; }
  const std::vector<int64_t>& counters() const override { return counters_; }

 private:
  void Write(const std::string& line, Outputs* outputs) {
    outputs->Emit(Stream::kScores, line);
    if (processed_ != nullptr) processed_->push_back(line);
  }

  std::vector<std::string>* processed_;
  std::vector<int64_t> counters_;
};

inline RowLayout MixingLayout() {
  RowLayoutBuilder layout;
  layout.AddCells("mix", kMixingCells);
  layout.AddSection("values", 1, 30);
  return layout.Build();
}

// Confined to its task's thread.
class MixingModel {
 public:
  struct Customer {
    int64_t hash = 0, timers_left = 0;
    TimeMs timer = kAfterTime;
  };

  // A used record; they come in order.
  void Use(const std::string& key, TimeMs effective, int source, int log, int64_t offset, bool late, int64_t value) {
    FireBefore(effective);
    Customer& customer = customers[key];
    customer.hash = Mix(customer.hash, effective, value);
    if (value < 40) {
      customer.timer = effective + 1 + value;
      customer.timers_left = 2;
    } else if (value < 50) {
      customer.timer = kAfterTime;
    }
    lines.push_back(RecordLine(key, effective, source, log, offset, late, customer.hash));
    if (value % 7 == 0) {
      alerts.push_back(AlertStart(key, customer.hash) + fmt::format(",\"task\":{},\"seq\":{}}}", task, alerts.size()));
    }
  }
  void FireBefore(TimeMs limit) {
    for (;;) {
      auto next = std::min_element(customers.begin(), customers.end(),
                                   [](const auto& a, const auto& b) { return a.second.timer < b.second.timer; });
      if (next == customers.end() || next->second.timer >= limit) return;
      Customer& customer = next->second;
      customer.hash = Mix(customer.hash, customer.timer, -1);
      lines.push_back(TimerLine(next->first, customer.timer, customer.hash));
      customer.timer = customer.timers_left-- > 0 ? customer.timer + 7 : kAfterTime;
    }
  }

  int64_t task = 0;
  std::map<std::string, Customer> customers;
  std::vector<std::string> lines;
  std::vector<std::string> alerts;
};

// `source offset reason` of a quarantine line.
inline std::string Brief(const std::string& line) {
  const auto between = [&](std::string_view begin, char end) {
    const size_t at = line.find(begin) + begin.size();
    return line.substr(at, line.find(end, at) - at);
  };
  return fmt::format("{} {} {}", between("\"source\":\"", '"'), between("\"offset\":", ','),
                     between("\"reason\":\"", '"'));
}

}  // namespace ebb
