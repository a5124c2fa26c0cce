// A buffer that holds one block and the beginning of a record before it; records are views into it until the next Read.
#include "connectors/file/file_log.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "connectors/file/byte_stream.h"
#include "connectors/format/csv_decoder.h"
#include "connectors/format/framing.h"
#include "connectors/format/json_decoder.h"
#include "connectors/format/scalar.h"
#include "engine/base/check.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

// Confined to its task's thread.
class FileLog final : public Log {
 public:
  FileLog(Format format, size_t block_bytes, std::unique_ptr<StoredFile> file, std::unique_ptr<ByteStream> stream)
      : block_bytes_(block_bytes),
        file_(std::move(file)),
        stream_(std::move(stream)),
        buffer_(new char[Framer::kMaxRest + block_bytes + kReadPadding]),
        framer_(format),
        rest_(buffer_.get(), 0) {}

  absl::Status Read(size_t max_records, std::vector<RawRecord>* out) override;
  bool ended() const override { return rest_.empty() && stream_ended_; }
  absl::Status Seek(int64_t offset) override;
  const std::string& name() const override { return file_->name(); }
  const std::string& identity() const override { return file_->identity(); }
  double progress() const override;

  // Skips a byte order mark, and has at least `wanted` bytes (up to a block) or the whole text at hand.
  absl::Status Begin(size_t wanted);
  // Takes the first record off as a header; empty when there is no record.
  absl::StatusOr<std::optional<Frame>> TakeHeader();
  // InvalidArgument if all of the first records at hand have a time that looks like another unit.
  absl::Status CheckTimeUnit(TimeUnit unit, FormatDecoder* decoder) const;

 private:
  // Whether `frame` is the next record. False at the end of the text.
  absl::StatusOr<bool> Next(Frame* frame);
  absl::Status Fill();

  // Constant.
  const size_t block_bytes_;
  const std::unique_ptr<StoredFile> file_;
  const std::unique_ptr<ByteStream> stream_;
  // Transient.
  const std::unique_ptr<char[]> buffer_;
  Framer framer_;
  std::string_view rest_;  // of the buffer: what no record has been made of yet
  bool stream_ended_ = false;
  absl::Status stream_error_;  // comes out when the records before it have been read
  int64_t offset_ = 0;
};

absl::Status FileLog::Read(size_t max_records, std::vector<RawRecord>* out) {
  out->clear();
  Frame frame;
  while (out->size() < max_records) {
    if (out->empty()) {
      EBB_ASSIGN_OR_RETURN(const bool found, Next(&frame));
      if (!found) break;
    } else if (!framer_.Next(&rest_, stream_ended_, &frame)) {
      break;
    }
    out->push_back({.offset = offset_++, .bytes = frame.bytes, .reason = frame.reason});
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> FileLog::Next(Frame* frame) {
  while (!framer_.Next(&rest_, stream_ended_, frame)) {
    if (stream_ended_) return false;
    if (!stream_error_.ok()) {
      return absl::Status(stream_error_.code(),
                          fmt::format("{}: {} (in record {})", name(), std::string(stream_error_.message()), offset_));
    }
    EBB_RETURN_IF_ERROR(Fill());
  }
  return true;
}

// Moves the rest to the front and reads a block behind it. Of a pipe it takes what there is.
absl::Status FileLog::Fill() {
  EBB_CHECK(rest_.size() <= Framer::kMaxRest, "{} bytes without a record", rest_.size());
  std::memmove(buffer_.get(), rest_.data(), rest_.size());
  size_t size = rest_.size();
  const size_t full = size + block_bytes_;
  while (size < full && !stream_ended_ && stream_error_.ok()) {
    const absl::StatusOr<size_t> read = stream_->Read(buffer_.get() + size, full - size);
    if (!read.ok()) {
      stream_error_ = read.status();
    } else {
      stream_ended_ = *read == 0;
      size += *read;
      if (!file_->regular()) break;
    }
  }
  std::memset(buffer_.get() + size, 0, kReadPadding);
  rest_ = std::string_view(buffer_.get(), size);
  return absl::OkStatus();
}

absl::Status FileLog::Seek(int64_t offset) {
  if (offset < offset_) {
    return absl::FailedPreconditionError(fmt::format("{}: going back from record {} to {}", name(), offset_, offset));
  }
  Frame frame;
  while (offset_ < offset) {
    EBB_ASSIGN_OR_RETURN(const bool found, Next(&frame));
    if (!found) {
      return absl::OutOfRangeError(fmt::format(
          "{} has {} records; going to record {} is not possible: was the file replaced?", name(), offset_, offset));
    }
    ++offset_;
  }
  return absl::OkStatus();
}

double FileLog::progress() const {
  if (!file_->regular()) return -1;
  if (ended() || file_->size() == 0) return 1;
  return std::min(1.0, static_cast<double>(file_->bytes_read()) / static_cast<double>(file_->size()));
}

absl::Status FileLog::Begin(size_t wanted) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  wanted = std::min(wanted, Framer::kMaxRest) + kByteOrderMark.size();
  while (rest_.size() < wanted && !stream_ended_ && stream_error_.ok()) EBB_RETURN_IF_ERROR(Fill());
  if (rest_.substr(0, kByteOrderMark.size()) == kByteOrderMark) rest_.remove_prefix(kByteOrderMark.size());
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Frame>> FileLog::TakeHeader() {
  Frame frame;
  EBB_ASSIGN_OR_RETURN(const bool found, Next(&frame));
  if (!found) return std::optional<Frame>();
  return std::optional<Frame>(frame);
}

absl::Status FileLog::CheckTimeUnit(TimeUnit unit, FormatDecoder* decoder) const {
  constexpr int kCheckedRecords = 16;
  Framer framer = framer_;
  std::string_view rest = rest_;
  Frame frame;
  auto record = std::make_unique<RecordBuilder>();
  std::optional<std::string> first_suspicion;
  for (int i = 0; i < kCheckedRecords && framer.Next(&rest, stream_ended_, &frame); ++i) {
    if (frame.reason != Reason::kNone) continue;
    decoder->Decode(frame.bytes, record.get());
    if (decoder->time_text().empty()) continue;
    const std::optional<std::string> suspicion = SuspiciousUnit(unit, decoder->time_text());
    if (!suspicion.has_value()) return absl::OkStatus();
    if (!first_suspicion.has_value()) first_suspicion = fmt::format("{}: time {} (record {})", name(), *suspicion, i);
  }
  return first_suspicion.has_value() ? absl::InvalidArgumentError(*first_suspicion) : absl::OkStatus();
}

absl::Status WithPath(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), fmt::format("{}: {}", path, std::string(status.message())));
}

absl::StatusOr<std::unique_ptr<FormatDecoder>> DecoderFor(const SourceSchema& schema, FileLog* log) {
  if (schema.format == Format::kJson) return NewJsonDecoder(schema);
  EBB_ASSIGN_OR_RETURN(const std::optional<Frame> header, log->TakeHeader());
  if (header.has_value() && header->reason != Reason::kNone) {
    return absl::InvalidArgumentError(
        fmt::format("{}: the header line can't be read: {}", log->name(), ReasonText(header->reason)));
  }
  // A file without a byte has ended; its decoder is never asked.
  absl::StatusOr<std::unique_ptr<FormatDecoder>> decoder =
      NewCsvDecoder(schema, header.has_value() ? std::string(header->bytes) : CsvHeaderOf(schema));
  if (!decoder.ok()) return WithPath(log->name(), decoder.status());
  return decoder;
}

}  // namespace

absl::StatusOr<LogInput> OpenFile(const SourceSchema& schema, const std::string& path, FileOptions options) {
  constexpr size_t kCheckedBytes = 64 << 10;
  EBB_CHECK(options.block_bytes > 0);
  EBB_ASSIGN_OR_RETURN(std::unique_ptr<StoredFile> file, StoredFile::Open(path));
  EBB_ASSIGN_OR_RETURN(std::unique_ptr<ByteStream> stream, NewByteStream(file.get()));
  auto log = std::make_unique<FileLog>(schema.format, options.block_bytes, std::move(file), std::move(stream));
  EBB_RETURN_IF_ERROR(log->Begin(kCheckedBytes));
  EBB_ASSIGN_OR_RETURN(std::unique_ptr<FormatDecoder> decoder, DecoderFor(schema, log.get()));
  EBB_RETURN_IF_ERROR(log->CheckTimeUnit(schema.time.unit, decoder.get()));
  return LogInput{.log = std::move(log), .decoder = std::move(decoder)};
}

absl::StatusOr<std::vector<std::string>> ExpandGlob(const std::string& pattern) {
  struct stat facts;
  if (pattern == "-" || (stat(pattern.c_str(), &facts) == 0 && !S_ISDIR(facts.st_mode))) {
    return std::vector<std::string>{pattern};
  }
  glob_t found = {};
  const int result = glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found);
  std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  if (result == GLOB_NOMATCH) return absl::NotFoundError(fmt::format("no file matches {}", pattern));
  if (result != 0) return absl::InternalError(fmt::format("looking for files that match {} failed", pattern));
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    if (stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode)) {
      return absl::InvalidArgumentError(path == pattern
                                            ? fmt::format("{} is a directory, not a file", path)
                                            : fmt::format("{} matches {}, which is a directory", pattern, path));
    }
  }
  return paths;
}

}  // namespace ebb
