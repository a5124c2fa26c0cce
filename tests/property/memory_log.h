// Fakes of the job's outside, in memory: a log of fixed records, its decoder, and a sink that can be cut back.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "engine/stream/log.h"
#include "engine/task/sink.h"

namespace ebb {

// What one record of a MemoryLog says.
struct MemoryRecord {
  char key[8] = {};  // ends at the first zero
  TimeMs time = 0;
  int64_t value = 0;
  bool filtered = false;
  Reason reason = Reason::kNone;
};

// Confined to its task's thread.
class MemoryLog : public Log {
 public:
  MemoryLog(std::string name, const std::vector<MemoryRecord>* records) : name_(std::move(name)), records_(*records) {}

  absl::Status Read(size_t max_records, std::vector<RawRecord>* out) override {
    out->clear();
    bytes_.assign(max_records * sizeof(MemoryRecord) + kReadPadding, '\0');  // what an earlier Read gave is gone
    for (size_t i = 0; i < max_records && next_ < records_.size(); ++i, ++next_) {
      char* place = bytes_.data() + i * sizeof(MemoryRecord);
      std::memcpy(place, &records_[next_], sizeof(MemoryRecord));
      out->push_back({static_cast<int64_t>(next_), std::string_view(place, sizeof(MemoryRecord))});
    }
    return absl::OkStatus();
  }
  bool ended() const override { return next_ == records_.size(); }
  absl::Status Seek(int64_t offset) override {
    if (offset > static_cast<int64_t>(records_.size())) return absl::OutOfRangeError(name_);
    next_ = static_cast<size_t>(offset);
    return absl::OkStatus();
  }
  const std::string& name() const override { return name_; }
  const std::string& identity() const override { return name_; }
  double progress() const override { return -1; }

 private:
  std::string name_;
  const std::vector<MemoryRecord>& records_;
  std::string bytes_;
  size_t next_ = 0;
};

// One slot: the value. Confined to its task's thread.
class MemoryDecoder : public Decoder {
 public:
  Reason Decode(std::string_view bytes, RecordBuilder* out) override {
    MemoryRecord record;
    std::memcpy(static_cast<void*>(&record), bytes.data(), sizeof(record));
    if (record.reason != Reason::kNone) return record.reason;
    out->SetKey(record.key);
    out->time = record.time;
    out->filtered = record.filtered;
    out->SetSlot(0, record.value);
    return Reason::kNone;
  }
};

// Confined to its task's thread.
class MemorySink : public Sink {
 public:
  absl::Status Append(std::string_view lines) override {
    text_ += lines;
    return absl::OkStatus();
  }
  absl::Status Sync() override { return absl::OkStatus(); }
  int64_t bytes() const override { return static_cast<int64_t>(text_.size()); }
  // What a restart does with lines that no commit covers.
  void CutTo(int64_t bytes) { text_.resize(static_cast<size_t>(bytes)); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace ebb
