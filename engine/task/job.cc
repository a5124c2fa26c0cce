// Stepping and committing.
#include "engine/task/job.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

int64_t MonotonicMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

constexpr size_t kEncodeBlockBytes = size_t{1} << 20;

// The first eight bytes as a number that compares as they do; a shorter key is filled up with zero bytes.
uint64_t KeyPrefix(std::string_view key) {
  uint64_t prefix = 0;
  std::memcpy(&prefix, key.data(), std::min(key.size(), sizeof(prefix)));
  return __builtin_bswap64(prefix);
}

bool IsNumbered(Stream stream) { return stream == Stream::kAlerts || stream == Stream::kShadow; }

}  // namespace

absl::StatusOr<std::optional<Progress>> ReadProgress(StateStore* store) {
  EBB_ASSIGN_OR_RETURN(std::string text, store->ReadProgress());
  if (text.empty()) return std::optional<Progress>();
  EBB_ASSIGN_OR_RETURN(Progress progress, DecodeProgress(text));
  return std::optional<Progress>(std::move(progress));
}

Job::Job(const JobOptions& options, JobParts parts, std::vector<SourceInput> sources)
    : options_(options), parts_(std::move(parts)), intake_(std::move(sources), options.range, options.tasks) {
  EBB_CHECK(options.tasks >= 1 && options.batch_records >= 1);
  for (int i = 0; i < options_.tasks; ++i) {
    auto task = std::make_unique<Task>(parts_.make_operator(), parts_.layout, &intake_.names());
    workers_.push_back(std::make_unique<Worker>(std::move(task), options_.tasks > 1));
  }
  progress_.pipeline = parts_.pipeline;
  progress_.fingerprint = parts_.fingerprint;
  for (int s = 0; s < kStreamCount; ++s) {
    progress_.outputs.push_back({std::string(StreamName(static_cast<Stream>(s))), 0, 0});
  }
  for (const std::string& source : intake_.names().sources) progress_.ledger.emplace_back(source, SourceLedger{});
  for (const std::string& name : workers_[0]->task().work().CounterNames()) progress_.counters.emplace_back(name, 0);
  base_ = progress_;
}

absl::Status Job::CheckResume(const Progress& resume) const {
  EBB_RETURN_IF_ERROR(CheckSamePipeline(resume, parts_.pipeline, parts_.fingerprint));
  if (resume.outputs.size() != progress_.outputs.size() || resume.ledger.size() != progress_.ledger.size() ||
      resume.counters.size() != progress_.counters.size()) {
    return absl::FailedPreconditionError("the state was made by another version of ebb");
  }
  return absl::OkStatus();
}

absl::Status Job::Start(const std::optional<Progress>& resume) {
  last_commit_ms_ = MonotonicMs();
  if (!resume) return absl::OkStatus();
  EBB_RETURN_IF_ERROR(CheckResume(*resume));
  EBB_RETURN_IF_ERROR(intake_.Restore(*resume));
  progress_ = *resume;
  base_ = *resume;
  return LoadRows();
}

absl::Status Job::LoadRows() {
  return parts_.store->ScanRows([this](std::string_view key, std::string_view row) {
    const auto hash = static_cast<__uint128_t>(HashKey(key));
    return workers_[static_cast<size_t>((hash * options_.tasks) >> 64)]->task().LoadRow(key, row);
  });
}

absl::StatusOr<bool> Job::Step() {
  std::vector<RecordBatch> batches(workers_.size());
  EBB_RETURN_IF_ERROR(intake_.Step(options_.batch_records, &batches));
  const TimeMs watermark = intake_.watermark();
  size_t uncommitted = 0;
  for (size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->Post(std::move(batches[i]), watermark);
    uncommitted += workers_[i]->uncommitted_bytes();
  }
  const bool ended = intake_.ended();
  if (ended || uncommitted >= options_.max_uncommitted_bytes ||
      MonotonicMs() - last_commit_ms_ >= options_.commit_interval) {
    EBB_RETURN_IF_ERROR(Commit());
  }
  return ended;
}

absl::Status Job::Commit() {
  for (auto& worker : workers_) worker->Drain();
  Progress next = progress_;
  ++next.epoch;
  next.cursor = intake_.watermark();
  next.cursor = std::max(next.cursor, progress_.cursor);
  next.finished = intake_.ended();
  std::vector<const Order*> orders;
  for (auto& worker : workers_) orders.push_back(&worker->task().order());
  next.logs = intake_.Positions(orders);
  CountInto(&next);
  EBB_RETURN_IF_ERROR(AppendOutputs(&next));
  if (parts_.store != nullptr) EBB_RETURN_IF_ERROR(WriteState(next));
  for (auto& worker : workers_) {
    worker->task().rows().ClearChanged();
    worker->task().outputs().Clear();
  }
  progress_ = std::move(next);
  last_commit_ms_ = MonotonicMs();
  return absl::OkStatus();
}

void Job::CountInto(Progress* next) {
  for (size_t s = 0; s < next->ledger.size(); ++s) {
    next->ledger[s].second = base_.ledger[s].second;
    for (auto& worker : workers_) next->ledger[s].second.Add(worker->task().ledger()[s]);
  }
  for (size_t c = 0; c < next->counters.size(); ++c) {
    next->counters[c].second = base_.counters[c].second;
    for (auto& worker : workers_) next->counters[c].second += worker->task().work().counters()[c];
  }
}

absl::Status Job::AppendOutputs(Progress* next) {
  std::vector<PlacedLine> lines;
  for (auto& worker : workers_) {
    const Outputs& outputs = worker->task().outputs();
    for (const Outputs::Line& line : outputs.lines()) lines.push_back({&outputs, &line});
  }
  if (!std::is_sorted(lines.begin(), lines.end(), ComesBefore)) std::sort(lines.begin(), lines.end(), ComesBefore);
  std::array<std::string, kStreamCount> texts;
  for (const PlacedLine& placed : lines) {
    const int stream = static_cast<int>(placed.line->stream);
    std::string& text = texts[stream];
    const size_t start = text.size();
    text += placed.outputs->text(*placed.line);
    const int64_t number = next->outputs[stream].lines++;
    if (IsNumbered(placed.line->stream)) text += fmt::format(",\"seq\":{}}}", number);
    next->chain = ChainHash(next->chain, std::string_view(text).substr(start));
    text += '\n';
  }
  for (int s = 0; s < kStreamCount; ++s) {
    Sink* sink = sinks_[s];
    if (sink == nullptr) continue;
    if (!texts[s].empty()) EBB_RETURN_IF_ERROR(sink->Append(texts[s]));
    if (parts_.store != nullptr && !texts[s].empty()) EBB_RETURN_IF_ERROR(sink->Sync());
    next->outputs[s].bytes = sink->bytes();
  }
  return absl::OkStatus();
}

std::vector<RowRef> Job::SortedRows(bool changed_only) {
  struct Place {
    uint64_t prefix;  // the key's first eight bytes: most comparisons end there, without touching a row
    RowRef row;
  };
  std::vector<Place> places;
  const auto add = [&places](RowRef row) { places.push_back({KeyPrefix(row.key()), row}); };
  for (auto& worker : workers_) {
    RowTable& table = worker->task().rows();
    if (changed_only) {
      for (uint32_t index : table.changed()) add(table.at(index));
    } else {
      for (uint32_t index = 0; index < table.size(); ++index) add(table.at(index));
    }
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return a.prefix != b.prefix ? a.prefix < b.prefix : a.row.key() < b.row.key();
  });
  std::vector<RowRef> rows;
  rows.reserve(places.size());
  for (const Place& place : places) rows.push_back(place.row);
  return rows;
}

absl::Status Job::WriteState(const Progress& next) {
  StateBatch batch;
  std::vector<std::string> blocks;  // encoded rows lie in blocks that don't move
  for (const RowRef& row : SortedRows(true)) {
    const size_t most = MostEncodedBytes(row);
    if (blocks.empty() || blocks.back().capacity() - blocks.back().size() < most) {
      blocks.emplace_back().reserve(std::max(kEncodeBlockBytes, most));
    }
    std::string& block = blocks.back();
    const size_t start = block.size();
    EncodeRow(row, &block);
    batch.rows.emplace_back(row.key(), std::string_view(block).substr(start));
  }
  batch.progress = EncodeProgress(next);
  return parts_.store->Commit(batch);
}

void Job::ForEachRow(const std::function<void(RowRef)>& visit) {
  for (const RowRef& row : SortedRows(false)) visit(row);
}

uint64_t Job::StateDigest() {
  uint64_t digest = 0;
  std::string bytes;
  ForEachRow([&](RowRef row) {
    bytes.clear();
    EncodeRow(row, &bytes);
    digest = StateDigestStep(digest, row.key(), bytes);
  });
  return digest;
}

}  // namespace ebb
