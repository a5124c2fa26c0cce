// The text of a file, whatever it is stored as: plain, gzip or zstd, told apart by its first bytes and never by its
// name. Memory stays bounded whatever the compression ratio.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace ebb {

// A file as it is stored, read once from front to back. Confined to its task's thread.
class StoredFile {
 public:
  // "-" is standard input. NotFound, PermissionDenied, InvalidArgument for a directory, each with the path.
  static absl::StatusOr<std::unique_ptr<StoredFile>> Open(const std::string& path);
  ~StoredFile();
  StoredFile(const StoredFile&) = delete;
  StoredFile& operator=(const StoredFile&) = delete;

  // The first bytes, which Read will return, too: 64 KiB of a regular file, of anything else as few as tell its format.
  std::string_view head() const { return head_; }
  // Reads 1 to `size` bytes; 0 at the end.
  absl::StatusOr<size_t> Read(char* out, size_t size);

  bool regular() const { return size_ >= 0; }
  // In bytes; -1 when unknown (a pipe).
  int64_t size() const { return size_; }
  int64_t bytes_read() const { return bytes_read_; }
  // "<size>:<xxh3-64 of head() in hex>"; empty unless the file is regular.
  const std::string& identity() const { return identity_; }
  // For messages: the path, or "standard input".
  const std::string& name() const { return name_; }

 private:
  StoredFile(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
  absl::Status ReadHead();
  absl::StatusOr<size_t> ReadDescriptor(char* out, size_t size);

  const int descriptor_;
  const std::string name_;
  int64_t size_ = -1;
  std::string identity_;
  std::string head_;
  size_t head_read_ = 0;
  int64_t bytes_read_ = 0;
};

// Confined to its task's thread.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Reads 1 to `size` bytes of text (`size` > 0); 0 at the end. DataLoss says that an archive is damaged or truncated;
  // what came before is good.
  virtual absl::StatusOr<size_t> Read(char* out, size_t size) = 0;
};

// Gzip members and zstd frames may follow each other. InvalidArgument for formats that are known but not read (xz, zip,
// UTF-16, ...). `file` outlives the stream.
absl::StatusOr<std::unique_ptr<ByteStream>> NewByteStream(StoredFile* file);

}  // namespace ebb
