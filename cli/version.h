// `ebb version`: what this binary is made of.
#pragma once

namespace ebb {

int RunVersion(bool json);

}  // namespace ebb
