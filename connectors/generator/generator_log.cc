// The log of one generated stream, and the files of all.
#include "connectors/generator/generator_log.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/base/status_macros.h"

namespace ebb {
namespace {

// Confined to its task's thread.
class TelecomLog : public Log {
 public:
  TelecomLog(std::string name, int stream, const TelecomOptions& options)
      : name_(std::move(name)),
        identity_(fmt::format("customers={} days={} seed={} start={}", options.customers, options.days, options.seed,
                              FormatTime(options.start))),
        stream_(stream),
        telecom_(options) {
    ended_ = !telecom_.NextOf(stream_, &ahead_);
  }

  absl::Status Read(size_t max_records, std::vector<RawRecord>* out) override {
    out->clear();
    bytes_.clear();
    sizes_.clear();
    while (!ended_ && sizes_.size() < max_records) {
      bytes_ += ahead_.line;
      sizes_.push_back(ahead_.line.size());
      ended_ = !telecom_.NextOf(stream_, &ahead_);
    }
    bytes_.append(kReadPadding, '\0');
    size_t position = 0;
    for (size_t size : sizes_) {
      out->push_back({offset_++, std::string_view(bytes_).substr(position, size), Reason::kNone});
      position += size;
    }
    return absl::OkStatus();
  }

  bool ended() const override { return ended_; }

  absl::Status Seek(int64_t offset) override {
    while (!ended_ && offset_ < offset) {
      ended_ = offset_ + 1 < offset ? !telecom_.SkipOf(stream_) : !telecom_.NextOf(stream_, &ahead_);
      ++offset_;
    }
    if (offset_ == offset) return absl::OkStatus();
    return absl::OutOfRangeError(fmt::format("{} ends before record {}", name_, offset));
  }

  const std::string& name() const override { return name_; }
  const std::string& identity() const override { return identity_; }
  double progress() const override { return ended_ ? 1.0 : telecom_.progress(); }

 private:
  // Constant.
  std::string name_, identity_;
  int stream_;

  // Transient.
  Telecom telecom_;
  GeneratedRecord ahead_;  // the next record, unless ended_
  bool ended_ = false;
  int64_t offset_ = 0;  // of ahead_; the number of all records when ended_
  std::string bytes_;
  std::vector<size_t> sizes_;
};

// Confined to its task's thread.
class LineFile {
 public:
  LineFile() = default;
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;
  ~LineFile() {
    if (file_ != nullptr) std::fclose(file_);
  }

  absl::Status Open(const std::string& path) {
    path_ = path;
    file_ = std::fopen(path.c_str(), "wb");
    return file_ == nullptr ? Failed("open") : absl::OkStatus();
  }
  absl::Status Write(std::string* line) {
    line->push_back('\n');
    return std::fwrite(line->data(), 1, line->size(), file_) == line->size() ? absl::OkStatus() : Failed("write");
  }
  absl::Status Close() { return std::fclose(std::exchange(file_, nullptr)) == 0 ? absl::OkStatus() : Failed("close"); }

 private:
  absl::Status Failed(const char* what) const {
    std::string message = fmt::format("cannot {} {}: {}", what, path_, std::strerror(errno));
    if (errno == ENOENT) return absl::NotFoundError(message);
    if (errno == ENOSPC) return absl::ResourceExhaustedError(message);
    if (errno == EACCES) return absl::PermissionDeniedError(message);
    return absl::UnavailableError(message);
  }

  std::string path_;
  std::FILE* file_ = nullptr;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Log>> OpenGenerator(const std::string& name, const TelecomOptions& options) {
  EBB_RETURN_IF_ERROR(CheckTelecomOptions(options));
  for (int stream = 0; stream < kTelecomStreams; ++stream) {
    if (name == fmt::format("telecom.{}", TelecomStreamName(stream))) {
      return std::make_unique<TelecomLog>(name, stream, options);
    }
  }
  return absl::NotFoundError(
      fmt::format("there is no generator '{}'; known: telecom.calls, telecom.recharges, telecom.complaints", name));
}

absl::Status WriteTelecom(const TelecomOptions& options, const std::string& directory) {
  EBB_RETURN_IF_ERROR(CheckTelecomOptions(options));
  Telecom telecom(options);
  std::array<LineFile, kTelecomStreams> files;
  for (int stream = 0; stream < kTelecomStreams; ++stream) {
    EBB_RETURN_IF_ERROR(files[stream].Open(fmt::format("{}/{}.jsonl", directory, TelecomStreamName(stream))));
  }
  LineFile customers;
  EBB_RETURN_IF_ERROR(customers.Open(directory + "/customers.jsonl"));
  GeneratedRecord record;
  while (telecom.Next(&record)) EBB_RETURN_IF_ERROR(files[record.stream].Write(&record.line));
  for (const Truth& truth : telecom.truth()) {
    std::string line = TruthLine(truth);
    EBB_RETURN_IF_ERROR(customers.Write(&line));
  }
  for (LineFile& file : files) EBB_RETURN_IF_ERROR(file.Close());
  return customers.Close();
}

}  // namespace ebb
