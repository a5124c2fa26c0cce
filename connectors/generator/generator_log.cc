// The log of one generated stream, and the files of all.
#include "connectors/generator/generator_log.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/base/status_macros.h"

namespace ebb {
namespace {

// What a record depends on, so that a state isn't resumed with other options.
std::string Identity(const GeneratorOptions& options) {
  std::string text = fmt::format("customers={} days={} seed={} start={}", options.customers, options.days, options.seed,
                                 FormatTime(options.start));
  const GeneratorOptions usual;
  if (options.disorder != usual.disorder) text += " disorder=" + FormatDuration(options.disorder);
  if (options.no_cause) text += " no_cause";
  if (options.duplicates > 0) text += fmt::format(" duplicates={}", options.duplicates);
  if (options.bad_records > 0) text += fmt::format(" bad={}", options.bad_records);
  return text;
}

// Confined to its task's thread.
class GeneratedLog : public Log {
 public:
  GeneratedLog(std::string name, const Industry& industry, int stream, const GeneratorOptions& options)
      : name_(std::move(name)), identity_(Identity(options)), generator_(industry, options, stream) {
    ended_ = !generator_.Next(&ahead_);
  }

  absl::Status Read(size_t max_records, std::vector<RawRecord>* out) override {
    out->clear();
    bytes_.clear();
    sizes_.clear();
    while (!ended_ && sizes_.size() < max_records) {
      bytes_ += ahead_.line;
      sizes_.push_back(ahead_.line.size());
      ended_ = !generator_.Next(&ahead_);
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
      ended_ = offset_ + 1 < offset ? !generator_.Skip() : !generator_.Next(&ahead_);
      ++offset_;
    }
    if (offset_ == offset) return absl::OkStatus();
    return absl::OutOfRangeError(fmt::format("{} ends before record {}", name_, offset));
  }

  const std::string& name() const override { return name_; }
  const std::string& identity() const override { return identity_; }
  double progress() const override { return ended_ ? 1.0 : generator_.progress(); }

 private:
  // Constant.
  std::string name_, identity_;

  // Transient.
  Generator generator_;
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

absl::StatusOr<std::unique_ptr<Log>> OpenGenerator(const std::string& name, const GeneratorOptions& options) {
  EBB_RETURN_IF_ERROR(CheckGeneratorOptions(options));
  for (const Industry* industry : Industries()) {
    for (size_t s = 0; s < industry->streams.size(); ++s) {
      if (name == fmt::format("{}.{}", industry->name, industry->streams[s].name)) {
        return std::make_unique<GeneratedLog>(name, *industry, static_cast<int>(s), options);
      }
    }
  }
  return absl::NotFoundError(
      fmt::format("there is no generator '{}'; known: {}", name, fmt::join(GeneratedStreams(), ", ")));
}

absl::StatusOr<std::vector<std::string>> WriteGenerated(const Industry& industry, const GeneratorOptions& options,
                                                        const std::string& directory) {
  EBB_RETURN_IF_ERROR(CheckGeneratorOptions(options));
  std::vector<std::string> paths;
  std::vector<LineFile> files(industry.streams.size() + 1);
  for (const StreamForm& stream : industry.streams) paths.push_back(fmt::format("{}/{}.jsonl", directory, stream.name));
  paths.push_back(directory + "/truth.csv");
  for (size_t f = 0; f < files.size(); ++f) EBB_RETURN_IF_ERROR(files[f].Open(paths[f]));
  Generator generator(industry, options);
  GeneratedRecord record;
  while (generator.Next(&record)) EBB_RETURN_IF_ERROR(files[record.stream].Write(&record.line));
  std::string line(kTruthHeader);
  EBB_RETURN_IF_ERROR(files.back().Write(&line));
  for (const Truth& truth : generator.truth()) {
    line = TruthLine(truth);
    EBB_RETURN_IF_ERROR(files.back().Write(&line));
  }
  for (LineFile& file : files) EBB_RETURN_IF_ERROR(file.Close());
  return paths;
}

}  // namespace ebb
