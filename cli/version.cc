// The build tells the versions by definitions (CMakeLists.txt of this folder).
#include "cli/version.h"

#include <fmt/format.h>

namespace ebb {
namespace {

#if defined(__clang__)
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "gcc " __VERSION__;
#endif

}  // namespace

std::string VersionText() { return EBB_VERSION; }

int RunVersion(bool json) {
  fmt::print(fmt::runtime(json ? "{{\"name\":\"ebb\",\"version\":\"{}\",\"compiler\":\"{}\",\"build\":\"{}\","
                                 "\"rocksdb\":\"{}\",\"simdjson\":\"{}\"}}\n"
                               : "ebb {}\ncompiler  {}\nbuild     {}\nrocksdb   {}\nsimdjson  {}\n"),
             EBB_VERSION, kCompiler, EBB_BUILD_TYPE, EBB_ROCKSDB_VERSION, EBB_SIMDJSON_VERSION);
  return 0;
}

}  // namespace ebb
