// RocksDB 7.8 syncs the folder after the renaming of CURRENT, not before.
#include "engine/state/rocksdb_env.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <memory>
#include <string>
#include <string_view>

namespace ebb {
namespace {

constexpr std::string_view kCurrent = "/CURRENT";

// Thread-safe, as its target is.
class OrderedNames final : public rocksdb::FileSystemWrapper {
 public:
  using rocksdb::FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "OrderedNames"; }

  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    if (to.ends_with(kCurrent)) {
      std::unique_ptr<rocksdb::FSDirectory> folder;
      rocksdb::IOStatus status =
          target()->NewDirectory(to.substr(0, to.size() - kCurrent.size()), options, &folder, debug);
      if (status.ok()) status = folder->Fsync(options, debug);
      if (!status.ok()) return status;
    }
    return target()->RenameFile(from, to, options, debug);
  }
};

}  // namespace

rocksdb::Env* OrderedNamesEnv() {
  static rocksdb::Env* const env =
      rocksdb::NewCompositeEnv(std::make_shared<OrderedNames>(rocksdb::FileSystem::Default())).release();
  return env;
}

}  // namespace ebb
