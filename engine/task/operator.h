// The operator contract: what is done to a customer's row when a record of theirs is released, and when a timer of
// theirs fires. An operator has no thread, no clock and no store: what it knows is the record, the row and the time it
// is given, so that the same order of calls gives the same bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/state/row.h"
#include "engine/stream/record.h"

namespace ebb {

// Where a line of output goes.
enum class Stream : uint8_t { kAlerts, kScores, kQuarantine, kShadow };
inline constexpr int kStreamCount = 4;
std::string_view StreamName(Stream stream);

// Lines of output of one task since the last commit, each with its place in the order, so that the lines of several
// tasks can be merged into the one order. Confined to its task's thread.
class Outputs {
 public:
  struct Line {
    TimeMs time;   // effective time of the record, or time of the timer
    bool timer;    // records come before timers of the same time
    bool meeting;  // these come last
    uint16_t source, log;
    int64_t offset;              // of the record; in a meeting the rank
    uint32_t key_at, key_bytes;  // the customer; empty for a quarantined record
    uint32_t number;             // of the line within its record or timer
    Stream stream;
    uint32_t text_at, text_bytes;
  };

  // What is emitted from here on belongs to this record, or to this customer's timer.
  void AtRecord(const Record& record);
  void AtTimer(TimeMs time, std::string_view key);
  // The same for a change of this customer's row that a meeting made.
  void AtMeeting(TimeMs time, std::string_view key, int64_t rank);
  // Adds one line, without its end. Lines of kAlerts and kShadow end before their closing brace: the sink numbers them.
  void Emit(Stream stream, std::string_view text);

  const std::vector<Line>& lines() const { return lines_; }
  std::string_view text(const Line& line) const {
    return std::string_view(bytes_).substr(line.text_at, line.text_bytes);
  }
  std::string_view key(const Line& line) const { return std::string_view(bytes_).substr(line.key_at, line.key_bytes); }
  size_t bytes() const { return bytes_.size() + lines_.size() * sizeof(Line); }
  void Clear();

 private:
  Line at_{};
  std::string_view key_;   // of at_: of its record, or timer_key_
  std::string timer_key_;  // a row may move while its timer is at work
  std::vector<Line> lines_;
  std::string bytes_;
};

// A line of one task's outputs, for merging.
struct PlacedLine {
  const Outputs* outputs;
  const Outputs::Line* line;
};
// Whether `a` comes before `b` in the one order.
bool ComesBefore(const PlacedLine& a, const PlacedLine& b);
// All lines of the tasks in the one order.
std::vector<PlacedLine> InOneOrder(const std::vector<const Outputs*>& outputs);
// Appends the line as it goes out: in kAlerts and kShadow with its task (0 in a job over files) and number.
void AppendNumbered(const PlacedLine& line, int64_t task, int64_t number, std::string* text);

// Figures by name, in the order of their names.
using Counters = std::vector<std::pair<std::string, int64_t>>;

// What a record did to its row, and so where the ledger counts it.
enum class Effect : uint8_t {
  kUsed,       // used, or late
  kDuplicate,  // nothing: the row is as it was
};

// Confined to its task's thread.
class Operator {
 public:
  virtual ~Operator() = default;

  // The operator that does the work: itself, or the one that it watches.
  virtual Operator& innermost() { return *this; }

  // A record that is neither filtered nor quarantined. Sets row->next_timer, unless it is a duplicate.
  virtual Effect OnRecord(const Record& record, RowRef* row, Outputs* outputs) = 0;
  // `now` == row->next_timer; must move it on (later, or kAfterTime).
  virtual void OnTimer(TimeMs now, RowRef* row, Outputs* outputs) = 0;
  // Fetches ahead what OnRecord will touch of the row.
  virtual void Prefetch(const Record& record, const RowRef& row) const = 0;
  // Figures that add up over tasks and are kept with the state; names and values in the same order.
  virtual std::vector<std::string> CounterNames() const = 0;
  virtual const std::vector<int64_t>& counters() const = 0;
  // Adds the figures to those of another task or an earlier run. The result must not depend on how the work was shared
  // out: a figure that is kept in two parts carries here.
  virtual void AddCounters(Counters* sums) const;
  // What meetings have told all tasks alike, kept with the state; always as many numbers.
  virtual std::vector<int64_t> told() const { return {}; }
  // They hold from `since` on.
  virtual void Tell(TimeMs /*since*/, const std::vector<int64_t>& /*told*/) {}
};

// An operator that looks on while another one does the work: OnRecord and OnTimer are the watcher's own.
// Confined to its task's thread.
class WatchingOperator : public Operator {
 public:
  explicit WatchingOperator(std::unique_ptr<Operator> work) : work_(std::move(work)) {}

  Operator& innermost() override { return work_->innermost(); }
  void Prefetch(const Record& record, const RowRef& row) const override { work_->Prefetch(record, row); }
  std::vector<std::string> CounterNames() const override { return work_->CounterNames(); }
  const std::vector<int64_t>& counters() const override { return work_->counters(); }
  void AddCounters(Counters* sums) const override { work_->AddCounters(sums); }
  std::vector<int64_t> told() const override { return work_->told(); }
  void Tell(TimeMs since, const std::vector<int64_t>& told) override { work_->Tell(since, told); }

 protected:
  const std::unique_ptr<Operator> work_;
};

}  // namespace ebb
