// Reading stored bytes, and inflating them block by block.
#include "connectors/file/byte_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/base/status_macros.h"

namespace ebb {
namespace {

constexpr size_t kHeadBytes = 64 << 10;
constexpr size_t kMagicBytes = 8;
constexpr size_t kInputBytes = 256 << 10;

absl::Status OpenError(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(fmt::format("{} does not exist", path));
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(fmt::format("no permission to read {}", path));
    default:
      return absl::ErrnoToStatus(error, fmt::format("opening {} failed", path));
  }
}

// Confined to its task's thread.
class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(StoredFile* file) : file_(file) {}
  absl::StatusOr<size_t> Read(char* out, size_t size) override { return file_->Read(out, size); }

 private:
  StoredFile* const file_;
};

// Confined to its task's thread.
class GzipStream final : public ByteStream {
 public:
  explicit GzipStream(StoredFile* file) : file_(file), input_(new unsigned char[kInputBytes]) {
    constexpr int kGzipOnly = 16;
    EBB_CHECK(inflateInit2(&inflater_, MAX_WBITS + kGzipOnly) == Z_OK, "no memory to read gzip");
  }
  ~GzipStream() override { inflateEnd(&inflater_); }

  absl::StatusOr<size_t> Read(char* out, size_t size) override {
    inflater_.next_out = reinterpret_cast<unsigned char*>(out);
    inflater_.avail_out = static_cast<unsigned>(std::min<size_t>(size, 1 << 30));
    const unsigned room = inflater_.avail_out;
    while (inflater_.avail_out == room) {
      if (inflater_.avail_in == 0) {
        EBB_ASSIGN_OR_RETURN(const size_t read, file_->Read(reinterpret_cast<char*>(input_.get()), kInputBytes));
        if (read == 0) {
          if (place_ == Place::kInMember) return absl::DataLossError("the gzip data is truncated");
          return size_t{0};
        }
        inflater_.next_in = input_.get();
        inflater_.avail_in = static_cast<unsigned>(read);
      }
      EBB_RETURN_IF_ERROR(Step());
    }
    return room - inflater_.avail_out;
  }

 private:
  enum class Place { kInMember, kBetween, kPadding };

  absl::Status Step() {
    if (place_ != Place::kInMember) {
      // gzip pads archives with zeros to whole blocks.
      while (inflater_.avail_in > 0 && *inflater_.next_in == 0) {
        place_ = Place::kPadding;
        ++inflater_.next_in;
        --inflater_.avail_in;
      }
      if (inflater_.avail_in == 0) return absl::OkStatus();
      if (place_ == Place::kPadding) return absl::DataLossError("other bytes follow the gzip data");
      inflateReset(&inflater_);
      place_ = Place::kInMember;
    }
    const int result = inflate(&inflater_, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      place_ = Place::kBetween;
      return absl::OkStatus();
    }
    if (result == Z_OK || result == Z_BUF_ERROR) return absl::OkStatus();
    const char* detail = inflater_.msg != nullptr ? inflater_.msg : zError(result);
    return absl::DataLossError(fmt::format("the gzip data is damaged: {}", detail));
  }

  StoredFile* const file_;
  const std::unique_ptr<unsigned char[]> input_;
  z_stream inflater_ = {};
  Place place_ = Place::kInMember;
};

// Confined to its task's thread.
class ZstdStream final : public ByteStream {
 public:
  explicit ZstdStream(StoredFile* file) : file_(file), input_(new char[kInputBytes]), inflater_(ZSTD_createDStream()) {
    EBB_CHECK(inflater_ != nullptr, "no memory to read zstd");
  }
  ~ZstdStream() override { ZSTD_freeDStream(inflater_); }

  absl::StatusOr<size_t> Read(char* out, size_t size) override {
    ZSTD_outBuffer output = {.dst = out, .size = size, .pos = 0};
    while (output.pos == 0) {
      if (available_.pos == available_.size && !pending_output_) {
        EBB_ASSIGN_OR_RETURN(const size_t read, file_->Read(input_.get(), kInputBytes));
        if (read == 0) {
          if (in_frame_) return absl::DataLossError("the zstd data is truncated");
          return size_t{0};
        }
        available_ = {.src = input_.get(), .size = read, .pos = 0};
      }
      const size_t result = ZSTD_decompressStream(inflater_, &output, &available_);
      if (ZSTD_isError(result) != 0) {
        return absl::DataLossError(fmt::format("the zstd data is damaged: {}", ZSTD_getErrorName(result)));
      }
      in_frame_ = result != 0;
      pending_output_ = output.pos == output.size && in_frame_;
    }
    return output.pos;
  }

 private:
  StoredFile* const file_;
  const std::unique_ptr<char[]> input_;
  ZSTD_DStream* const inflater_;
  ZSTD_inBuffer available_ = {};
  bool in_frame_ = false;        // a frame has begun and not ended
  bool pending_output_ = false;  // the inflater may hold text that didn't fit
};

// Formats that are told by their first bytes so as to be refused with their name.
struct Foreign {
  std::string_view magic;
  std::string_view what;
};
constexpr Foreign kForeign[] = {
    {"\xFD"
     "7zXZ",
     "an xz archive"},
    {"BZh", "a bzip2 archive"},
    {"PK\x03\x04", "a zip archive or spreadsheet"},
    {"\x04\x22\x4D\x18", "an lz4 archive"},
    {"PAR1", "a Parquet file"},
    {"\xFF\xFE", "UTF-16 text"},
    {"\xFE\xFF", "UTF-16 text"},
    {"7z\xBC\xAF", "a 7-Zip archive"},
    {"%PDF", "a PDF document"},
};

}  // namespace

absl::StatusOr<std::unique_ptr<StoredFile>> StoredFile::Open(const std::string& path) {
  const bool is_stdin = path == "-";
  const int descriptor = is_stdin ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const std::string name = is_stdin ? "standard input" : path;
  if (descriptor < 0) return OpenError(name, errno);
  std::unique_ptr<StoredFile> file(new StoredFile(descriptor, name));
  struct stat facts;
  if (fstat(descriptor, &facts) != 0) return absl::ErrnoToStatus(errno, fmt::format("reading {} failed", name));
  if (S_ISDIR(facts.st_mode)) return absl::InvalidArgumentError(fmt::format("{} is a directory, not a file", name));
  if (S_ISREG(facts.st_mode) && !is_stdin) {
    file->size_ = facts.st_size;
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  EBB_RETURN_IF_ERROR(file->ReadHead());
  return file;
}

StoredFile::~StoredFile() { close(descriptor_); }

absl::Status StoredFile::ReadHead() {
  const size_t wanted = regular() ? kHeadBytes : kMagicBytes;
  head_.resize(kHeadBytes);
  size_t size = 0;
  while (size < wanted) {
    EBB_ASSIGN_OR_RETURN(const size_t read, ReadDescriptor(head_.data() + size, kHeadBytes - size));
    if (read == 0) break;
    size += read;
  }
  head_.resize(size);
  if (regular()) identity_ = fmt::format("{}:{:016x}", size_, XXH3_64bits(head_.data(), head_.size()));
  return absl::OkStatus();
}

absl::StatusOr<size_t> StoredFile::ReadDescriptor(char* out, size_t size) {
  while (true) {
    const ssize_t result = read(descriptor_, out, size);
    if (result >= 0) return static_cast<size_t>(result);
    if (errno != EINTR) return absl::ErrnoToStatus(errno, fmt::format("reading {} failed", name_));
  }
}

absl::StatusOr<size_t> StoredFile::Read(char* out, size_t size) {
  size_t read = std::min(size, head_.size() - head_read_);
  if (read > 0) {
    std::memcpy(out, head_.data() + head_read_, read);
    head_read_ += read;
  } else {
    EBB_ASSIGN_OR_RETURN(read, ReadDescriptor(out, size));
  }
  bytes_read_ += static_cast<int64_t>(read);
  return read;
}

absl::StatusOr<std::unique_ptr<ByteStream>> NewByteStream(StoredFile* file) {
  const std::string_view head = file->head();
  if (head.substr(0, 2) == "\x1F\x8B") return std::make_unique<GzipStream>(file);
  const bool skippable = head.size() >= 4 && (head[0] & 0xF0) == 0x50 && head.substr(1, 3) == "\x2A\x4D\x18";
  if (head.substr(0, 4) == "\x28\xB5\x2F\xFD" || skippable) return std::make_unique<ZstdStream>(file);
  for (const Foreign& foreign : kForeign) {
    if (head.substr(0, foreign.magic.size()) != foreign.magic) continue;
    return absl::InvalidArgumentError(
        fmt::format("{} is {}; plain UTF-8 text, gzip and zstd can be read", file->name(), foreign.what));
  }
  return std::make_unique<PlainStream>(file);
}

}  // namespace ebb
