// 1. Each source becomes a log of made-up records: times evenly spread, customers in turn, values from a seeded random
//    stream: numbers up to some hundreds, a bool true one time in four, texts out of twenty.
// 2. A job runs the pipeline over them, order, timers and computed fields included.
// 3. The bytes of the rows that it leaves are counted as the store would write them.
#include "config/row_size.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include <fmt/format.h>

#include "engine/base/random.h"
#include "engine/base/status_macros.h"
#include "engine/task/job.h"

namespace ebb {
namespace {

constexpr TimeMs kStart = 1767225600000;  // 2026-01-01
constexpr int kCustomers = 8;
constexpr int kTexts = 20;
constexpr int kDaysWithoutWindows = 90;
constexpr int64_t kMostWordBytes = 8;

// Number n of the log is a record of customer n modulo kCustomers. Confined to its task's thread.
class MadeUpLog : public Log {
 public:
  MadeUpLog(std::string name, int64_t records) : name_(std::move(name)), records_(records) {}

  absl::Status Read(size_t max_records, std::vector<RawRecord>* out) override {
    const int64_t count = std::min(static_cast<int64_t>(max_records), records_ - next_);
    texts_.clear();
    for (int64_t i = 0; i < count; ++i) {
      texts_.push_back(std::to_string(next_ + i) + std::string(kReadPadding, '\0'));
    }
    out->clear();
    for (const std::string& text : texts_) {
      out->push_back({next_++, std::string_view(text).substr(0, text.size() - kReadPadding)});
    }
    return absl::OkStatus();
  }
  bool ended() const override { return next_ == records_; }
  absl::Status Seek(int64_t offset) override {
    next_ = offset;
    return absl::OkStatus();
  }
  const std::string& name() const override { return name_; }
  const std::string& identity() const override { return name_; }
  double progress() const override { return ended() ? 1 : 0; }

 private:
  const std::string name_;
  const int64_t records_;
  std::vector<std::string> texts_;
  int64_t next_ = 0;
};

// Confined to its task's thread.
class MadeUpDecoder : public Decoder {
 public:
  // `schema` outlives this; `period` is the time between two records of the log.
  MadeUpDecoder(const SourceSchema* schema, double period) : schema_(*schema), period_(period) {}

  Reason Decode(std::string_view bytes, RecordBuilder* out) override {
    int64_t number = 0;
    std::from_chars(bytes.data(), bytes.data() + bytes.size(), number);
    Random random(static_cast<uint64_t>(number) * 64 + schema_.ordinal);
    out->time = kStart + static_cast<DurationMs>(period_ * static_cast<double>(number));
    out->SetKey(fmt::format("{:0>{}}", number % kCustomers, kAssumedKeyBytes));
    for (size_t slot = 0; slot < schema_.fields.size(); ++slot) {
      const bool id = static_cast<int>(slot) == schema_.id_slot;  // each record is another one
      out->SetSlot(static_cast<int>(slot),
                   id ? HashText(fmt::format("id {}", number)) : ValueOf(schema_.fields[slot], &random));
    }
    return Reason::kNone;
  }

 private:
  static int64_t ValueOf(const Field& field, Random* random) {
    if (field.type == FieldType::kBool) return random->Below(4) == 0 ? 1 : 0;
    if (field.type == FieldType::kString) return HashText(std::to_string(random->Below(kTexts)));
    if (field.type == FieldType::kTime) return kStart + static_cast<int64_t>(random->Below(300)) * kDay;
    int64_t unit = 1;
    for (int i = 0; i < field.decimals; ++i) unit *= 10;
    return random->Between(1, 300 * unit);
  }

  const SourceSchema& schema_;
  const double period_;
};

int DaysOf(const Plan& plan) {
  DurationMs longest = 0;
  for (const WindowPlan& window : plan.windows) longest = std::max(longest, window.length + 2 * window.tile);
  const auto days = static_cast<int>(std::min<int64_t>(longest / kDay + 1, kMostAssumedDays));
  return longest == 0 ? kDaysWithoutWindows : days;
}

std::vector<SourceInput> Inputs(const PipelineFile& file, const RowAssumption& assumption, int days) {
  std::vector<SourceInput> inputs;
  const size_t of_events = std::max<size_t>(1, file.sources.size() - file.plan.references.size());
  const double a_day = static_cast<double>(assumption.records_a_day) * kCustomers / static_cast<double>(of_events);
  for (const SourceConfig& source : file.sources) {
    const auto& references = file.plan.references;
    const bool reference = std::any_of(references.begin(), references.end(),
                                       [&](const ReferencePlan& r) { return r.source == source.schema.ordinal; });
    const auto records = std::max(int64_t{kCustomers}, reference ? 0 : static_cast<int64_t>(a_day * days));
    SourceInput input{&source.schema, {}, source.slot_count()};
    std::unique_ptr<Decoder> decoder =
        std::make_unique<MadeUpDecoder>(&source.schema, static_cast<double>(days) * kDay / records);
    if (!source.derived.empty()) decoder = std::make_unique<DerivingDecoder>(std::move(decoder), &source.derived);
    input.logs.push_back({std::make_unique<MadeUpLog>(source.schema.name, records), std::move(decoder)});
    inputs.push_back(std::move(input));
  }
  return inputs;
}

}  // namespace

absl::StatusOr<RowSize> EstimateRowSize(const PipelineFile& file, const Pipeline& pipeline,
                                        const RowAssumption& assumption) {
  RowSize size;
  size.days = DaysOf(file.plan);
  JobParts parts;
  parts.pipeline = file.plan.pipeline;
  parts.fingerprint = file.plan.fingerprint;
  parts.layout = pipeline.layout();
  parts.make_operator = [&pipeline] { return pipeline.NewOperator(); };
  Job job({}, std::move(parts), Inputs(file, assumption, size.days));
  EBB_RETURN_IF_ERROR(job.Start(std::nullopt));
  bool done = false;
  while (!done) {
    EBB_ASSIGN_OR_RETURN(done, job.Step());
  }
  // Id, time and timer; cells; for each section its number of entries, and the entries.
  int64_t words = 3 + pipeline.layout().cells;
  for (const RowLayout::Section& section : pipeline.layout().sections) {
    words += 1 + int64_t{section.words} * section.max_entries;
  }
  size.most = 4 + words * kMostWordBytes + (words + 1) / 2 + kAssumedKeyBytes;
  int rows = 0;
  EBB_RETURN_IF_ERROR(job.ForEachRow([&](RowRef row) {
    ++rows;
    std::string stored;
    EncodeRow(row, &stored);
    size.typical += static_cast<double>(stored.size() + row.key().size());
    size.memory += row->words * 8.0;
  }));
  size.typical /= std::max(1, rows);
  size.memory /= std::max(1, rows);
  return size;
}

std::string RowSizeText(const RowSize& size, const RowAssumption& assumption) {
  return fmt::format(
      "\nState of one customer: typically {:.0f} bytes, at most {}; {:.0f} in memory\n"
      "  typical: {} records a day, in equal shares from the sources, evenly spread over {} days; key of {} bytes\n",
      size.typical, size.most, size.memory, assumption.records_a_day, size.days, kAssumedKeyBytes);
}

}  // namespace ebb
