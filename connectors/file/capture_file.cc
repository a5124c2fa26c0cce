// The checksum is a chain over blocks of whole records, cut where the writer cut them: at the first record's end behind
// kBlockBytes. So the reader checks as it goes, and a damaged file is noticed before its records are used.
#include "connectors/file/capture_file.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <xxhash.h>

#include "connectors/file/byte_stream.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;
constexpr size_t kMaxHeadBytes = 96;
constexpr int64_t kMaxValueBytes = int64_t{1} << 30;

uint64_t Chain(uint64_t checksum, std::string_view block) {
  return XXH3_64bits_withSeed(block.data(), block.size(), checksum);
}

// Confined to its task's thread.
class CapturedLog final : public LiveLog {
 public:
  CapturedLog(CapturedPartition partition, std::unique_ptr<StoredFile> file, std::unique_ptr<ByteStream> stream)
      : partition_(std::move(partition)),
        file_(std::move(file)),
        stream_(std::move(stream)),
        position_(partition_.begin) {}

  absl::Status Read(size_t max_records, std::vector<RawRecord>* out) override;
  absl::Status Seek(int64_t offset) override {
    if (offset < partition_.begin || offset > partition_.end) {
      return absl::OutOfRangeError(fmt::format("the capture of {} holds the offsets from {} to {}, but not {}", name(),
                                               partition_.begin, partition_.end, offset));
    }
    position_ = offset;
    return absl::OkStatus();
  }
  const std::string& name() const override { return partition_.name; }
  const std::string& identity() const override { return partition_.identity; }
  int64_t position() const override { return position_; }
  int64_t end_offset() const override { return partition_.end; }

 private:
  // The records of the next block, in records_.
  absl::Status NextBlock();
  // Takes one record off the beginning of `text`; false when it isn't there as a whole. DataLoss when it is none.
  absl::StatusOr<bool> TakeRecord(std::string_view* text);
  absl::Status Damaged(std::string_view what) const {
    return absl::DataLossError(fmt::format("the capture {} {}", file_->name(), what));
  }

  const CapturedPartition partition_;
  const std::unique_ptr<StoredFile> file_;
  const std::unique_ptr<ByteStream> stream_;
  int64_t position_;
  std::string buffer_;              // a block, and what was read of the next
  size_t used_ = 0;                 // bytes of it that are records_
  std::vector<RawRecord> records_;  // of the block
  size_t next_ = 0;                 // of records_
  int64_t read_bytes_ = 0;          // of the file's text, whole blocks
  uint64_t checksum_ = 0;
};

absl::StatusOr<bool> CapturedLog::TakeRecord(std::string_view* text) {
  const size_t line = text->substr(0, kMaxHeadBytes).find('\n');
  if (line == std::string_view::npos) {
    if (text->size() >= kMaxHeadBytes) return Damaged("is damaged: a record has no beginning");
    return false;
  }
  long long offset, time, key_bytes, value_bytes;
  const std::string head(text->substr(0, line));
  if (std::sscanf(head.c_str(), "%lld %lld %lld %lld", &offset, &time, &key_bytes, &value_bytes) != 4 ||
      key_bytes < 0 || key_bytes > kMaxValueBytes || value_bytes < -1 || value_bytes > kMaxValueBytes) {
    return Damaged("is damaged: a record's beginning can't be read");
  }
  const size_t key_at = line + 1;
  const size_t value_at = key_at + static_cast<size_t>(key_bytes) + 1;
  const size_t end = value_at + static_cast<size_t>(std::max(0LL, value_bytes)) + 1;
  if (text->size() < end) return false;
  RawRecord& record = records_.emplace_back();
  record.offset = offset;
  record.append_time = time;
  record.key = text->substr(key_at, static_cast<size_t>(key_bytes));
  record.null_value = value_bytes < 0;
  record.bytes = text->substr(value_at, static_cast<size_t>(std::max(0LL, value_bytes)));
  text->remove_prefix(end);
  return true;
}

absl::Status CapturedLog::NextBlock() {
  buffer_.erase(0, used_);
  used_ = next_ = 0;
  records_.clear();
  bool ended = false;
  size_t wanted = kBlockBytes;
  while (true) {
    const size_t had = buffer_.size();
    if (had < wanted + kReadPadding && !ended) {
      buffer_.resize(wanted + kReadPadding);
      EBB_ASSIGN_OR_RETURN(const size_t got, stream_->Read(buffer_.data() + had, buffer_.size() - had));
      buffer_.resize(had + got);
      ended = got == 0;
      continue;
    }
    records_.clear();
    std::string_view text = buffer_;
    bool whole = true;
    while (whole && !text.empty() && buffer_.size() - text.size() < kBlockBytes) {
      EBB_ASSIGN_OR_RETURN(whole, TakeRecord(&text));
    }
    used_ = buffer_.size() - text.size();
    if (used_ >= kBlockBytes || text.empty()) break;
    if (ended) return Damaged("ends in the middle of a record");
    wanted = buffer_.size() + kBlockBytes;
  }
  if (used_ == 0) return Damaged("ends too early");
  checksum_ = Chain(checksum_, std::string_view(buffer_).substr(0, used_));
  read_bytes_ += static_cast<int64_t>(used_);
  if (read_bytes_ == partition_.bytes && checksum_ != partition_.checksum) {
    return Damaged("was changed after it was written");
  }
  // Views into the buffer; the last record needs readable bytes behind it.
  buffer_.reserve(buffer_.size() + kReadPadding);
  records_.clear();
  std::string_view text = std::string_view(buffer_).substr(0, used_);
  while (!text.empty()) EBB_RETURN_IF_ERROR(TakeRecord(&text).status());
  return absl::OkStatus();
}

absl::Status CapturedLog::Read(size_t max_records, std::vector<RawRecord>* out) {
  out->clear();
  while (out->empty()) {
    if (next_ == records_.size()) {
      if (read_bytes_ == partition_.bytes) {
        position_ = partition_.end;  // what is left are gaps
        return absl::OkStatus();
      }
      EBB_RETURN_IF_ERROR(NextBlock());
    }
    for (; next_ < records_.size() && out->size() < max_records; ++next_) {
      if (records_[next_].offset < position_) continue;  // before where Seek went
      out->push_back(records_[next_]);
      position_ = records_[next_].offset + 1;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<CaptureWriter>> CaptureWriter::Open(const std::string& path) {
  EBB_ASSIGN_OR_RETURN(std::unique_ptr<FileSink> sink, FileSink::Open(path, -1));
  return std::unique_ptr<CaptureWriter>(new CaptureWriter(std::move(sink)));
}

absl::Status CaptureWriter::Append(const RawRecord& record) {
  fmt::format_to(std::back_inserter(waiting_), "{} {} {} {}\n", record.offset, record.append_time, record.key.size(),
                 record.null_value ? -1 : static_cast<int64_t>(record.bytes.size()));
  waiting_ += record.key;
  waiting_ += '\n';
  waiting_ += record.bytes;
  waiting_ += '\n';
  ++records_;
  return waiting_.size() >= kBlockBytes ? Flush() : absl::OkStatus();
}

absl::Status CaptureWriter::Flush() {
  if (waiting_.empty()) return absl::OkStatus();
  checksum_ = Chain(checksum_, waiting_);
  EBB_RETURN_IF_ERROR(sink_->Append(waiting_));
  waiting_.clear();
  return absl::OkStatus();
}

absl::Status CaptureWriter::Finish(CapturedPartition* partition) {
  EBB_RETURN_IF_ERROR(Flush());
  EBB_RETURN_IF_ERROR(sink_->Sync());
  partition->records = records_;
  partition->bytes = sink_->bytes();
  partition->checksum = checksum_;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<LiveLog>> OpenCaptured(const std::string& folder, const CapturedPartition& partition) {
  EBB_ASSIGN_OR_RETURN(std::unique_ptr<StoredFile> file, StoredFile::Open(folder + "/" + partition.file));
  EBB_ASSIGN_OR_RETURN(std::unique_ptr<ByteStream> stream, NewByteStream(file.get()));
  return std::make_unique<CapturedLog>(partition, std::move(file), std::move(stream));
}

}  // namespace ebb
