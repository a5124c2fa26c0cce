// How RocksDB sees the disk here.
#pragma once

namespace rocksdb {
class Env;
}

namespace ebb {

// The usual one, but that the file CURRENT only gets its name when the names that were given before it are on the disk:
// it names the manifest, and a disk may keep the newer name and lose the older one. Lives as long as the process.
rocksdb::Env* OrderedNamesEnv();

}  // namespace ebb
