// Copying, with checksums taken on the way; fsync before a name is given.
#include "serve/snapshot.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "engine/base/status_macros.h"
#include "engine/task/text_record.h"

namespace ebb {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBlockBytes = size_t{1} << 20;
constexpr std::string_view kVersion = "ebb-snapshot 1";
constexpr std::string_view kIndex = "index";
constexpr std::string_view kPartial = ".partial";

absl::Status FileError(std::string_view attempt, const std::string& path, int error) {
  const std::string text = fmt::format("{} {}: {}", attempt, path, std::strerror(error));
  return error == ENOSPC || error == EDQUOT ? absl::ResourceExhaustedError(text) : absl::UnavailableError(text);
}

// An open file that closes itself. Confined to its task's thread.
class File {
 public:
  File(const std::string& path, int flags) : file_(open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  ~File() {
    if (file_ >= 0) close(file_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return file_; }

 private:
  const int file_;
};

absl::Status SyncDirectory(const std::string& path) {
  const File directory(path, O_RDONLY | O_DIRECTORY);
  // Some network file systems can't; then the name is as durable as they make it.
  if (directory.get() < 0 || (fsync(directory.get()) != 0 && errno != EINVAL && errno != ENOTSUP)) {
    return FileError("syncing", path, errno);
  }
  return absl::OkStatus();
}

// Reads a file to its end, and writes it to `to` unless that is empty. The size and checksum of what was read.
absl::StatusOr<SnapshotFile> CopyFile(const std::string& from, const std::string& to, const std::atomic<bool>& stop) {
  const File in(from, O_RDONLY);
  if (in.get() < 0) return FileError("reading", from, errno);
  const File out(to.empty() ? "/dev/null" : to, to.empty() ? O_WRONLY : O_WRONLY | O_CREAT | O_TRUNC);
  if (out.get() < 0) return FileError("writing", to, errno);
  SnapshotFile copied{fs::path(from).filename().string()};
  XXH3_state_t* const hash = XXH3_createState();
  XXH3_64bits_reset(hash);
  std::string block(kBlockBytes, '\0');
  absl::Status status;
  while (status.ok()) {
    if (stop) status = absl::CancelledError("the snapshot was stopped");
    const ssize_t got = read(in.get(), block.data(), block.size());
    if (got < 0) status = FileError("reading", from, errno);
    if (got <= 0 || !status.ok()) break;
    XXH3_64bits_update(hash, block.data(), static_cast<size_t>(got));
    copied.bytes += got;
    for (ssize_t done = 0; done < got && !to.empty();) {
      const ssize_t put = write(out.get(), block.data() + done, static_cast<size_t>(got - done));
      if (put < 0) {
        status = FileError("writing", to, errno);
        break;
      }
      done += put;
    }
  }
  copied.checksum = XXH3_64bits_digest(hash);
  XXH3_freeState(hash);
  if (status.ok() && !to.empty() && fsync(out.get()) != 0) status = FileError("syncing", to, errno);
  if (!status.ok()) return status;
  return copied;
}

const std::atomic<bool>& Never() {
  static const std::atomic<bool> kNever{false};
  return kNever;
}

std::string FolderOf(const SnapshotOwner& owner) {
  return (fs::path(owner.root) / owner.group / fmt::format("task-{}", owner.task)).string();
}

std::string IndexText(const SnapshotOwner& owner, const Snapshot& snapshot) {
  std::string text = fmt::format("{}\nowner {} {} {} {} {}\nepoch {} {}\n", kVersion, EscapedWord(owner.cluster),
                                 EscapedWord(owner.group), EscapedWord(owner.pipeline), EscapedWord(owner.fingerprint),
                                 owner.task, snapshot.epoch, snapshot.made_ms);
  for (const SnapshotFile& file : snapshot.files) {
    text += fmt::format("file {} {} {}\n", EscapedWord(file.name), file.bytes, static_cast<int64_t>(file.checksum));
  }
  return SealedRecord(std::move(text));
}

// One line of an index; false when it is none.
bool ReadIndexLine(std::string_view line, SnapshotOwner* owner, Snapshot* snapshot) {
  Words words(line);
  const std::string what = words.Text();
  if (what == "owner") {
    for (std::string* text : {&owner->cluster, &owner->group, &owner->pipeline, &owner->fingerprint}) {
      *text = words.Text();
    }
    owner->task = words.Number();
  } else if (what == "epoch") {
    snapshot->epoch = words.Number();
    snapshot->made_ms = words.Number();
  } else if (what == "file") {
    SnapshotFile& file = snapshot->files.emplace_back();
    file.name = words.Text();
    file.bytes = words.Number();
    file.checksum = static_cast<uint64_t>(words.Number());
    if (file.name.find('/') != std::string::npos) return false;
  } else {
    return false;
  }
  return words.ok();
}

bool IsOf(const SnapshotOwner& a, const SnapshotOwner& b) {
  return a.cluster == b.cluster && a.group == b.group && a.pipeline == b.pipeline && a.fingerprint == b.fingerprint &&
         a.task == b.task;
}

absl::Status WriteIndex(const SnapshotOwner& owner, const Snapshot& snapshot, const std::string& folder) {
  const std::string path = (fs::path(folder) / kIndex).string();
  const std::string text = IndexText(owner, snapshot);
  const File out(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (out.get() < 0 || write(out.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      fsync(out.get()) != 0) {
    return FileError("writing", path, errno);
  }
  return absl::OkStatus();
}

// Puts the file into the folder: a link to the one that the snapshot before has, or a copy.
absl::StatusOr<SnapshotFile> PutFile(const std::string& from, const std::string& folder, const Snapshot* before,
                                     const std::atomic<bool>& stop) {
  const std::string name = fs::path(from).filename().string();
  const std::string to = (fs::path(folder) / name).string();
  if (before != nullptr && fs::path(name).extension() == ".sst") {
    const auto same = std::find_if(before->files.begin(), before->files.end(),
                                   [&](const SnapshotFile& file) { return file.name == name; });
    if (same != before->files.end()) {
      EBB_ASSIGN_OR_RETURN(const SnapshotFile now, CopyFile(from, "", stop));
      const std::string old = (fs::path(before->path) / name).string();
      if (now.bytes == same->bytes && now.checksum == same->checksum && link(old.c_str(), to.c_str()) == 0) return now;
    }
  }
  return CopyFile(from, to, stop);
}

// What copies that were cut off have left.
std::error_code RemovePartial(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> partial;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == kPartial) partial.push_back(at->path());
  }
  for (const fs::path& path : partial) {
    if (!error) fs::remove_all(path, error);
  }
  return error;
}

absl::Status RemoveOld(const SnapshotOwner& owner) {
  EBB_ASSIGN_OR_RETURN(const std::vector<Snapshot> all, ListSnapshots(owner));
  for (size_t i = kKeptSnapshots; i < all.size(); ++i) {
    std::error_code error;
    fs::remove_all(all[i].path, error);
    if (error) return absl::UnavailableError(fmt::format("removing {}: {}", all[i].path, error.message()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Snapshot> KeepSnapshot(const SnapshotOwner& owner, const std::string& checkpoint, int64_t epoch,
                                      int64_t wall_ms, const std::atomic<bool>& stop) {
  EBB_ASSIGN_OR_RETURN(const std::vector<Snapshot> earlier, ListSnapshots(owner));
  const std::string folder = FolderOf(owner);
  Snapshot snapshot{(fs::path(folder) / fmt::format("epoch-{}", epoch)).string(), epoch, wall_ms, {}};
  // A name of its own: a process that was thought dead may still be at work here.
  const std::string partial = fmt::format("{}.{}-{}{}", snapshot.path, getpid(), wall_ms, kPartial);
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) error = RemovePartial(folder);
  if (!error) fs::remove_all(snapshot.path, error);
  if (!error) fs::create_directory(partial, error);
  if (error) return absl::UnavailableError(fmt::format("making {}: {}", partial, error.message()));
  const auto copy = [&]() -> absl::Status {
    for (fs::directory_iterator at(checkpoint, error), end; !error && at != end; at.increment(error)) {
      EBB_ASSIGN_OR_RETURN(SnapshotFile file,
                           PutFile(at->path().string(), partial, earlier.empty() ? nullptr : &earlier.front(), stop));
      snapshot.files.push_back(std::move(file));
    }
    if (error) return absl::UnavailableError(fmt::format("reading {}: {}", checkpoint, error.message()));
    EBB_RETURN_IF_ERROR(WriteIndex(owner, snapshot, partial));
    EBB_RETURN_IF_ERROR(SyncDirectory(partial));
    fs::rename(partial, snapshot.path, error);
    if (error) return absl::UnavailableError(fmt::format("naming {}: {}", snapshot.path, error.message()));
    return SyncDirectory(folder);
  };
  const absl::Status status = copy();
  if (!status.ok()) {
    fs::remove_all(partial, error);
    return status;
  }
  EBB_RETURN_IF_ERROR(RemoveOld(owner));
  return snapshot;
}

absl::StatusOr<std::vector<Snapshot>> ListSnapshots(const SnapshotOwner& owner) {
  std::vector<Snapshot> snapshots;
  std::error_code error;
  const std::string folder = FolderOf(owner);
  if (!fs::exists(folder, error)) return snapshots;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == kPartial) continue;
    auto read = ReadSnapshot(at->path().string());
    if (read.ok() && IsOf(read->first, owner)) snapshots.push_back(std::move(read->second));
  }
  if (error) return absl::UnavailableError(fmt::format("reading {}: {}", folder, error.message()));
  std::sort(snapshots.begin(), snapshots.end(), [](const Snapshot& a, const Snapshot& b) { return a.epoch > b.epoch; });
  return snapshots;
}

absl::StatusOr<std::pair<SnapshotOwner, Snapshot>> ReadSnapshot(const std::string& path) {
  std::ifstream stream(fs::path(path) / kIndex, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  const std::string sealed = text.str();
  const std::optional<std::vector<std::string_view>> lines = RecordLines(sealed);
  SnapshotOwner owner;
  Snapshot snapshot{path, 0, 0, {}};
  bool readable = lines && !lines->empty() && lines->front() == kVersion;
  for (size_t i = 1; readable && i < lines->size(); ++i) readable = ReadIndexLine((*lines)[i], &owner, &snapshot);
  if (!readable) return absl::DataLossError(fmt::format("the index of the snapshot {} can't be read", path));
  return std::pair(std::move(owner), std::move(snapshot));
}

absl::Status VerifySnapshot(const Snapshot& snapshot) {
  for (const SnapshotFile& file : snapshot.files) {
    const std::string path = (fs::path(snapshot.path) / file.name).string();
    const absl::StatusOr<SnapshotFile> now = CopyFile(path, "", Never());
    if (!now.ok()) return absl::DataLossError(std::string(now.status().message()));
    if (now->bytes != file.bytes || now->checksum != file.checksum) {
      return absl::DataLossError(fmt::format("{} was changed after it was written", path));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Snapshot>> RestoreSnapshot(const SnapshotOwner& owner, const std::string& directory,
                                                        int64_t than, std::vector<std::string>* warnings) {
  EBB_ASSIGN_OR_RETURN(const std::vector<Snapshot> all, ListSnapshots(owner));
  std::error_code error;
  for (const Snapshot& snapshot : all) {
    if (snapshot.epoch <= than) break;
    const std::string partial = directory + std::string(kPartial);
    fs::remove_all(partial, error);
    if (!error) fs::create_directories(partial, error);
    if (error) return absl::UnavailableError(fmt::format("making {}: {}", partial, error.message()));
    absl::Status status;
    for (const SnapshotFile& file : snapshot.files) {
      const std::string from = (fs::path(snapshot.path) / file.name).string();
      const absl::StatusOr<SnapshotFile> copied = CopyFile(from, (fs::path(partial) / file.name).string(), Never());
      if (!copied.ok()) {
        status = copied.status();
      } else if (copied->bytes != file.bytes || copied->checksum != file.checksum) {
        status = absl::DataLossError(fmt::format("{} was changed after it was written", from));
      }
      if (!status.ok()) break;
    }
    if (absl::IsResourceExhausted(status)) return status;
    if (status.ok()) {
      EBB_RETURN_IF_ERROR(SyncDirectory(partial));
      fs::rename(partial, directory, error);
      if (error) return absl::UnavailableError(fmt::format("naming {}: {}", directory, error.message()));
      return snapshot;
    }
    warnings->push_back(std::string(status.message()));
    fs::remove_all(partial, error);
  }
  return std::nullopt;
}

}  // namespace ebb
