// `ebb version`: what this binary is made of.
#pragma once

#include <string>

namespace ebb {

// "0.1.0"
std::string VersionText();

int RunVersion(bool json);

}  // namespace ebb
