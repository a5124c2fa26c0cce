// Preloaded into a process (LD_PRELOAD), it writes down everything that the process does to the files below a folder,
// so that tests/crash/power can tell what a disk may have kept when the power failed. The lock is held around each call
// and its line in the record, so the record's order is that of the calls. Nothing is synced really: the record says
// what was, and a test needn't wait for a disk.
//
//   EBB_POWER_ROOT      the folder, an absolute path
//   EBB_POWER_RECORD    the file that the record is added to
//   EBB_POWER_FAILS_AT  the process ends, as with kill -9, in the place of its Nth change; 0: never
//
// An entry: what it is (a letter), descriptor (4 bytes), number (8), length (4), so many bytes. By letter: Open (flags,
// path), Close, Write (offset, bytes), Truncate (length), Sync, Mkdir (path), Rename (old and new path with a zero byte
// between), Link (the same), Unlink (path).
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace {

constexpr int kMaxDescriptors = 4096;
constexpr size_t kMaxPath = 4096;

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
int record = -1;
long changes_left = 0;  // 0: without end
const char* root = nullptr;
bool watched[kMaxDescriptors];

class Locked {
 public:
  Locked() { pthread_mutex_lock(&lock); }
  ~Locked() { pthread_mutex_unlock(&lock); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
};

bool Begun() {
  if (record >= 0) return true;
  const char* path = std::getenv("EBB_POWER_RECORD");
  root = std::getenv("EBB_POWER_ROOT");
  if (path == nullptr || root == nullptr) return false;
  const char* fails_at = std::getenv("EBB_POWER_FAILS_AT");
  changes_left = fails_at == nullptr ? 0 : std::atol(fails_at);
  record =
      static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, mode_t{0600}));
  return record >= 0;
}

bool IsBelowRoot(const char* path) { return Begun() && std::strncmp(path, root, std::strlen(root)) == 0; }
bool IsWatched(int descriptor) { return descriptor >= 0 && descriptor < kMaxDescriptors && watched[descriptor]; }

// Before a change.
void PowerMayFail() {
  if (changes_left > 0 && --changes_left == 0) std::raise(SIGKILL);
}

void Record(char what, int descriptor, int64_t number, const void* bytes, size_t length) {
  char head[17];
  const auto length32 = static_cast<uint32_t>(length);
  head[0] = what;
  std::memcpy(head + 1, &descriptor, 4);
  std::memcpy(head + 5, &number, 8);
  std::memcpy(head + 13, &length32, 4);
  iovec parts[2] = {{head, sizeof(head)}, {const_cast<void*>(bytes), length}};
  if (syscall(SYS_writev, record, parts, 2) != static_cast<long>(sizeof(head) + length)) std::abort();
}

void RecordPath(char what, int descriptor, int64_t number, const char* path) {
  Record(what, descriptor, number, path, std::strlen(path));
}

int Open(const char* path, int flags, mode_t mode) {
  if (!IsBelowRoot(path)) return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
  Locked locked;
  if ((flags & (O_CREAT | O_TRUNC)) != 0) PowerMayFail();
  const int descriptor = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
  if (descriptor < 0) return descriptor;
  if (descriptor >= kMaxDescriptors) std::abort();
  watched[descriptor] = true;
  RecordPath('O', descriptor, flags, path);
  return descriptor;
}

ssize_t Write(int descriptor, const void* bytes, size_t length, off_t at) {
  Locked locked;
  PowerMayFail();
  off_t offset = at >= 0 ? at : lseek(descriptor, 0, SEEK_CUR);
  struct stat facts;
  const bool appends = (fcntl(descriptor, F_GETFL) & O_APPEND) != 0;
  if (appends && fstat(descriptor, &facts) == 0) offset = facts.st_size;
  const ssize_t written =
      at >= 0 ? syscall(SYS_pwrite64, descriptor, bytes, length, at) : syscall(SYS_write, descriptor, bytes, length);
  if (written > 0) Record('W', descriptor, offset, bytes, static_cast<size_t>(written));
  return written;
}

int Truncate(int descriptor, off_t length) {
  if (!IsWatched(descriptor)) return static_cast<int>(syscall(SYS_ftruncate, descriptor, length));
  Locked locked;
  PowerMayFail();
  const int result = static_cast<int>(syscall(SYS_ftruncate, descriptor, length));
  if (result == 0) Record('T', descriptor, length, nullptr, 0);
  return result;
}

int Sync(int descriptor, long call) {
  if (!IsWatched(descriptor)) return static_cast<int>(syscall(call, descriptor));
  Locked locked;
  PowerMayFail();
  Record('S', descriptor, 0, nullptr, 0);
  return 0;
}

// `call` returns 0 when it has changed what the paths name.
template <typename Call>
int ChangeNames(char what, const char* path, const char* other, Call call) {
  if (!IsBelowRoot(path)) return call();
  Locked locked;
  PowerMayFail();
  const int result = call();
  if (result != 0) return result;
  char paths[2 * kMaxPath];
  size_t length = 0;
  for (const char* name : {path, other}) {
    if (name == nullptr) continue;
    const size_t bytes = std::strlen(name);
    if (bytes >= kMaxPath) std::abort();
    if (length > 0) paths[length++] = '\0';
    std::memcpy(paths + length, name, bytes);
    length += bytes;
  }
  Record(what, -1, 0, paths, length);
  return result;
}

int Unlink(const char* path, int flags) {
  return ChangeNames('U', path, nullptr,
                     [&] { return static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, flags)); });
}

mode_t ModeOf(int flags, va_list arguments) { return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : mode_t{0}; }

}  // namespace

// What follows takes the place of the C library's functions of the same names.
extern "C" {

#define EBB_POWER_OPEN(name)                      \
  int name(const char* path, int flags, ...) {    \
    va_list arguments;                            \
    va_start(arguments, flags);                   \
    const mode_t mode = ModeOf(flags, arguments); \
    va_end(arguments);                            \
    return Open(path, flags, mode);               \
  }
EBB_POWER_OPEN(open)
EBB_POWER_OPEN(open64)
#undef EBB_POWER_OPEN

int __open_2(const char* path, int flags) { return Open(path, flags, 0); }
int __open64_2(const char* path, int flags) { return Open(path, flags, 0); }

int close(int descriptor) {
  if (!IsWatched(descriptor)) return static_cast<int>(syscall(SYS_close, descriptor));
  Locked locked;
  watched[descriptor] = false;
  Record('C', descriptor, 0, nullptr, 0);
  return static_cast<int>(syscall(SYS_close, descriptor));
}

ssize_t write(int descriptor, const void* bytes, size_t length) {
  if (!IsWatched(descriptor)) return syscall(SYS_write, descriptor, bytes, length);
  return Write(descriptor, bytes, length, -1);
}

ssize_t pwrite(int descriptor, const void* bytes, size_t length, off_t at) {
  if (!IsWatched(descriptor)) return syscall(SYS_pwrite64, descriptor, bytes, length, at);
  return Write(descriptor, bytes, length, at);
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t length, off64_t at) {
  return pwrite(descriptor, bytes, length, at);
}

ssize_t writev(int descriptor, const iovec* parts, int count) {
  if (IsWatched(descriptor)) std::abort();  // nobody does so; to be added when somebody does
  return syscall(SYS_writev, descriptor, parts, count);
}

int ftruncate(int descriptor, off_t length) noexcept { return Truncate(descriptor, length); }
int ftruncate64(int descriptor, off64_t length) noexcept { return Truncate(descriptor, length); }
int fsync(int descriptor) { return Sync(descriptor, SYS_fsync); }
int fdatasync(int descriptor) { return Sync(descriptor, SYS_fdatasync); }

int mkdir(const char* path, mode_t mode) noexcept {
  return ChangeNames('M', path, nullptr, [&] { return static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode)); });
}

int rename(const char* from, const char* to) noexcept {
  return ChangeNames('R', from, to,
                     [&] { return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)); });
}

int link(const char* from, const char* to) noexcept {
  return ChangeNames('L', from, to,
                     [&] { return static_cast<int>(syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0)); });
}

int unlink(const char* path) noexcept { return Unlink(path, 0); }
int rmdir(const char* path) noexcept { return Unlink(path, AT_REMOVEDIR); }

int remove(const char* path) noexcept {
  struct stat facts;
  const bool folder = fstatat(AT_FDCWD, path, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(facts.st_mode);
  return Unlink(path, folder ? AT_REMOVEDIR : 0);
}

}  // extern "C"
